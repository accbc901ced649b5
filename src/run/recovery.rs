//! Ends the journal of a run that was cut off: reads back what may have been under way.

use jiff::Timestamp;

use super::journal::{Answer, CallResult, End, EndedBy, History, ServerTime, TargetHistory};
use super::object::Verdict;
use super::service::{CallError, Reads};

/// What became of a call that had no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The call in words is made from its intent.
    pub intent: super::journal::Intent,
    /// What the journal gets.
    pub answer: Answer,
}

/// Reads back what became of the calls of a target that have an intent and no answer.
///
/// # Errors
/// Something could not be read: nothing is said of any call then.
pub async fn resolve(
    name: &str,
    target: &TargetHistory,
    service: &dyn Reads,
) -> Result<Vec<Resolved>, CallError> {
    let recovery = service.recover(target)?;
    let mut resolved = Vec::new();
    for made in target.calls.iter().filter(|made| made.answer.is_none()) {
        let intent = &made.intent;
        let verdict = recovery.resolve(&intent.send).await?;
        let server_time = match &verdict {
            Verdict::Applied(left) => ServerTime::of(left, None),
            Verdict::NotApplied | Verdict::Other(_) => None,
        };
        let (result, other_writer) = match &verdict {
            Verdict::Applied(left) => {
                recovery.record(intent.call, &intent.send, left)?;
                (CallResult::Applied(Box::new(left.clone())), None)
            }
            Verdict::NotApplied => (CallResult::NotApplied, None),
            // It may have been applied before somebody else changed the same thing.
            Verdict::Other(difference) => (CallResult::Unknown, Some(difference.clone())),
        };
        let answer = Answer {
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
        resolved.push(Resolved {
            intent: intent.clone(),
            answer,
        });
    }
    Ok(resolved)
}

/// The last line of a journal whose open calls were resolved.
pub fn end_of(history: &History, resolved: &[Resolved]) -> End {
    let mut counts = history.counts();
    for Resolved { intent: _, answer } in resolved {
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
    End {
        time: Timestamp::now(),
        by: EndedBy::Recovery,
        applied: counts.applied,
        not_applied: counts.not_applied,
        unknown: counts.unknown,
    }
}
