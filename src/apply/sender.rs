//! Makes one call, with all that makes it safe: what it touches is checked just before, its intent is written down, an
//! answer that does not say what happened is settled by reading back, and what was overwritten is noticed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::executor::Settings;
use super::journal::{Answer, CallResult, DifferenceImage, Intent, Journal, Record, ServerTime};
use super::ledger::{Ledger, Left};
use super::read_back::read_back;
use super::report::{CallOutcome, Confirmation, Failure};
use super::settle::{Difference, Object, Verdict, decide, overwritten};
use super::stop::Stop;
use crate::model::docker::{Operation, PolicyId, Updated};
use crate::plan::{Call, CallId, ChangeRef, TargetPlan, changes_of_calls};
use crate::provider::docker::{Reader, Writer};
use crate::provider::http::{ApiError, Dated, Outcome};

/// Makes the calls of one target.
pub(super) struct Sender<'a> {
    target: &'a str,
    /// The change that each call makes.
    changes: BTreeMap<CallId, ChangeRef>,
    ledger: Mutex<Ledger>,
    reader: &'a Reader,
    writer: &'a Writer,
    journal: &'a Journal,
    stop: &'a Stop,
    settings: Settings,
    begun: Instant,
    /// The policies that were there before; what this run makes needs no check.
    found: BTreeSet<PolicyId>,
    /// Whether each policy was as it should be just before its first call. All its calls wait for this.
    checks: Mutex<HashMap<PolicyId, Arc<OnceCell<Option<Failure>>>>>,
}

/// What an answer says: what the call left, and what was there just before.
struct Answered {
    left: Left,
    old: Option<Object>,
    date: Option<Timestamp>,
}

