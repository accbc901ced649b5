//! The commit and state of a work tree.

use git2::{Commit, Repository, Signature, StatusOptions};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment;

/// The commit of a work tree or revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadCommit {
    /// Full id of the commit.
    pub id: String,
    /// Whether the content differs from the commit: something was read that the commit does not
    /// contain, or git reports a tracked file of the folder as modified.
    pub dirty: bool,
    /// Checked out branch, or the branch that names the revision. `None` for a detached `HEAD`.
    pub branch: Option<String>,
    /// Author of the commit.
    pub author: CommitPerson,
    /// Committer of the commit.
    pub committer: CommitPerson,
}

/// The author or committer of a commit, as the commit states it. Git does not verify it; only a signature does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CommitPerson")]
pub struct CommitPerson {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The time that the commit states.
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

/// Whether git reports tracked files of a folder as modified. Changes elsewhere in the repository do
/// not affect the manifests. An index that libgit2 cannot read (split or sparse) says nothing, and
/// neither does a configuration that it does not know: what was read is compared with the commit in any
/// case.
pub(crate) fn is_changed(repository: &Repository, folder: &[String]) -> bool {
    if environment::decides_checkout() {
        return false;
    }
    let mut options = StatusOptions::new();
    options
        .include_untracked(false)
        .include_ignored(false)
        .exclude_submodules(true)
        // A folder may have a name like `env[prod]`.
        .disable_pathspec_match(true);
    if !folder.is_empty() {
        options.pathspec(folder.join("/"));
    }
    repository
        .statuses(Some(&mut options))
        .is_ok_and(|statuses| !statuses.is_empty())
}
