//! Whether a commit was merged: it is on a branch.

use std::path::Path;

use git2::{Oid, Repository};
use thiserror::Error;

use super::revision::{RevisionError, find};

/// Why a commit does not count as one of a branch.
#[derive(Debug, Error)]
pub enum BranchError {
    /// There is no repository, or no such commit.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// A branch that this clone does not hold.
    #[error(
        "this clone holds neither `origin/{branch}` nor a branch `{branch}`; fetch it first: `{fetch}`"
    )]
    NoBranch {
        /// The branch.
        branch: String,
        /// The command that fetches it.
        fetch: String,
    },
    /// A commit that the branch does not hold.
    #[error(
        "the commit {commit} is not on the branch `{branch}`, whose tip is {tip} ({reference}); merge it first"
    )]
    NotMerged {
        /// The commit.
        commit: String,
        /// The branch.
        branch: String,
        /// The commit that it is at.
        tip: String,
        /// The name that it goes by in this clone.
        reference: String,
    },
    /// A history that ends too early to tell.
    #[error(
        "this clone is shallow, so that nobody can tell whether the commit {commit} is on the branch `{branch}` (it is \
         not its tip, {tip}); fetch the history first: `git fetch --unshallow origin`"
    )]
    Shallow {
        /// The commit.
        commit: String,
        /// The branch.
        branch: String,
        /// The commit that it is at.
        tip: String,
    },
}

/// The id of a commit: of a revision (`REV` or `REV:FOLDER`), or of what is checked out.
///
/// # Errors
/// There is no repository, or no such revision.
pub fn commit_id(directory: &Path, revision: Option<&str>) -> Result<String, RevisionError> {
    let repository = find::repository(directory)?;
    let name = revision.unwrap_or("HEAD");
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    Ok(find::commit(&repository, name)?.to_string())
}

/// Makes sure that a commit is on a branch: it is its tip, or one of those that the tip came from. The branch is that of
/// the remote (`origin/BRANCH`), and the local one only where the remote's is not known.
///
/// # Errors
/// It is not, or this clone does not know.
pub fn on_branch(directory: &Path, commit: &str, branch: &str) -> Result<(), BranchError> {
    let repository = find::repository(directory)?;
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
    // What is missing in a shallow clone is an error or just not found, by where the history ends.
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

/// The branch that the remote says is its main one, as a revision; nothing where the clone does not know.
pub fn default_branch(directory: &Path) -> Option<String> {
    const HEAD: &str = "refs/remotes/origin/HEAD";
    let repository = Repository::discover(directory).ok()?;
    let tip: Oid = repository
        .find_reference(HEAD)
        .ok()?
        .peel_to_commit()
        .ok()?
        .id();
    Some(tip.to_string())
}

/// The commit that a commit was made on top of, or merged into: its first parent.
///
/// # Errors
/// There is no repository, or no such commit.
pub fn first_parent(directory: &Path, commit: &str) -> Result<Option<String>, RevisionError> {
    let repository = find::repository(directory)?;
    let id = find::commit(&repository, commit)?;
    let found = repository
        .find_commit(id)
        .map_err(|source| find::incomplete(&repository, commit, source))?;
    // A shallow clone names parents that it does not hold.
    Ok(found.parent(0).ok().map(|parent| parent.id().to_string()))
}
