//! Renders comments for pull requests: access changes first, everything else folded, within the
//! platform's size limit.

mod comment;
mod drift;
mod page;
mod text;

pub use comment::{
    CommentOptions, GITHUB_COMMENT, Marker, MarkerError, SMALLEST, diagnostics, plan, policy_tests,
};
pub use drift::drift;
