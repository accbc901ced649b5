//! Where text comes from: the work tree (later also git revisions), and the manifests of all targets.

mod git;
mod load;
mod source;
#[cfg(test)]
mod tests;
mod work_tree;

pub use git::{Head, head};
pub use load::{Loaded, LoadedTarget, load};
pub use source::{Listing, Problem, ProblemKind, Source};
pub use work_tree::{OpenError, WorkTree};
