//! Closes the journal of an interrupted run.
//!
//! This is the recovery pass of a write-ahead log. A call with an intent and without an answer was
//! possibly sent, and nobody knows whether the server received it. Sending it again could apply it
//! twice, so recovery never sends anything. It reads the object back and compares it with the state
//! before the call and the state that the call was to reach. The answer is written to the journal
//! as if the run had received it.
//!
//! Example: a run was killed after it wrote the intent "create rule `web`". If the policy now has
//! exactly this rule, the call was applied; if it has no such rule, it was not; if it has another
//! rule of that name, another client may have been there, and the outcome is unknown.

use jiff::Timestamp;

use super::journal::{
    CallAnswer, CallResult, EndedBy, RunEnd, RunHistory, ServerTime, TargetHistory,
};
use super::object::WriteOutcome;
use super::service::{CallError, Reads};

/// The outcome of a call that had no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredCall {
    pub intent: super::journal::CallIntent,
    /// The record to add to the journal.
    pub answer: CallAnswer,
}

/// Reads back the outcome of the calls of a target that have an intent and no answer.
///
/// # Errors
/// An object could not be read. No outcome is returned then: a journal must not be closed in part.
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
            WriteOutcome::Applied(left) => ServerTime::from_write(left, None),
            WriteOutcome::NotApplied | WriteOutcome::Conflict(_) => None,
        };
        let (result, other_writer) = match &verdict {
            WriteOutcome::Applied(left) => {
                recovery.record(intent.call, &intent.send, left)?;
                (CallResult::Applied(Box::new(left.clone())), None)
            }
            WriteOutcome::NotApplied => (CallResult::NotApplied, None),
            // The call may have been applied before another client changed the same object.
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

/// The final record of a journal whose open calls were resolved. Calls that are still unknown stay
/// counted as unknown.
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
