//! Makes writes of the Docker AI Governance API, checks what they are about, and reads back what became of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::ledger::Ledger;
use super::outcome::{decide, overwritten};
use super::read_back::read_back;
use crate::plan::{CallId, PolicyRef};
use crate::run::CallFailure;
use crate::run::RunSettings;
use crate::run::service::WriteAnswer;
use crate::run::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
use crate::service::docker::client::{DockerReader, DockerWriter};
use http::{ApiError, DatedAnswer};
use model::docker::{DockerLiveState, DockerOperation, PolicyId, UpdateAnswer};

/// What is known of a target, and a way to read it.
pub struct PolicyLookup {
    ledger: Mutex<Ledger>,
    reader: DockerReader,
}

impl PolicyLookup {
    /// Starts with what is known.
    pub fn new(ledger: Ledger, reader: DockerReader) -> Self {
        Self {
            ledger: Mutex::new(ledger),
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
        Ok(decide(send, &self.ledger(), found.as_ref()))
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
    writer: DockerWriter,
    settings: RunSettings,
    begun: Instant,
    /// The policies that were there before; what this run makes needs no check.
    found: BTreeSet<PolicyId>,
    /// Whether each policy was as it should be just before its first call. All its calls wait for this.
    checks: Mutex<HashMap<PolicyId, Arc<OnceCell<Option<CallFailure>>>>>,
}

impl PolicyRun {
    /// Starts a run with the policies that its plan touches, as they were read just now.
    pub fn new(
        before: DockerLiveState,
        reader: DockerReader,
        writer: DockerWriter,
        settings: RunSettings,
    ) -> Self {
        let found = before
            .policies
            .iter()
            .map(|policy| policy.id.clone())
            .collect();
        let begun = Instant::now();
        let checks = Mutex::default();
        Self {
            lookup: PolicyLookup::new(before.clone().into(), reader),
            before,
            writer,
            settings,
            begun,
            found,
            checks,
        }
    }

    /// What is known now.
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
    pub async fn check_before(&self, send: &DockerOperation<PolicyId>) -> Result<(), CallFailure> {
        let Some(id) = send.existing() else {
            return Ok(());
        };
        let cell = {
            let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(checks.entry(id.clone()).or_default())
        };
        let failure = cell.get_or_init(|| self.check_policy(id)).await.clone();
        failure.map_or(Ok(()), Err)
    }

    async fn check_policy(&self, id: &PolicyId) -> Option<CallFailure> {
        if !self.found.contains(id) || self.begun.elapsed() < self.settings.fresh {
            return None;
        }
        let planned = self.lookup.ledger().policy(id).cloned()?;
        let found = match self
            .lookup
            .reader
            .find_policy(|summary| summary.id == *id)
            .await
        {
            Ok(found) => found,
            Err(error) => return Some(CallFailure::NotChecked(error)),
        };
        let stale = self.lookup.ledger().check(id, found.as_ref()).err()?;
        let object = |policy| LiveObject::Policy(Box::new(policy));
        let difference = ObjectDifference {
            planned: Some(object(planned)),
            found: found.map(object),
        };
        Some(CallFailure::Stale {
            stale,
            difference: Box::new(difference),
        })
    }

    /// What should be there just before a call, of what its answer tells.
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
        let overwrote = old.and_then(|old| overwritten(&left, planned, old));
        Ok(WriteAnswer {
            left,
            overwrote,
            date,
        })
    }
}
