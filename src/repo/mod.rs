//! Where text comes from: the work tree or a git revision, and the manifests of all targets.

mod git;
mod load;
mod revision;
mod source;
#[cfg(test)]
mod tests;
mod work_tree;

pub use git::{Head, folder, head};
pub use load::{Loaded, LoadedTarget, load};
pub use revision::{CiBase, PullRequest, Revision, RevisionError};
pub use source::{Listing, Problem, ProblemKind, Source};
pub use work_tree::{OpenError, WorkTree};
