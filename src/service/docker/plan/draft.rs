//! Calls before their order is known.

use crate::service::docker::plan::effect::Effect;
use model::docker::{Operation, PolicyId, Rule, Scope};

/// The position of a draft among all drafts of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DraftId(pub(crate) usize);

/// The policy that a rule is added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DraftPolicy {
    /// One that exists.
    Existing(PolicyId),
    /// One that a draft creates.
    Created(DraftId),
}

/// What an update changes, where the call may have to be made in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Updated {
    /// A rule, as it is and as it will be.
    Rule {
        /// As it is.
        before: Rule,
        /// As it will be.
        after: Rule,
    },
    /// The scope of a policy.
    Scope {
        /// As it is.
        before: Scope,
        /// As it will be.
        after: Scope,
    },
}

/// A call without a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The name of the policy.
    pub policy: String,
    /// The name of the rule.
    pub rule: Option<String>,
    /// What it does to access.
    pub effect: Effect,
    /// What is sent.
    pub send: Operation<DraftPolicy>,
    /// What it changes, for an update that may be split.
    pub updated: Option<Updated>,
}

impl Draft {
    pub(super) fn new(
        policy: &str,
        rule: Option<&str>,
        effect: Effect,
        send: Operation<DraftPolicy>,
    ) -> Self {
        Self {
            policy: policy.to_owned(),
            rule: rule.map(str::to_owned),
            effect,
            send,
            updated: None,
        }
    }

    pub(super) fn updating(self, updated: Updated) -> Self {
        Self {
            updated: Some(updated),
            ..self
        }
    }
}

/// All drafts of a target.
#[derive(Debug, Default)]
pub(crate) struct Drafts(Vec<Draft>);

impl Drafts {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, draft: Draft) -> DraftId {
        self.0.push(draft);
        DraftId(self.0.len() - 1)
    }

    pub(crate) fn into_vec(self) -> Vec<Draft> {
        self.0
    }
}
