//! The lines of a journal.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image::{DifferenceImage, PolicyImage, RuleImage};
use super::run_id::RunId;
use crate::apply::ledger::Left;
use crate::model::docker::{Operation, PolicyId, RuleId};
use crate::plan::{CallId, Commit, Fingerprint, TargetInfo};

/// The version of the form of a journal; raised when a reader of the old form would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "record", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Record {
    /// The first line: which run this is.
    Run(Box<Run>),
    /// A target begins: the policies that its calls touch, as they were read just before.
    Before {
        /// The name of the target.
        target: String,
        /// The policies, whole.
        policies: Vec<PolicyImage>,
    },
    /// A call is about to be sent.
    Intent(Box<Intent>),
    /// What became of a call. A call without one was under way when the run ended.
    Answer(Box<Answer>),
    /// The last line: nothing is under way any more.
    End(End),
}

/// What is said of a run at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
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
}

/// A call that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// When.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the target.
    pub target: String,
    /// The number of the call in the target's plan.
    pub call: CallId,
    /// The name of the policy.
    pub policy: String,
    /// The name of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What is sent.
    pub send: Operation<PolicyId>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// When.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the target.
    pub target: String,
    /// The number of the call.
    pub call: CallId,
    /// What became of it.
    pub result: CallResult,
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
    pub other_writer: Option<DifferenceImage>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalResult")]
pub enum CallResult {
    /// It was applied, and left this.
    Applied(Box<LeftImage>),
    /// It was not applied.
    NotApplied,
    /// Nobody could tell.
    Unknown,
}

/// What a call left at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "JournalLeft")]
pub enum LeftImage {
    /// A policy that was created or updated.
    Policy(PolicyImage),
    /// A policy is gone.
    NoPolicy {
        /// Its id.
        id: PolicyId,
    },
    /// A rule that was created or updated.
    Rule {
        /// The id of its policy.
        policy: PolicyId,
        /// The rule.
        rule: RuleImage,
    },
    /// A rule is gone.
    NoRule {
        /// The id of its policy.
        policy: PolicyId,
        /// Its id.
        id: RuleId,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// When.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Who wrote this: the run itself, or a later one that found it unfinished.
    pub by: EndedBy,
    /// How many calls were applied.
    pub applied: usize,
    /// How many calls of the plan were not, for whatever reason.
    pub not_applied: usize,
    /// How many calls may have been applied; nobody could tell.
    pub unknown: usize,
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

impl From<&Left> for LeftImage {
    fn from(left: &Left) -> Self {
        match left {
            Left::Policy(policy) => Self::Policy(PolicyImage::from(&**policy)),
            Left::NoPolicy(id) => Self::NoPolicy { id: id.clone() },
            Left::Rule(policy, rule) => Self::Rule { policy: policy.clone(), rule: RuleImage::from(&**rule) },
            Left::NoRule(policy, id) => Self::NoRule { policy: policy.clone(), id: id.clone() },
        }
    }
}

impl From<LeftImage> for Left {
    fn from(image: LeftImage) -> Self {
        match image {
            LeftImage::Policy(policy) => Self::Policy(Box::new(policy.into())),
            LeftImage::NoPolicy { id } => Self::NoPolicy(id),
            LeftImage::Rule { policy, rule } => Self::Rule(policy, Box::new(rule.into())),
            LeftImage::NoRule { policy, id } => Self::NoRule(policy, id),
        }
    }
}
