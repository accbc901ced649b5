//! Why a service does not plan, run or verify something.

use thiserror::Error;

use crate::plan::{Mismatch, ReplayError, ResourceKind, TargetInfo};
use http::ApiError;
use manifest::config::Provider;
use model::diag::Diagnostic;

/// A request that does not fit the object it was made to. Plans and journals come from files, so
/// the types cannot exclude this; it is an error and never means "nothing to do".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// A plan, a journal or a configuration names another service.
    #[error(
        "target `{target}` belongs to another service: it is of the provider `{}`, not of `{}`",
        expected.as_str(),
        found.as_str()
    )]
    WrongService {
        /// The target.
        target: String,
        /// Its service.
        expected: Provider,
        /// The service that was named.
        found: Provider,
    },
    /// Something was asked that only the live state answers.
    #[error("the live state of target `{target}` has not been read")]
    NotRead {
        /// The target.
        target: String,
    },
    /// A call was to be sent before the run was started.
    #[error("no run of target `{target}` has been started")]
    NotStarted {
        /// The target.
        target: String,
    },
}

impl ServiceError {
    /// Something is for another service than a target.
    pub fn wrong(info: &TargetInfo, found: Provider) -> Self {
        Self::WrongService {
            target: info.name.clone(),
            expected: info.provider,
            found,
        }
    }

    /// The live state of a target is missing.
    pub fn not_read(info: &TargetInfo) -> Self {
        Self::NotRead {
            target: info.name.clone(),
        }
    }

    /// No run of a target was started.
    pub fn not_started(info: &TargetInfo) -> Self {
        Self::NotStarted {
            target: info.name.clone(),
        }
    }
}

/// Why a call was not made, or what the service answered.
#[derive(Debug, Clone, Error)]
pub enum CallError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The call does not belong to the target.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// What only the server can tell to be wrong with the manifests.
    #[error("the manifests are invalid")]
    Manifests(Vec<Diagnostic>),
    /// Calls do not fit the live state.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The live state is missing, or belongs to another service.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why a run was not started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BeginError {
    /// The configuration does not allow it.
    #[error("{0}")]
    Refused(&'static str),
    /// The plan does not belong to the target.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why it is not known whether the server contains what was written.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// It could not be read back.
    #[error(transparent)]
    Read(ApiError),
    /// The applied calls do not fit what was there before.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// No run was started.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl StalePlan {
    /// The same change, found by reading the live state again after the last call.
    pub fn during_run(&self) -> Mismatch {
        let (resource, name, what) = match self {
            Self::Changed(resource, name) => (resource, name, "changed"),
            Self::Gone(resource, name) => (resource, name, "deleted"),
            Self::Appeared(resource, name) | Self::Exists(resource, name) => {
                (resource, name, "created")
            }
        };
        Mismatch {
            resource: *resource,
            name: name.clone(),
            what: format!("{what} by another client during the run"),
        }
    }
}

/// Why a plan no longer matches the live state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StalePlan {
    /// An object that the plan touches was changed.
    #[error("{0} `{1}` has changed since the plan was made")]
    Changed(ResourceKind, String),
    /// An object that the plan touches was deleted.
    #[error("{0} `{1}` is gone since the plan was made")]
    Gone(ResourceKind, String),
    /// Another client created something that the plan does not contain.
    #[error("{0} `{1}` was created since the plan was made")]
    Appeared(ResourceKind, String),
    /// An object that the plan creates exists already.
    #[error("{0} `{1}` exists now; the plan would create it")]
    Exists(ResourceKind, String),
}
