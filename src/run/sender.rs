//! Makes one call safely.
//!
//! 1. Write the intent to the journal before anything is sent (write-ahead logging). This happens
//!    ahead of time for calls that are ready, so that a free slot does not wait for the disk; calls
//!    that are ready together share one sync.
//! 2. Read what the call touches and compare it with the plan, because another client may have
//!    changed it since. A call that is not sent after all gets a record that cancels its intent.
//! 3. Send the call once. A write is never retried after an answer that leaves its outcome open.
//! 4. If the answer does not tell the outcome (a timeout, a reset, a 5xx), read the object back.
//! 5. Compare the `old` object in the answer with the plan, which detects a change by another client
//!    between steps 2 and 3.

use std::collections::BTreeMap;
use std::sync::Arc;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::Timestamp;

use super::control::{RunSettings, StopSignal};
use super::counts::SkipReason;
use super::journal::{
    CallAnswer, CallIntent, CallResult, Journal, JournalRecord, ServerTime, UnsentCall,
    UnsentResult,
};
use super::object::{ObjectDifference, StateAfterWrite, WriteOutcome};
use super::report::{CallFailure, CallOutcome, CleanedUpVersion, Confirmation};
use super::service::{
    CallError, CheckedCall, CleanUp, ReplacedState, ServiceError, WriteAnswer, Writes,
};
use crate::plan::{CallId, ChangeRef, PlannedCall, SentOperation, TargetPlan, changes_of_calls};
use http::{ApiError, FailedCallOutcome};

/// Makes the calls of one target.
pub(crate) struct CallSender<'a> {
    target: &'a str,
    /// The change that each call makes.
    changes: BTreeMap<CallId, ChangeRef>,
    service: &'a dyn Writes,
    journal: &'a Journal,
    stop: &'a StopSignal,
    settings: RunSettings,
}

/// A call whose intent is in the journal.
pub(crate) struct PreparedCall<'p> {
    pub(crate) call: &'p PlannedCall,
    send: SentOperation,
}

/// How a failed attempt ends.
enum AttemptOutcome {
    Finished(CallOutcome),
    Retry(ApiError),
}

impl<'a> CallSender<'a> {
    pub(crate) fn new(
        plan: &'a TargetPlan,
        service: &'a dyn Writes,
        journal: &'a Journal,
        stop: &'a StopSignal,
        settings: RunSettings,
    ) -> Self {
        let target = plan.target.name.as_str();
        let changes = changes_of_calls(plan);
        Self {
            target,
            changes,
            service,
            journal,
            stop,
            settings,
        }
    }

