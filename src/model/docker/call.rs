//! The bodies of the six writing operations, as values.

use std::collections::BTreeSet;

use super::{Action, Cedar, Decision, Resources, Scope, TeamId};
use crate::model::Name;

/// createPolicy: a policy without rules, or a Cedar policy with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    /// The name.
    pub name: Name,
    /// Whom it applies to.
    pub scope: Scope,
    /// The text of a Cedar policy.
    pub cedar: Option<Cedar>,
}

/// updatePolicy: what is there replaces what the policy has; what is not there stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyPatch {
    /// The new name.
    pub name: Option<Name>,
    /// The new teams; **empty means the whole organization** (contract: `ScopePatch`).
    pub teams: Option<BTreeSet<TeamId>>,
    /// The new Cedar body.
    pub cedar: Option<Cedar>,
}

impl PolicyPatch {
    /// Whether nothing would be sent.
    pub fn is_empty(&self) -> bool {
        let Self { name, teams, cedar } = self;
        name.is_none() && teams.is_none() && cedar.is_none()
    }
}

/// updateRule: what is there replaces what the rule has; lists are sent whole, nothing is ever null.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulePatch {
    /// The new name.
    pub name: Option<Name>,
    /// The new decision.
    pub decision: Option<Decision>,
    /// The new actions.
    pub actions: Option<Vec<Action>>,
    /// The new resources, in the field that fits the actions.
    pub resources: Option<Resources>,
}

impl RulePatch {
    /// Whether nothing would be sent.
    pub fn is_empty(&self) -> bool {
        let Self { name, decision, actions, resources } = self;
        name.is_none() && decision.is_none() && actions.is_none() && resources.is_none()
    }
}

/// What updatePolicy and updateRule answer: the object before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated<T> {
    /// The object just before the update.
    pub old: T,
    /// The object after it.
    pub new: T,
}
