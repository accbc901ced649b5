//! Where a command reads manifests from: the work tree, a revision, or what is staged.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::directory;
use crate::render::annotations::RepositoryPrefix;
use crate::workspace::PendingEdits;
use git::{
    FileProblemKind, HeadCommit, Listing, PackError, PackRules, PackTree, Revision, RevisionPath,
    Source, WorkTree, is_manifest,
};
use manifest::config;

/// Where a command reads manifests from, other than the work tree.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct RevisionArgs {
    /// Read the manifests of this revision, not of the work tree.
    ///
    /// A branch, a tag, HEAD~1 or a commit. REV:FOLDER reads another folder of it. The configuration is read there too.
    #[arg(long, value_name = "REV")]
    pub(super) at: Option<RevisionPath>,
    /// Read the staged files (`git add`), as a pre-commit hook does.
    #[arg(long, conflicts_with = "at")]
    staged: bool,
}

impl RevisionArgs {
    /// At a revision.
    pub(super) fn revision(path: RevisionPath) -> Self {
        Self {
            at: Some(path),
            staged: false,
        }
    }

    /// Whether the index is read.
    pub(super) fn is_staged(&self) -> bool {
        self.staged
    }

    /// Whether the work tree is read.
    pub(super) fn is_work_tree(&self) -> bool {
        let Self { at, staged } = self;
        at.is_none() && !staged
    }
}

/// The work tree, or a revision.
pub(super) enum SourceTree {
    Work(WorkTree),
    Revision(Revision),
}

impl Source for SourceTree {
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        match self {
            Self::Work(tree) => tree.list(path),
            Self::Revision(tree) => tree.list(path),
        }
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        match self {
            Self::Work(tree) => tree.read(path, limit),
            Self::Revision(tree) => tree.read(path, limit),
        }
    }

    fn read_bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind> {
        match self {
            Self::Work(tree) => tree.read_bytes(path, limit),
            Self::Revision(tree) => tree.read_bytes(path, limit),
        }
    }

    fn inspect(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        match self {
            Self::Work(tree) => tree.inspect(path, limit),
            Self::Revision(tree) => tree.inspect(path, limit),
        }
    }

    fn inspect_folder(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        match self {
            Self::Work(tree) => tree.inspect_folder(path),
            Self::Revision(tree) => tree.inspect_folder(path),
        }
    }

    fn has_uncommitted_files(&self) -> bool {
        match self {
            Self::Work(tree) => tree.has_uncommitted_files(),
            Self::Revision(tree) => tree.has_uncommitted_files(),
        }
    }

    fn pack(&self, path: &Utf8Path, rules: PackRules) -> Result<PackTree, PackError> {
        match self {
            Self::Work(tree) => tree.pack(path, rules),
            Self::Revision(tree) => tree.pack(path, rules),
        }
    }
}

/// A tree as it would be with some files written.
pub(super) struct EditedTree<'a> {
    pub(super) tree: &'a SourceTree,
    pub(super) edits: &'a PendingEdits,
}

impl Source for EditedTree<'_> {
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        let below = |file: &&Utf8PathBuf| {
            path == "." || file.starts_with(path.as_str().trim_start_matches("./"))
        };
        let new: Vec<&Utf8PathBuf> = self
            .edits
            .keys()
            .filter(below)
            .filter(|file| is_manifest(file))
            .collect();
        let mut listing = match self.tree.list(path) {
            Err(FileProblemKind::Missing) if !new.is_empty() => Listing::default(),
            listing => listing?,
        };
        listing.files.extend(new.into_iter().cloned());
        listing.files.sort_unstable();
        listing.files.dedup();
        Ok(listing)
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        match self.edits.get(path) {
            Some(text) => Ok(text.as_str().into()),
            None => self.tree.read(path, limit),
        }
    }

    fn read_bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind> {
        match self.edits.get(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => self.tree.read_bytes(path, limit),
        }
    }

    fn inspect(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        match self.edits.get(path) {
            Some(text) => Ok(text.as_str().into()),
            None => self.tree.inspect(path, limit),
        }
    }

    fn inspect_folder(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        self.tree.inspect_folder(path)
    }

    fn has_uncommitted_files(&self) -> bool {
        self.tree.has_uncommitted_files()
    }

    fn pack(&self, path: &Utf8Path, rules: PackRules) -> Result<PackTree, PackError> {
        self.tree.pack(path, rules)
    }
}

impl SourceTree {
    /// Opens the working directory, or the same directory at a revision; it has a configuration.
    ///
    /// # Errors
    /// There is no such revision, or no configuration.
    pub(super) fn open(at: &RevisionArgs) -> anyhow::Result<Self> {
        let RevisionArgs { at, staged } = at;
        let start = directory::start();
        let (tree, name) = if let Some(path) = at {
            (
                Revision::open_containing(start, path, config::FILE_NAME)?,
                format!("at `{path}`; name the folder that has one with -C DIR or --at REV:FOLDER"),
            )
        } else if *staged {
            (
                Revision::staged_containing(start, config::FILE_NAME)?,
                "among what is staged; `git add` it first, or name the folder that has one with -C DIR".to_owned(),
            )
        } else {
            let tree = Self::work_tree()?;
            if Path::new(config::FILE_NAME).symlink_metadata().is_err() {
                bail!(
                    "no {} in this directory or in its parents in the repository; go to the directory that has one, name it with -C DIR, or start with `polwarden init`",
                    config::FILE_NAME
                );
            }
            return Ok(tree);
        };
        match tree {
            Some(tree) => Ok(Self::Revision(tree)),
            None => bail!("no {} in this directory {name}", config::FILE_NAME),
        }
    }

    /// Opens the working directory.
    ///
    /// # Errors
    /// It cannot be opened, or revisions are read from another repository.
    pub(super) fn work_tree() -> anyhow::Result<Self> {
        if git::uses_bare_repository() {
            bail!("--git-dir is for revisions only; add --at REV");
        }
        Ok(Self::Work(WorkTree::open(Path::new("."))?))
    }

    /// Where its files are, from the top of the repository.
    pub(super) fn prefix(&self) -> RepositoryPrefix {
        match self {
            Self::Work(tree) => RepositoryPrefix::new(&tree.folder()),
            Self::Revision(tree) => RepositoryPrefix::new(&tree.folder()),
        }
    }

    /// What was read.
    pub(super) fn into_version(self) -> TreeVersion {
        match self {
            Self::Work(tree) => TreeVersion::Work(Box::new(tree)),
            Self::Revision(tree) => TreeVersion::Revision {
                head: tree.commit(),
                is_incomplete: tree.is_incomplete(),
            },
        }
    }
}

/// What was read.
pub(super) enum TreeVersion {
    Work(Box<WorkTree>),
    /// A revision, or what is staged.
    Revision {
        /// The commit, if there is one.
        head: Option<HeadCommit>,
        /// Whether the clone does not contain all files that were wanted.
        is_incomplete: bool,
    },
}