/// How a failed attempt ends.
enum Step {
    Ended(CallOutcome),
    Again(ApiError),
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        plan: &'a TargetPlan,
        ledger: Ledger,
        reader: &'a Reader,
        writer: &'a Writer,
        journal: &'a Journal,
        stop: &'a Stop,
        settings: Settings,
    ) -> Self {
        let found = ledger.policies().map(|policy| policy.id.clone()).collect();
        let (begun, checks) = (Instant::now(), Mutex::default());
        let (target, changes) = (plan.target.name.as_str(), changes_of_calls(plan));
        Self {
            target,
            changes,
            ledger: Mutex::new(ledger),
            reader,
            writer,
            journal,
            stop,
            settings,
            begun,
            found,
            checks,
        }
    }

    /// Makes a call and says what became of it.
    pub(super) async fn make(&self, call: &Call) -> CallOutcome {
        // The call that makes the policy was confirmed before this one began.
        let Some(send) = self.ledger().resolve(&call.send) else { return CallOutcome::NotAttempted };
        if let Some(failure) = self.check(&send).await {
            self.note_unsent(call, &failure);
            return CallOutcome::Failed(failure);
        }
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.settings.first_wait)
            .with_max_times(self.settings.repeats)
            .build();
        loop {
            if let Err(error) = self.journal.write(&self.intent(call, send.clone())).await {
                return CallOutcome::Failed(Failure::Journal(Arc::new(error)));
            }
            let planned = self.planned(&send);
            let error = match self.send(&send).await {
                Ok(answered) => return self.answered(call, answered, planned),
                Err(error) => error,
            };
            let error = match self.failed(call, &send, error).await {
                Step::Ended(outcome) => return outcome,
                Step::Again(error) => error,
            };
            // Surely not applied: once more, unless somebody wants the run to end.
            match waits.next().filter(|_| !self.stop.is_asked()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return CallOutcome::Failed(Failure::Refused(error)),
            }
        }
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the policy of a first call again, unless it was read a moment ago or this run made it.
    async fn check(&self, send: &Operation<PolicyId>) -> Option<Failure> {
        let id = existing(send)?;
        let cell = {
            let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(checks.entry(id.clone()).or_default())
        };
        cell.get_or_init(|| self.check_policy(id)).await.clone()
    }

    async fn check_policy(&self, id: &PolicyId) -> Option<Failure> {
        if !self.found.contains(id) || self.begun.elapsed() < self.settings.fresh {
            return None;
        }
        let planned = self.ledger().policy(id).cloned()?;
        let found = match self.reader.find_policy(|summary| summary.id == *id).await {
            Ok(found) => found,
            Err(error) => return Some(Failure::NotChecked(error)),
        };
        let stale = self.ledger().check(id, found.as_ref()).err()?;
        let object = |policy| Object::Policy(Box::new(policy));
        let difference = Difference { planned: Some(object(planned)), found: found.map(object) };
        Some(Failure::Moved { stale, difference: Box::new(difference) })
    }

    /// What should be there just before a call, of what its answer tells.
    fn planned(&self, send: &Operation<PolicyId>) -> Option<Object> {
        let ledger = self.ledger();
        match send {
            Operation::CreatePolicy { .. } | Operation::CreateRule { .. } => None,
            Operation::UpdatePolicy { id, .. } | Operation::DeletePolicy { id } => {
                ledger.policy(id).map(|policy| Object::Policy(Box::new(policy.clone())))
            }
            Operation::UpdateRule { policy, id, .. } | Operation::DeleteRule { policy, id } => {
                ledger.rule(policy, id).map(|rule| Object::Rule(Box::new(rule.clone())))
            }
        }
    }

    async fn send(&self, send: &Operation<PolicyId>) -> Result<Answered, ApiError> {
        let writer = self.writer;
        let policy = |policy| Object::Policy(Box::new(policy));
        let rule = |rule| Object::Rule(Box::new(rule));
        Ok(match send {
            Operation::CreatePolicy { policy } => {
                let Dated { what, date } = writer.create_policy(policy).await?;
                Answered { left: Left::Policy(Box::new(what)), old: None, date }
            }
            Operation::UpdatePolicy { id, patch } => {
                let Dated { what: Updated { old, new }, date } = writer.update_policy(id, patch).await?;
                Answered { left: Left::Policy(Box::new(new)), old: Some(policy(old)), date }
            }
            Operation::DeletePolicy { id } => {
                let Dated { what, date } = writer.delete_policy(id).await?;
                Answered { left: Left::NoPolicy(id.clone()), old: Some(policy(what)), date }
            }
            Operation::CreateRule { policy, rule } => {
                let Dated { what, date } = writer.create_rule(policy, rule).await?;
                Answered { left: Left::Rule(policy.clone(), Box::new(what)), old: None, date }
            }
            Operation::UpdateRule { policy, id, patch } => {
                let Dated { what: Updated { old, new }, date } = writer.update_rule(policy, id, patch).await?;
                Answered { left: Left::Rule(policy.clone(), Box::new(new)), old: Some(rule(old)), date }
            }
            Operation::DeleteRule { policy, id } => {
                let Dated { what, date } = writer.delete_rule(policy, id).await?;
                Answered { left: Left::NoRule(policy.clone(), id.clone()), old: Some(rule(what)), date }
            }
        })
    }

    /// The server confirmed a call.
    fn answered(&self, call: &Call, answered: Answered, planned: Option<Object>) -> CallOutcome {
        let Answered { left, old, date } = answered;
        self.ledger().record(call.id, &left);
        let overwrote = old.and_then(|old| overwritten(&left, planned, old));
        let mut answer = self.answer(call, CallResult::Applied(Box::new((&left).into())));
        answer.server_time = ServerTime::of(&left, date);
        answer.other_writer = overwrote.as_ref().map(DifferenceImage::from);
        self.journal.note(&Record::Answer(Box::new(answer)));
        match overwrote {
            Some(difference) => CallOutcome::Overwrote(Box::new(difference)),
            None => CallOutcome::Applied(Confirmation::Answered),
        }
    }

    /// A call has no usable answer, or was refused.
    async fn failed(&self, call: &Call, send: &Operation<PolicyId>, error: ApiError) -> Step {
        let in_doubt = error.outcome() == Outcome::Unknown;
        // Both may be the answer to what an earlier attempt did already, or to what another writer did.
        let of_a_name_or_an_id = matches!(error.status(), Some(404 | 409));
        let mut answer = self.answer(call, CallResult::NotApplied);
        answer.error = Some(error.to_string());
        answer.request_id = error.request_id().map(str::to_owned);
        if !in_doubt && !of_a_name_or_an_id {
            self.journal.note(&Record::Answer(Box::new(answer)));
            return Step::Ended(CallOutcome::Failed(Failure::Refused(error)));
        }
        answer.read_back = true;
        let verdict = match read_back(send, &self.ledger, self.reader).await {
            Ok(found) => decide(send, &self.ledger(), found.as_ref()),
            Err(read_error) => {
                let unknown = in_doubt.then_some(CallResult::Unknown);
                self.journal
                    .note(&Record::Answer(Box::new(Answer { result: unknown.unwrap_or(answer.result), ..answer })));
                let failure = match in_doubt {
                    true => Failure::Unknown { error, read_back: read_error },
                    false => Failure::Refused(error),
                };
                return Step::Ended(CallOutcome::Failed(failure));
            }
        };
        match verdict {
            Verdict::Applied(left) => {
                self.ledger().record(call.id, &left);
                answer.server_time = ServerTime::of(&left, None);
                answer.result = CallResult::Applied(Box::new((&left).into()));
                self.journal.note(&Record::Answer(Box::new(answer)));
                Step::Ended(CallOutcome::Applied(Confirmation::ReadBack))
            }
            Verdict::NotApplied => {
                self.journal.note(&Record::Answer(Box::new(answer)));
                if in_doubt {
                    return Step::Again(error);
                }
                Step::Ended(CallOutcome::Failed(Failure::Refused(error)))
            }
            Verdict::Other(difference) => {
                answer.other_writer = Some(DifferenceImage::from(&difference));
                self.journal.note(&Record::Answer(Box::new(answer)));
                let difference = Box::new(difference);
                Step::Ended(CallOutcome::Failed(Failure::Overtaken { error: Some(error), difference }))
            }
        }
    }

    fn intent(&self, call: &Call, send: Operation<PolicyId>) -> Record {
        let Call { id, after: _, policy, rule, why: _, send: _ } = call;
        Record::Intent(Box::new(Intent {
            time: Timestamp::now(),
            target: self.target.to_owned(),
            call: *id,
            policy: policy.clone(),
            rule: rule.clone(),
            change: self.changes.get(id).cloned(),
            send,
        }))
    }

    fn answer(&self, call: &Call, result: CallResult) -> Answer {
        Answer {
            time: Timestamp::now(),
            target: self.target.to_owned(),
            call: call.id,
            result,
            server_time: None,
            read_back: false,
            error: None,
            request_id: None,
            other_writer: None,
        }
    }

    /// A call that was not sent, since its policy was changed or could not be read.
    fn note_unsent(&self, call: &Call, failure: &Failure) {
        let mut answer = self.answer(call, CallResult::NotApplied);
        match failure {
            Failure::Moved { stale, difference } => {
                answer.error = Some(stale.to_string());
                answer.other_writer = Some(DifferenceImage::from(&**difference));
            }
            Failure::NotChecked(error) | Failure::Refused(error) | Failure::Unknown { error, .. } => {
                answer.error = Some(error.to_string());
            }
            Failure::Overtaken { .. } | Failure::Journal(_) => {}
        }
        self.journal.note(&Record::Answer(Box::new(answer)));
    }
}

/// The policy that a call finds at the server.
fn existing(send: &Operation<PolicyId>) -> Option<&PolicyId> {
    match send {
        Operation::CreatePolicy { .. } => None,
        Operation::CreateRule { policy: id, .. }
        | Operation::UpdatePolicy { id, .. }
        | Operation::DeletePolicy { id }
        | Operation::UpdateRule { policy: id, .. }
        | Operation::DeleteRule { policy: id, .. } => Some(id),
    }
}
