//! Sources of manifests: the work tree, the index or a git revision.
//!
//! All sources implement [`Source`]. Their content may come from a pull request, so nothing outside
//! of the repository is read and all reads are limited.

#![warn(missing_docs)]

mod branch;
mod find;
mod git;
mod pack;
mod pipeline;
mod problem;
mod pull_request;
mod read;
mod revision;
mod signature;
#[cfg(test)]
#[path = "../../../tests/skip.rs"]
mod skip;
mod source;
mod walk;
mod work_tree;

pub use branch::{BranchError, commit_id, default_branch, first_parent, on_branch};
pub use find::RevisionError;
pub use git::{CommitPerson, HeadCommit, folder, head};
pub use pack::{Archive, PROJECT_FILE, PackEntry, PackError, PackTree};
pub use pipeline::{Pipeline, PipelineService};
pub use problem::{FileProblem, FileProblemKind, Listing};
pub use pull_request::{CiBase, PullRequest};
pub use revision::Revision;
pub use signature::{
    SignatureError, SignatureRequest, SignatureScheme, SignedBy, SignersError, verify,
};
pub use source::{Source, normalize};
pub use work_tree::{WorkTree, WorkTreeError};
