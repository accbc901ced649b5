//! The audit record of a run: which commit, by which change and which call, did what at the server, and when. All of it
//! is in the journal, so that it can be made from there at any time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counts::{CallCounts, SkipReason};
use super::journal::{
    CallResult, EndedBy, RunCall, RunHistory, RunId, RunKind, ServerTime, TargetHistory,
    UnsentCall, UnsentResult,
};
use super::object::StateAfterWrite;
use crate::plan::{CallId, CallKind, ChangeRef, Commit, Fingerprint, ResourceId, TargetInfo};
use git::SignedBy;

/// The version of the format of audit records. It increases with incompatible changes.
pub const AUDIT_FORMAT_VERSION: u32 = 3;

/// The result of a command: one run, or several if a conflict with another client required a new plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditReport {
    /// The format version: [`AUDIT_FORMAT_VERSION`].
    pub format_version: u32,
    /// The runs, in their order.
    pub runs: Vec<AuditRecord>,
}

impl AuditReport {
    /// The report of runs.
    pub fn new(runs: Vec<AuditRecord>) -> Self {
        Self {
            format_version: AUDIT_FORMAT_VERSION,
            runs,
        }
    }
}

/// The record of a run: its commit, calls and times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditRecord {
    /// The version of polwarden that ran.
    pub tool_version: String,
    /// The id of the run.
    pub run: RunId,
    /// The command.
    pub kind: RunKind,
    /// The start time.
    #[schemars(with = "String")]
    pub began: Timestamp,
    /// When it ended; absent if it was interrupted and not recovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ended: Option<Timestamp>,
    /// The run that ended it: the run itself, or a later run that recovered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
    /// The commit that was applied, with its branch, author and committer.
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
    /// The digest of the plan.
    pub plan: Fingerprint,
    /// The calls of the plan by outcome.
    pub result: CallCounts,
    /// The targets with changes.
    pub targets: Vec<AuditTarget>,
}

/// The record of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditTarget {
    /// The target.
    pub target: TargetInfo,
    /// The changes, in the order of their first calls: first those whose calls were sent.
    pub changes: Vec<AuditChange>,
}

/// A change and its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditChange {
    /// The change, with the line that declares it; absent if the journal does not contain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
    /// The calls, in the order in which they were first sent.
    pub calls: Vec<AuditCall>,
}

/// A call and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditCall {
    /// Its number in the target's plan.
    pub call: CallId,
    /// The operation.
    pub operation: CallKind,
    /// The server's identifier of the policy, pack or group; absent if it was not created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ResourceId>,
    /// The server's identifier of the changed part, for example a rule; absent if it was not created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// When it was last sent, by the clock of the sending machine; absent if it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sent: Option<Timestamp>,
    /// When the outcome was known, by the same clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub answered: Option<Timestamp>,
    /// When the server applied it, by the server's clock, if the server reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<ServerTime>,
    /// The outcome.
    pub result: AuditOutcome,
    /// Whether the outcome was determined by reading the object, because no usable answer was received.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_back: bool,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// Whether another client had changed the object; the journal contains that state. A call that was
    /// applied replaced it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_writer: bool,
    /// The error of the server or of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The service's id of the request, if it returned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuditOutcome {
    /// This run made the call, and the server applied it.
    Applied,
    /// Another client had already made the desired state.
    Adopted,
    /// It was not applied.
    Failed,
    /// The outcome is unknown.
    Unknown,
    /// It was not sent, because another call failed or the run was stopped.
    Skipped,
}

impl AuditRecord {
    /// Makes the record of a journal.
    pub fn from_history(history: &RunHistory) -> Self {
        let RunHistory {
            run,
            targets,
            end,
            unreadable: _,
        } = history;
        let (ended, ended_by) = end.as_ref().map(|end| (end.time, end.by)).unzip();
        let happened = |info: &TargetInfo| AuditTarget {
            target: info.clone(),
            changes: targets.get(&info.name).map(changes).unwrap_or_default(),
        };
        Self {
            tool_version: run.tool_version.clone(),
            run: run.run.clone(),
            kind: run.kind.clone(),
            began: run.time,
            ended,
            ended_by,
            commit: run.commit.clone(),
            tree: run.tree.clone(),
            signed_by: run.signed_by.clone(),
            plan_signed_by: run.plan_signed_by.clone(),
            plan: run.plan.clone(),
            result: history.counts(),
            targets: run.targets.iter().map(happened).collect(),
        }
    }
}

