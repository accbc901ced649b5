//! What it means that the calls of a plan do not fit a state, and how two states differ.

use thiserror::Error;

use super::types::ResourceKind;
use model::docker::RuleError;

/// A call that does not fit the state it meets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// It names a policy that is not there.
    #[error("call {call} names a policy that does not exist then")]
    NoPolicy {
        /// The call's number.
        call: u32,
    },
    /// The service would refuse it.
    #[error("call {call} would be refused: {why}")]
    Refused {
        /// The call's number.
        call: u32,
        /// Why, as a clause.
        why: String,
    },
    /// It is one of another provider.
    #[error("call {call} is none of this provider")]
    OtherService {
        /// The call's number.
        call: u32,
    },
    /// It names a rule that is not there, or one that is not understood.
    #[error("call {call} names a rule that does not exist then")]
    NoRule {
        /// The call's number.
        call: u32,
    },
    /// A patch makes no rule.
    #[error("call {call} makes no rule: {error}")]
    InvalidRule {
        /// The call's number.
        call: u32,
        /// Why.
        error: RuleError,
    },
}

/// A difference between what should be there and what is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Error)]
#[error("{resource} `{name}`: {what}")]
pub struct Mismatch {
    /// What differs.
    pub resource: ResourceKind,
    pub name: String,
    /// What differs, as a clause.
    pub what: String,
}
