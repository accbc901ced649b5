//! What became of the calls of a plan.

use crate::apply::CallOutcome;
use crate::model::docker::Operation;
use crate::plan::{Call, PolicyRef};
use crate::provider::http::Outcome;
use crate::render::paint::Painter;
use crate::render::text::{neutral, neutral_lines};

/// One line for one call: what was done, and how it went.
pub fn call_line(call: &Call, outcome: &CallOutcome, painter: Painter) -> String {
    let what = describe(call);
    match outcome {
        CallOutcome::Applied => format!("  {} {what}", painter.good("✓")),
        CallOutcome::NotAttempted => format!("  {} {what}: not attempted", painter.dim("·")),
        CallOutcome::Failed(error) => {
            let certainty = match error.outcome() {
                Outcome::NotApplied => "failed, not applied",
                Outcome::Unknown => "failed; it may have been applied",
            };
            let error = neutral_lines(&error.to_string()).replace('\n', "\n      ");
            format!("  {} {what}: {}\n      {}", painter.bad("✗"), painter.bad(certainty), error)
        }
    }
}

/// A call in words: `create rule "allow npm" in policy "Package managers"`.
pub fn describe(call: &Call) -> String {
    let policy = neutral(&call.policy);
    let kind = call.send.kind().words();
    match (&call.send, &call.rule) {
        (
            Operation::<PolicyRef>::CreateRule { .. } | Operation::UpdateRule { .. } | Operation::DeleteRule { .. },
            Some(rule),
        ) => format!("{kind} \"{}\" in policy \"{policy}\"", neutral(rule)),
        (_, _) => format!("{kind} \"{policy}\""),
    }
}
