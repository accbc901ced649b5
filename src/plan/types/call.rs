//! The calls of a plan.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::docker::{Operation, PolicyId};

/// The number of a call in its target's plan, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CallId(pub u32);

/// The policy that a rule is added to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PolicyRef {
    /// One that exists.
    Existing(PolicyId),
    /// The one that this earlier call creates.
    CreatedBy(CallId),
}

/// Earlier calls that a call waits for, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct After {
    /// The first of them.
    pub first: CallId,
    /// The last of them: all numbers between the two are meant. It is smaller than the number of the call that waits.
    pub last: CallId,
    /// Why.
    pub why: Reason,
}

/// Why a call waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The other makes the policy that this one adds a rule to.
    MakesPolicy,
    /// The other gives up the name that this one takes.
    FreesName,
    /// The other makes room below a limit of the service.
    FreesRoom,
    /// The other removes a rule of the domain that the policy had, which the service wants gone first.
    EmptiesDomain,
    /// The other is the first part of the change that this one completes.
    FirstPart,
    /// The other denies what would be open otherwise once this one is made.
    DeniesFirst,
    /// The other allows what would be closed otherwise once this one is made.
    AllowsFirst,
    /// The other takes away an allow that would be open otherwise once this one is made.
    ClosesFirst,
}

impl Reason {
    /// What the other call does, as a clause: "it frees the name".
    pub fn words(self) -> &'static str {
        match self {
            Self::MakesPolicy => "it makes the policy",
            Self::FreesName => "it frees the name",
            Self::FreesRoom => "it makes room",
            Self::EmptiesDomain => "it removes what is of another domain",
            Self::FirstPart => "it is the first part of the same change",
            Self::DeniesFirst => "it denies what would be open otherwise",
            Self::AllowsFirst => "it allows what would be closed otherwise",
            Self::ClosesFirst => "it takes away what would be open otherwise",
        }
    }
}

/// One write, with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// The calls that must have succeeded before it; all others may run at the same time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<After>,
    /// The name of the policy, for messages.
    pub policy: String,
    /// The name of the rule, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why the call is there, where it is more than the difference itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What is sent.
    pub send: Operation<PolicyRef>,
}

impl Call {
    /// The same call where calls have other numbers: what it adds a rule to is made by the call with the new number.
    pub(in crate::plan) fn renumber(&mut self, numbers: &BTreeMap<CallId, CallId>) {
        if let Operation::CreateRule { policy: PolicyRef::CreatedBy(maker), .. } = &mut self.send
            && let Some(number) = numbers.get(maker)
        {
            *maker = *number;
        }
    }
}
