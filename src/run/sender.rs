//! Makes one call, with all that makes it safe: what it touches is checked just before, its intent is written down, an
//! answer that does not say what happened is settled by reading back, and what was overwritten is noticed.

use std::collections::BTreeMap;
use std::sync::Arc;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::Timestamp;

use super::executor::Settings;
use super::journal::{Answer, CallResult, Intent, Journal, Record, ServerTime};
use super::object::{Left, Verdict};
use super::report::{CallOutcome, CleanedUp, Confirmation, Failure};
use super::service::{Answered, Service};
use super::stop::Stop;
use crate::plan::{Call, CallId, ChangeRef, Sent, TargetPlan, ToSend, changes_of_calls};
use http::{ApiError, Outcome};
use model::pulumi::Operation;

/// Makes the calls of one target.
pub(crate) struct Sender<'a> {
    target: &'a str,
    /// The change that each call makes.
    changes: BTreeMap<CallId, ChangeRef>,
    service: Service<'a>,
    journal: &'a Journal,
    stop: &'a Stop,
    settings: Settings,
}

/// How a failed attempt ends.
enum Step {
    Ended(CallOutcome),
    Again(ApiError),
}

impl<'a> Sender<'a> {
    pub(crate) fn new(
        plan: &'a TargetPlan,
        service: Service<'a>,
        journal: &'a Journal,
        stop: &'a Stop,
        settings: Settings,
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
    pub(crate) async fn make(&self, call: &Call) -> CallOutcome {
        // The call that makes what this one is about was confirmed before this one began.
        let Some(send) = self.service.resolve(call) else {
            return CallOutcome::NotAttempted;
        };
        if let Some(failure) = self.service.check(&send).await {
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
            let Some(sent) = self.service.send(&send).await else {
                return CallOutcome::NotAttempted;
            };
            let error = match sent {
                Ok(answered) => return self.answered(call, &send, answered),
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

    /// The server confirmed a call.
    fn answered(&self, call: &Call, send: &Sent, answered: Answered) -> CallOutcome {
        let Answered {
            left,
            overwrote,
            date,
        } = answered;
        self.service.record(call.id, send, &left);
        let server_time = ServerTime::of(&left, date);
        let mut answer = self.answer(call, CallResult::Applied(Box::new(left)));
        answer.server_time = server_time;
        answer.other_writer = overwrote.clone();
        self.journal.note(&Record::Answer(Box::new(answer)));
        match overwrote {
            Some(difference) => CallOutcome::Overwrote(Box::new(difference)),
            None => CallOutcome::Applied(Confirmation::Answered),
        }
    }

    /// A call has no usable answer, or was refused.
    async fn failed(&self, call: &Call, send: &Sent, error: ApiError) -> Step {
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
        let verdict = match self.service.settle(send).await {
            Ok(verdict) => verdict,
            Err(read_error) => {
                self.service.doubt(send);
                let unknown = in_doubt.then_some(CallResult::Unknown);
                self.journal.note(&Record::Answer(Box::new(Answer {
                    result: unknown.unwrap_or(answer.result),
                    ..answer
                })));
                let failure = match in_doubt {
                    true => Failure::Unknown {
                        error,
                        read_back: read_error,
                    },
                    false => Failure::Refused(error),
                };
                return Step::Ended(CallOutcome::Failed(failure));
            }
        };
        match verdict {
            Verdict::Applied(left) => {
                self.service.record(call.id, send, &left);
                answer.server_time = ServerTime::of(&left, None);
                answer.result = CallResult::Applied(Box::new(left));
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
                answer.other_writer = Some(difference.clone());
                self.journal.note(&Record::Answer(Box::new(answer)));
                let difference = Box::new(difference);
                Step::Ended(CallOutcome::Failed(Failure::Overtaken {
                    error: Some(error),
                    difference,
                }))
            }
        }
    }

    /// Deletes what was begun and not finished: half of it is of use to nobody. Its calls have numbers above those of the
    /// plan.
    pub(crate) async fn clean_up(&self, calls: usize) -> Vec<CleanedUp> {
        let mut cleaned = Vec::new();
        for (operation, number) in self.service.half_done().into_iter().zip(calls + 1..) {
            let Operation::DeletePackVersion { pack, version } = &operation else {
                continue;
            };
            let name = pack.to_string();
            let part = Some(version.to_string());
            let id = CallId(u32::try_from(number).unwrap_or(u32::MAX));
            let send = ToSend::Pulumi(operation.clone());
            let call = Call {
                id,
                after: Vec::new(),
                name,
                part: part.clone(),
                why: None,
                send,
            };
            let pack = call.name.clone();
            let version = part.unwrap_or_default();
            let sent = Sent::Pulumi(operation);
            if let Err(error) = self.journal.write(&self.intent(&call, sent.clone())).await {
                cleaned.push(CleanedUp {
                    pack,
                    version,
                    error: Some(error.to_string()),
                });
                continue;
            }
            let error = match self.service.send(&sent).await {
                None | Some(Ok(_)) => None,
                Some(Err(error)) => Some(error),
            };
            let result = match &error {
                None => CallResult::Applied(Box::new(Left::AsSent)),
                Some(error) if error.outcome() == Outcome::Unknown => CallResult::Unknown,
                Some(_) => CallResult::NotApplied,
            };
            let mut answer = self.answer(&call, result);
            answer.error = error.as_ref().map(ToString::to_string);
            self.journal.note(&Record::Answer(Box::new(answer)));
            cleaned.push(CleanedUp {
                pack,
                version,
                error: error.map(|error| error.to_string()),
            });
        }
        cleaned
    }

    fn intent(&self, call: &Call, send: Sent) -> Record {
        let Call {
            id,
            after: _,
            name,
            part,
            why: _,
            send: _,
        } = call;
        Record::Intent(Box::new(Intent {
            time: Timestamp::now(),
            target: self.target.to_owned(),
            call: *id,
            name: name.clone(),
            part: part.clone(),
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
                answer.other_writer = Some(difference.as_ref().clone());
            }
            Failure::NotChecked(error)
            | Failure::Refused(error)
            | Failure::Unknown { error, .. } => {
                answer.error = Some(error.to_string());
            }
            Failure::NoUpload { pack, tag } => {
                answer.error = Some(format!(
                    "the archive of version {tag} of pack `{pack}` cannot be uploaded"
                ));
            }
            Failure::Overtaken { .. } | Failure::Journal(_) => {}
        }
        self.journal.note(&Record::Answer(Box::new(answer)));
    }
}
