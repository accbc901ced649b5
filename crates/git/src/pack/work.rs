//! Reads sources from the work tree.

use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use camino::Utf8Path;

use super::collect::{self, EntryKind, FolderEntry, PackFiles};
use super::rules::PackRules;
use super::tree::{FileContent, PackError, PackTree};
use crate::limits::SourceLimits;
use crate::line_endings::LineEndings;
use crate::problem::FileProblemKind;
use crate::read::{read_bounded, unreadable};

/// A source in the work tree.
pub(crate) struct WorkSource<'w> {
    /// Its directory. The path contains no links and is inside `boundary`.
    pub(crate) directory: &'w Path,
    /// The top of the repository. Nothing outside of it is read.
    pub(crate) boundary: &'w Path,
    /// With this, files are read as git would store them.
    pub(crate) endings: Option<&'w LineEndings>,
}

/// Reads the files that an archive of a source contains.
pub(crate) fn read(
    source: &WorkSource<'_>,
    rules: PackRules,
    limits: SourceLimits,
) -> Result<PackTree, PackError> {
    collect::read(source, rules, limits)
}

fn entry_kind(kind: FileType) -> EntryKind {
    if kind.is_dir() {
        EntryKind::Folder
    } else if kind.is_symlink() {
        EntryKind::Link
    } else if kind.is_file() {
        EntryKind::File
    } else {
        EntryKind::Special
    }
}

impl WorkSource<'_> {
    fn real(&self, path: &Utf8Path) -> PathBuf {
        match path.as_str() {
            "" => self.directory.to_owned(),
            _ => self.directory.join(path),
        }
    }
}

impl PackFiles for WorkSource<'_> {
    fn entries(
        &self,
        folder: &Utf8Path,
        limit: usize,
    ) -> Result<Vec<FolderEntry>, FileProblemKind> {
        let read = || -> io::Result<Vec<FolderEntry>> {
            let entries = fs::read_dir(self.real(folder))?.take(limit);
            let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
            entries.sort_unstable_by_key(fs::DirEntry::file_name);
            let entry = |entry: &fs::DirEntry| {
                Ok(FolderEntry {
                    name: entry
                        .file_name()
                        .into_string()
                        .map_err(|name| name.to_string_lossy().into_owned()),
                    kind: entry_kind(entry.file_type()?),
                })
            };
            entries.iter().map(entry).collect()
        };
        read().map_err(|error| unreadable(&error))
    }

    fn file(&self, path: &Utf8Path, limit: usize) -> Result<FileContent, FileProblemKind> {
        let real = self.real(path);
        let metadata = fs::symlink_metadata(&real).map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(FileProblemKind::Special);
        }
        if self
            .endings
            .is_some_and(|endings| endings.is_plain_link(&real))
        {
            return Err(FileProblemKind::PlainLink);
        }
        let bytes = read_bounded(&real, &metadata, limit)?;
        let executable = is_executable(&metadata);
        Ok(match self.endings {
            Some(endings) => {
                if LineEndings::may_differ(&bytes) {
                    endings.check_attributes(&real)?;
                }
                FileContent {
                    bytes: endings.stored(&real, bytes),
                    executable: endings.is_executable(&real, executable),
                }
            }
            None => FileContent { bytes, executable },
        })
    }

    fn link(&self, path: &Utf8Path) -> Result<String, FileProblemKind> {
        let target = fs::read_link(self.real(path)).map_err(|error| unreadable(&error))?;
        let target = target.into_os_string().into_string();
        target.map_err(|_| FileProblemKind::Name)
    }

    fn kind(&self, path: &Utf8Path) -> Result<EntryKind, FileProblemKind> {
        let metadata = fs::symlink_metadata(self.real(path));
        let metadata = metadata.map_err(|error| unreadable(&error))?;
        Ok(entry_kind(metadata.file_type()))
    }

    fn ignore_files_above(&self, limit: usize) -> Result<Vec<(String, String)>, FileProblemKind> {
        let mut found = Vec::new();
        let above = self.directory.ancestors().skip(1);
        for folder in above.take_while(|folder| folder.starts_with(self.boundary)) {
            let real = match folder.join(".gitignore").canonicalize() {
                Ok(real) => real,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unreadable(&error)),
            };
            if !real.starts_with(self.boundary) {
                return Err(FileProblemKind::SymlinkOutside);
            }
            let metadata = fs::metadata(&real).map_err(|error| unreadable(&error))?;
            if !metadata.is_file() {
                continue;
            }
            let bytes = read_bounded(&real, &metadata, limit)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let below = self
                .directory
                .strip_prefix(folder)
                .unwrap_or(self.directory);
            let parts = below.iter().map(|part| part.to_string_lossy());
            found.push((parts.collect::<Vec<_>>().join("/"), text));
        }
        Ok(found)
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}