/// The calls, grouped by change.
fn changes(target: &TargetHistory) -> Vec<AuditChange> {
    let mut found: Vec<AuditChange> = Vec::new();
    // No two changes of a plan are about the same policy and rule.
    let mut known = BTreeMap::new();
    let sent = target
        .calls
        .iter()
        .map(|made| (&made.intent.change, call(made)));
    let not_sent = target
        .not_sent
        .iter()
        .map(|unsent| (&unsent.change, unsent_call(unsent)));
    for (change, call) in sent.chain(not_sent) {
        let key = change.as_ref().map(|change| {
            (
                change.resource,
                change.name.as_str(),
                change.part.as_deref(),
            )
        });
        let at = *known.entry(key).or_insert_with(|| {
            found.push(AuditChange {
                change: change.clone(),
                calls: Vec::new(),
            });
            found.len() - 1
        });
        found[at].calls.push(call);
    }
    found
}

fn unsent_call(unsent: &UnsentCall) -> AuditCall {
    let (ids, result, skipped, error) = match &unsent.result {
        UnsentResult::Adopted { send: _, left } => {
            (ids_after_write(left), AuditOutcome::Adopted, None, None)
        }
        UnsentResult::Failed { error } => (
            (None, None),
            AuditOutcome::Failed,
            None,
            Some(error.clone()),
        ),
        UnsentResult::Skipped(reason) => ((None, None), AuditOutcome::Skipped, Some(*reason), None),
    };
    let (id, part) = ids;
    AuditCall {
        call: unsent.call,
        operation: unsent.operation,
        id,
        part,
        sent: None,
        answered: Some(unsent.time),
        server_time: None,
        result,
        read_back: false,
        skipped,
        other_writer: unsent.other_writer.is_some(),
        error,
        request_id: None,
    }
}

fn call(RunCall { intent, answer }: &RunCall) -> AuditCall {
    let (id, part) = intent.send.ids();
    let left = answer.as_ref().and_then(|answer| match &answer.result {
        CallResult::Applied(left) | CallResult::Adopted(left) => Some(ids_after_write(left)),
        CallResult::Failed | CallResult::Unknown => None,
    });
    let (made_id, made_part) = left.unwrap_or_default();
    let told = answer.as_ref();
    AuditCall {
        call: intent.call,
        operation: intent.send.kind(),
        id: id.or(made_id),
        part: part.or(made_part),
        sent: Some(intent.time),
        answered: told.map(|answer| answer.time),
        server_time: told.and_then(|answer| answer.server_time.clone()),
        result: match told.map(|answer| &answer.result) {
            Some(CallResult::Applied(_)) => AuditOutcome::Applied,
            Some(CallResult::Adopted(_)) => AuditOutcome::Adopted,
            Some(CallResult::Failed) => AuditOutcome::Failed,
            Some(CallResult::Unknown) | None => AuditOutcome::Unknown,
        },
        read_back: told.is_some_and(|answer| answer.read_back),
        skipped: None,
        other_writer: told.is_some_and(|answer| answer.other_writer.is_some()),
        error: told.and_then(|answer| answer.error.clone()),
        request_id: told.and_then(|answer| answer.request_id.clone()),
    }
}

/// The ids in the result of a call.
fn ids_after_write(left: &StateAfterWrite) -> (Option<ResourceId>, Option<String>) {
    let (policy, rule) = match left {
        StateAfterWrite::Policy(policy) => (&policy.id, None),
        StateAfterWrite::NoPolicy { id } => (id, None),
        StateAfterWrite::Rule { policy, rule } => (policy, Some(&rule.id)),
        StateAfterWrite::NoRule { policy, id } => (policy, Some(id)),
        StateAfterWrite::Begun { .. } | StateAfterWrite::AsSent => return (None, None),
    };
    (Some(policy.into()), rule.map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_the_golden_journal_is_written_byte_for_byte() {
        let journal = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/journal/records.jsonl"
        ));
        let golden = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/journal/audit.json"
        ));
        let history = RunHistory::parse(journal.as_bytes(), camino::Utf8Path::new("j")).unwrap();
        let report = AuditReport::new(vec![AuditRecord::from_history(&history)]);
        let text = serde_json::to_string_pretty(&report).unwrap() + "\n";
        assert_eq!(text, golden);
    }
}
