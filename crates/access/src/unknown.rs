//! Answers that are not known, with the reason.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use model::docker::Decision;

/// A reason why a decision is not known: a live policy contains something that this version does not
/// understand, or the service does not document what it decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnknownCause {
    /// The name of the policy; absent if the reason is not about one policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What is not understood or not documented, as a clause.
    pub reason: String,
}

/// The decision about a request. Rules never require an approval.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is allowed.
    Allow,
    /// It is allowed after an approval.
    Approval,
    /// It is denied.
    #[default]
    Deny,
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allow => Self::Allow,
            Decision::Deny => Self::Deny,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Approval => "approval",
            Self::Deny => "deny",
        })
    }
}

/// The answer to a question about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The request is allowed.
    Allow,
    /// The request is allowed after an approval (MCP only).
    Approval,
    /// The request is denied.
    Deny,
    /// The decision depends on something that this version does not understand, or that the service
    /// does not document.
    Unknown,
}

impl<O: Into<Outcome>> From<O> for Answer {
    fn from(outcome: O) -> Self {
        match outcome.into() {
            Outcome::Allow => Self::Allow,
            Outcome::Approval => Self::Approval,
            Outcome::Deny => Self::Deny,
        }
    }
}

impl Answer {
    /// The answer for a decision, which is only known without `causes`.
    pub fn new(decision: impl Into<Outcome>, causes: &[UnknownCause]) -> Self {
        if causes.is_empty() {
            decision.into().into()
        } else {
            Self::Unknown
        }
    }
}
