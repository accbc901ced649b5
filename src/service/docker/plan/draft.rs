//! Calls before they are ordered and numbered.

use std::collections::{BTreeSet, HashMap};

use crate::service::docker::plan::effect::CallEffect;
use model::docker::{DockerOperation, PolicyId, Rule, Scope};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DraftId(pub(crate) usize);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DraftPolicy {
    Existing(PolicyId),
    Created(DraftId),
}

/// What an update changes, in case the call must be split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SplittableUpdate {
    Rule { before: Rule, after: Rule },
    Scope { before: Scope, after: Scope },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallDraft {
    /// The policy's name.
    pub policy: String,
    /// The rule's name.
    pub rule: Option<String>,
    pub effect: CallEffect,
    pub send: DockerOperation<DraftPolicy>,
    /// Present for updates that may be split.
    pub updated: Option<SplittableUpdate>,
    /// The reason for an extra call.
    pub why: Option<&'static str>,
    /// The call before it in a list of calls that was searched together with its order.
    pub previous: Option<DraftId>,
}

impl CallDraft {
    pub(super) fn new(
        policy: &str,
        rule: Option<&str>,
        effect: CallEffect,
        send: DockerOperation<DraftPolicy>,
    ) -> Self {
        Self {
            policy: policy.to_owned(),
            rule: rule.map(str::to_owned),
            effect,
            send,
            updated: None,
            why: None,
            previous: None,
        }
    }

    fn renumbered(self, number: &impl Fn(DraftId) -> DraftId) -> Self {
        let send = self.send.map(|policy| match policy {
            DraftPolicy::Existing(id) => DraftPolicy::Existing(id),
            DraftPolicy::Created(id) => DraftPolicy::Created(number(id)),
        });
        Self {
            send,
            previous: self.previous.map(number),
            ..self
        }
    }

    pub(super) fn updating(self, updated: SplittableUpdate) -> Self {
        Self {
            updated: Some(updated),
            ..self
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct CallDrafts(Vec<CallDraft>);

impl CallDrafts {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, draft: CallDraft) -> DraftId {
        self.0.push(draft);
        DraftId(self.0.len() - 1)
    }

    pub(crate) fn into_vec(self) -> Vec<CallDraft> {
        self.0
    }

    /// Replaces the calls of some policies by others, which number the policies that they create by
    /// their own positions. Each of these calls waits for the one before it.
    pub(super) fn replace(&mut self, policies: &BTreeSet<String>, calls: Vec<CallDraft>) {
        let mut places: HashMap<DraftId, DraftId> = HashMap::new();
        let mut kept = Vec::new();
        for (at, draft) in std::mem::take(&mut self.0).into_iter().enumerate() {
            if !policies.contains(&draft.policy) {
                places.insert(DraftId(at), DraftId(kept.len()));
                kept.push(draft);
            }
        }
        let first = kept.len();
        let old = |id: DraftId| places.get(&id).copied().unwrap_or(id);
        let new = |id: DraftId| DraftId(first + id.0);
        self.0 = kept
            .into_iter()
            .map(|draft| draft.renumbered(&old))
            .collect();
        let chained = calls.into_iter().enumerate().map(|(at, draft)| CallDraft {
            previous: at.checked_sub(1).map(DraftId),
            ..draft
        });
        self.0.extend(chained.map(|draft| draft.renumbered(&new)));
    }
}
