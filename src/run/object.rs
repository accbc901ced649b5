//! What stands at a server, as a run speaks of it.

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

/// What a call left at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "JournalLeft")]
pub enum StateAfterWrite {
    /// A policy that was created or updated.
    Policy(Box<LivePolicy>),
    /// A policy is gone.
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
    /// A rule is gone.
    NoRule {
        /// The id of its policy.
        policy: PolicyId,
        /// Its id.
        id: RuleId,
    },
    /// A version was begun; nobody is shown it before it is complete.
    Begun {
        /// The number that the server gave it.
        version: VersionNumber,
    },
    // The service answers no more than that it was done.
    /// What the call says.
    AsSent,
}

/// What should have been there, and what another writer had left instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalDifference")]
pub struct ObjectDifference {
    /// As the plan has it; left out if it should not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<LiveObject>,
    /// As another writer left it; left out if it was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<LiveObject>,
}

/// What became of a write whose answer does not say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The server holds what the write makes.
    Applied(StateAfterWrite),
    /// The server holds what was there before the write.
    NotApplied,
    /// It holds neither: another writer was there.
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
