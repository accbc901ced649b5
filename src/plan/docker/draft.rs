//! Calls before their order is known.

use crate::model::docker::{Operation, PolicyId, Rule};
use crate::plan::Effect;

/// The position of a draft among all drafts of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::plan) struct DraftId(pub(in crate::plan) usize);

/// The policy that a rule is added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plan) enum DraftPolicy {
    /// One that exists.
    Existing(PolicyId),
    /// One that a draft creates.
    Created(DraftId),
}

/// When a call can be made, apart from what it does to access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum Placement {
    /// In the stage of its effect.
    ByEffect,
    /// Once all allows that go have gone.
    Last,
    /// Only once what stands in its way is gone.
    Rebuild,
}

/// A call without a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plan) struct Draft {
    /// The name of the policy.
    pub policy: String,
    /// The name of the rule.
    pub rule: Option<String>,
    /// What it does to access.
    pub effect: Effect,
    /// Whether it is about Cedar text, which decides about other requests than rules do.
    pub cedar: bool,
    /// When it can be made.
    pub placement: Placement,
    /// What is sent.
    pub send: Operation<DraftPolicy>,
    /// For an updated rule: what it is, and what it will be.
    pub update: Option<(Rule, Rule)>,
}

impl Draft {
    pub(super) fn new(policy: &str, rule: Option<&str>, effect: Effect, send: Operation<DraftPolicy>) -> Self {
        Self {
            policy: policy.to_owned(),
            rule: rule.map(str::to_owned),
            effect,
            cedar: false,
            placement: Placement::ByEffect,
            send,
            update: None,
        }
    }

    pub(super) fn about_cedar(self, cedar: bool) -> Self {
        Self { cedar, ..self }
    }

    pub(super) fn placed(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }
}

/// All drafts of a target.
#[derive(Debug, Default)]
pub(in crate::plan) struct Drafts(Vec<Draft>);

impl Drafts {
    pub(super) fn push(&mut self, draft: Draft) -> DraftId {
        self.0.push(draft);
        DraftId(self.0.len() - 1)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The drafts from a position on.
    pub(super) fn since(&mut self, first: usize) -> &mut [Draft] {
        &mut self.0[first..]
    }

    pub(in crate::plan) fn into_vec(self) -> Vec<Draft> {
        self.0
    }
}
