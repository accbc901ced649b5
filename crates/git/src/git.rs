//! The commit and state of a work tree.

use std::path::Path;

use git2::{Commit, Repository, Signature, StatusOptions};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The commit of a work tree or revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadCommit {
    /// Full id of the commit.
    pub id: String,
    /// Whether the content differs from the commit: modified tracked files, or files in use that
    /// are not tracked.
    pub dirty: bool,
    /// Checked out branch, or the branch that names the revision. `None` for a detached `HEAD`.
    pub branch: Option<String>,
    /// Author of the commit.
    pub author: CommitPerson,
    /// Committer of the commit.
    pub committer: CommitPerson,
}

/// Somebody whom a commit names. Git takes anybody's word for it; only a signature proves who it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CommitPerson")]
pub struct CommitPerson {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// When, as the commit says.
    #[schemars(with = "String")]
    pub time: Timestamp,
}

impl CommitPerson {
    fn from_git(signature: &Signature<'_>) -> Self {
        Self {
            name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
            // Dates outside the calendar fall back to 1970.
            time: Timestamp::from_second(signature.when().seconds()).unwrap_or_default(),
        }
    }
}

impl HeadCommit {
    pub(super) fn from_git(commit: &Commit<'_>, branch: Option<String>, dirty: bool) -> Self {
        let author = CommitPerson::from_git(&commit.author());
        let committer = CommitPerson::from_git(&commit.committer());
        Self {
            id: commit.id().to_string(),
            dirty,
            branch,
            author,
            committer,
        }
    }
}

/// The path of a folder from the root of its repository, with `/`. Empty at the root and outside of
/// repositories.
pub fn folder(folder: &Path) -> String {
    let repository = Repository::discover(folder).ok();
    let parts = repository.and_then(|repository| crate::find::folder(&repository, folder).ok());
    parts.unwrap_or_default().join("/")
}

/// The commit of the work tree around a folder. `read` are the files of the folder that are in use.
/// Returns `None` outside of repositories, before the first commit, and if git does not trust the
/// repository.
pub fn head<'a>(folder: &Path, read: impl IntoIterator<Item = &'a str>) -> Option<HeadCommit> {
    let repository = Repository::discover(folder).ok()?;
    let commit = repository.head().ok()?.peel_to_commit().ok()?;
    let dirty = is_changed(&repository, folder) || !are_tracked(&repository, folder, read);
    Some(HeadCommit::from_git(
        &commit,
        crate::find::checked_out_branch(&repository),
        dirty,
    ))
}

/// Whether tracked files of a folder are modified. Changes elsewhere in the repository do not
/// affect the manifests.
fn is_changed(repository: &Repository, folder: &Path) -> bool {
    let mut options = StatusOptions::new();
    options
        .include_untracked(false)
        .include_ignored(false)
        .exclude_submodules(true);
    if let Some(inside) = inside(repository, folder).filter(|inside| !inside.as_os_str().is_empty())
    {
        options.pathspec(inside);
    }
    repository
        .statuses(Some(&mut options))
        .map_or(true, |statuses| !statuses.is_empty())
}

/// Whether all files are tracked, by their own path or by the path that they link to.
fn are_tracked<'a>(
    repository: &Repository,
    folder: &Path,
    files: impl IntoIterator<Item = &'a str>,
) -> bool {
    let Ok(index) = repository.index() else {
        return false;
    };
    let Some(inside_folder) = inside(repository, folder) else {
        return false;
    };
    let tracked = |path: &Path| index.get_path(path, 0).is_some();
    files.into_iter().all(|file| {
        tracked(&inside_folder.join(file))
            || inside(repository, &folder.join(file)).is_some_and(|path| tracked(&path))
    })
}

/// The path from the root of the work tree, with links resolved.
fn inside(repository: &Repository, path: &Path) -> Option<std::path::PathBuf> {
    let root = repository.workdir()?.canonicalize().ok()?;
    path.canonicalize()
        .ok()?
        .strip_prefix(root)
        .ok()
        .map(Path::to_owned)
}
