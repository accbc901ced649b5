//! Finds the repository of a folder and the commit of a revision.

use std::path::Path;

use git2::{ErrorCode, Index, ObjectType, Oid, Repository};

use model::diag::did_you_mean;
use thiserror::Error;

/// Maximum number of names in a hint.
const LISTED: usize = 8;

/// A revision cannot be read. The messages contain the next step.
#[derive(Debug, Error)]
pub enum RevisionError {
    /// The folder is not in a repository.
    #[error(
        "`{directory}` is in no git repository, so that it has no revisions; work in a clone, or leave {asked} out"
    )]
    NoRepository {
        /// Path of the folder.
        directory: String,
        /// Option or variable that requires a revision.
        asked: &'static str,
    },
    /// The repository cannot be opened, or it does not belong to the folder.
    #[error("invalid git repository `{path}`: {reason}")]
    InvalidRepository {
        /// Path of the repository or its `.git` entry.
        path: String,
        /// Reason.
        reason: String,
    },
    /// The repository belongs to another user of this machine.
    #[error(
        "the git repository of `{path}` is owned by another user; trust it with `git config --global --add safe.directory '{path}'`"
    )]
    Owner {
        /// Top of the work tree.
        path: String,
    },
    /// The repository has a format that this version cannot read.
    #[error("the git repository `{path}` uses {feature}, which polwarden cannot read")]
    Unsupported {
        /// Path of the repository.
        path: String,
        /// Name of the format.
        feature: &'static str,
    },
    /// Unknown revision.
    #[error("unknown revision `{revision}`; {hint}")]
    NoRevision {
        /// Name of the revision as given.
        revision: String,
        /// Suggestion or list of revisions.
        hint: String,
    },
    /// The shallow clone does not contain the revision.
    #[error("this clone is shallow and does not contain `{revision}`; fetch it first: `{fetch}`")]
    Shallow {
        /// Name of the revision as given.
        revision: String,
        /// Command that fetches it.
        fetch: String,
    },
    /// The object is not a commit.
    #[error("`{revision}` is a {kind}, not a commit; name a branch, a tag or a commit")]
    NoCommit {
        /// Name of the revision as given.
        revision: String,
        /// Kind of the object.
        kind: String,
    },
    /// The objects of the revision cannot be read.
    #[error("the revision `{revision}` cannot be read; run `git fsck`, or fetch it again")]
    Unreadable {
        /// Name of the revision as given.
        revision: String,
        /// Error of libgit2.
        source: git2::Error,
    },
    /// The clone does not contain all objects of the revision.
    #[error(
        "this clone does not contain all files of `{revision}`; fetch them with `git fetch --refetch --no-filter origin`, or clone without a filter"
    )]
    NotFetched {
        /// Name of the revision as given.
        revision: String,
    },
    /// The repository is bare and has no index.
    #[error("`{directory}` is a bare repository without an index; name a revision instead")]
    NoIndex {
        /// Path of the folder.
        directory: String,
    },
    /// A merge is not finished.
    #[error("the index has merge conflicts; resolve them and `git add` the files")]
    Conflicts,
    /// The index cannot be read.
    #[error(
        "the index `{path}` cannot be read; a split or sparse index is converted by `git update-index --no-split-index` and `git sparse-checkout reapply --no-sparse-index`"
    )]
    Index {
        /// Path of the index.
        path: String,
        /// Error of libgit2.
        source: git2::Error,
    },
    /// The revision does not contain the folder.
    #[error(
        "the folder `{folder}` does not exist at `{revision}`; name the folder at that revision with REV:FOLDER"
    )]
    NoFolder {
        /// Name of the revision as given.
        revision: String,
        /// Path of the folder from the root of the repository.
        folder: String,
    },
    /// The branch was not fetched.
    #[error(
        "{variable} names the target branch `{branch}`, which this clone does not contain; fetch it first: `{fetch}`"
    )]
    NoBranch {
        /// Variable that contains the name.
        variable: &'static str,
        /// Name of the branch.
        branch: String,
        /// Command that fetches it.
        fetch: String,
    },
    /// The pipeline runs for a pull request whose target branch is unknown.
    #[error(
        "{variable} says that this is a pull request, but no variable contains its target branch; name the base with --base"
    )]
    UnknownBase {
        /// Variable that identifies the pull request.
        variable: &'static str,
    },
    /// The commits have no common ancestor in this clone.
    #[error(
        "`{head}` and `{branch}` have no common ancestor in this clone; fetch more history first: `{fetch}`"
    )]
    NoMergeBase {
        /// Name of the first commit.
        head: String,
        /// Name of the branch.
        branch: String,
        /// Command that fetches more history.
        fetch: String,
    },
}

/// The segments of a folder's path from the root of the repository. Empty in a bare repository.
pub(crate) fn folder(
    repository: &Repository,
    directory: &Path,
) -> Result<Vec<String>, RevisionError> {
    // The top of the work tree was compared with the folder when the repository was opened.
    let Some(root) = repository
        .workdir()
        .and_then(|root| root.canonicalize().ok())
    else {
        return Ok(Vec::new());
    };
    let Ok(directory) = directory.canonicalize() else {
        return Ok(Vec::new());
    };
    // A folder inside of `.git` counts as the root, like that of a bare repository.
    let Ok(inside) = directory.strip_prefix(&root) else {
        return Ok(Vec::new());
    };
    if directory.starts_with(repository.path()) {
        return Ok(Vec::new());
    }
    match inside.to_str() {
        Some(inside) => Ok(inside
            .split(std::path::MAIN_SEPARATOR)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()),
        None => Err(RevisionError::NoFolder {
            revision: "HEAD".to_owned(),
            folder: inside.display().to_string(),
        }),
    }
}

