//! Ends the journal of a run that was cut off: reads back what may have been under way.

use jiff::Timestamp;

use super::journal::{
    CallAnswer, CallResult, EndedBy, RunEnd, RunHistory, ServerTime, TargetHistory,
};
use super::object::WriteOutcome;
use super::service::{CallError, Reads};

/// What became of a call that had no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredCall {
    /// The call in words is made from its intent.
    pub intent: super::journal::CallIntent,
    /// What the journal gets.
    pub answer: CallAnswer,
}

/// Reads back what became of the calls of a target that have an intent and no answer.
///
/// # Errors
/// Something could not be read: nothing is said of any call then.
pub async fn resolve(
    name: &str,
    target: &TargetHistory,
    service: &dyn Reads,
) -> Result<Vec<RecoveredCall>, CallError> {
    let recovery = service.recover(target)?;
    let mut resolved = Vec::new();
    for made in target.calls.iter().filter(|made| made.answer.is_none()) {
        let intent = &made.intent;
        let verdict = recovery.resolve(&intent.send).await?;
        let server_time = match &verdict {
            WriteOutcome::Applied(left) => ServerTime::of(left, None),
            WriteOutcome::NotApplied | WriteOutcome::Conflict(_) => None,
        };
        let (result, other_writer) = match &verdict {
            WriteOutcome::Applied(left) => {
                recovery.record(intent.call, &intent.send, left)?;
                (CallResult::Applied(Box::new(left.clone())), None)
            }
            WriteOutcome::NotApplied => (CallResult::NotApplied, None),
            // It may have been applied before somebody else changed the same thing.
            WriteOutcome::Conflict(difference) => (CallResult::Unknown, Some(difference.clone())),
        };
        let answer = CallAnswer {
            server_time,
            time: Timestamp::now(),
            target: name.to_owned(),
            call: intent.call,
            result,
            read_back: true,
            error: None,
            request_id: None,
            other_writer,
        };
        resolved.push(RecoveredCall {
            intent: intent.clone(),
            answer,
        });
    }
    Ok(resolved)
}

/// The last line of a journal whose open calls were resolved.
pub fn end_of(history: &RunHistory, resolved: &[RecoveredCall]) -> RunEnd {
    let mut counts = history.counts();
    for RecoveredCall { intent: _, answer } in resolved {
        match answer.result {
            CallResult::Applied(_) => {
                counts.unknown -= 1;
                counts.applied += 1;
            }
            CallResult::NotApplied => {
                counts.unknown -= 1;
                counts.not_applied += 1;
            }
            CallResult::Unknown => {}
        }
    }
    RunEnd {
        time: Timestamp::now(),
        by: EndedBy::Recovery,
        applied: counts.applied,
        not_applied: counts.not_applied,
        unknown: counts.unknown,
    }
}
