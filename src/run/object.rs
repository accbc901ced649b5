//! Live objects in messages and journals of runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use model::chainloop::LiveDocument;
use model::docker::{LivePolicy, LiveRule, PolicyId, RuleId};
use model::pulumi::{LiveGroup, LivePack, VersionNumber};

/// A policy or a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalObject")]
pub enum LiveObject {
    /// A policy.
    Policy(Box<LivePolicy>),
    /// A rule.
    Rule(Box<LiveRule>),
    /// A policy pack.
    Pack(Box<LivePack>),
    /// A policy group.
    Group(Box<LiveGroup>),
    /// A document.
    Document(Box<LiveDocument>),
}

/// The result of a call on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "JournalLeft")]
pub enum StateAfterWrite {
    /// A policy that was created or updated.
    Policy(Box<LivePolicy>),
    /// A policy was deleted.
    NoPolicy {
        /// Its id.
        id: PolicyId,
    },
    /// A rule that was created or updated.
    Rule {
        /// The id of its policy.
        policy: PolicyId,
        /// The rule.
        rule: Box<LiveRule>,
    },
    /// A rule was deleted.
    NoRule {
        /// The id of its policy.
        policy: PolicyId,
        /// Its id.
        id: RuleId,
    },
    /// A version was started. It is not visible until it is complete.
    Begun {
        /// The number that the server assigned.
        version: VersionNumber,
    },
    // The service answers no more than that it was done.
    /// The description of the call.
    AsSent,
}

/// The expected state of an object, and the state after the change of another client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalDifference")]
pub struct ObjectDifference {
    /// The planned state; absent if the object should not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<LiveObject>,
    /// The state after the change of another client; absent if the object was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<LiveObject>,
}

/// The outcome of a write whose answer does not show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The live state is the result of the write.
    Applied(StateAfterWrite),
    /// The live state is the state before the write.
    NotApplied,
    /// The live state is neither: another client changed it.
    Conflict(ObjectDifference),
}

impl LiveObject {
    pub(crate) fn policy(policy: &LivePolicy) -> Self {
        Self::Policy(Box::new(policy.clone()))
    }

    pub(crate) fn rule(rule: &LiveRule) -> Self {
        Self::Rule(Box::new(rule.clone()))
    }
}
