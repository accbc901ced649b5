//! Where a command reads manifests from: the work tree, a revision, or what is staged.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use crate::render::findings::Prefix;
use git::{Head, Listing, PackError, PackTree, ProblemKind, Revision, Source, WorkTree};
use manifest::config;

/// Where a command reads manifests from, other than the work tree.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct At {
    /// Read the configuration and the manifests of this revision instead of the work tree: a branch, a tag, HEAD~1 or
    /// a commit. REV:FOLDER reads another folder of it.
    #[arg(long, value_name = "REV")]
    pub(super) at: Option<String>,
    /// Read what is staged (`git add`) instead of the work tree, as a hook before a commit does.
    #[arg(long, conflicts_with = "at")]
    staged: bool,
}

impl At {
    /// At a revision.
    pub(super) fn revision(revision: &str) -> Self {
        Self {
            at: Some(revision.to_owned()),
            staged: false,
        }
    }

    /// Whether the work tree is read.
    pub(super) fn is_work_tree(&self) -> bool {
        let Self { at, staged } = self;
        at.is_none() && !staged
    }
}

/// The work tree, or a revision.
pub(super) enum Tree {
    Work(WorkTree),
    Revision(Revision),
}

impl Source for Tree {
    fn list(&self, path: &Utf8Path) -> Result<Listing, ProblemKind> {
        match self {
            Self::Work(tree) => tree.list(path),
            Self::Revision(tree) => tree.list(path),
        }
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, ProblemKind> {
        match self {
            Self::Work(tree) => tree.read(path, limit),
            Self::Revision(tree) => tree.read(path, limit),
        }
    }

    fn pack(&self, path: &Utf8Path) -> Result<PackTree, PackError> {
        match self {
            Self::Work(tree) => tree.pack(path),
            Self::Revision(tree) => tree.pack(path),
        }
    }
}

/// Texts that are not written yet, by their paths from the configuration.
pub(super) type Edits = BTreeMap<Utf8PathBuf, String>;

/// A tree as it would be with some files written.
pub(super) struct Edited<'a> {
    pub(super) tree: &'a Tree,
    pub(super) edits: &'a Edits,
}

impl Source for Edited<'_> {
    fn list(&self, path: &Utf8Path) -> Result<Listing, ProblemKind> {
        let below = |file: &&Utf8PathBuf| {
            path == "." || file.starts_with(path.as_str().trim_start_matches("./"))
        };
        let is_manifest =
            |file: &&Utf8PathBuf| matches!(file.extension(), Some("yaml" | "yml" | "json"));
        let new: Vec<&Utf8PathBuf> = self
            .edits
            .keys()
            .filter(below)
            .filter(is_manifest)
            .collect();
        let mut listing = match self.tree.list(path) {
            Err(ProblemKind::Missing) if !new.is_empty() => Listing::default(),
            listing => listing?,
        };
        listing.files.extend(new.into_iter().cloned());
        listing.files.sort_unstable();
        listing.files.dedup();
        Ok(listing)
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, ProblemKind> {
        match self.edits.get(path) {
            Some(text) => Ok(text.as_str().into()),
            None => self.tree.read(path, limit),
        }
    }

    fn pack(&self, path: &Utf8Path) -> Result<PackTree, PackError> {
        self.tree.pack(path)
    }
}

impl Tree {
    /// Opens the working directory, or the same directory at a revision; it has a configuration.
    ///
    /// # Errors
    /// There is no such revision, or no configuration.
    pub(super) fn open(at: &At) -> anyhow::Result<Self> {
        let here = Path::new(".");
        let At { at, staged } = at;
        let (tree, name) = if let Some(revision) = at {
            (
                Revision::open(here, revision)?,
                format!(
                    "at `{revision}`; name the folder that has one with -C DIR or --at REV:FOLDER"
                ),
            )
        } else if *staged {
            (
                Revision::staged(here)?,
                "among what is staged; `git add` it first, or name the folder that has one with -C DIR".to_owned(),
            )
        } else {
            let tree = WorkTree::open(here)?;
            if !Path::new(config::FILE_NAME).exists() {
                bail!(
                    "there is no {} in this directory; go to the directory that has one, name it with -C DIR, or start with `polwarden init`",
                    config::FILE_NAME
                );
            }
            return Ok(Self::Work(tree));
        };
        if !tree.holds(config::FILE_NAME) {
            bail!("there is no {} in this directory {name}", config::FILE_NAME);
        }
        Ok(Self::Revision(tree))
    }

    /// Where its files are, from the top of the repository.
    pub(super) fn prefix(&self) -> Prefix {
        match self {
            Self::Work(_) => Prefix::new(&git::folder(Path::new("."))),
            Self::Revision(tree) => Prefix::new(&tree.folder()),
        }
    }

    /// What is read.
    pub(super) fn stand(&self) -> Stand {
        match self {
            Self::Work(_) => Stand::Work,
            Self::Revision(tree) => Stand::Revision(tree.commit()),
        }
    }
}

/// What was read.
pub(super) enum Stand {
    Work,
    /// A revision, or what is staged; with the commit, if there is one.
    Revision(Option<Head>),
}
