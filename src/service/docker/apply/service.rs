//! Makes writes of the Docker AI Governance API, checks what they are about, and reads back what became of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::ledger::Ledger;
use super::outcome::{decide, replaced_state};
use super::read_back::read_back;
use super::touched::{PlanBasis, keep_touched, names_after};
use crate::plan::{CallId, PolicyRef, TargetPlan};
use crate::run::CallFailure;
use crate::run::service::{CheckedCall, ReplacedState, WriteAnswer};
use crate::run::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
use crate::run::{RunSettings, StalePlan};
use crate::service::docker::client::{DockerReader, DockerWriter};
use http::{ApiError, DatedAnswer};
use model::docker::{
    DockerLiveState, DockerOperation, LivePolicy, PolicyId, PolicySummary, Rule, UpdateAnswer,
};

/// The expected state of a target, and a reader for the live state.
pub struct PolicyLookup {
    ledger: Mutex<Ledger>,
    /// The rules that the run creates in policies that it creates, by the name of the policy.
    planned_rules: HashMap<String, Vec<Rule>>,
    reader: DockerReader,
}

impl PolicyLookup {
    /// Starts with the known state.
    pub fn new(ledger: Ledger, reader: DockerReader) -> Self {
        Self {
            ledger: Mutex::new(ledger),
            planned_rules: HashMap::new(),
            reader,
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads back the outcome of a call.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn resolve(
        &self,
        send: &DockerOperation<PolicyId>,
    ) -> Result<WriteOutcome, ApiError> {
        let found = read_back(send, &self.ledger, &self.reader).await?;
        Ok(self.decide(send, found.as_ref()))
    }

    fn decide(&self, send: &DockerOperation<PolicyId>, found: Option<&LivePolicy>) -> WriteOutcome {
        let planned_rules = match send {
            DockerOperation::CreatePolicy { policy } => self
                .planned_rules
                .get(policy.name.as_str())
                .map(Vec::as_slice)
                .unwrap_or_default(),
            DockerOperation::UpdatePolicy { .. }
            | DockerOperation::DeletePolicy { .. }
            | DockerOperation::CreateRule { .. }
            | DockerOperation::UpdateRule { .. }
            | DockerOperation::DeleteRule { .. } => &[],
        };
        decide(send, &self.ledger(), planned_rules, found)
    }

    /// Takes note of what a call left.
    pub fn record(&self, call: CallId, left: &StateAfterWrite) {
        self.ledger().record(call, left);
    }
}

/// Makes the calls of one target.
pub struct PolicyRun {
    lookup: PolicyLookup,
    before: DockerLiveState,
    /// What the plan was made from, beyond the policies that it touches.
    basis: PlanBasis,
    writer: DockerWriter,
    settings: RunSettings,
    begun: Instant,
    /// The policies that were there before; what this run makes needs no check.
    found: BTreeSet<PolicyId>,
    /// The calls that change each of these policies.
    calls: HashMap<PolicyId, Vec<(CallId, DockerOperation<PolicyId>)>>,
    /// The check of each policy just before its first call. All its calls wait for this.
    checks: Mutex<HashMap<PolicyId, Arc<OnceCell<PolicyCheck>>>>,
}

/// What a check of a policy just before its first call found.
#[derive(Debug, Default)]
struct PolicyCheck {
    /// The calls whose desired state another client has made.
    adopted: HashMap<CallId, StateAfterWrite>,
    /// Why the other calls cannot be made.
    failure: Option<CallFailure>,
}

impl PolicyRun {
    /// Starts a run with the live state that its plan was made from.
    pub fn new(
        plan: &TargetPlan,
        live: &DockerLiveState,
        reader: DockerReader,
        writer: DockerWriter,
        settings: RunSettings,
    ) -> Self {
        let before = keep_touched(live.clone(), plan);
        let found = before
            .policies
            .iter()
            .map(|policy| policy.id.clone())
            .collect();
        let lookup = PolicyLookup {
            planned_rules: planned_rules(plan),
            ..PolicyLookup::new(before.clone().into(), reader)
        };
        Self {
            lookup,
            before,
            basis: PlanBasis::new(plan, live),
            writer,
            settings,
            begun: Instant::now(),
            found,
            calls: calls_by_policy(plan),
            checks: Mutex::default(),
        }
    }

    /// The current state.
    pub fn lookup(&self) -> &PolicyLookup {
        &self.lookup
    }

    /// The policies that the plan touches, as they were before the run.
    pub fn before(&self) -> &DockerLiveState {
        &self.before
    }

    /// The call with the id of its policy; nothing if no call has made that policy yet.
    pub fn prepare(&self, send: &DockerOperation<PolicyRef>) -> Option<DockerOperation<PolicyId>> {
        self.lookup.ledger().resolve(send)
    }

    /// Reads the policy of a first call again, unless it was read a moment ago or this run made it.
    ///
    /// # Errors
    /// It was changed, or cannot be read.
    pub async fn check_before(
        &self,
        call: CallId,
        send: &DockerOperation<PolicyId>,
    ) -> Result<CheckedCall, CallFailure> {
        let Some(id) = send.existing() else {
            return Ok(CheckedCall::Send);
        };
        let cell = {
            let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(checks.entry(id.clone()).or_default())
        };
        let PolicyCheck { adopted, failure } = cell.get_or_init(|| self.check_policy(id)).await;
        match (adopted.get(&call), failure) {
            (Some(left), _) => Ok(CheckedCall::Adopted(Box::new(left.clone()))),
            (None, Some(failure)) => Err(failure.clone()),
            (None, None) => Ok(CheckedCall::Send),
        }
    }

    /// Reads the live state again before the first call, and returns what changed since the plan, apart
    /// from calls of the plan that another client has made. Those are adopted.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn confirm(
        &self,
        plan: &TargetPlan,
        at_once: usize,
    ) -> Result<Vec<StalePlan>, ApiError> {
        let reader = &self.lookup.reader;
        let is_touched = |id: &PolicyId| self.found.contains(id);
        let reading = self.basis.read_again(is_touched, reader, at_once).await?;
        let names = names_after(plan);
        let mut stale = self.basis.changes(&reading, is_touched, |summary| {
            names.contains(summary.name.as_str())
        });
        for planned in &self.before.policies {
            let found = reading.policy(&planned.id).cloned();
            let check = self.examine(&planned.id, planned.clone(), found);
            if let Some(CallFailure::Stale { stale: changed, .. }) = &check.failure {
                stale.push(changed.clone());
            }
            if !check.adopted.is_empty() {
                let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
                checks.insert(planned.id.clone(), Arc::new(OnceCell::from(check)));
            }
        }
        Ok(stale)
    }

    /// Reads the policies that the plan leaves as they are again, after the last call, and returns
    /// what another client changed during the run.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn changed_meanwhile(&self, at_once: usize) -> Result<Vec<StalePlan>, ApiError> {
        let reader = &self.lookup.reader;
        let reading = self.basis.read_again(|_| false, reader, at_once).await?;
        let is_deleted = |id: &PolicyId| self.found.contains(id);
        let is_created = |summary: &PolicySummary| self.lookup.ledger().has_seen(&summary.id);
        Ok(self.basis.changes(&reading, is_deleted, is_created))
    }

