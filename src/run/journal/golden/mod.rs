//! Golden files: the JSON format of each kind of record and object, byte for byte.
//!
//! Later versions of polwarden read the journals of this one, so no change of a live type may
//! change its JSON. Add lines to the files in `tests/golden/journal`; do not edit existing lines.

mod live;

use std::collections::BTreeSet;

use live::live_objects;

use crate::plan::{CallKind, SentOperation};
use crate::run::counts::{CallCounts, SkipReason};
use crate::run::journal::*;
use crate::run::object::{LiveObject, StateAfterWrite};
use model::docker::LiveContent;

const RECORDS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/journal/records.jsonl"
));
const SECOND_VERSION: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/journal/second_version.jsonl"
));
const FIRST_VERSION: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/journal/first_version.jsonl"
));
const FIRST_VERSION_UPGRADED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/journal/first_version_upgraded.jsonl"
));

fn record(line: &str) -> JournalRecord {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn every_golden_record_is_written_back_byte_for_byte() {
    for line in RECORDS.lines() {
        assert_eq!(serde_json::to_string(&record(line)).unwrap(), line);
    }
}

#[test]
fn every_kind_of_record_and_object_has_a_golden_line() {
    let found: BTreeSet<String> = RECORDS
        .lines()
        .flat_map(|line| kinds(&record(line)))
        .collect();
    let wanted: BTreeSet<String> = [
        "run apply",
        "run rollback",
        "run call",
        "before",
        "intent",
        "answer applied",
        "answer adopted",
        "answer failed",
        "answer unknown",
        "answer otherWriter",
        "not sent adopted",
        "not sent failed",
        "not sent skipped after a failure",
        "not sent skipped because of a stop",
        "not sent skipped without an id",
        "not sent skipped because the plan is stale",
        "end run",
        "end recovery",
        "policy rules",
        "policy cedar",
        "policy opaque",
        "rule",
        "rule opaque",
        "pack",
        "group",
        "group opaque",
        "document",
        "left policy",
        "left noPolicy",
        "left rule",
        "left noRule",
        "left begun",
        "left asSent",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(call_kinds())
    .collect();
    assert_eq!(found, wanted);
}

fn call_kinds() -> impl Iterator<Item = String> {
    let docker = [
        "create policy",
        "update policy",
        "delete policy",
        "create rule",
        "update rule",
        "delete rule",
    ]
    .map(|words| format!("docker {words}"));
    let pulumi = [
        "begin version",
        "upload archive",
        "complete version",
        "delete version",
        "delete pack",
        "create group",
        "update group",
        "delete group",
    ]
    .map(|words| format!("pulumi {words}"));
    let chainloop = ["create policy", "update policy"].map(|words| format!("chainloop {words}"));
    docker.into_iter().chain(pulumi).chain(chainloop)
}

/// The kinds that a record contains. The matches are exhaustive: a new kind does not compile until
/// it has a name here, and the test fails until it has a golden line.
fn kinds(record: &JournalRecord) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    match record {
        JournalRecord::Run(run) => kinds.push(
            match &run.kind {
                RunKind::Apply => "run apply",
                RunKind::Rollback(_) => "run rollback",
                RunKind::Call(_) => "run call",
            }
            .to_owned(),
        ),
        JournalRecord::Before {
            target: _,
            calls: _,
            objects,
        } => {
            kinds.push("before".to_owned());
            kinds.extend(objects.iter().map(object_kind));
        }
        JournalRecord::Intent(intent) => {
            kinds.push("intent".to_owned());
            let provider = match &intent.send {
                SentOperation::Docker(_) => "docker",
                SentOperation::Pulumi(_) => "pulumi",
                SentOperation::Chainloop(_) => "chainloop",
            };
            let kind: CallKind = intent.send.kind();
            kinds.push(format!("{provider} {}", kind.words()));
        }
        JournalRecord::Answer(answer) => {
            match &answer.result {
                CallResult::Applied(left) => {
                    kinds.push("answer applied".to_owned());
                    kinds.push(left_kind(left).to_owned());
                }
                CallResult::Adopted(left) => {
                    kinds.push("answer adopted".to_owned());
                    kinds.push(left_kind(left).to_owned());
                }
                CallResult::Failed => kinds.push("answer failed".to_owned()),
                CallResult::Unknown => kinds.push("answer unknown".to_owned()),
            }
            if answer.other_writer.is_some() {
                kinds.push("answer otherWriter".to_owned());
            }
        }
        JournalRecord::NotSent(unsent) => kinds.push(
            match &unsent.result {
                UnsentResult::Adopted { .. } => "not sent adopted",
                UnsentResult::Failed { .. } => "not sent failed",
                UnsentResult::Skipped(SkipReason::AfterFailure { .. }) => {
                    "not sent skipped after a failure"
                }
                UnsentResult::Skipped(SkipReason::Stopped) => "not sent skipped because of a stop",
                UnsentResult::Skipped(SkipReason::PlanStale) => {
                    "not sent skipped because the plan is stale"
                }
                UnsentResult::Skipped(SkipReason::MissingId) => "not sent skipped without an id",
            }
            .to_owned(),
        ),
        JournalRecord::End(end) => kinds.push(
            match end.by {
                EndedBy::Run => "end run",
                EndedBy::Recovery => "end recovery",
            }
            .to_owned(),
        ),
    }
    kinds
}

fn object_kind(object: &LiveObject) -> String {
    match object {
        LiveObject::Policy(policy) => match policy.content {
            LiveContent::Rules(_) => "policy rules",
            LiveContent::Cedar(_) => "policy cedar",
            LiveContent::Opaque(_) => "policy opaque",
        },
        LiveObject::Rule(rule) if rule.rule.is_err() => "rule opaque",
        LiveObject::Rule(_) => "rule",
        LiveObject::Pack(_) => "pack",
        LiveObject::Group(group) if group.body.is_err() => "group opaque",
        LiveObject::Group(_) => "group",
        LiveObject::Document(_) => "document",
    }
    .to_owned()
}

fn left_kind(left: &StateAfterWrite) -> &'static str {
    match left {
        StateAfterWrite::Policy(_) => "left policy",
        StateAfterWrite::NoPolicy { .. } => "left noPolicy",
        StateAfterWrite::Rule { .. } => "left rule",
        StateAfterWrite::NoRule { .. } => "left noRule",
        StateAfterWrite::Begun { .. } => "left begun",
        StateAfterWrite::AsSent => "left asSent",
    }
}

