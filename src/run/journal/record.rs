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

/// The version of the form of a journal; raised when a reader of the old form would misread the new one.
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
    /// The first line: which run this is.
    Run(Box<RunStart>),
    /// A target begins: what its calls touch, as it was read just before.
    Before {
        /// The name of the target.
        target: String,
        /// The number of calls of the target's plan; left out by formats 1 and 2.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calls: Option<usize>,
        /// The policies, packs and groups, whole.
        objects: Vec<LiveObject>,
    },
    /// A call is about to be sent, unless a later record says that it was not sent.
    Intent(Box<CallIntent>),
    /// What became of a call. A call without one was under way when the run ended.
    Answer(Box<CallAnswer>),
    /// A call that is not sent, and why.
    NotSent(Box<UnsentCall>),
    /// The last line: nothing is under way any more.
    End(RunEnd),
}

/// What is said of a run at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Run")]
#[serde(rename_all = "camelCase")]
pub struct RunStart {
    /// The version of this form: [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of polwarden that ran.
    pub tool_version: String,
    /// The id of the run.
    pub run: RunId,
    /// When it began.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// What was run.
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
    /// Who signed the commit, where that was asked for and verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<SignedBy>,
    /// Who signed the saved plan, where that was asked for and verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_signed_by: Option<SignedBy>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalRunKind")]
pub enum RunKind {
    /// `apply`.
    Apply,
    /// `rollback` of an earlier run.
    Rollback(RunId),
    /// `call`: one operation of the API. This line is written before it is made, and the last one says what became of it.
    Call(Box<SingleCall>),
}

/// An operation that was made by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalSingleCall")]
pub struct SingleCall {
    /// Its name in the contract.
    pub operation: String,
    /// What was said to it, by the names of its fields.
    pub fields: Map<String, Value>,
}

/// A call that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Intent")]
#[serde(rename_all = "camelCase")]
pub struct CallIntent {
    /// When.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the target.
    pub target: String,
    /// The number of the call in the target's plan.
    pub call: CallId,
    /// The name of what stands by itself: a policy, a pack or a group.
    pub name: String,
    /// The name of the part of it that the call is about: a rule, or a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The change that it makes, wholly or in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
    /// What is sent.
    pub send: SentOperation,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Answer")]
#[serde(rename_all = "camelCase")]
pub struct CallAnswer {
    /// When.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the target.
    pub target: String,
    /// The number of the call.
    pub call: CallId,
    /// What became of it.
    pub result: CallResult,
    /// When it was applied by the server's clock, as far as the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<ServerTime>,
    /// Whether this was found by reading back, since no usable answer came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_back: bool,
    /// What the server, or the way to it, said of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The service's id of the request, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What another writer had left where the plan expected something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_writer: Option<ObjectDifference>,
}

/// A time by the server's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerTime {
    /// The time: as the server writes it, or that of the answer's header.
    pub time: String,
    /// Where the server says it.
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

/// Where a server says a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ServerClock {
    /// In `updated_at` of the policy that it answers.
    UpdatedAt,
    /// In the `Date` of its answer: rules have no time of their own.
    Date,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalResult")]
pub enum CallResult {
    /// It was applied, and left this.
    Applied(Box<StateAfterWrite>),
    /// Another client had already made the desired state, which is this.
    Adopted(Box<StateAfterWrite>),
    /// It was not applied.
    Failed,
    /// It may have been applied.
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
        /// What would have been sent.
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
    /// When.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Who wrote this: the run itself, or a later one that found it unfinished.
    pub by: EndedBy,
    /// The calls of the plan by outcome.
    pub calls: CallCounts,
}

/// Who ended a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndedBy {
    /// The run itself.
    Run,
    /// A later run, which read back what was under way.
    Recovery,
}