    async fn check_policy(&self, id: &PolicyId) -> PolicyCheck {
        if !self.found.contains(id) || self.begun.elapsed() < self.settings.fresh {
            return PolicyCheck::default();
        }
        let Some(planned) = self.lookup.ledger().policy(id).cloned() else {
            return PolicyCheck::default();
        };
        let found = match self
            .lookup
            .reader
            .find_policy(|summary| summary.id == *id)
            .await
        {
            Ok(found) => found,
            Err(error) => {
                return PolicyCheck {
                    adopted: HashMap::new(),
                    failure: Some(CallFailure::NotChecked(error)),
                };
            }
        };
        self.examine(id, planned, found)
    }

    /// Compares a policy that was read just before its first call with the expected one.
    fn examine(
        &self,
        id: &PolicyId,
        planned: LivePolicy,
        found: Option<LivePolicy>,
    ) -> PolicyCheck {
        let Err(stale) = self.lookup.ledger().check(id, found.as_ref()) else {
            return PolicyCheck::default();
        };
        // Another client that applies the same plan may have made some of the calls. What is left is
        // made if the policy differs from the expected one by these calls only.
        let mut expected = Ledger::new([planned.clone()]);
        let mut adopted = HashMap::new();
        for (call, send) in self.calls.get(id).into_iter().flatten() {
            if let WriteOutcome::Applied(left) = self.lookup.decide(send, found.as_ref()) {
                expected.record(*call, &left);
                adopted.insert(*call, left);
            }
        }
        let calls = self.calls.get(id).map_or(0, Vec::len);
        let is_expected = match (&found, expected.policy(id)) {
            (Some(_), Some(_)) => expected.check(id, found.as_ref()).is_ok(),
            (None, None) => adopted.len() == calls,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let failure = (!is_expected).then(|| CallFailure::Stale {
            stale,
            difference: Box::new(ObjectDifference {
                planned: Some(LiveObject::Policy(Box::new(planned))),
                found: found.map(|policy| LiveObject::Policy(Box::new(policy))),
            }),
        });
        PolicyCheck { adopted, failure }
    }

    /// The expected state just before a call, for the fields in its answer.
    fn planned(&self, send: &DockerOperation<PolicyId>) -> Option<LiveObject> {
        let ledger = self.lookup.ledger();
        match send {
            DockerOperation::CreatePolicy { .. } | DockerOperation::CreateRule { .. } => None,
            DockerOperation::UpdatePolicy { id, .. } | DockerOperation::DeletePolicy { id } => {
                ledger
                    .policy(id)
                    .map(|policy| LiveObject::Policy(Box::new(policy.clone())))
            }
            DockerOperation::UpdateRule { policy, id, .. }
            | DockerOperation::DeleteRule { policy, id } => ledger
                .rule(policy, id)
                .map(|rule| LiveObject::Rule(Box::new(rule.clone()))),
        }
    }

    /// Sends a call.
    ///
    /// # Errors
    /// The service refused it, or gave no usable answer.
    pub async fn send(&self, send: &DockerOperation<PolicyId>) -> Result<WriteAnswer, ApiError> {
        let planned = self.planned(send);
        let writer = &self.writer;
        let policy = |policy| Some(LiveObject::Policy(Box::new(policy)));
        let rule = |rule| Some(LiveObject::Rule(Box::new(rule)));
        let (left, old, date) = match send {
            DockerOperation::CreatePolicy { policy } => {
                let DatedAnswer { what, date } = writer.create_policy(policy).await?;
                (StateAfterWrite::Policy(Box::new(what)), None, date)
            }
            DockerOperation::UpdatePolicy { id, patch } => {
                let DatedAnswer {
                    what: UpdateAnswer { old, new },
                    date,
                } = writer.update_policy(id, patch).await?;
                (StateAfterWrite::Policy(Box::new(new)), policy(old), date)
            }
            DockerOperation::DeletePolicy { id } => {
                let DatedAnswer { what, date } = writer.delete_policy(id).await?;
                (
                    StateAfterWrite::NoPolicy { id: id.clone() },
                    policy(what),
                    date,
                )
            }
            DockerOperation::CreateRule { policy, rule } => {
                let DatedAnswer { what, date } = writer.create_rule(policy, rule).await?;
                let left = StateAfterWrite::Rule {
                    policy: policy.clone(),
                    rule: Box::new(what),
                };
                (left, None, date)
            }
            DockerOperation::UpdateRule { policy, id, patch } => {
                let DatedAnswer {
                    what: UpdateAnswer { old, new },
                    date,
                } = writer.update_rule(policy, id, patch).await?;
                let left = StateAfterWrite::Rule {
                    policy: policy.clone(),
                    rule: Box::new(new),
                };
                (left, rule(old), date)
            }
            DockerOperation::DeleteRule { policy, id } => {
                let DatedAnswer { what, date } = writer.delete_rule(policy, id).await?;
                let left = StateAfterWrite::NoRule {
                    policy: policy.clone(),
                    id: id.clone(),
                };
                (left, rule(what), date)
            }
        };
        let replaced = old.map_or(ReplacedState::Expected, |old| {
            replaced_state(&left, planned, old)
        });
        Ok(WriteAnswer {
            left,
            replaced,
            date,
        })
    }
}

/// The rules that a plan creates in policies that it creates, by the name of the policy.
fn planned_rules(plan: &TargetPlan) -> HashMap<String, Vec<Rule>> {
    let mut planned: HashMap<String, Vec<Rule>> = HashMap::new();
    for call in &plan.calls {
        if let Some(DockerOperation::CreateRule {
            policy: PolicyRef::CreatedBy(_),
            rule,
        }) = call.send.docker()
        {
            planned
                .entry(call.name.clone())
                .or_default()
                .push(rule.clone());
        }
    }
    planned
}

/// The calls of a plan that change policies that were there before, by policy.
fn calls_by_policy(
    plan: &TargetPlan,
) -> HashMap<PolicyId, Vec<(CallId, DockerOperation<PolicyId>)>> {
    let mut calls: HashMap<PolicyId, Vec<_>> = HashMap::new();
    for call in &plan.calls {
        let existing = |policy| match policy {
            PolicyRef::Existing(id) => Ok(id),
            PolicyRef::CreatedBy(_) => Err(()),
        };
        let send = call.send.docker().cloned();
        if let Some(Ok(send)) = send.map(|send| send.try_map(existing))
            && let Some(id) = send.existing().cloned()
        {
            calls.entry(id).or_default().push((call.id, send));
        }
    }
    calls
}