/// A record of live objects, without the number of calls.
fn is_before(line: &str) -> bool {
    line.starts_with(r#"{"record":"before""#) && !line.contains(r#""calls":"#)
}

#[test]
fn live_objects_are_written_as_the_golden_lines_have_them() {
    let written: Vec<String> = live_objects()
        .into_iter()
        .map(|(target, objects)| {
            let record = JournalRecord::Before {
                target: target.to_owned(),
                calls: None,
                objects,
            };
            serde_json::to_string(&record).unwrap()
        })
        .collect();
    let golden: Vec<&str> = RECORDS.lines().filter(|line| is_before(line)).collect();
    assert_eq!(written, golden);
}

/// All that a journal keeps comes back, and the digest of a document with it.
#[test]
fn live_objects_are_read_back() {
    let golden = RECORDS.lines().filter(|line| is_before(line));
    for (line, (_, mut wanted)) in golden.zip(live_objects()) {
        for object in &mut wanted {
            if let LiveObject::Pack(pack) = object {
                pack.versions
                    .iter_mut()
                    .for_each(|version| version.detail = None);
            }
        }
        let JournalRecord::Before {
            target: _,
            calls: _,
            objects,
        } = record(line)
        else {
            panic!("not a `before` record: {line}");
        };
        assert_eq!(objects, wanted);
    }
}

#[test]
fn the_first_version_is_read_as_the_present_one() {
    let path = camino::Utf8Path::new("j");
    let history = RunHistory::parse(FIRST_VERSION.as_bytes(), path).unwrap();
    assert_eq!(history.unreadable, 0);
    let lines = FIRST_VERSION.lines().skip(1);
    let written: Vec<String> = lines
        .map(|line| {
            let upgraded = upgrade::upgraded(serde_json::from_str(line).unwrap(), 1);
            let record: JournalRecord = serde_json::from_value(upgraded).unwrap();
            serde_json::to_string(&record).unwrap()
        })
        .collect();
    let golden: Vec<&str> = FIRST_VERSION_UPGRADED.lines().collect();
    assert_eq!(written, golden);
}

/// Format 2 counted failed and skipped calls together, and did not tell which calls were adopted.
#[test]
fn the_second_version_is_read_with_counts_that_add_up() {
    let path = camino::Utf8Path::new("j");
    let calls = [
        r#"{"record":"intent","time":"2026-11-30T13:12:31.123Z","target":"t","call":1,"name":"p","send":{"docker":{"operation":"deletePolicy","id":"pol_1"}}}"#,
        r#"{"record":"answer","time":"2026-11-30T13:12:31.123Z","target":"t","call":1,"result":{"applied":{"noPolicy":{"id":"pol_1"}}},"otherWriter":{}}"#,
        r#"{"record":"intent","time":"2026-11-30T13:12:31.123Z","target":"t","call":2,"name":"q","send":{"docker":{"operation":"deletePolicy","id":"pol_2"}}}"#,
        r#"{"record":"answer","time":"2026-11-30T13:12:31.123Z","target":"t","call":2,"result":"notApplied","error":"403"}"#,
        r#"{"record":"end","time":"2026-11-30T13:12:31.123Z","by":"run","applied":1,"notApplied":3,"unknown":0}"#,
    ];
    let head = SECOND_VERSION.lines().next().unwrap();
    let text = format!("{head}\n{}\n", calls.join("\n"));
    let history = RunHistory::parse(text.as_bytes(), path).unwrap();
    let expected = CallCounts {
        applied: 1,
        replaced: 1,
        failed: 1,
        skipped: 2,
        ..CallCounts::default()
    };
    assert_eq!((history.unreadable, history.counts()), (0, expected));
    // Only a second and a third head, which are lines of other journals, are not understood.
    let history = RunHistory::parse(SECOND_VERSION.as_bytes(), path).unwrap();
    assert_eq!(history.unreadable, 2);
}