/// Splits a folder into segments. Returns `None` if it leaves the repository.
pub(crate) fn parts(folder: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = folder
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .map(str::to_owned)
        .collect();
    (!folder.starts_with('/') && !parts.iter().any(|part| part == "..")).then_some(parts)
}

/// The tree of the index. It is created in memory; nothing is written to the repository.
///
/// In a hook, git names the index of the commit that is being made (`GIT_INDEX_FILE`): that of `git
/// commit -a` and `git commit FILE` is a temporary one.
pub(crate) fn staged(repository: &Repository) -> Result<Oid, RevisionError> {
    /// Highest priority among the object stores.
    const FIRST: i32 = 1_000;
    let Some(top) = repository.workdir() else {
        return Err(RevisionError::NoIndex {
            directory: repository.path().display().to_string(),
        });
    };
    let named = std::env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty());
    // Git runs hooks at the top of the work tree.
    let path = named.map_or_else(|| repository.path().join("index"), |path| top.join(path));
    let unreadable = |source: git2::Error| RevisionError::Index {
        path: path.display().to_string(),
        source,
    };
    let mut index = bounded_index(&path, IndexLimits::DEFAULT).map_err(unreadable)?;
    if index.has_conflicts() {
        return Err(RevisionError::Conflicts);
    }
    let mut tree = || {
        let objects = repository.odb()?;
        objects.add_new_mempack_backend(FIRST)?;
        index.write_tree_to(repository)
    };
    tree().map_err(unreadable)
}

/// Limits of an index. It lists the files of the whole repository, not only those that are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexLimits {
    /// Maximum size of the file in bytes.
    bytes: u64,
    /// Maximum number of entries.
    entries: usize,
}

impl IndexLimits {
    pub(crate) const DEFAULT: Self = Self {
        bytes: 512 << 20,
        entries: 2_000_000,
    };
}

/// Reads an index whose size is limited. A missing file is an empty index.
pub(crate) fn bounded_index(path: &Path, limits: IndexLimits) -> Result<Index, git2::Error> {
    let size = path.metadata().map_or(0, |metadata| metadata.len());
    if size > limits.bytes {
        let message = format!(
            "the index has {size} bytes; at most {} are read",
            limits.bytes
        );
        return Err(git2::Error::from_str(&message));
    }
    let mut index = Index::open(path)?;
    index.read(true)?;
    if index.len() > limits.entries {
        let message = format!(
            "the index has {} entries; at most {} are read",
            index.len(),
            limits.entries
        );
        return Err(git2::Error::from_str(&message));
    }
    Ok(index)
}

/// Resolves a revision to a commit.
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

/// The branch that a revision names. For `HEAD`, the checked out branch.
pub(crate) fn branch(repository: &Repository, revision: &str) -> Option<String> {
    if revision == "HEAD" || revision == "@" {
        return checked_out_branch(repository);
    }
    let reference = repository
        .resolve_reference_from_short_name(revision)
        .ok()?;
    let branch = reference.is_branch() || reference.is_remote();
    branch
        .then(|| reference.shorthand().ok().map(str::to_owned))
        .flatten()
}

/// The checked out branch, or `None` for a detached `HEAD`.
pub(crate) fn checked_out_branch(repository: &Repository) -> Option<String> {
    let head = repository.head().ok().filter(git2::Reference::is_branch)?;
    head.shorthand().ok().map(str::to_owned)
}

/// The error for a commit with missing or corrupt objects.
pub(crate) fn incomplete(
    repository: &Repository,
    revision: &str,
    source: git2::Error,
) -> RevisionError {
    if source.code() == ErrorCode::NotFound && repository.is_shallow() {
        missing(repository, revision)
    } else if source.code() == ErrorCode::NotFound && is_partial(repository) {
        RevisionError::NotFetched {
            revision: revision.to_owned(),
        }
    } else {
        RevisionError::Unreadable {
            revision: revision.to_owned(),
            source,
        }
    }
}

/// Whether the repository was cloned with a filter, so that objects may be missing.
fn is_partial(repository: &Repository) -> bool {
    let config = repository.config();
    let is_promisor = |config: git2::Config| {
        let mut entries = config.entries(Some("remote\\..*\\.promisor")).ok()?;
        Some(entries.next().is_some() || config.get_string("extensions.partialclone").is_ok())
    };
    config.ok().and_then(is_promisor).unwrap_or(false)
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
        names if names.len() <= LISTED => format!("known revisions: {}", names.join(", ")),
        names => format!(
            "known revisions: {} and {} more",
            names[..LISTED].join(", "),
            names.len() - LISTED
        ),
    };
    RevisionError::NoRevision { revision, hint }
}

/// The command that fetches a revision into a shallow clone.
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

/// Short names of branches and tags.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let mut index = repository.index().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(folder.path().join(name), name).unwrap();
            index.add_path(Path::new(name)).unwrap();
        }
        index.write().unwrap();
        let path = repository.path().join("index");
        let read = |bytes, entries| {
            let read = bounded_index(&path, IndexLimits { bytes, entries });
            read.map(|index| index.len())
                .map_err(|error| error.message().to_owned())
        };
        assert_eq!(read(1_000_000, 3), Ok(3));
        let size = path.metadata().unwrap().len();
        let too_large = format!("the index has {size} bytes; at most 10 are read");
        assert_eq!(read(10, 3), Err(too_large));
        let too_many = "the index has 3 entries; at most 2 are read";
        assert_eq!(read(1_000_000, 2), Err(too_many.to_owned()));
        let missing = bounded_index(Path::new("missing"), IndexLimits::DEFAULT);
        assert_eq!(missing.unwrap().len(), 0);
    }
}
