//! What git knows of a work tree.

use std::path::Path;

use git2::{Repository, StatusOptions};

/// The commit that a work tree is at, or that a revision is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit's id, in full.
    pub id: String,
    /// Whether there is something else than the commit, in a work tree untracked files included.
    pub dirty: bool,
}

/// A folder of a work tree, from the top of its repository, with `/`; empty at the top and where there is no
/// repository.
pub fn folder(folder: &Path) -> String {
    let repository = Repository::discover(folder).ok();
    let parts = repository.and_then(|repository| super::revision::folder(&repository, folder).ok());
    parts.unwrap_or_default().join("/")
}

/// The commit of the work tree that a folder belongs to; nothing where there is no repository, no commit yet, or a
/// repository that git does not trust.
pub fn head(folder: &Path) -> Option<Head> {
    let repository = Repository::discover(folder).ok()?;
    let id = repository.head().ok()?.peel_to_commit().ok()?.id().to_string();
    let mut options = StatusOptions::new();
    options.include_untracked(true).include_ignored(false).exclude_submodules(true);
    // Changes elsewhere in the repository do not touch the manifests.
    let root = repository.workdir().and_then(|root| root.canonicalize().ok());
    if let (Some(root), Ok(folder)) = (root, folder.canonicalize())
        && let Ok(inside) = folder.strip_prefix(root)
        && !inside.as_os_str().is_empty()
    {
        options.pathspec(inside);
    }
    let dirty = repository.statuses(Some(&mut options)).map_or(true, |statuses| !statuses.is_empty());
    Some(Head { id, dirty })
}
