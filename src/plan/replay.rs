//! Errors of replays: of applying the calls of a plan to a state, and of comparing the result.

use thiserror::Error;

use super::types::ResourceKind;
use model::docker::RuleError;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplayError {
    #[error("call {call} names a policy that does not exist then")]
    NoPolicy { call: u32 },
    #[error("call {call} would be refused: {why}")]
    Refused {
        call: u32,
        /// Why, as a clause.
        why: String,
    },
    /// The call belongs to another provider.
    #[error("call {call} is none of this provider")]
    Foreign { call: u32 },
    /// The call names a rule that does not exist, or one that could not be decoded.
    #[error("call {call} names a rule that does not exist then")]
    NoRule { call: u32 },
    /// The result of a patch is not a valid rule.
    #[error("call {call} makes no rule: {error}")]
    NotARule { call: u32, error: RuleError },
}

/// A difference between the expected and the actual state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Error)]
#[error("{resource} `{name}`: {what}")]
pub struct Mismatch {
    pub resource: ResourceKind,
    pub name: String,
    /// What differs, as a clause.
    pub what: String,
}
