//! The event stream of `apply --format json`: one JSON object per line.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::report::{describe, failure_text};
use super::text::neutral_json;
use crate::plan::{CallId, Fingerprint, PlannedCall, TargetInfo};
use crate::run::journal::RunId;
use crate::run::{CallCounts, CallOutcome};

/// The version of this format; a change that breaks readers raises it.
pub const FORMAT_VERSION: u32 = 1;

/// One line of the stream. The first line is `started`, the last one `ended`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum ApplyEvent {
    /// The command started.
    Started {
        /// [`FORMAT_VERSION`].
        format_version: u32,
        /// The version of polwarden.
        tool_version: String,
        /// The time.
        #[schemars(with = "String")]
        time: Timestamp,
    },
    /// A plan was made or read. Another one follows after a conflict with another client.
    Planned {
        /// Its digest.
        digest: Fingerprint,
        /// The number of its calls.
        calls: usize,
        /// The targets that have calls.
        targets: Vec<TargetInfo>,
    },
    /// The command waits for something.
    Waiting {
        /// The reason.
        reason: String,
    },
    /// A run with its own journal started.
    RunStarted {
        /// Its ID.
        run: RunId,
        /// The file of its journal.
        journal: String,
    },
    /// A call is about to be sent.
    CallStarted {
        /// The name of the target.
        target: String,
        /// The number of the call in the plan.
        call: CallId,
        /// The description of the call.
        description: String,
    },
    /// The outcome of a call is known.
    CallFinished {
        /// The name of the target.
        target: String,
        /// The number of the call in the plan.
        call: CallId,
        /// The description of the call.
        description: String,
        /// The outcome.
        outcome: EventOutcome,
        /// Why, unless it was applied or adopted.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A run ended.
    RunEnded {
        /// Its ID.
        run: RunId,
        /// Its calls by outcome.
        calls: CallCounts,
        /// The next command, if the run did not complete the plan.
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// The command ended.
    Ended {
        /// The exit code.
        exit_code: u8,
        /// The error, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EventOutcome {
    /// This run made the call.
    Applied,
    /// It was applied, and replaced a change by another client.
    Replaced,
    /// The server already had the desired state, made by another client.
    Adopted,
    /// It was not applied.
    Failed,
    /// The outcome is unknown.
    Unknown,
    /// It was not sent.
    Skipped,
}

impl ApplyEvent {
    pub fn started() -> Self {
        Self::Started {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            time: Timestamp::now(),
        }
    }

    pub fn call_started(target: &str, call: &PlannedCall) -> Self {
        Self::CallStarted {
            target: target.to_owned(),
            call: call.id,
            description: describe(call),
        }
    }

    pub fn call_finished(target: &str, call: &PlannedCall, outcome: &CallOutcome) -> Self {
        let kind = match outcome {
            CallOutcome::Applied(_) => EventOutcome::Applied,
            CallOutcome::Replaced(_) => EventOutcome::Replaced,
            CallOutcome::Adopted => EventOutcome::Adopted,
            CallOutcome::Failed(_) => EventOutcome::Failed,
            CallOutcome::Unknown { .. } => EventOutcome::Unknown,
            CallOutcome::Skipped(_) => EventOutcome::Skipped,
        };
        Self::CallFinished {
            target: target.to_owned(),
            call: call.id,
            description: describe(call),
            outcome: kind,
            message: failure_text(outcome),
        }
    }

    /// The line, with its final newline.
    ///
    /// # Errors
    /// It cannot be serialized, which does not happen for plain data.
    pub fn line(&self) -> serde_json::Result<String> {
        let text = serde_json::to_string(self)? + "\n";
        Ok(neutral_json(&text).into_owned())
    }
}
