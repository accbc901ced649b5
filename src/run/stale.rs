//! Plans that no longer fit.

use thiserror::Error;

use crate::plan::ResourceKind;

/// Why a plan no longer fits what is live.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StalePlan {
    /// Somebody changed what the plan touches.
    #[error("{0} `{1}` has changed since the plan was made")]
    Changed(ResourceKind, String),
    /// Somebody deleted what the plan touches.
    #[error("{0} `{1}` is gone since the plan was made")]
    Gone(ResourceKind, String),
    /// Somebody made what the plan would create.
    #[error("{0} `{1}` exists now; the plan would create it")]
    Exists(ResourceKind, String),
}
