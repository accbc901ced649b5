//! The commit that a pull request is compared with, from the variables of a pipeline.

use std::path::Path;

use git2::Oid;

use crate::find::{RevisionError, commit, fetch_branch};
use crate::location;
use crate::revision_path::RevisionPath;

/// The pull request of a CI pipeline, from its environment variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The variable that was read.
    pub variable: &'static str,
    /// The base of the change.
    pub base: CiBase,
}

/// The base of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CiBase {
    /// The target branch.
    Branch(String),
    /// The commit from which the change branched.
    Commit(String),
}

impl PullRequest {
    /// Reads the variables of GitHub, GitLab, Bitbucket and Azure. On GitLab the commit is
    /// preferred to the branch because it is more exact.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        const COMMIT: &str = "CI_MERGE_REQUEST_DIFF_BASE_SHA";
        const BRANCHES: [&str; 4] = [
            "GITHUB_BASE_REF",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
            "BITBUCKET_PR_DESTINATION_BRANCH",
            "SYSTEM_PULLREQUEST_TARGETBRANCH",
        ];
        let value = |name: &str| {
            variable(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        if let Some(commit) = value(COMMIT) {
            return Some(Self {
                variable: COMMIT,
                base: CiBase::Commit(commit),
            });
        }
        BRANCHES.into_iter().find_map(|name| {
            let branch = value(name)?;
            let branch = branch
                .strip_prefix("refs/heads/")
                .unwrap_or(&branch)
                .to_owned();
            Some(Self {
                variable: name,
                base: CiBase::Branch(branch),
            })
        })
    }

    /// The merge base of `head` and the target branch (`origin/NAME`, or `NAME`), at the folder of
    /// `head`.
    ///
    /// # Errors
    /// The clone does not contain the required commits. The error contains the command to fetch
    /// them.
    pub fn base(
        &self,
        directory: &Path,
        head: &RevisionPath,
    ) -> Result<RevisionPath, RevisionError> {
        let Self { variable, base } = self;
        let repository = location::open(directory).map_err(|error| match error {
            RevisionError::NoRepository { directory, .. } => RevisionError::NoRepository {
                directory,
                asked: variable,
            },
            other => other,
        })?;
        let branch = match base {
            CiBase::Commit(id) => {
                let known = Oid::from_str(id)
                    .ok()
                    .filter(|id| repository.find_commit(*id).is_ok());
                return known.map(|id| head.at(id.to_string())).ok_or_else(|| {
                    RevisionError::NoBranch {
                        variable,
                        branch: id.clone(),
                        fetch: format!("git fetch --depth 1 origin {id}"),
                    }
                });
            }
            CiBase::Branch(branch) => branch,
        };
        let tip = [
            format!("refs/remotes/origin/{branch}"),
            format!("refs/heads/{branch}"),
        ]
        .iter()
        .find_map(|name| repository.find_reference(name).ok()?.peel_to_commit().ok())
        .ok_or_else(|| RevisionError::NoBranch {
            variable,
            branch: branch.clone(),
            fetch: fetch_branch(branch),
        })?;
        let id = commit(&repository, head.revision())?;
        repository
            .merge_base(id, tip.id())
            .map(|id| head.at(id.to_string()))
            .map_err(|_| RevisionError::NoMergeBase {
                head: head.revision().to_owned(),
                branch: branch.clone(),
                fetch: if repository.is_shallow() {
                    "git fetch --unshallow origin".to_owned()
                } else {
                    fetch_branch(branch)
                },
            })
    }
}