    /// Writes the intent of a call to the journal. If that fails, nothing may be sent.
    ///
    /// # Errors
    /// The outcome of the call, which is not sent.
    pub(crate) async fn prepare<'p>(
        &self,
        call: &'p PlannedCall,
    ) -> Result<PreparedCall<'p>, CallOutcome> {
        // The call that makes what this one is about was confirmed before this one began.
        let send = match self.service.prepare(call) {
            Ok(Some(send)) => send,
            Ok(None) => return Err(self.skip(call, SkipReason::MissingId)),
            Err(error) => return Err(self.fail_unsent(call, CallFailure::Service(error))),
        };
        self.write_intent(call, &send).await?;
        Ok(PreparedCall { call, send })
    }

    async fn write_intent(
        &self,
        call: &PlannedCall,
        send: &SentOperation,
    ) -> Result<(), CallOutcome> {
        let intent = self.intent(call.id, &call.name, call.part.as_deref(), send.clone());
        let written = self.journal.write(&intent).await;
        written.map_err(|error| CallOutcome::Failed(CallFailure::Journal(Arc::new(error))))
    }

    /// Makes a prepared call and returns its outcome.
    pub(crate) async fn execute(&self, prepared: PreparedCall<'_>) -> CallOutcome {
        let PreparedCall { call, send } = prepared;
        match self.service.check_before(call.id, &send).await {
            Ok(CheckedCall::Send) => {}
            Ok(CheckedCall::Adopted(left)) => return self.adopt_unsent(call, send, left),
            Err(failure) => return self.fail_unsent(call, failure),
        }
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.settings.first_wait)
            .with_max_times(self.settings.repeats)
            .build();
        loop {
            let error = match self.service.send(&send).await {
                Ok(answered) => return self.answered(call, &send, answered),
                Err(CallError::Api(error)) => error,
                Err(CallError::Service(error)) => {
                    return self.misdirected(call.id, CallResult::Failed, error);
                }
            };
            let error = match self.failed(call, &send, error).await {
                AttemptOutcome::Finished(outcome) => return outcome,
                AttemptOutcome::Retry(error) => error,
            };
            // The call was certainly not applied: retry, unless a stop was requested.
            match waits.next().filter(|_| !self.stop.is_requested()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return CallOutcome::Failed(CallFailure::Refused(error)),
            }
            // The answer of the attempt before closed the intent.
            if let Err(outcome) = self.write_intent(call, &send).await {
                return outcome;
            }
        }
    }

    /// The server confirmed a call.
    fn answered(
        &self,
        call: &PlannedCall,
        send: &SentOperation,
        answered: WriteAnswer,
    ) -> CallOutcome {
        let WriteAnswer {
            left,
            replaced,
            date,
        } = answered;
        let recorded = self.service.record(call.id, send, &left);
        let server_time = ServerTime::from_write(&left, date);
        let left = Box::new(left);
        let (result, other_writer, outcome) = match replaced {
            ReplacedState::Expected => (
                CallResult::Applied(left),
                None,
                CallOutcome::Applied(Confirmation::Answered),
            ),
            ReplacedState::Desired => (CallResult::Adopted(left), None, CallOutcome::Adopted),
            ReplacedState::Changed(difference) => (
                CallResult::Applied(left),
                Some(difference.clone()),
                CallOutcome::Replaced(Box::new(difference)),
            ),
        };
        let mut answer = self.answer(call.id, result);
        answer.server_time = server_time;
        answer.other_writer = other_writer;
        self.journal.note(&JournalRecord::Answer(Box::new(answer)));
        match recorded {
            Ok(()) => outcome,
            Err(error) => CallOutcome::Failed(CallFailure::Service(error)),
        }
    }

    /// A call has no usable answer, or was refused.
    async fn failed(
        &self,
        call: &PlannedCall,
        send: &SentOperation,
        error: ApiError,
    ) -> AttemptOutcome {
        let in_doubt = error.outcome() == FailedCallOutcome::Unknown;
        // The cause of either status may be an earlier attempt or a change of another client.
        let of_a_name_or_an_id = matches!(error.status(), Some(404 | 409));
        let mut answer = self.answer(call.id, CallResult::Failed);
        answer.error = Some(error.to_string());
        answer.request_id = error.request_id().map(str::to_owned);
        if !in_doubt && !of_a_name_or_an_id {
            self.journal.note(&JournalRecord::Answer(Box::new(answer)));
            return AttemptOutcome::Finished(CallOutcome::Failed(CallFailure::Refused(error)));
        }
        answer.read_back = true;
        let verdict = match self.service.resolve(send).await {
            Ok(verdict) => verdict,
            Err(CallError::Service(error)) => {
                let outcome = self.misdirected(call.id, CallResult::Unknown, error);
                return AttemptOutcome::Finished(outcome);
            }
            Err(CallError::Api(read_error)) => {
                if let Err(error) = self.service.record_unknown(send) {
                    let outcome = self.misdirected(call.id, CallResult::Unknown, error);
                    return AttemptOutcome::Finished(outcome);
                }
                let unknown = in_doubt.then_some(CallResult::Unknown);
                self.journal
                    .note(&JournalRecord::Answer(Box::new(CallAnswer {
                        result: unknown.unwrap_or(answer.result),
                        ..answer
                    })));
                let outcome = match in_doubt {
                    true => CallOutcome::Unknown {
                        error,
                        read_back: read_error,
                    },
                    false => CallOutcome::Failed(CallFailure::Refused(error)),
                };
                return AttemptOutcome::Finished(outcome);
            }
        };
        match verdict {
            WriteOutcome::Applied(left) => {
                let recorded = self.service.record(call.id, send, &left);
                answer.server_time = ServerTime::from_write(&left, None);
                let left = Box::new(left);
                // A server that refused the call did not apply it, so the desired state is another
                // client's. Without an answer, this call is the most likely author.
                let (result, outcome) = match in_doubt {
                    true => (
                        CallResult::Applied(left),
                        CallOutcome::Applied(Confirmation::ReadBack),
                    ),
                    false => (CallResult::Adopted(left), CallOutcome::Adopted),
                };
                answer.result = result;
                self.journal.note(&JournalRecord::Answer(Box::new(answer)));
                AttemptOutcome::Finished(match recorded {
                    Ok(()) => outcome,
                    Err(error) => CallOutcome::Failed(CallFailure::Service(error)),
                })
            }
            WriteOutcome::NotApplied => {
                self.journal.note(&JournalRecord::Answer(Box::new(answer)));
                if in_doubt {
                    return AttemptOutcome::Retry(error);
                }
                AttemptOutcome::Finished(CallOutcome::Failed(CallFailure::Refused(error)))
            }
            WriteOutcome::Conflict(difference) => {
                answer.other_writer = Some(difference.clone());
                self.journal.note(&JournalRecord::Answer(Box::new(answer)));
                let difference = Box::new(difference);
                AttemptOutcome::Finished(CallOutcome::Failed(CallFailure::Conflict {
                    error: Some(error),
                    difference,
                }))
            }
        }
    }

    /// A call does not belong to the target. A plan that was accepted contains no such call.
    fn misdirected(&self, call: CallId, result: CallResult, error: ServiceError) -> CallOutcome {
        let mut answer = self.answer(call, result);
        answer.error = Some(error.to_string());
        self.journal.note(&JournalRecord::Answer(Box::new(answer)));
        CallOutcome::Failed(CallFailure::Service(error))
    }

    /// Removes objects that were created incompletely, because they are useless. These calls have numbers above those of
    /// the plan.
    pub(crate) async fn clean_up(&self, calls: usize) -> Vec<CleanedUpVersion> {
        let mut cleaned = Vec::new();
        let unfinished = self.service.unfinished().into_iter();
        for (CleanUp { name, part, send }, number) in unfinished.zip(calls + 1..) {
            let id = CallId(u32::try_from(number).unwrap_or(u32::MAX));
            let intent = self.intent(id, &name, Some(&part), send.clone());
            if let Err(error) = self.journal.write(&intent).await {
                cleaned.push(CleanedUpVersion {
                    name,
                    part,
                    error: Some(error.to_string()),
                });
                continue;
            }
            let error = self.service.send(&send).await.err();
            let result = match &error {
                None => CallResult::Applied(Box::new(StateAfterWrite::AsSent)),
                Some(CallError::Api(error)) if error.outcome() == FailedCallOutcome::Unknown => {
                    CallResult::Unknown
                }
                Some(CallError::Api(_) | CallError::Service(_)) => CallResult::Failed,
            };
            let mut answer = self.answer(id, result);
            answer.error = error.as_ref().map(ToString::to_string);
            self.journal.note(&JournalRecord::Answer(Box::new(answer)));
            cleaned.push(CleanedUpVersion {
                name,
                part,
                error: error.map(|error| error.to_string()),
            });
        }
        cleaned
    }

    fn intent(
        &self,
        id: CallId,
        name: &str,
        part: Option<&str>,
        send: SentOperation,
    ) -> JournalRecord {
        JournalRecord::Intent(Box::new(CallIntent {
            time: Timestamp::now(),
            target: self.target.to_owned(),
            call: id,
            name: name.to_owned(),
            part: part.map(str::to_owned),
            change: self.changes.get(&id).cloned(),
            send,
        }))
    }

    fn answer(&self, call: CallId, result: CallResult) -> CallAnswer {
        CallAnswer {
            time: Timestamp::now(),
            target: self.target.to_owned(),
            call,
            result,
            server_time: None,
            read_back: false,
            error: None,
            request_id: None,
            other_writer: None,
        }
    }

    /// Records a call that is skipped.
    pub(crate) fn skip(&self, call: &PlannedCall, reason: SkipReason) -> CallOutcome {
        self.note_unsent(call, UnsentResult::Skipped(reason), None);
        CallOutcome::Skipped(reason)
    }

    /// Records a call that is not sent because another client made the desired state.
    fn adopt_unsent(
        &self,
        call: &PlannedCall,
        send: SentOperation,
        left: Box<StateAfterWrite>,
    ) -> CallOutcome {
        let recorded = self.service.record(call.id, &send, &left);
        let adopted = UnsentResult::Adopted {
            send: Box::new(send),
            left,
        };
        self.note_unsent(call, adopted, None);
        match recorded {
            Ok(()) => CallOutcome::Adopted,
            Err(error) => CallOutcome::Failed(CallFailure::Service(error)),
        }
    }

    /// Records a call that is not sent because of an error, for example a changed policy.
    fn fail_unsent(&self, call: &PlannedCall, failure: CallFailure) -> CallOutcome {
        let (error, difference) = match &failure {
            CallFailure::Stale { stale, difference } => (stale.to_string(), Some(&**difference)),
            CallFailure::Conflict { error, difference } => (
                error.as_ref().map(ToString::to_string).unwrap_or_default(),
                Some(&**difference),
            ),
            CallFailure::NotChecked(error) | CallFailure::Refused(error) => {
                (error.to_string(), None)
            }
            CallFailure::NoUpload { pack, tag } => (
                format!("the archive of version {tag} of pack `{pack}` cannot be uploaded"),
                None,
            ),
            CallFailure::Service(error) => (error.to_string(), None),
            CallFailure::Journal(error) => (error.to_string(), None),
        };
        self.note_unsent(call, UnsentResult::Failed { error }, difference.cloned());
        CallOutcome::Failed(failure)
    }

    fn note_unsent(
        &self,
        call: &PlannedCall,
        result: UnsentResult,
        other_writer: Option<ObjectDifference>,
    ) {
        let unsent = UnsentCall {
            time: Timestamp::now(),
            target: self.target.to_owned(),
            call: call.id,
            name: call.name.clone(),
            part: call.part.clone(),
            change: self.changes.get(&call.id).cloned(),
            operation: call.send.kind(),
            result,
            other_writer,
        };
        self.journal.note(&JournalRecord::NotSent(Box::new(unsent)));
    }
}
