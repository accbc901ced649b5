//! Manifests of a git revision or of the index, without a work tree.
//!
//! The content may come from a pull request, so the rules of work trees apply: nothing outside of
//! the repository is read, and all reads are limited.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Component, Utf8Path};
use git2::{Oid, Repository};

use crate::find::{self, RevisionError};
use crate::git::HeadCommit;
use crate::limits::ReadBudget;
use crate::location;
use crate::pack::{self, PackError, PackRules, PackTree};
use crate::problem::{FileProblemKind, Listing};
use crate::read::text;
use crate::revision_path::RevisionPath;
use crate::source::{Source, normalize};
use crate::walk;

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
    budget: ReadBudget,
    /// Whether an object was not in this clone.
    is_incomplete: AtomicBool,
}

/// A root tree and its commit.
struct RevisionRoot {
    commit: Option<Oid>,
    root: Oid,
    dirty: bool,
    branch: Option<String>,
}

/// A commit and the folder at which to begin.
struct RevisionStart {
    repository: Repository,
    top: RevisionRoot,
    /// Segments from the root of the repository, which may contain links.
    folder: Vec<String>,
}

impl RevisionStart {
    fn open(directory: &Path, path: &RevisionPath) -> Result<Self, RevisionError> {
        let repository = location::open(directory)?;
        let name = path.revision();
        let commit = find::commit(&repository, name)?;
        let folder = match path.folder() {
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
        let top = RevisionRoot {
            commit: Some(commit),
            root,
            dirty: false,
            branch,
        };
        Ok(Self {
            repository,
            top,
            folder,
        })
    }
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
    /// The revision is read at the folder of its path, or else at the same folder, which is the
    /// root in a bare repository.
    ///
    /// # Errors
    /// Missing repository, revision or folder. For a shallow clone, the error contains the command
    /// to fetch the revision.
    pub fn open(directory: &Path, path: &RevisionPath) -> Result<Self, RevisionError> {
        let start = RevisionStart::open(directory, path)?;
        Self::at_revision(start.repository, path.revision(), start.top, &start.folder)
    }

    /// Like [`open`](Self::open), at the folder or its nearest parent that contains a file with
    /// this name. Returns `None` if no parent contains one.
    ///
    /// # Errors
    /// As for `open`.
    pub fn open_containing(
        directory: &Path,
        path: &RevisionPath,
        name: &str,
    ) -> Result<Option<Self>, RevisionError> {
        let revision = Self::open(directory, path)?;
        Ok(revision.nearest_containing(name))
    }

    /// Like [`open_containing`](Self::open_containing), for a revision in which the folder may not
    /// exist yet: its parents are searched all the same.
    ///
    /// # Errors
    /// As for `open`, except for a missing folder.
    pub fn open_base_containing(
        directory: &Path,
        path: &RevisionPath,
        name: &str,
    ) -> Result<Option<Self>, RevisionError> {
        let RevisionStart {
            repository,
            top,
            mut folder,
        } = RevisionStart::open(directory, path)?;
        // A folder that was not fetched is reported below.
        let is_missing = |folder: &[String]| match walk::resolve(&repository, top.root, folder) {
            Ok(walk::ResolvedPath { path: _, node }) => !matches!(node, walk::TreeEntry::Folder(_)),
            Err(kind) => kind != FileProblemKind::NotFetched,
        };
        while is_missing(&folder) && folder.pop().is_some() {}
        let revision = Self::at_revision(repository, path.revision(), top, &folder)?;
        Ok(revision.nearest_containing(name))
    }

    fn nearest_containing(mut self, name: &str) -> Option<Self> {
        while !self.contains_file(name) {
            self.folder.pop()?;
        }
        Some(self)
    }

    /// Opens the index of the repository around a folder: the content of the next commit. Like
    /// [`open_containing`](Self::open_containing), it is read at the nearest parent that contains
    /// the file.
    ///
    /// # Errors
    /// Missing repository or index, unresolved merge conflicts, or a folder without staged files.
    pub fn staged_containing(directory: &Path, name: &str) -> Result<Option<Self>, RevisionError> {
        Ok(Self::staged(directory)?.nearest_containing(name))
    }

    /// Opens the index at the same folder.
    ///
    /// # Errors
    /// Missing repository or index, unresolved merge conflicts, or a folder without staged files.
    pub fn staged(directory: &Path) -> Result<Self, RevisionError> {
        let repository = location::open(directory)?;
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

    /// A commit at a folder, given by its segments from the root of the repository.
    pub(crate) fn committed(
        repository: Repository,
        commit: Oid,
        folder: &[String],
    ) -> Result<Self, RevisionError> {
        let name = commit.to_string();
        let root = repository
            .find_commit(commit)
            .and_then(|commit| commit.tree())
            .map_err(|source| find::incomplete(&repository, &name, source))?
            .id();
        let top = RevisionRoot {
            commit: Some(commit),
            root,
            dirty: false,
            branch: None,
        };
        Self::at_revision(repository, &name, top, folder)
    }

    /// The id of a file, by its path relative to the configuration.
    pub(crate) fn blob_id(&self, path: &Utf8Path) -> Result<Oid, FileProblemKind> {
        let parts = self.lexical(path)?;
        let repository = self.repository();
        match walk::resolve(&repository, self.root, &parts)?.node {
            walk::TreeEntry::File(blob) => Ok(blob),
            walk::TreeEntry::Folder(_) => Err(FileProblemKind::Special),
            walk::TreeEntry::Submodule => Err(FileProblemKind::Submodule),
        }
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
        let path = match walk::resolve(&repository, root, folder) {
            Ok(walk::ResolvedPath {
                path,
                node: walk::TreeEntry::Folder(_),
            }) => path,
            Err(FileProblemKind::NotFetched) => {
                return Err(RevisionError::NotFetched {
                    revision: name.to_owned(),
                });
            }
            Ok(_) | Err(_) => {
                return Err(RevisionError::NoFolder {
                    revision: name.to_owned(),
                    folder: folder.join("/"),
                });
            }
        };
        let repository = Mutex::new(repository);
        Ok(Self {
            repository,
            commit,
            root,
            dirty,
            branch,
            folder: path,
            budget: ReadBudget::default(),
            is_incomplete: AtomicBool::new(false),
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

    /// The path of this revision, with the folder at which it is read.
    pub fn path(&self, revision: &RevisionPath) -> RevisionPath {
        revision.in_folder(self.folder())
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

    /// Whether something could not be read because this clone does not contain it.
    pub fn is_incomplete(&self) -> bool {
        self.is_incomplete.load(Ordering::Relaxed)
    }

    fn note(&self, kind: &FileProblemKind) {
        if *kind == FileProblemKind::NotFetched {
            self.is_incomplete.store(true, Ordering::Relaxed);
        }
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

impl Revision {
    fn find(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        let parts = self.lexical(path)?;
        let shown = normalize(path).ok_or(FileProblemKind::Outside)?;
        let repository = self.repository();
        let walk::ResolvedPath { path, node } = walk::resolve(&repository, self.root, &parts)?;
        match node {
            walk::TreeEntry::File(_) => Ok(Listing {
                files: vec![shown],
                problems: Vec::new(),
                skipped: Vec::new(),
            }),
            walk::TreeEntry::Submodule => Err(FileProblemKind::Submodule),
            walk::TreeEntry::Folder(tree) => {
                let limits = self.budget.limits();
                walk::list(&repository, self.root, path, tree, &shown, limits)
            }
        }
    }

    fn bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind> {
        self.budget.check()?;
        let parts = self.lexical(path)?;
        let repository = self.repository();
        let bytes = match walk::resolve(&repository, self.root, &parts)?.node {
            walk::TreeEntry::File(blob) => walk::blob(&repository, blob, limit)?,
            walk::TreeEntry::Folder(_) => return Err(FileProblemKind::Special),
            walk::TreeEntry::Submodule => return Err(FileProblemKind::Submodule),
        };
        drop(repository);
        self.budget.add(path, bytes.len())?;
        Ok(bytes)
    }

    fn pack_tree(&self, path: &Utf8Path, rules: PackRules) -> Result<PackTree, PackError> {
        self.budget.check().map_err(PackError::Directory)?;
        let parts = self.lexical(path).map_err(PackError::Directory)?;
        let repository = self.repository();
        let found = walk::resolve(&repository, self.root, &parts).map_err(PackError::Directory)?;
        let source = match found.node {
            walk::TreeEntry::Folder(tree) => {
                let source = pack::tracked::TrackedSource {
                    repository: &repository,
                    root: self.root,
                    path: found.path,
                    tree,
                };
                pack::tracked::read(&source, rules, self.budget.limits())?
            }
            walk::TreeEntry::File(_) => return Err(PackError::NoDirectory),
            walk::TreeEntry::Submodule => {
                return Err(PackError::Directory(FileProblemKind::Submodule));
            }
        };
        let counted = self.budget.add(path, source.size());
        counted.map_err(PackError::Directory)?;
        Ok(source)
    }
}

impl Source for Revision {
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        let listing = self.find(path).inspect_err(|kind| self.note(kind))?;
        for problem in &listing.problems {
            self.note(&problem.kind);
        }
        Ok(listing)
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        text(self.read_bytes(path, limit)?)
    }

    fn read_bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind> {
        self.bytes(path, limit).inspect_err(|kind| self.note(kind))
    }

    fn inspect(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        self.read(path, limit)
    }

    fn has_uncommitted_files(&self) -> bool {
        false
    }

    fn pack(&self, path: &Utf8Path, rules: PackRules) -> Result<PackTree, PackError> {
        self.pack_tree(path, rules).inspect_err(|error| {
            if let PackError::Directory(kind) | PackError::Entry { path: _, kind } = error {
                self.note(kind);
            }
        })
    }
}
