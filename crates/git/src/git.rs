//! What git knows of a work tree.

use std::path::Path;

use git2::{Commit, Repository, Signature, StatusOptions};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The commit that a work tree is at, or that a revision is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit's id, in full.
    pub id: String,
    /// Whether there is something else than the commit: tracked files that differ from it, or files that were read and
    /// are not tracked.
    pub dirty: bool,
    /// The branch that is checked out, or that the revision was named by; none on a detached head.
    pub branch: Option<String>,
    /// Who wrote the change.
    pub author: Person,
    /// Who made the commit.
    pub committer: Person,
}

/// Somebody whom a commit names. Git takes anybody's word for it; only a signature proves who it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CommitPerson")]
pub struct Person {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// When, as the commit says.
    #[schemars(with = "String")]
    pub time: Timestamp,
}

impl Person {
    fn of(signature: &Signature<'_>) -> Self {
        Self {
            name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
            // A date that no calendar has says nothing.
            time: Timestamp::from_second(signature.when().seconds()).unwrap_or_default(),
        }
    }
}

impl Head {
    pub(super) fn of(commit: &Commit<'_>, branch: Option<String>, dirty: bool) -> Self {
        let author = Person::of(&commit.author());
        let committer = Person::of(&commit.committer());
        Self {
            id: commit.id().to_string(),
            dirty,
            branch,
            author,
            committer,
        }
    }
}

/// A folder of a work tree, from the top of its repository, with `/`; empty at the top and where there is no
/// repository.
pub fn folder(folder: &Path) -> String {
    let repository = Repository::discover(folder).ok();
    let parts = repository.and_then(|repository| super::revision::folder(&repository, folder).ok());
    parts.unwrap_or_default().join("/")
}

/// The commit of the work tree that a folder belongs to; nothing where there is no repository, no commit yet, or a
/// repository that git does not trust. `read` are the files of the folder that matter.
pub fn head<'a>(folder: &Path, read: impl IntoIterator<Item = &'a str>) -> Option<Head> {
    let repository = Repository::discover(folder).ok()?;
    let commit = repository.head().ok()?.peel_to_commit().ok()?;
    let dirty = is_changed(&repository, folder) || !are_tracked(&repository, folder, read);
    Some(Head::of(&commit, branch(&repository), dirty))
}

/// The branch that is checked out.
pub(super) fn branch(repository: &Repository) -> Option<String> {
    let head = repository.head().ok().filter(git2::Reference::is_branch)?;
    head.shorthand().ok().map(str::to_owned)
}

/// Whether a tracked file of a folder is not as it was committed. Changes elsewhere in the repository do not touch the
/// manifests.
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

/// Whether files belong to what is committed, each by its name or by that of what it links to.
fn are_tracked<'a>(
    repository: &Repository,
    folder: &Path,
    files: impl IntoIterator<Item = &'a str>,
) -> bool {
    let (Ok(index), Some(inside_folder)) = (repository.index(), inside(repository, folder)) else {
        return false;
    };
    let tracked = |path: &Path| index.get_path(path, 0).is_some();
    files.into_iter().all(|file| {
        tracked(&inside_folder.join(file))
            || inside(repository, &folder.join(file)).is_some_and(|path| tracked(&path))
    })
}

/// A path from the top of the work tree, links resolved.
fn inside(repository: &Repository, path: &Path) -> Option<std::path::PathBuf> {
    let root = repository.workdir()?.canonicalize().ok()?;
    path.canonicalize()
        .ok()?
        .strip_prefix(root)
        .ok()
        .map(Path::to_owned)
}
