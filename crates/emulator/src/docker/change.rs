//! What another writer can do to an organization.

use std::fmt::{self, Display, Formatter};

use super::operation::Operation;
use crate::fault::{self, FaultError, Value, Which};

/// A fault of this service; its text form is the argument of `--fault`.
pub type Fault = fault::Fault<Operation, Change>;
/// What goes wrong at this service.
pub type FaultKind = fault::FaultKind<Change>;
/// At which requests to this service.
pub type Selection = fault::Selection<Operation>;
/// Which requests to this service count.
pub type Among = fault::Among<Operation>;

/// What another writer does. An object that is not there is left alone, and the fault waits for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Creates an empty policy of this name; `Any` gives it one of its own.
    AddPolicy(Which),
    /// Gives a policy another name.
    RenamePolicy(Which),
    /// Limits a policy to the organization's first team or, if it is limited to teams, lifts that.
    ChangePolicy(Which),
    /// Deletes a policy.
    DeletePolicy(Which),
    /// Adds a rule to a policy; `Any` gives it a name of its own.
    AddRule(WhichRule),
    /// Turns a rule's decision into the other one.
    ChangeRule(WhichRule),
    /// Deletes a rule.
    DeleteRule(WhichRule),
}

/// Which rule another writer takes, and in which policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichRule {
    /// The policy.
    pub policy: Which,
    /// The rule.
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
        match policy {
            Which::Any => write!(f, "{rule}"),
            Which::Named(_) => write!(f, "{policy}/{rule}"),
        }
    }
}
