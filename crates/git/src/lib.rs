//! Where text comes from: the work tree or a git revision, and the manifests of all targets.

mod branch;
mod git;
pub mod pack;
mod pipeline;
mod revision;
mod signature;
#[cfg(test)]
#[path = "../../../tests/skip.rs"]
mod skip;
pub mod source;
mod work_tree;

pub use branch::{BranchError, commit_id, default_branch, first_parent, on_branch};
pub use git::{Head, Person, folder, head};

pub use pack::{
    Archive, MAX_SOURCE_BYTES, MAX_SOURCE_FILES, PROJECT_FILE, PackEntry, PackError, PackTree,
};
pub use pipeline::{Pipeline, PipelineService};
pub use revision::{CiBase, PullRequest, Revision, RevisionError};
pub use signature::{
    Request as SignatureRequest, Scheme, SignatureError, SignedBy, SignersError, verify,
};
pub use source::{Listing, Problem, ProblemKind, Source, normal};
pub use work_tree::{OpenError, WorkTree};
