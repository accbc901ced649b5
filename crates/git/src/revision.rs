//! Manifests of a git revision or of the index, without a work tree.
//!
//! The content may come from a pull request, so the rules of work trees apply: nothing outside of
//! the repository is read, and all reads are limited.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Component, Utf8Path};
use git2::{Oid, Repository};

use crate::find::{self, RevisionError};
use crate::git::HeadCommit;
use crate::pack::{self, PackError, PackTree};
use crate::problem::{FileProblemKind, Listing};
use crate::read::text;
use crate::source::{Source, normalize};
use crate::walk;

/// Maximum total size of the files read from one revision: a few small objects can expand to an
/// endless tree.
const MAX_TOTAL: usize = 512 * 1024 * 1024;

/// A commit or the index, relative to the folder of `polwarden.yaml`.
pub struct Revision {
    /// Locked because libgit2 repositories cannot be shared between threads.
    repository: Mutex<Repository>,
    /// The commit, or the parent of the index. `None` before the first commit.
    commit: Option<Oid>,
    root: Oid,
    /// Whether the content differs from the commit.
    dirty: bool,
    /// The branch that names the revision.
    branch: Option<String>,
    /// The folder of the configuration from the root of the repository, with links resolved.
    folder: Vec<String>,
    read: AtomicUsize,
}

/// A root tree and its commit.
struct RevisionRoot {
    commit: Option<Oid>,
    root: Oid,
    dirty: bool,
    branch: Option<String>,
}

impl std::fmt::Debug for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revision")
            .field("commit", &self.commit)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Revision {
    /// Opens a revision of the repository around a folder: a branch, a tag, `HEAD~1`, a commit id
    /// or `origin/main`.
    ///
    /// The revision is read at the same folder, or at its root in a bare repository. `REV:FOLDER`
    /// selects another folder, from the root of the repository.
    ///
    /// # Errors
    /// Missing repository, revision or folder. For a shallow clone, the error contains the command
    /// to fetch the revision.
    pub fn open(directory: &Path, revision: &str) -> Result<Self, RevisionError> {
        let repository = find::repository(directory)?;
        let (name, folder) = match revision.split_once(':') {
            Some((name, folder)) if !name.is_empty() => (name, Some(folder)),
            Some(_) | None => (revision, None),
        };
        let commit = find::commit(&repository, name)?;
        let folder = match folder {
            Some(folder) => find::parts(folder).ok_or_else(|| RevisionError::NoFolder {
                revision: name.to_owned(),
                folder: folder.to_owned(),
            })?,
            None => find::folder(&repository, directory)?,
        };
        let root = repository
            .find_commit(commit)
            .and_then(|commit| commit.tree())
            .map_err(|source| find::incomplete(&repository, name, source))?
            .id();
        let branch = find::branch(&repository, name);
        Self::at_revision(
            repository,
            name,
            RevisionRoot {
                commit: Some(commit),
                root,
                dirty: false,
                branch,
            },
            &folder,
        )
    }

    /// Opens the index of the repository around a folder: the content of the next commit.
    ///
    /// # Errors
    /// Missing repository or index, unresolved merge conflicts, or a folder without staged files.
    pub fn staged(directory: &Path) -> Result<Self, RevisionError> {
        let repository = find::repository(directory)?;
        let folder = find::folder(&repository, directory)?;
        let root = find::staged(&repository)?;
        // `HEAD` has no commit before the first one.
        let head = repository
            .head()
            .and_then(|head| head.peel_to_commit())
            .ok();
        let commit = head.as_ref().map(git2::Commit::id);
        let dirty = head.is_none_or(|head| head.tree_id() != root);
        let branch = find::checked_out_branch(&repository);
        Self::at_revision(
            repository,
            "the index",
            RevisionRoot {
                commit,
                root,
                dirty,
                branch,
            },
            &folder,
        )
    }

    fn at_revision(
        repository: Repository,
        name: &str,
        top: RevisionRoot,
        folder: &[String],
    ) -> Result<Self, RevisionError> {
        let RevisionRoot {
            commit,
            root,
            dirty,
            branch,
        } = top;
        let found = walk::resolve(&repository, root, folder);
        let Ok(walk::ResolvedPath {
            path,
            node: walk::TreeEntry::Folder(_),
        }) = found
        else {
            return Err(RevisionError::NoFolder {
                revision: name.to_owned(),
                folder: folder.join("/"),
            });
        };
        let repository = Mutex::new(repository);
        let read = AtomicUsize::new(0);
        Ok(Self {
            repository,
            commit,
            root,
            dirty,
            branch,
            folder: path,
            read,
        })
    }

    /// The commit, or the parent of the index. `None` before the first commit.
    pub fn commit(&self) -> Option<HeadCommit> {
        let repository = self.repository();
        let commit = repository.find_commit(self.commit?).ok()?;
        Some(HeadCommit::from_git(
            &commit,
            self.branch.clone(),
            self.dirty,
        ))
    }

    /// The folder of the configuration from the root of the repository, with `/`. Empty at the
    /// root.
    pub fn folder(&self) -> String {
        self.folder.join("/")
    }

    /// Whether the folder of the configuration contains a file with this name.
    pub fn contains_file(&self, name: &str) -> bool {
        let repository = self.repository();
        let path: Vec<String> = self
            .folder
            .iter()
            .cloned()
            .chain([name.to_owned()])
            .collect();
        !matches!(
            walk::resolve(&repository, self.root, &path),
            Err(FileProblemKind::Missing)
        )
    }

    fn repository(&self) -> MutexGuard<'_, Repository> {
        // The repository is only read, so a thread that panicked left nothing inconsistent.
        self.repository
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Converts a path relative to the configuration to one from the root of the repository.
    fn lexical(&self, path: &Utf8Path) -> Result<Vec<String>, FileProblemKind> {
        let relative = normalize(path).ok_or(FileProblemKind::Outside)?;
        let mut parts = self.folder.clone();
        for component in relative.components() {
            match component {
                Utf8Component::ParentDir => drop(parts.pop().ok_or(FileProblemKind::Outside)?),
                other => parts.push(other.as_str().to_owned()),
            }
        }
        Ok(parts)
    }
}

