//! Calls before they are ordered and numbered.

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
}
