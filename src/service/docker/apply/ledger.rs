//! The expected live state during a run: the state that was read, with the effects of each call.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::plan::{CallId, PolicyRef, ResourceKind, fingerprint};
use crate::run::StalePlan;
use crate::run::journal::{AdoptedCall, TargetHistory};
use crate::run::{LiveObject, StateAfterWrite};
use model::docker::{
    DockerLiveState, DockerOperation, LiveContent, LivePolicy, LiveRule, PolicyId, RuleId,
};

/// The policies that a run touches, as they should be at the server now.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    policies: BTreeMap<PolicyId, LivePolicy>,
    /// Every policy that this run has seen or made, those that are gone included.
    seen: BTreeSet<PolicyId>,
    created: HashMap<CallId, PolicyId>,
}

impl Ledger {
    /// Begins with what was read just before the first call.
    pub fn new(before: impl IntoIterator<Item = LivePolicy>) -> Self {
        let policies: BTreeMap<_, _> = before
            .into_iter()
            .map(|policy| (policy.id.clone(), policy))
            .collect();
        Self {
            seen: policies.keys().cloned().collect(),
            policies,
            created: HashMap::new(),
        }
    }

    /// The state after all calls of an earlier run: those that it applied, and those that it adopted.
    pub fn of_run(target: &TargetHistory) -> Self {
        let mut ledger = Self::without_run(target);
        for made in &target.calls {
            if let Some(left) = made.state_after() {
                ledger.record(made.intent.call, left);
            }
        }
        ledger
    }

    /// The state without the calls that an earlier run applied: the state before it, with what other
    /// clients created in the meantime and the run adopted. A policy that the run created is part of it, without
    /// the run's rules, if another client has created rules in it.
    pub(super) fn without_run(target: &TargetHistory) -> Self {
        let mut ledger = Self::new(policies(target).cloned());
        for AdoptedCall {
            call,
            send: _,
            left,
        } in target.adopted()
        {
            if let StateAfterWrite::Rule { policy, rule: _ } = left
                && ledger.policy(policy).is_none()
                && let Some((creation, created)) = created_policy(target, policy)
            {
                ledger.record_policy(creation, created);
            }
            ledger.record(call, left);
        }
        ledger
    }

    /// A policy as it should be now.
    pub fn policy(&self, id: &PolicyId) -> Option<&LivePolicy> {
        self.policies.get(id)
    }

    /// All policies as they should be now.
    pub fn policies(&self) -> impl Iterator<Item = &LivePolicy> {
        self.policies.values()
    }

    /// A rule as it should be now.
    pub fn rule(&self, policy: &PolicyId, id: &RuleId) -> Option<&LiveRule> {
        self.policy(policy)?
            .rules()
            .iter()
            .find(|rule| rule.id == *id)
    }

    /// Whether this run has seen or made a policy with this id.
    pub fn has_seen(&self, id: &PolicyId) -> bool {
        self.seen.contains(id)
    }

    /// The policy that a call created.
    pub fn created(&self, call: CallId) -> Option<&PolicyId> {
        self.created.get(&call)
    }

    /// The write with the id of its policy; nothing if no call has made that policy yet.
    pub fn resolve(&self, send: &DockerOperation<PolicyRef>) -> Option<DockerOperation<PolicyId>> {
        let id = |policy| match policy {
            PolicyRef::Existing(id) => Ok(id),
            PolicyRef::CreatedBy(call) => self.created(call).cloned().ok_or(()),
        };
        send.clone().try_map(id).ok()
    }

    /// Takes down what a call left.
    pub fn record(&mut self, call: CallId, left: &StateAfterWrite) {
        match left {
            StateAfterWrite::Policy(policy) => self.record_policy(call, policy),
            StateAfterWrite::NoPolicy { id } => drop(self.policies.remove(id)),
            StateAfterWrite::Rule { policy, rule } => {
                if let Some(rules) = self.rules_mut(policy) {
                    match rules.iter_mut().find(|known| known.id == rule.id) {
                        Some(known) => known.clone_from(rule),
                        None => rules.push(LiveRule::clone(rule)),
                    }
                }
            }
            StateAfterWrite::NoRule { policy, id } => {
                if let Some(rules) = self.rules_mut(policy) {
                    rules.retain(|rule| rule.id != *id);
                }
            }
            StateAfterWrite::Begun { .. } | StateAfterWrite::AsSent => {}
        }
    }

    /// Whether a policy that was read again is as it should be.
    ///
    /// # Errors
    /// It was changed, or it is gone.
    pub fn check(&self, id: &PolicyId, found: Option<&LivePolicy>) -> Result<(), StalePlan> {
        let Some(expected) = self.policy(id) else {
            return Ok(());
        };
        match found {
            None => Err(StalePlan::Gone(ResourceKind::Policy, expected.name.clone())),
            Some(found) if fingerprint(found) != fingerprint(expected) => Err(StalePlan::Changed(
                ResourceKind::Policy,
                expected.name.clone(),
            )),
            Some(_) => Ok(()),
        }
    }

    fn record_policy(&mut self, call: CallId, policy: &LivePolicy) {
        let mut policy = policy.clone();
        match self.policies.get(&policy.id) {
            // Other calls may be changing its rules just now: only their own answers say what became of those.
            Some(known) => {
                if let LiveContent::Rules(rules) = &known.content {
                    policy.content = LiveContent::Rules(rules.clone());
                }
            }
            None => drop(self.created.insert(call, policy.id.clone())),
        }
        self.seen.insert(policy.id.clone());
        self.policies.insert(policy.id.clone(), policy);
    }

    fn rules_mut(&mut self, policy: &PolicyId) -> Option<&mut Vec<LiveRule>> {
        match &mut self.policies.get_mut(policy)?.content {
            LiveContent::Rules(rules) => Some(rules),
            LiveContent::Cedar(_) | LiveContent::Opaque(_) => None,
        }
    }
}

/// The policy with this id that an earlier run created or adopted, as it was just after that.
fn created_policy<'a>(
    target: &'a TargetHistory,
    id: &PolicyId,
) -> Option<(CallId, &'a LivePolicy)> {
    let applied = target
        .calls
        .iter()
        .filter_map(|made| Some((made.intent.call, made.state_after()?)));
    let adopted = target.adopted().map(|adopted| (adopted.call, adopted.left));
    applied.chain(adopted).find_map(|(call, left)| match left {
        StateAfterWrite::Policy(policy) if policy.id == *id => Some((call, &**policy)),
        StateAfterWrite::Policy(_)
        | StateAfterWrite::NoPolicy { .. }
        | StateAfterWrite::Rule { .. }
        | StateAfterWrite::NoRule { .. }
        | StateAfterWrite::Begun { .. }
        | StateAfterWrite::AsSent => None,
    })
}

/// The policies that an earlier run touched, as they were before.
pub(super) fn policies(target: &TargetHistory) -> impl Iterator<Item = &LivePolicy> {
    target.before.iter().filter_map(|object| match object {
        LiveObject::Policy(policy) => Some(&**policy),
        LiveObject::Rule(_)
        | LiveObject::Pack(_)
        | LiveObject::Group(_)
        | LiveObject::Document(_) => None,
    })
}

impl From<DockerLiveState> for Ledger {
    fn from(state: DockerLiveState) -> Self {
        Self::new(state.policies)
    }
}
