//! From what people call a revision to a commit.

use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::error::RevisionError;
use model::diag::did_you_mean;

/// How many names a hint lists.
const LISTED: usize = 8;

/// The repository around a folder, or the bare one that it is.
pub(crate) fn repository(directory: &Path) -> Result<Repository, RevisionError> {
    Repository::discover(directory).map_err(|source| {
        let directory = directory
            .canonicalize()
            .unwrap_or_else(|_| directory.into())
            .display()
            .to_string();
        match source.code() {
            ErrorCode::NotFound => RevisionError::NoRepository {
                directory,
                asked: "the revision",
            },
            _ => RevisionError::Repository { directory, source },
        }
    })
}

/// The folder, from the top of the repository; the top itself in a bare one.
pub(crate) fn folder(
    repository: &Repository,
    directory: &Path,
) -> Result<Vec<String>, RevisionError> {
    let root = repository
        .workdir()
        .and_then(|root| root.canonicalize().ok());
    let (Some(root), Ok(directory)) = (root, directory.canonicalize()) else {
        return Ok(Vec::new());
    };
    // A folder inside of `.git` stands for the top, as that of a bare repository does.
    let Ok(inside) = directory.strip_prefix(&root) else {
        return Ok(Vec::new());
    };
    if directory.starts_with(repository.path()) {
        return Ok(Vec::new());
    }
    match inside.to_str() {
        Some(inside) => Ok(inside
            .split(std::path::MAIN_SEPARATOR)
            .map(str::to_owned)
            .collect()),
        None => Err(RevisionError::NoFolder {
            revision: "HEAD".to_owned(),
            folder: inside.display().to_string(),
        }),
    }
}

/// The parts of a folder as typed; nothing where it leaves the repository.
pub(super) fn parts(folder: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = folder
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .map(str::to_owned)
        .collect();
    (!folder.starts_with('/') && !parts.iter().any(|part| part == "..")).then_some(parts)
}

/// The tree of what is staged. It is made in memory: nothing is written to the repository.
pub(super) fn staged(repository: &Repository) -> Result<Oid, RevisionError> {
    /// Before all other places for objects.
    const FIRST: i32 = 1_000;
    if repository.is_bare() {
        return Err(RevisionError::NoIndex {
            directory: repository.path().display().to_string(),
        });
    }
    let tree = || {
        let objects = repository.odb()?;
        objects.add_new_mempack_backend(FIRST)?;
        repository.index()?.write_tree_to(repository)
    };
    tree().map_err(|source| RevisionError::Index { source })
}

/// The commit that a revision stands for.
pub(crate) fn commit(repository: &Repository, revision: &str) -> Result<Oid, RevisionError> {
    let object = repository
        .revparse_single(revision)
        .map_err(|source| match source.code() {
            ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch => {
                missing(repository, revision)
            }
            ErrorCode::Ambiguous => {
                let hint = "several objects begin like this; write more of the id".to_owned();
                RevisionError::NoRevision {
                    revision: revision.to_owned(),
                    hint,
                }
            }
            _ if repository.is_shallow() => missing(repository, revision),
            _ => RevisionError::Unreadable {
                revision: revision.to_owned(),
                source,
            },
        })?;
    let kind = object.kind().unwrap_or(ObjectType::Any);
    object
        .peel_to_commit()
        .map(|commit| commit.id())
        .map_err(|_| RevisionError::NoCommit {
            revision: revision.to_owned(),
            kind: kind.str().to_owned(),
        })
}

/// The branch that a revision is named by, or that is checked out where it is `HEAD`.
pub(super) fn branch(repository: &Repository, revision: &str) -> Option<String> {
    if revision == "HEAD" || revision == "@" {
        return crate::git::branch(repository);
    }
    let reference = repository
        .resolve_reference_from_short_name(revision)
        .ok()?;
    let branch = reference.is_branch() || reference.is_remote();
    branch
        .then(|| reference.shorthand().ok().map(str::to_owned))
        .flatten()
}

