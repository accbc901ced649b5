//! Makes one call safely.
//!
//! 1. Read what the call touches and compare it with the plan, because another client may have
//!    changed it since.
//! 2. Write the intent to the journal before anything is sent (write-ahead logging).
//! 3. Send the call once. A write is never retried after an answer that leaves its outcome open.
//! 4. If the answer does not tell the outcome (a timeout, a reset, a 5xx), read the object back.
//! 5. Compare the `old` object in the answer with the plan, which detects a change by another client
//!    between steps 1 and 3.

use std::collections::BTreeMap;
use std::sync::Arc;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::Timestamp;

use super::control::{RunSettings, StopSignal};
use super::journal::{CallAnswer, CallIntent, CallResult, Journal, JournalRecord, ServerTime};
use super::object::{StateAfterWrite, WriteOutcome};
use super::report::{CallFailure, CallOutcome, CleanedUpVersion, Confirmation};
use super::service::{CallError, CleanUp, ServiceError, WriteAnswer, Writes};
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

    /// Makes a call and says what became of it.
    pub(crate) async fn execute(&self, call: &PlannedCall) -> CallOutcome {
        // The call that makes what this one is about was confirmed before this one began.
        let send = match self.service.prepare(call) {
            Ok(Some(send)) => send,
            Ok(None) => return CallOutcome::NotAttempted,
            Err(error) => return CallOutcome::Failed(CallFailure::Service(error)),
        };
        if let Err(failure) = self.service.check_before(&send).await {
            self.note_unsent(call, &failure);
            return CallOutcome::Failed(failure);
        }
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.settings.first_wait)
            .with_max_times(self.settings.repeats)
            .build();
        loop {
            let intent = self.intent(call.id, &call.name, call.part.as_deref(), send.clone());
            if let Err(error) = self.journal.write(&intent).await {
                return CallOutcome::Failed(CallFailure::Journal(Arc::new(error)));
            }
            let error = match self.service.send(&send).await {
                Ok(answered) => return self.answered(call, &send, answered),
                Err(CallError::Api(error)) => error,
                Err(CallError::Service(error)) => {
                    return self.misdirected(call.id, CallResult::NotApplied, error);
                }
            };
            let error = match self.failed(call, &send, error).await {
                AttemptOutcome::Finished(outcome) => return outcome,
                AttemptOutcome::Retry(error) => error,
            };
            // Surely not applied: once more, unless somebody wants the run to end.
            match waits.next().filter(|_| !self.stop.is_requested()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return CallOutcome::Failed(CallFailure::Refused(error)),
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
            overwrote,
            date,
        } = answered;
        let recorded = self.service.record(call.id, send, &left);
        let server_time = ServerTime::from_write(&left, date);
        let mut answer = self.answer(call.id, CallResult::Applied(Box::new(left)));
        answer.server_time = server_time;
        answer.other_writer = overwrote.clone();
        self.journal.note(&JournalRecord::Answer(Box::new(answer)));
        if let Err(error) = recorded {
            return CallOutcome::Failed(CallFailure::Service(error));
        }
        match overwrote {
            Some(difference) => CallOutcome::Overwrote(Box::new(difference)),
            None => CallOutcome::Applied(Confirmation::Answered),
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
        // Both may be the answer to what an earlier attempt did already, or to what another writer did.
        let of_a_name_or_an_id = matches!(error.status(), Some(404 | 409));
        let mut answer = self.answer(call.id, CallResult::NotApplied);
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
                let failure = match in_doubt {
                    true => CallFailure::Unknown {
                        error,
                        read_back: read_error,
                    },
                    false => CallFailure::Refused(error),
                };
                return AttemptOutcome::Finished(CallOutcome::Failed(failure));
            }
        };
        match verdict {
            WriteOutcome::Applied(left) => {
                let recorded = self.service.record(call.id, send, &left);
                answer.server_time = ServerTime::from_write(&left, None);
                answer.result = CallResult::Applied(Box::new(left));
                self.journal.note(&JournalRecord::Answer(Box::new(answer)));
                AttemptOutcome::Finished(match recorded {
                    Ok(()) => CallOutcome::Applied(Confirmation::ReadBack),
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

    /// Removes what was begun and not finished: half of it is of use to nobody. These calls have numbers above those of
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
                Some(CallError::Api(_) | CallError::Service(_)) => CallResult::NotApplied,
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

    /// A call that was not sent, since its policy was changed or could not be read.
    fn note_unsent(&self, call: &PlannedCall, failure: &CallFailure) {
        let mut answer = self.answer(call.id, CallResult::NotApplied);
        match failure {
            CallFailure::Stale { stale, difference } => {
                answer.error = Some(stale.to_string());
                answer.other_writer = Some(difference.as_ref().clone());
            }
            CallFailure::NotChecked(error)
            | CallFailure::Refused(error)
            | CallFailure::Unknown { error, .. } => {
                answer.error = Some(error.to_string());
            }
            CallFailure::NoUpload { pack, tag } => {
                answer.error = Some(format!(
                    "the archive of version {tag} of pack `{pack}` cannot be uploaded"
                ));
            }
            CallFailure::Service(error) => answer.error = Some(error.to_string()),
            CallFailure::Conflict { .. } | CallFailure::Journal(_) => {}
        }
        self.journal.note(&JournalRecord::Answer(Box::new(answer)));
    }
}
