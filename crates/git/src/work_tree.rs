//! Manifests of the work tree.
//!
//! The files may come from a pull request. Nothing outside of the repository is read, all reads are
//! limited, and only regular files are opened.

use std::collections::HashSet;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camino::{Utf8Component, Utf8Path};
use thiserror::Error;

use crate::pack::{self, PackError, PackTree};
use crate::problem::{FileProblem, FileProblemKind, Listing, MAX_DEPTH, is_manifest};
use crate::read::{read_bounded, text, unreadable};
use crate::source::{Source, normalize};

/// The directory of a configuration in its work tree.
#[derive(Debug)]
pub struct WorkTree {
    /// The directory of the configuration, with symbolic links resolved.
    root: PathBuf,
    /// The limit of all reads: the work tree of the git repository, or `root` itself.
    boundary: PathBuf,
}

/// The directory of the configuration cannot be opened.
#[derive(Debug, Error)]
pub enum WorkTreeError {
    /// The directory is missing or not accessible.
    #[error("the directory `{path}` cannot be opened; check the path that was given")]
    Directory {
        /// The directory as given.
        path: String,
        /// Error of the operating system.
        source: io::Error,
    },
}

impl WorkTree {
    /// Opens the directory that contains `polwarden.yaml`.
    ///
    /// # Errors
    /// The directory is missing or not accessible.
    pub fn open(directory: &Path) -> Result<Self, WorkTreeError> {
        let root = directory
            .canonicalize()
            .and_then(|root| fs::read_dir(&root).map(|_| root));
        let root = root.map_err(|source| WorkTreeError::Directory {
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

    /// The directory of the configuration, with symbolic links resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The absolute path of a file or folder, with symbolic links resolved. `path` is relative to
    /// the configuration.
    ///
    /// # Errors
    /// The path is missing or leaves the repository.
    pub fn real_path(&self, path: &Utf8Path) -> Result<PathBuf, FileProblemKind> {
        self.locate(path).map(|(real, _)| real)
    }

    /// The absolute path and metadata for a path relative to the configuration.
    fn locate(&self, path: &Utf8Path) -> Result<(PathBuf, Metadata), FileProblemKind> {
        let relative = normalize(path).ok_or(FileProblemKind::Outside)?;
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
            return Err(FileProblemKind::Outside);
        }
        let real = lexical.canonicalize().map_err(|error| unreadable(&error))?;
        if !real.starts_with(&self.boundary) {
            return Err(FileProblemKind::SymlinkOutside);
        }
        let metadata = fs::metadata(&real).map_err(|error| unreadable(&error))?;
        Ok((real, metadata))
    }
}

impl Source for WorkTree {
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        let (real, metadata) = self.locate(path)?;
        let shown = normalize(path).ok_or(FileProblemKind::Outside)?;
        if metadata.is_file() {
            return Ok(Listing {
                files: vec![shown],
                problems: Vec::new(),
            });
        }
        if !metadata.is_dir() {
            return Err(FileProblemKind::Special);
        }
        let mut walk = WorkTreeWalk {
            tree: self,
            seen: HashSet::new(),
            listing: Listing::default(),
        };
        walk.folder(&real, &shown, &mut vec![real.clone()])?;
        let mut listing = walk.listing;
        listing.files.sort_unstable();
        Ok(listing)
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        let (real, metadata) = self.locate(path)?;
        if !metadata.is_file() {
            return Err(FileProblemKind::Special);
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

/// A walk through a folder. Each file and folder counts once, regardless of the links to it, so
/// that links cannot multiply the work.
struct WorkTreeWalk<'a> {
    tree: &'a WorkTree,
    seen: HashSet<PathBuf>,
    listing: Listing,
}

impl WorkTreeWalk<'_> {
    /// Lists one folder. `parents` contains the folders above it and the folder itself, links
    /// resolved.
    fn folder(
        &mut self,
        real: &Path,
        shown: &Utf8Path,
        parents: &mut Vec<PathBuf>,
    ) -> Result<(), FileProblemKind> {
        let entries = fs::read_dir(real).map_err(|error| unreadable(&error))?;
        let mut entries = entries
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable(&error))?;
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let path = shown.join(name.to_string_lossy().as_ref());
                self.listing.problems.push(FileProblem {
                    path,
                    kind: FileProblemKind::Name,
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
                self.listing.problems.push(FileProblem { path, kind });
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
    ) -> Result<(), FileProblemKind> {
        if kind.is_symlink() {
            real = real
                .canonicalize()
                .map_err(|error| match unreadable(&error) {
                    // A link that points to itself.
                    FileProblemKind::Unreadable(_)
                        if error.kind() != io::ErrorKind::PermissionDenied =>
                    {
                        FileProblemKind::Loop
                    }
                    other => other,
                })?;
            if !real.starts_with(&self.tree.boundary) {
                return Err(FileProblemKind::SymlinkOutside);
            }
            kind = fs::metadata(&real)
                .map_err(|error| unreadable(&error))?
                .file_type();
        }
        if kind.is_dir() {
            if parents.contains(&real) {
                return Err(FileProblemKind::Loop);
            }
            if parents.len() >= MAX_DEPTH {
                return Err(FileProblemKind::too_deep());
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
            return Err(FileProblemKind::Special);
        }
        if self.seen.insert(real) {
            self.listing.files.push(shown.to_owned());
        }
        Ok(())
    }
}
