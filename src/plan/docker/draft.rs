//! Calls before their order is known.

use std::collections::HashMap;

use crate::model::docker::{Operation, PolicyId, Rule};
use crate::plan::Effect;
use crate::plan::types::Reason;

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

/// A name that no two may have at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::plan) enum UniqueName {
    /// Of a policy, in the organization.
    Policy(String),
    /// Of a rule, in its policy.
    Rule(PolicyId, String),
}

/// One draft that must wait for another, whatever the two do to access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) struct Need {
    /// The one that waits.
    pub call: DraftId,
    /// The one that must be made first.
    pub first: DraftId,
    /// Why.
    pub why: Reason,
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
    /// The name that nobody has any more once it is made.
    pub frees: Option<UniqueName>,
    /// The name that nobody may have when it is made.
    pub takes: Option<UniqueName>,
    /// Why it is there, where it is more than the difference.
    pub why: Option<String>,
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
            frees: None,
            takes: None,
            why: None,
        }
    }

    pub(super) fn frees(self, name: Option<UniqueName>) -> Self {
        Self { frees: name, ..self }
    }

    pub(super) fn takes(self, name: Option<UniqueName>) -> Self {
        Self { takes: name, ..self }
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
pub(in crate::plan) struct Drafts {
    drafts: Vec<Draft>,
    needs: Vec<Need>,
}

impl Drafts {
    pub(super) fn push(&mut self, draft: Draft) -> DraftId {
        self.drafts.push(draft);
        DraftId(self.drafts.len() - 1)
    }

    pub(super) fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Says that one draft must wait for others.
    pub(super) fn need(&mut self, call: DraftId, first: impl IntoIterator<Item = DraftId>, why: Reason) {
        self.needs.extend(first.into_iter().map(|first| Need { call, first, why }));
    }

    /// The drafts from a position on.
    pub(super) fn since(&mut self, first: usize) -> &mut [Draft] {
        &mut self.drafts[first..]
    }

    /// The drafts, and all that they wait for: what was said, those that give up a name that they take, and the one
    /// that makes their policy. No draft waits for itself, and they never wait for each other.
    pub(in crate::plan) fn into_parts(self) -> (Vec<Draft>, Vec<Need>) {
        let Self { drafts, mut needs } = self;
        let freed: HashMap<&UniqueName, DraftId> = drafts
            .iter()
            .enumerate()
            .filter_map(|(position, draft)| Some((draft.frees.as_ref()?, DraftId(position))))
            .collect();
        for (position, draft) in drafts.iter().enumerate() {
            let call = DraftId(position);
            if let Operation::CreateRule { policy: DraftPolicy::Created(first), .. } = draft.send {
                needs.push(Need { call, first, why: Reason::MakesPolicy });
            }
            let first = draft.takes.as_ref().and_then(|name| freed.get(name)).copied();
            needs.extend(first.filter(|first| *first != call).map(|first| Need {
                call,
                first,
                why: Reason::FreesName,
            }));
        }
        (drafts, needs)
    }
}
