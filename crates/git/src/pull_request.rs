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
    /// The pipeline runs for a pull request, but no variable contains its base.
    Unknown,
}

/// The variables of one service about the pull request that a pipeline runs for.
struct PullRequestVariables {
    /// Variables that identify a pull request.
    marks: &'static [&'static str],
    /// Variables that contain the name of the target branch, in order of preference.
    base: &'static [&'static str],
    /// Whether the base also has a value outside of pull requests, for example after a push.
    base_is_always_set: bool,
}

/// Values of variables that mean "not a pull request", for example in `BUILDKITE_PULL_REQUEST`.
const NONE: [&str; 3] = ["false", "0", "null"];

const SERVICES: [PullRequestVariables; 14] = [
    // GitHub Actions, Gitea and Forgejo.
    PullRequestVariables {
        marks: &[],
        base: &["GITHUB_BASE_REF"],
        base_is_always_set: false,
    },
    // GitLab.
    PullRequestVariables {
        marks: &["CI_MERGE_REQUEST_IID"],
        base: &["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"],
        base_is_always_set: false,
    },
    // Bitbucket.
    PullRequestVariables {
        marks: &["BITBUCKET_PR_ID"],
        base: &["BITBUCKET_PR_DESTINATION_BRANCH"],
        base_is_always_set: false,
    },
    // Azure Pipelines.
    PullRequestVariables {
        marks: &["SYSTEM_PULLREQUEST_PULLREQUESTID"],
        base: &["SYSTEM_PULLREQUEST_TARGETBRANCH"],
        base_is_always_set: false,
    },
    // Buildkite.
    PullRequestVariables {
        marks: &["BUILDKITE_PULL_REQUEST"],
        base: &["BUILDKITE_PULL_REQUEST_BASE_BRANCH"],
        base_is_always_set: false,
    },
    // Jenkins: multibranch pipelines, then the plugins for pull requests of GitHub and GitLab.
    PullRequestVariables {
        marks: &["CHANGE_ID"],
        base: &["CHANGE_TARGET"],
        base_is_always_set: false,
    },
    PullRequestVariables {
        marks: &["ghprbPullId"],
        base: &["ghprbTargetBranch"],
        base_is_always_set: false,
    },
    PullRequestVariables {
        marks: &["gitlabMergeRequestIid"],
        base: &["gitlabTargetBranch"],
        base_is_always_set: true,
    },
    // TeamCity has parameters, which a build may pass on as variables.
    PullRequestVariables {
        marks: &[
            "TEAMCITY_PULLREQUEST_NUMBER",
            "TEAMCITY_PULL_REQUEST_NUMBER",
            "teamcity_pullRequest_number",
            "teamcity.pullRequest.number",
            "teamcity.build.branch",
        ],
        base: &[
            "TEAMCITY_PULLREQUEST_TARGET_BRANCH",
            "TEAMCITY_PULL_REQUEST_TARGET_BRANCH",
            "teamcity_pullRequest_target_branch",
            "teamcity.pullRequest.target.branch",
        ],
        base_is_always_set: false,
    },
    // AWS CodeBuild.
    PullRequestVariables {
        marks: &[
            "CODEBUILD_WEBHOOK_EVENT",
            "CODEBUILD_WEBHOOK_TRIGGER",
            "CODEBUILD_SOURCE_VERSION",
        ],
        base: &["CODEBUILD_WEBHOOK_BASE_REF"],
        base_is_always_set: false,
    },
    // Drone.
    PullRequestVariables {
        marks: &["DRONE_PULL_REQUEST", "DRONE_BUILD_EVENT"],
        base: &["DRONE_TARGET_BRANCH", "DRONE_COMMIT_BRANCH"],
        base_is_always_set: true,
    },
    // Woodpecker.
    PullRequestVariables {
        marks: &["CI_COMMIT_PULL_REQUEST", "CI_PIPELINE_EVENT"],
        base: &["CI_COMMIT_TARGET_BRANCH"],
        base_is_always_set: true,
    },
    // Travis CI: the branch is the target of a pull request.
    PullRequestVariables {
        marks: &["TRAVIS_PULL_REQUEST"],
        base: &["TRAVIS_BRANCH"],
        base_is_always_set: true,
    },
    // AppVeyor.
    PullRequestVariables {
        marks: &["APPVEYOR_PULL_REQUEST_NUMBER"],
        base: &["APPVEYOR_REPO_BRANCH"],
        base_is_always_set: true,
    },
];

/// Whether the value of a variable means that the pipeline runs for a pull request.
fn is_pull_request(variable: &str, value: &str) -> bool {
    match variable {
        "CODEBUILD_WEBHOOK_EVENT" => value.starts_with("PULL_REQUEST_"),
        "CODEBUILD_WEBHOOK_TRIGGER" | "CODEBUILD_SOURCE_VERSION" => value.starts_with("pr/"),
        "DRONE_BUILD_EVENT" | "CI_PIPELINE_EVENT" => value == "pull_request",
        "teamcity.build.branch" => ["pull/", "refs/pull/", "pull-requests/", "merge-requests/"]
            .iter()
            .any(|prefix| value.starts_with(prefix)),
        _ => !NONE.iter().any(|none| value.eq_ignore_ascii_case(none)),
    }
}

impl PullRequest {
    /// Reads the variables of all known CI services. On GitLab the commit is preferred to the
    /// branch because it is more exact.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        const COMMIT: &str = "CI_MERGE_REQUEST_DIFF_BASE_SHA";
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
        let found: Vec<Self> = SERVICES
            .iter()
            .filter_map(|service| service.pull_request(value))
            .collect();
        // A base is better than the knowledge that there is one.
        let known = found
            .iter()
            .position(|request| request.base != CiBase::Unknown);
        found.into_iter().nth(known.unwrap_or_default())
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
            CiBase::Unknown => return Err(RevisionError::UnknownBase { variable }),
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

impl PullRequestVariables {
    fn pull_request(&self, value: impl Fn(&str) -> Option<String>) -> Option<PullRequest> {
        let Self {
            marks,
            base,
            base_is_always_set,
        } = self;
        let mark = marks
            .iter()
            .find(|name| value(name).is_some_and(|text| is_pull_request(name, &text)));
        if *base_is_always_set && mark.is_none() {
            return None;
        }
        let branch = base.iter().find_map(|name| Some((*name, value(name)?)));
        match (branch, mark) {
            (Some((variable, branch)), _) => Some(PullRequest {
                variable,
                base: CiBase::Branch(
                    branch
                        .strip_prefix("refs/heads/")
                        .unwrap_or(&branch)
                        .to_owned(),
                ),
            }),
            (None, Some(variable)) => Some(PullRequest {
                variable,
                base: CiBase::Unknown,
            }),
            (None, None) => None,
        }
    }
}