/// Part of a commit is missing or broken.
pub(crate) fn incomplete(
    repository: &Repository,
    revision: &str,
    source: git2::Error,
) -> RevisionError {
    if repository.is_shallow() && source.code() == ErrorCode::NotFound {
        missing(repository, revision)
    } else {
        RevisionError::Unreadable {
            revision: revision.to_owned(),
            source,
        }
    }
}

fn missing(repository: &Repository, revision: &str) -> RevisionError {
    let names = names(repository);
    let near = did_you_mean(names.iter().map(String::as_str), revision);
    let revision = revision.to_owned();
    if let Some(near) = near {
        return RevisionError::NoRevision {
            revision,
            hint: format!("did you mean `{near}`?"),
        };
    }
    if repository.is_shallow() {
        return RevisionError::Shallow {
            fetch: fetch(&revision),
            revision,
        };
    }
    let hint = match names.as_slice() {
        [] => "the repository has no commit yet".to_owned(),
        names if names.len() <= LISTED => format!("there are: {}", names.join(", ")),
        names => format!(
            "there are: {} and {} more",
            names[..LISTED].join(", "),
            names.len() - LISTED
        ),
    };
    RevisionError::NoRevision { revision, hint }
}

/// What fetches a revision into a shallow clone.
fn fetch(revision: &str) -> String {
    let relative = revision.contains(['~', '^', '@']);
    match revision.strip_prefix("origin/") {
        _ if relative => "git fetch --unshallow".to_owned(),
        Some(branch) => fetch_branch(branch),
        None => format!("git fetch --depth 1 origin {revision}"),
    }
}

pub(crate) fn fetch_branch(branch: &str) -> String {
    format!("git fetch origin {branch}:refs/remotes/origin/{branch}")
}

/// Branches and tags, by the names that people use.
fn names(repository: &Repository) -> Vec<String> {
    let Ok(references) = repository.references() else {
        return Vec::new();
    };
    let names = references
        .flatten()
        .filter_map(|reference| reference.shorthand().ok().map(str::to_owned));
    let mut names: Vec<String> = names.filter(|name| !name.ends_with("/HEAD")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a pipeline says about the pull request that it runs for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The variable that says it.
    pub variable: &'static str,
    /// What the change is to be merged into, or branched from.
    pub base: CiBase,
}

/// What a change branched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CiBase {
    /// The branch that it is to be merged into.
    Branch(String),
    /// The commit itself.
    Commit(String),
}

impl PullRequest {
    /// Reads the variables of GitHub, GitLab, Bitbucket and Azure. On GitLab the commit says more than the branch.
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

    /// The id of the commit that the change branched from: the merge base of `head` (what is checked out, if nothing
    /// else is named) and the target branch, as `origin/NAME` or else as `NAME`.
    ///
    /// # Errors
    /// The clone does not hold what is needed; says what to fetch.
    pub fn base(&self, directory: &Path, head: Option<&str>) -> Result<String, RevisionError> {
        let Self { variable, base } = self;
        let repository = repository(directory).map_err(|error| match error {
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
                return known
                    .map(|id| id.to_string())
                    .ok_or_else(|| RevisionError::NoBranch {
                        variable,
                        branch: id.clone(),
                        fetch: format!("git fetch --depth 1 origin {id}"),
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
        let head_name = head.unwrap_or("HEAD");
        let head = commit(
            &repository,
            head_name
                .split_once(':')
                .map_or(head_name, |(name, _)| name),
        )?;
        repository
            .merge_base(head, tip.id())
            .map(|id| id.to_string())
            .map_err(|_| RevisionError::NoMergeBase {
                head: head_name.to_owned(),
                branch: branch.clone(),
                fetch: if repository.is_shallow() {
                    "git fetch --unshallow origin".to_owned()
                } else {
                    fetch_branch(branch)
                },
            })
    }
}
