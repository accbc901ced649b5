//! Checks that a commit is on a branch.

use std::path::Path;

use git2::Oid;
use thiserror::Error;

use crate::find::{self, RevisionError};
use crate::location;
use crate::revision_path::RevisionPath;

/// A commit is not on a branch, or that is unknown.
#[derive(Debug, Error)]
pub enum BranchError {
    /// Missing repository or commit.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// The clone does not contain the branch.
    #[error(
        "this clone holds neither `origin/{branch}` nor a branch `{branch}`; fetch it first: `{fetch}`"
    )]
    NoBranch {
        /// Name of the branch.
        branch: String,
        /// Command that fetches it.
        fetch: String,
    },
    /// The commit is not on the branch.
    #[error(
        "the commit {commit} is not on the branch `{branch}`, whose tip is {tip} ({reference}); merge it first"
    )]
    NotMerged {
        /// Id of the commit.
        commit: String,
        /// Name of the branch.
        branch: String,
        /// Id of the branch's latest commit.
        tip: String,
        /// Name of the reference in this clone.
        reference: String,
    },
    /// The history of the clone is too short to decide.
    #[error(
        "this clone is shallow, so that nobody can tell whether the commit {commit} is on the branch `{branch}` (it is \
         not its tip, {tip}); fetch the history first: `git fetch --unshallow origin`"
    )]
    Shallow {
        /// Id of the commit.
        commit: String,
        /// Name of the branch.
        branch: String,
        /// Id of the branch's latest commit.
        tip: String,
    },
}

/// Resolves a revision to a commit id.
///
/// # Errors
/// Missing repository or revision.
pub fn commit_id(directory: &Path, path: &RevisionPath) -> Result<String, RevisionError> {
    let repository = location::open(directory)?;
    Ok(find::commit(&repository, path.revision())?.to_string())
}

/// Checks that a commit is on a branch: it is the branch's latest commit or one of its ancestors.
/// The remote's branch (`origin/BRANCH`) is used, or the local branch if the remote's is unknown.
///
/// # Errors
/// The commit is not on the branch, or the clone does not contain enough history.
pub fn on_branch(directory: &Path, commit: &str, branch: &str) -> Result<(), BranchError> {
    let repository = location::open(directory)?;
    let id = find::commit(&repository, commit)?;
    let names = [
        format!("refs/remotes/origin/{branch}"),
        format!("refs/heads/{branch}"),
    ];
    let found = names.into_iter().find_map(|name| {
        let tip = repository
            .find_reference(&name)
            .ok()?
            .peel_to_commit()
            .ok()?;
        Some((name, tip.id()))
    });
    let Some((reference, tip)) = found else {
        return Err(BranchError::NoBranch {
            branch: branch.to_owned(),
            fetch: find::fetch_branch(branch),
        });
    };
    // In a shallow clone, a missing commit is either an error or not found, depending on where the
    // history ends.
    if tip == id || repository.graph_descendant_of(tip, id).unwrap_or(false) {
        return Ok(());
    }
    let commit = id.to_string();
    let branch = branch.to_owned();
    let tip = tip.to_string();
    Err(match repository.is_shallow() {
        true => BranchError::Shallow {
            commit,
            branch,
            tip,
        },
        false => BranchError::NotMerged {
            commit,
            branch,
            tip,
            reference,
        },
    })
}

/// The default branch of the remote as a revision, or `None` if the clone does not record it.
pub fn default_branch(directory: &Path) -> Option<String> {
    const HEAD: &str = "refs/remotes/origin/HEAD";
    let repository = location::open(directory).ok()?;
    let tip: Oid = repository
        .find_reference(HEAD)
        .ok()?
        .peel_to_commit()
        .ok()?
        .id();
    Some(tip.to_string())
}

/// The name of the branch that changes are merged into: the default branch of the remote, or the
/// branch that is checked out if the clone does not record it.
pub fn main_branch(directory: &Path) -> Option<String> {
    let repository = location::open(directory).ok()?;
    let target = |name: &str, prefix: &str| {
        let reference = repository.find_reference(name).ok()?;
        let target = reference.symbolic_target().ok().flatten()?;
        Some(target.strip_prefix(prefix)?.to_owned())
    };
    target("refs/remotes/origin/HEAD", "refs/remotes/origin/")
        .or_else(|| target("HEAD", "refs/heads/"))
}

/// The host of the remote `origin`. Addresses may contain a password, so nothing else of them is returned.
pub fn remote_host(directory: &Path) -> Option<String> {
    let repository = location::open(directory).ok()?;
    let remote = repository.find_remote("origin").ok()?;
    host_of(remote.url().ok()?).map(str::to_owned)
}

/// The host of `https://user@host:port/path`, `ssh://…` or `user@host:path`.
fn host_of(url: &str) -> Option<&str> {
    let (is_url, rest) = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => (true, rest),
        None => (false, url),
    };
    let authority = match is_url {
        true => rest.split('/').next()?,
        false => rest.split_once(':')?.0,
    };
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?;
    (!host.is_empty() && !host.contains('/')).then_some(host)
}

/// The first parent of a commit: for a merge commit, the branch that it was merged into.
///
/// # Errors
/// Missing repository or commit.
pub fn first_parent(directory: &Path, commit: &str) -> Result<Option<String>, RevisionError> {
    let repository = location::open(directory)?;
    let id = find::commit(&repository, commit)?;
    let found = repository
        .find_commit(id)
        .map_err(|source| find::incomplete(&repository, commit, source))?;
    // A shallow clone records ids of parents that it does not contain.
    Ok(found.parent(0).ok().map(|parent| parent.id().to_string()))
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn hosts_of_remotes() {
        for (url, host) in [
            ("https://github.com/o/r.git", Some("github.com")),
            (
                "https://user:p@ss@gitlab.example.com:8443/o/r",
                Some("gitlab.example.com"),
            ),
            ("ssh://git@bitbucket.org/o/r", Some("bitbucket.org")),
            ("git@github.com:o/r.git", Some("github.com")),
            ("file:///srv/r.git", None),
            ("/srv/github.com:r.git", None),
            ("../r", None),
            ("", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
