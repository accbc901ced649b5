//! Why a revision cannot be read.

use thiserror::Error;

/// Why a revision cannot be read, and what to do.
#[derive(Debug, Error)]
pub enum RevisionError {
    /// No repository is around the folder.
    #[error(
        "`{directory}` is in no git repository, so that it has no revisions; work in a clone, or leave {asked} out"
    )]
    NoRepository {
        /// The folder.
        directory: String,
        /// What asked for a revision.
        asked: &'static str,
    },
    /// A repository that git does not want to open.
    #[error("the git repository of `{directory}` cannot be opened")]
    Repository {
        /// The folder.
        directory: String,
        /// What git says.
        source: git2::Error,
    },
    /// No revision of this name.
    #[error("there is no revision `{revision}`; {hint}")]
    NoRevision {
        /// The revision as given.
        revision: String,
        /// What may have been meant.
        hint: String,
    },
    /// A shallow clone, which does not hold the revision.
    #[error("this clone is shallow and does not hold `{revision}`; fetch it first: `{fetch}`")]
    Shallow {
        /// The revision as given.
        revision: String,
        /// The command that fetches it.
        fetch: String,
    },
    /// An object that is no commit.
    #[error("`{revision}` is no commit but a {kind}; name a branch, a tag or a commit")]
    NoCommit {
        /// The revision as given.
        revision: String,
        /// What it is.
        kind: String,
    },
    /// Objects that cannot be read.
    #[error("the revision `{revision}` cannot be read; run `git fsck`, or fetch it again")]
    Unreadable {
        /// The revision as given.
        revision: String,
        /// What git says.
        source: git2::Error,
    },
    /// A bare repository, which has no index.
    #[error(
        "`{directory}` is a bare repository, in which nothing is staged; name a revision instead"
    )]
    NoIndex {
        /// The folder.
        directory: String,
    },
    /// An index from which no tree can be made.
    #[error(
        "what is staged cannot be read; is a merge under way? Resolve its conflicts and `git add` them"
    )]
    Index {
        /// What git says.
        source: git2::Error,
    },
    /// The folder of the configuration is not in the revision.
    #[error(
        "the folder `{folder}` does not exist at `{revision}`; name the one of that time with REV:FOLDER"
    )]
    NoFolder {
        /// The revision as given.
        revision: String,
        /// The folder, from the top of the repository.
        folder: String,
    },
    /// A branch that was never fetched.
    #[error(
        "{variable} names the target branch `{branch}`, which this clone does not hold; fetch it first: `{fetch}`"
    )]
    NoBranch {
        /// Where the name comes from.
        variable: &'static str,
        /// The branch.
        branch: String,
        /// The command that fetches it.
        fetch: String,
    },
    /// Two commits without a common ancestor in this clone.
    #[error(
        "`{head}` and `{branch}` have no common ancestor in this clone; fetch more history first: `{fetch}`"
    )]
    NoMergeBase {
        /// The one.
        head: String,
        /// The other.
        branch: String,
        /// The command that fetches more.
        fetch: String,
    },
}
