//! Sources of manifests: the work tree, the index or a git revision.
//!
//! All sources implement [`Source`]. Their content may come from a pull request, so nothing outside
//! of the repository is read and all reads are limited.

#![warn(missing_docs)]

mod branch;
mod environment;
mod find;
mod git;
#[cfg(test)]
#[path = "../../../tests/git_command.rs"]
mod git_command;
mod limits;
mod line_endings;
mod location;
#[cfg(test)]
#[path = "../../../tests/mutated_bytes.rs"]
mod mutated_bytes;
mod pack;
mod pipeline;
mod problem;
mod pull_request;
mod read;
mod read_log;
mod revision;
mod revision_path;
mod signature;
#[cfg(test)]
#[path = "../../../tests/skip.rs"]
mod skip;
mod source;
mod tracked;
mod walk;
mod work_tree;

pub use branch::{
    BranchError, commit_id, default_branch, first_parent, main_branch, on_branch, remote_host,
};
pub use find::RevisionError;
pub use git::{CommitPerson, HeadCommit};
pub use location::{superproject, top, use_bare_repository, uses_bare_repository};
pub use pack::{Archive, PACKAGE_FILE, PROJECT_FILE, PackEntry, PackError, PackRules, PackTree};
pub use pipeline::{Pipeline, PipelineService, ci_variable};
pub use problem::{FileProblem, FileProblemKind, Listing, is_manifest};
pub use pull_request::{CiBase, PullRequest};
pub use read::text;
pub use read_log::LockedPack;
pub use revision::Revision;
pub use revision_path::RevisionPath;
pub use signature::{
    SignatureError, SignatureRequest, SignatureScheme, SignedBy, SignedPlan, SignedSubject,
    SignersError, SigningError, sign_plan, verify, verify_plan,
};
pub use source::{Source, normalize};
pub use tracked::TrackedFiles;
pub use work_tree::{WorkTree, WorkTreeError};
