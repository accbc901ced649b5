//! Reads sources from the work tree: tracked files, and files that git does not ignore.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use camino::Utf8Path;
use git2::Repository;
use tempfile::TempDir;

use super::tree::{PackCollector, PackError, PackTree, entry_error};
use crate::find::RevisionError;
use crate::limits::SourceLimits;
use crate::line_endings::LineEndings;
use crate::location;
use crate::problem::{FileProblemKind, MAX_DEPTH};
use crate::read::{read_bounded, unreadable};
use crate::tracked;

/// Reads all files below `directory`, whose path contains no links and is inside `boundary`. With
/// `endings`, they are read as git would store them.
pub(crate) fn read(
    directory: &Path,
    boundary: &Path,
    endings: Option<&LineEndings>,
    limits: SourceLimits,
) -> Result<PackTree, PackError> {
    let ignores = IgnoreRules::open(directory, boundary).map_err(PackError::Directory)?;
    let mut walk = PackWalk {
        ignores,
        endings,
        collected: PackCollector::new(limits),
    };
    walk.folder(directory, Utf8Path::new(""), 0)?;
    walk.collected.finish()
}

struct PackWalk<'a> {
    ignores: IgnoreRules,
    endings: Option<&'a LineEndings>,
    collected: PackCollector,
}

impl PackWalk<'_> {
    fn folder(&mut self, real: &Path, shown: &Utf8Path, depth: usize) -> Result<(), PackError> {
        let wrong = |path: &Utf8Path, kind| match path.as_str() {
            "" => PackError::Directory(kind),
            _ => PackError::Entry {
                path: path.to_owned(),
                kind,
            },
        };
        if depth >= MAX_DEPTH {
            return Err(wrong(shown, FileProblemKind::too_deep()));
        }
        let bound = self.collected.remaining_visits().saturating_add(1);
        let entries = fs::read_dir(real)
            .and_then(|entries| entries.take(bound).collect::<Result<Vec<_>, _>>());
        let mut entries = entries.map_err(|error| wrong(shown, unreadable(&error)))?;
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        for entry in entries {
            self.collected.visit()?;
            let name = entry.file_name();
            let real = entry.path();
            let Some(name) = name.to_str() else {
                if self.ignores.ignores(&real, false) {
                    continue;
                }
                return Err(wrong(
                    &shown.join(name.to_string_lossy().as_ref()),
                    FileProblemKind::Name,
                ));
            };
            let path = shown.join(name);
            let kind = entry
                .file_type()
                .map_err(|error| wrong(&path, unreadable(&error)))?;
            if name == ".git" {
                if depth == 0 {
                    continue;
                }
                return Err(wrong(shown, FileProblemKind::Submodule));
            }
            if self.ignores.ignores(&real, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.folder(&real, &path, depth + 1)?;
            } else if kind.is_symlink() {
                let target =
                    fs::read_link(&real).map_err(|error| wrong(&path, unreadable(&error)))?;
                let target = target
                    .to_str()
                    .ok_or_else(|| wrong(&path, FileProblemKind::Name))?
                    .to_owned();
                self.collected.link(&path, target)?;
            } else {
                let metadata = entry
                    .metadata()
                    .map_err(|error| wrong(&path, unreadable(&error)))?;
                if !metadata.is_file() {
                    return Err(wrong(&path, FileProblemKind::Special));
                }
                if self
                    .endings
                    .is_some_and(|endings| endings.is_plain_link(&real))
                {
                    return Err(wrong(&path, FileProblemKind::PlainLink));
                }
                let bytes = read_bounded(&real, &metadata, self.collected.remaining());
                let mut bytes = bytes.map_err(|kind| entry_error(&path, kind))?;
                let mut executable = is_executable(&metadata);
                if let Some(endings) = self.endings {
                    if LineEndings::may_differ(&bytes) {
                        let checked = endings.check_attributes(&real);
                        checked.map_err(|kind| wrong(&path, kind))?;
                    }
                    bytes = endings.stored(&real, bytes);
                    executable = endings.is_executable(&real, executable);
                }
                self.collected.file(&path, bytes, executable)?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

/// Files that git ignores and does not track.
struct IgnoreRules {
    repository: Repository,
    /// The root of the work tree, without links.
    top: PathBuf,
    /// Tracked paths, from the root.
    tracked: BTreeSet<Vec<u8>>,
    /// The folder of the temporary repository, if there is no other.
    _folder: Option<TempDir>,
}

impl IgnoreRules {
    /// Also respects `.gitignore` files outside of repositories, with a temporary repository.
    fn open(directory: &Path, boundary: &Path) -> Result<Self, FileProblemKind> {
        let git = |error: git2::Error| FileProblemKind::Unreadable(error.message().to_owned());
        if let Some(top) = location::top(directory) {
            let invalid = |error: RevisionError| FileProblemKind::Unreadable(error.to_string());
            let repository = location::open_work_tree(&top).map_err(invalid)?;
            let tracked = tracked::paths(&repository).map_err(git)?;
            return Ok(Self {
                repository,
                top,
                tracked,
                _folder: None,
            });
        }
        let folder = tempfile::tempdir().map_err(|error| unreadable(&error))?;
        let repository = Repository::init(folder.path()).map_err(git)?;
        repository.set_workdir(boundary, false).map_err(git)?;
        Ok(Self {
            repository,
            top: boundary.to_owned(),
            tracked: BTreeSet::new(),
            _folder: Some(folder),
        })
    }

    fn ignores(&self, path: &Path, is_folder: bool) -> bool {
        let Ok(inside) = path.strip_prefix(&self.top) else {
            return false;
        };
        if !self
            .repository
            .status_should_ignore(inside)
            .unwrap_or(false)
        {
            return false;
        }
        let mut name = inside.to_string_lossy().replace('\\', "/").into_bytes();
        if !is_folder {
            return !self.tracked.contains(&name);
        }
        // Ignored files that were added with force are tracked, so their folders are not ignored.
        name.push(b'/');
        !self
            .tracked
            .range(name.clone()..)
            .next()
            .is_some_and(|path| path.starts_with(&name))
    }
}
