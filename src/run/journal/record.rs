//! The lines of a journal.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::run_id::RunId;
use crate::plan::{CallId, CallKind, ChangeRef, Commit, Fingerprint, SentOperation, TargetInfo};
use crate::run::counts::{CallCounts, SkipReason};
use crate::run::object::{LiveObject, ObjectDifference, StateAfterWrite};
use git::SignedBy;

/// The version of the format of journals. It increases with incompatible changes.
pub const FORMAT_VERSION: u32 = 3;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Record")]
#[serde(
    tag = "record",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum JournalRecord {
    /// The first line, which identifies the run.
    Run(Box<RunStart>),
    /// The start of a target, with the objects that its calls touch, as they were read just before.
    Before {
        /// The name of the target.
        target: String,
        /// The number of calls of the target's plan; absent in formats 1 and 2.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calls: Option<usize>,
        /// The complete policies, packs and groups.
        objects: Vec<LiveObject>,
    },
    /// A call is about to be sent, unless a later record says that it was not sent.
    Intent(Box<CallIntent>),
    /// The outcome of a call. A call without one was in progress when the run ended.
    Answer(Box<CallAnswer>),
    /// A call that is not sent, and why.
    NotSent(Box<UnsentCall>),
    /// The last line: no call is in progress any more.
    End(RunEnd),
}

/// The metadata of a run at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Run")]
#[serde(rename_all = "camelCase")]
pub struct RunStart {
    /// The format version: [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of polwarden that ran.
    pub tool_version: String,
    /// The id of the run.
    pub run: RunId,
    /// The start time.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The command.
    pub kind: RunKind,
    /// Its targets.
    pub targets: Vec<TargetInfo>,
    /// The digest of the plan.
    pub plan: Fingerprint,
    /// The commit that the manifests were read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The digest of the files that the plan was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Fingerprint>,
    /// The verified signer of the commit, if a signature was required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<SignedBy>,
    /// The verified signer of the saved plan, if a signature was required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_signed_by: Option<SignedBy>,
}

/// The command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalRunKind")]
pub enum RunKind {
    /// `apply`.
    Apply,
    /// `rollback` of an earlier run.
    Rollback(RunId),
    /// `call`: one operation of the API. This line is written before the call, and the last line contains the outcome.
    Call(Box<SingleCall>),
}

/// An operation that was called directly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalSingleCall")]
pub struct SingleCall {
    /// The name of the operation in the contract.
    pub operation: String,
    /// The values of its fields, by name.
    pub fields: Map<String, Value>,
}

/// A call that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Intent")]
#[serde(rename_all = "camelCase")]
pub struct CallIntent {
    /// The time.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the target.
    pub target: String,
    /// The number of the call in the target's plan.
    pub call: CallId,
    /// The name of the object: a policy, a pack or a group.
    pub name: String,
    /// The name of the part that the call changes: a rule, or a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The change that it makes, completely or in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
    /// The request.
    pub send: SentOperation,
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Answer")]
#[serde(rename_all = "camelCase")]
pub struct CallAnswer {
    /// The time.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the target.
    pub target: String,
    /// The number of the call.
    pub call: CallId,
    /// The outcome.
    pub result: CallResult,
    /// When it was applied by the server's clock, if the server reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<ServerTime>,
    /// Whether the outcome was determined by reading the object, because no usable answer was received.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_back: bool,
    /// The error of the server or of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The service's id of the request, if it returned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The expected and the actual state, if another client changed the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_writer: Option<ObjectDifference>,
}

/// A time by the server's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerTime {
    /// The time, as the server writes it or from the answer's header.
    pub time: String,
    /// The source of the time.
    pub said_by: ServerClock,
}

impl ServerTime {
    /// When the server applied a call that left this, as its answer of a date says. A rule has no time of its own, and
    /// what is gone has none any more: there, the date counts.
    pub(crate) fn from_write(left: &StateAfterWrite, date: Option<Timestamp>) -> Option<Self> {
        match left {
            StateAfterWrite::Policy(policy) if !policy.updated_at.is_empty() => Some(Self {
                time: policy.updated_at.clone(),
                said_by: ServerClock::UpdatedAt,
            }),
            StateAfterWrite::Policy(_)
            | StateAfterWrite::NoPolicy { .. }
            | StateAfterWrite::Rule { .. }
            | StateAfterWrite::NoRule { .. }
            | StateAfterWrite::Begun { .. }
            | StateAfterWrite::AsSent => date.map(|date| Self {
                time: date.to_string(),
                said_by: ServerClock::Date,
            }),
        }
    }
}

/// The source of a time of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ServerClock {
    /// `updated_at` of the returned policy.
    UpdatedAt,
    /// The `Date` header of the answer, because rules have no time.
    Date,
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalResult")]
pub enum CallResult {
    /// It was applied, with this result.
    Applied(Box<StateAfterWrite>),
    /// Another client had already made the desired state, with this result.
    Adopted(Box<StateAfterWrite>),
    /// It was not applied.
    Failed,
    /// The outcome is unknown.
    Unknown,
}

/// A call that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NotSent")]
pub struct UnsentCall {
    /// When this was decided.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the target.
    pub target: String,
    /// The number of the call in the target's plan.
    pub call: CallId,
    /// The name of the policy, pack, group or document.
    pub name: String,
    /// The name of the part of it that the call changes: a rule, or a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The change that the call belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
    /// The operation.
    pub operation: CallKind,
    /// Why it was not sent.
    pub result: UnsentResult,
    /// The state that another client left where the plan expected a different one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_writer: Option<ObjectDifference>,
}

/// Why a call was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "NotSentResult")]
pub enum UnsentResult {
    /// Another client had already made the desired state.
    Adopted {
        /// The call that was not sent.
        send: Box<SentOperation>,
        /// The state that the other client made.
        left: Box<StateAfterWrite>,
    },
    /// It failed before it was sent.
    Failed {
        /// The error.
        error: String,
    },
    /// It was skipped.
    Skipped(SkipReason),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "End")]
#[serde(rename_all = "camelCase")]
pub struct RunEnd {
    /// The time.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The author of this line: the run itself, or a later run that recovered it.
    pub by: EndedBy,
    /// The calls of the plan by outcome.
    pub calls: CallCounts,
}

/// The run that wrote the end of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndedBy {
    /// The run itself.
    Run,
    /// A later run, which read the objects of the open calls.
    Recovery,
}
