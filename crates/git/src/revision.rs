//! A revision of a git repository, or what is staged: its text without a work tree. What it holds may come from a pull request, so that
//! the same holds as for a work tree: nothing from outside the repository, nothing without bound.

mod error;
pub(super) mod find;
#[cfg(test)]
mod tests;
pub(super) mod walk;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Component, Utf8Path};
use git2::{Oid, Repository};

use super::git::Head;
use super::pack::{self, PackError, PackTree};
use super::source::{Listing, ProblemKind, Source, normal, text};

pub use error::RevisionError;
pub(super) use find::folder;
pub use find::{CiBase, PullRequest};

/// How many bytes are read of one revision in all: a few small objects can stand for a tree without end.
const MAX_TOTAL: usize = 512 * 1024 * 1024;

/// A commit, or what is staged, seen from the folder that holds `polwarden.yaml`.
pub struct Revision {
    /// Behind a lock: libgit2 does not share a repository between threads.
    repository: Mutex<Repository>,
    /// The commit that is read, or that what is staged goes on top of, if there is one.
    commit: Option<Oid>,
    root: Oid,
    /// Whether it is something else than the commit.
    dirty: bool,
    /// The branch that it was named by.
    branch: Option<String>,
    /// The folder of the configuration, from the top of the repository, links resolved.
    folder: Vec<String>,
    read: AtomicUsize,
}

/// A tree, and where it stands.
struct Top {
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
    /// Opens a revision of the repository around a folder: a branch, a tag, `HEAD~1`, a commit's id, `origin/main`.
    /// The same folder is looked at in the revision; in a bare repository that is its top. `REV:FOLDER` names another
    /// one, from the top of the repository.
    ///
    /// # Errors
    /// There is no repository, no such revision (and what to fetch, where the clone is shallow), or no such folder in
    /// it.
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
        Self::at(
            repository,
            name,
            Top {
                commit: Some(commit),
                root,
                dirty: false,
                branch,
            },
            &folder,
        )
    }

    /// Opens what is staged in the repository around a folder: what the next commit will hold.
    ///
    /// # Errors
    /// There is no repository, it has no index, conflicts of a merge are open, or nothing is staged of the folder.
    pub fn staged(directory: &Path) -> Result<Self, RevisionError> {
        let repository = find::repository(directory)?;
        let folder = find::folder(&repository, directory)?;
        let root = find::staged(&repository)?;
        // There is none before the first commit.
        let head = repository
            .head()
            .and_then(|head| head.peel_to_commit())
            .ok();
        let commit = head.as_ref().map(git2::Commit::id);
        let dirty = head.is_none_or(|head| head.tree_id() != root);
        let branch = super::git::branch(&repository);
        Self::at(
            repository,
            "the index",
            Top {
                commit,
                root,
                dirty,
                branch,
            },
            &folder,
        )
    }

    fn at(
        repository: Repository,
        name: &str,
        top: Top,
        folder: &[String],
    ) -> Result<Self, RevisionError> {
        let Top {
            commit,
            root,
            dirty,
            branch,
        } = top;
        let found = walk::resolve(&repository, root, folder);
        let Ok(walk::Found {
            path,
            node: walk::Node::Folder(_),
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

    /// The commit that is read, or that what is staged goes on top of; nothing before the first commit.
    pub fn commit(&self) -> Option<Head> {
        let repository = self.repository();
        let commit = repository.find_commit(self.commit?).ok()?;
        Some(Head::of(&commit, self.branch.clone(), self.dirty))
    }

    /// The folder of the configuration, from the top of the repository, with `/`; empty at the top.
    pub fn folder(&self) -> String {
        self.folder.join("/")
    }

    /// Whether the folder of the configuration holds a file of this name.
    pub fn holds(&self, name: &str) -> bool {
        let repository = self.repository();
        let path: Vec<String> = self
            .folder
            .iter()
            .cloned()
            .chain([name.to_owned()])
            .collect();
        !matches!(
            walk::resolve(&repository, self.root, &path),
            Err(ProblemKind::Missing)
        )
    }

    fn repository(&self) -> MutexGuard<'_, Repository> {
        // A repository is only read here; a thread that died while reading it has broken nothing.
        self.repository
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a path relative to the configuration leads to, from the top of the repository.
    fn lexical(&self, path: &Utf8Path) -> Result<Vec<String>, ProblemKind> {
        let relative = normal(path).ok_or(ProblemKind::Outside)?;
        let mut parts = self.folder.clone();
        for component in relative.components() {
            match component {
                Utf8Component::ParentDir => drop(parts.pop().ok_or(ProblemKind::Outside)?),
                other => parts.push(other.as_str().to_owned()),
            }
        }
        Ok(parts)
    }
}

impl Source for Revision {
    fn list(&self, path: &Utf8Path) -> Result<Listing, ProblemKind> {
        let parts = self.lexical(path)?;
        let shown = normal(path).ok_or(ProblemKind::Outside)?;
        let repository = self.repository();
        let walk::Found { path, node } = walk::resolve(&repository, self.root, &parts)?;
        match node {
            walk::Node::File(_) => Ok(Listing {
                files: vec![shown],
                problems: Vec::new(),
            }),
            walk::Node::Submodule => Err(ProblemKind::Submodule),
            walk::Node::Folder(tree) => walk::list(&repository, self.root, path, tree, &shown),
        }
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, ProblemKind> {
        let parts = self.lexical(path)?;
        let repository = self.repository();
        let bytes = match walk::resolve(&repository, self.root, &parts)?.node {
            walk::Node::File(blob) => walk::blob(&repository, blob, limit)?,
            walk::Node::Folder(_) => return Err(ProblemKind::Special),
            walk::Node::Submodule => return Err(ProblemKind::Submodule),
        };
        drop(repository);
        let before = self.read.fetch_add(bytes.len(), Ordering::Relaxed);
        if before.saturating_add(bytes.len()) > MAX_TOTAL {
            return Err(ProblemKind::Unreadable(format!(
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
            walk::Node::Folder(tree) => pack::tracked::read(&repository, tree),
            walk::Node::File(_) => Err(PackError::NoDirectory),
            walk::Node::Submodule => Err(PackError::Directory(ProblemKind::Submodule)),
        }
    }
}
