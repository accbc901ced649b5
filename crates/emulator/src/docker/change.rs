//! The changes that another client can make in an organization.

use std::fmt::{self, Display, Formatter};

use super::operation::DockerOperationId;
use crate::fault::{self, FaultArgument, FaultError, ObjectChoice, show_pair};

/// A fault of this service. Its text form is the argument of `--fault`.
pub type DockerFault = fault::Fault<DockerOperationId, DockerInterference>;
pub type DockerFaultKind = fault::FaultKind<DockerInterference>;
/// The requests that a fault of this service applies to.
pub type DockerRequestSelection = fault::RequestSelection<DockerOperationId>;
/// The requests that a fault of this service counts.
pub type DockerRequestClass = fault::RequestClass<DockerOperationId>;

/// A change by another client. If the object does not exist, nothing changes and the fault waits
/// for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerInterference {
    /// Creates an empty policy. `Any` selects an unused name.
    AddPolicy(ObjectChoice),
    RenamePolicy(ObjectChoice),
    /// Limits a policy to the organization's first team, or removes the limit if it has one.
    ChangePolicy(ObjectChoice),
    DeletePolicy(ObjectChoice),
    /// Adds a rule to a policy. `Any` selects an unused name.
    AddRule(RuleChoice),
    /// Inverts a rule's decision.
    ChangeRule(RuleChoice),
    DeleteRule(RuleChoice),
}

/// Selects a rule and its policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleChoice {
    pub policy: ObjectChoice,
    pub rule: ObjectChoice,
}

impl fault::Interference for DockerInterference {
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

    fn read(word: &'static str, value: FaultArgument) -> Result<Self, FaultError> {
        let policy = |value: FaultArgument| value.name(word, "the name of a policy");
        let rule = |value: FaultArgument| {
            value
                .pair(word, "RULE or POLICY/RULE")
                .map(|(policy, rule)| RuleChoice { policy, rule })
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

impl Display for DockerInterference {
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

impl Display for RuleChoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { policy, rule } = self;
        show_pair(f, policy, rule)
    }
}
