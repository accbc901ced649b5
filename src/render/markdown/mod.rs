//! Renders comments for pull requests: access changes first, everything else folded, within the
//! platform's size limit.

mod comment;
mod drift;
mod page;
mod text;

pub use comment::{
    GITHUB_COMMENT, Marker, MarkerError, Options, SMALLEST, findings, plan, policy_tests,
};
pub use drift::drift;
