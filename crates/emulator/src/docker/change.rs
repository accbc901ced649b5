//! The changes that another client can make in an organization.

use std::fmt::{self, Display, Formatter};

use super::operation::Operation;
use crate::fault::{self, FaultError, Value, Which, show_pair};

/// A fault of this service. Its text form is the argument of `--fault`.
pub type Fault = fault::Fault<Operation, Change>;
pub type FaultKind = fault::FaultKind<Change>;
/// The requests that a fault of this service applies to.
pub type Selection = fault::Selection<Operation>;
/// The requests that a fault of this service counts.
pub type Among = fault::Among<Operation>;

/// A change by another client. If the object does not exist, nothing changes and the fault waits
/// for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Creates an empty policy. `Any` selects an unused name.
    AddPolicy(Which),
    RenamePolicy(Which),
    /// Limits a policy to the organization's first team, or removes the limit if it has one.
    ChangePolicy(Which),
    DeletePolicy(Which),
    /// Adds a rule to a policy. `Any` selects an unused name.
    AddRule(WhichRule),
    /// Inverts a rule's decision.
    ChangeRule(WhichRule),
    DeleteRule(WhichRule),
}

/// Selects a rule and its policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichRule {
    pub policy: Which,
    pub rule: Which,
}

impl fault::Change for Change {
    const WORDS: &'static [&'static str] = &[
        "add-policy",
        "rename-policy",
        "change-policy",
        "delete-policy",
        "add-rule",
        "change-rule",
        "delete-rule",
    ];
    const IN_SHORT: &'static str = "add-, rename-, change- or delete- with policy or rule";

    fn read(word: &'static str, value: Value) -> Result<Self, FaultError> {
        let policy = |value: Value| value.name(word, "the name of a policy");
        let rule = |value: Value| {
            value
                .pair(word, "RULE or POLICY/RULE")
                .map(|(policy, rule)| WhichRule { policy, rule })
        };
        match word {
            "add-policy" => policy(value).map(Self::AddPolicy),
            "rename-policy" => policy(value).map(Self::RenamePolicy),
            "change-policy" => policy(value).map(Self::ChangePolicy),
            "delete-policy" => policy(value).map(Self::DeletePolicy),
            "add-rule" => rule(value).map(Self::AddRule),
            "change-rule" => rule(value).map(Self::ChangeRule),
            "delete-rule" => rule(value).map(Self::DeleteRule),
            other => Err(FaultError::unknown_change(other, Self::IN_SHORT)),
        }
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddPolicy(policy) => write!(f, "add-policy={policy}"),
            Self::RenamePolicy(policy) => write!(f, "rename-policy={policy}"),
            Self::ChangePolicy(policy) => write!(f, "change-policy={policy}"),
            Self::DeletePolicy(policy) => write!(f, "delete-policy={policy}"),
            Self::AddRule(rule) => write!(f, "add-rule={rule}"),
            Self::ChangeRule(rule) => write!(f, "change-rule={rule}"),
            Self::DeleteRule(rule) => write!(f, "delete-rule={rule}"),
        }
    }
}

impl Display for WhichRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { policy, rule } = self;
        show_pair(f, policy, rule)
    }
}
