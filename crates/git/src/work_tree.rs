//! The files as they lie on the disk. They may come from a pull request, so nothing is read from outside the
//! repository, nothing is read without bound, and nothing is opened that is not a file.

use std::collections::HashSet;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camino::{Utf8Component, Utf8Path};
use thiserror::Error;

use super::pack::{self, PackError, PackTree};
use super::source::{Listing, MAX_DEPTH, Problem, ProblemKind, Source, is_manifest, normal, text};

/// A directory with a configuration, and the repository around it.
#[derive(Debug)]
pub struct WorkTree {
    /// The directory of the configuration, without symbolic links.
    root: PathBuf,
    /// Nothing outside this directory is read: the work tree of the git repository, or `root` itself.
    boundary: PathBuf,
}

/// Why a directory is not a work tree.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The directory is not there or cannot be entered.
    #[error("the directory `{path}` cannot be opened; check the path that was given")]
    Directory {
        /// The directory as it was given.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

impl WorkTree {
    /// Opens the directory that holds `polwarden.yaml`.
    ///
    /// # Errors
    /// When the directory is not there or cannot be entered.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let root = directory
            .canonicalize()
            .and_then(|root| fs::read_dir(&root).map(|_| root));
        let root = root.map_err(|source| OpenError::Directory {
            path: directory.display().to_string(),
            source,
        })?;
        let repository = git2::Repository::discover(&root).ok();
        let boundary = repository.and_then(|repository| repository.workdir()?.canonicalize().ok());
        let boundary = boundary
            .filter(|boundary| root.starts_with(boundary))
            .unwrap_or_else(|| root.clone());
        Ok(Self { root, boundary })
    }

    /// The directory of the configuration, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file or folder lies on the disk, symbolic links resolved; `path` is relative to the configuration.
    ///
    /// # Errors
    /// Says why the path cannot be used; one that leads out of the repository cannot.
    pub fn real_path(&self, path: &Utf8Path) -> Result<PathBuf, ProblemKind> {
        self.locate(path).map(|(real, _)| real)
    }

    /// The path on the disk of a path relative to the configuration, and what is there.
    fn locate(&self, path: &Utf8Path) -> Result<(PathBuf, Metadata), ProblemKind> {
        let relative = normal(path).ok_or(ProblemKind::Outside)?;
        let mut lexical = self.root.clone();
        for component in relative.components() {
            match component {
                Utf8Component::ParentDir => {
                    lexical.pop();
                }
                other => lexical.push(other.as_str()),
            }
        }
        if !lexical.starts_with(&self.boundary) {
            return Err(ProblemKind::Outside);
        }
        let real = lexical.canonicalize().map_err(|error| unreadable(&error))?;
        if !real.starts_with(&self.boundary) {
            return Err(ProblemKind::SymlinkOutside);
        }
        let metadata = fs::metadata(&real).map_err(|error| unreadable(&error))?;
        Ok((real, metadata))
    }
}

pub(super) fn unreadable(error: &io::Error) -> ProblemKind {
    match error.kind() {
        io::ErrorKind::NotFound => ProblemKind::Missing,
        kind => ProblemKind::Unreadable(kind.to_string()),
    }
}

impl Source for WorkTree {
    fn list(&self, path: &Utf8Path) -> Result<Listing, ProblemKind> {
        let (real, metadata) = self.locate(path)?;
        let shown = normal(path).ok_or(ProblemKind::Outside)?;
        if metadata.is_file() {
            return Ok(Listing {
                files: vec![shown],
                problems: Vec::new(),
            });
        }
        if !metadata.is_dir() {
            return Err(ProblemKind::Special);
        }
        let mut walk = Walk {
            tree: self,
            seen: HashSet::new(),
            listing: Listing::default(),
        };
        walk.folder(&real, &shown, &mut vec![real.clone()])?;
        let mut listing = walk.listing;
        listing.files.sort_unstable();
        Ok(listing)
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, ProblemKind> {
        let (real, metadata) = self.locate(path)?;
        if !metadata.is_file() {
            return Err(ProblemKind::Special);
        }
        let bytes = read_bounded(&real, &metadata, limit)?;
        text(bytes)
    }

    fn pack(&self, path: &Utf8Path) -> Result<PackTree, PackError> {
        let (real, metadata) = self.locate(path).map_err(PackError::Directory)?;
        if !metadata.is_dir() {
            return Err(PackError::NoDirectory);
        }
        pack::work::read(&real, &self.boundary)
    }
}

/// Refuses by the size that the system gives; and reads no more than the limit, should the file grow.
pub(super) fn read_bounded(
    path: &Path,
    metadata: &Metadata,
    limit: usize,
) -> Result<Vec<u8>, ProblemKind> {
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(ProblemKind::TooLarge(limit));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::with_capacity(size + 1);
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() > limit {
        Err(ProblemKind::TooLarge(limit))
    } else {
        Ok(bytes)
    }
}

/// A walk through a folder. Each file and folder counts once, however many links lead to it, so that links cannot
/// multiply the work.
struct Walk<'a> {
    tree: &'a WorkTree,
    seen: HashSet<PathBuf>,
    listing: Listing,
}

impl Walk<'_> {
    /// Lists one folder; `parents` holds it and the folders above it, links resolved.
    fn folder(
        &mut self,
        real: &Path,
        shown: &Utf8Path,
        parents: &mut Vec<PathBuf>,
    ) -> Result<(), ProblemKind> {
        let entries = fs::read_dir(real).map_err(|error| unreadable(&error))?;
        let mut entries = entries
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable(&error))?;
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let path = shown.join(name.to_string_lossy().as_ref());
                self.listing.problems.push(Problem {
                    path,
                    kind: ProblemKind::Name,
                });
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let path = shown.join(name);
            let result = match entry.file_type() {
                Ok(kind) => self.entry(entry.path(), kind, &path, parents),
                Err(error) => Err(unreadable(&error)),
            };
            if let Err(kind) = result {
                self.listing.problems.push(Problem { path, kind });
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        mut real: PathBuf,
        mut kind: FileType,
        shown: &Utf8Path,
        parents: &mut Vec<PathBuf>,
    ) -> Result<(), ProblemKind> {
        if kind.is_symlink() {
            real = real
                .canonicalize()
                .map_err(|error| match unreadable(&error) {
                    // A link that leads to itself.
                    ProblemKind::Unreadable(_)
                        if error.kind() != io::ErrorKind::PermissionDenied =>
                    {
                        ProblemKind::Loop
                    }
                    other => other,
                })?;
            if !real.starts_with(&self.tree.boundary) {
                return Err(ProblemKind::SymlinkOutside);
            }
            kind = fs::metadata(&real)
                .map_err(|error| unreadable(&error))?
                .file_type();
        }
        if kind.is_dir() {
            if parents.contains(&real) {
                return Err(ProblemKind::Loop);
            }
            if parents.len() >= MAX_DEPTH {
                return Err(ProblemKind::too_deep());
            }
            if !self.seen.insert(real.clone()) {
                return Ok(());
            }
            parents.push(real.clone());
            let result = self.folder(&real, shown, parents);
            parents.pop();
            return result;
        }
        if !is_manifest(shown) {
            return Ok(());
        }
        if !kind.is_file() {
            return Err(ProblemKind::Special);
        }
        if self.seen.insert(real) {
            self.listing.files.push(shown.to_owned());
        }
        Ok(())
    }
}