impl Source for Revision {
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        let parts = self.lexical(path)?;
        let shown = normalize(path).ok_or(FileProblemKind::Outside)?;
        let repository = self.repository();
        let walk::ResolvedPath { path, node } = walk::resolve(&repository, self.root, &parts)?;
        match node {
            walk::TreeEntry::File(_) => Ok(Listing {
                files: vec![shown],
                problems: Vec::new(),
            }),
            walk::TreeEntry::Submodule => Err(FileProblemKind::Submodule),
            walk::TreeEntry::Folder(tree) => walk::list(&repository, self.root, path, tree, &shown),
        }
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        let parts = self.lexical(path)?;
        let repository = self.repository();
        let bytes = match walk::resolve(&repository, self.root, &parts)?.node {
            walk::TreeEntry::File(blob) => walk::blob(&repository, blob, limit)?,
            walk::TreeEntry::Folder(_) => return Err(FileProblemKind::Special),
            walk::TreeEntry::Submodule => return Err(FileProblemKind::Submodule),
        };
        drop(repository);
        let before = self.read.fetch_add(bytes.len(), Ordering::Relaxed);
        if before.saturating_add(bytes.len()) > MAX_TOTAL {
            return Err(FileProblemKind::Unreadable(format!(
                "the files of the revision have more than {MAX_TOTAL} bytes"
            )));
        }
        text(bytes)
    }

    fn pack(&self, path: &Utf8Path) -> Result<PackTree, PackError> {
        let parts = self.lexical(path).map_err(PackError::Directory)?;
        let repository = self.repository();
        match walk::resolve(&repository, self.root, &parts)
            .map_err(PackError::Directory)?
            .node
        {
            walk::TreeEntry::Folder(tree) => pack::tracked::read(&repository, tree),
            walk::TreeEntry::File(_) => Err(PackError::NoDirectory),
            walk::TreeEntry::Submodule => Err(PackError::Directory(FileProblemKind::Submodule)),
        }
    }
}
