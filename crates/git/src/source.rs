//! The interface of all sources of manifests.

use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::pack::{PackError, PackRules, PackTree};
use crate::problem::{FileProblemKind, Listing};

/// A source of manifests: the work tree, the index or a revision.
pub trait Source: Sync {
    /// Lists all manifests (`*.yaml`, `*.yml`, `*.json`, in any letter case) at or below `path`,
    /// which is relative to the configuration. Hidden files and folders and the configuration itself are skipped.
    ///
    /// # Errors
    /// `path` itself cannot be read. Problems below it are part of the listing.
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind>;

    /// Reads the bytes of one file by its path relative to the configuration, as git stores them.
    ///
    /// # Errors
    /// The file cannot be read, or exceeds `limit` bytes.
    fn read_bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind>;

    /// Reads one file by its path relative to the configuration.
    ///
    /// # Errors
    /// The file cannot be read, is not UTF-8, or exceeds `limit` bytes.
    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind>;

    /// Reads a file that only affects warnings, so that it need not be committed.
    ///
    /// # Errors
    /// See [`read`](Self::read).
    fn inspect(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind>;

    /// Lists the manifests at or below a folder that only affect diagnostics, so that they need not
    /// be committed. The walk may have a lower limit than that of [`list`](Self::list).
    ///
    /// # Errors
    /// See [`list`](Self::list).
    fn inspect_folder(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        self.list(path)
    }

    /// Whether files that are not committed can be read.
    fn has_uncommitted_files(&self) -> bool;

    /// Reads the source of a policy pack: the files of a directory relative to the configuration that
    /// an archive contains according to `rules`.
    ///
    /// # Errors
    /// The directory is not a valid source.
    fn pack(&self, path: &Utf8Path, rules: PackRules) -> Result<PackTree, PackError>;
}

/// Removes `.` and inner `..` from a path. Returns `None` for absolute paths.
pub fn normalize(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut normal = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::Prefix(_) | Utf8Component::RootDir => return None,
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => match normal.components().next_back() {
                Some(Utf8Component::Normal(_)) => {
                    normal.pop();
                }
                _ => normal.push(".."),
            },
            Utf8Component::Normal(name) => normal.push(name),
        }
    }
    Some(normal)
}
