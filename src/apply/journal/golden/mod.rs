//! Golden files: the JSON format of each kind of record and object, byte for byte.
//!
//! Later versions of polwarden read the journals of this one, so no change of a live type may
//! change its JSON. Add lines to the files in `tests/golden/journal`; do not edit existing lines.

mod live;

use std::collections::BTreeSet;

use live::live_objects;

use crate::plan::{CallKind, SentOperation};
use crate::run::journal::*;
use crate::run::object::{StateAfterWrite, LiveObject};
use model::docker::LiveContent;

const RECORDS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/journal/records.jsonl"
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
        "answer notApplied",
        "answer unknown",
        "answer otherWriter",
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
        JournalRecord::Before { target: _, objects } => {
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
                CallResult::NotApplied => kinds.push("answer notApplied".to_owned()),
                CallResult::Unknown => kinds.push("answer unknown".to_owned()),
            }
            if answer.other_writer.is_some() {
                kinds.push("answer otherWriter".to_owned());
            }
        }
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

#[test]
fn live_objects_are_written_as_the_golden_lines_have_them() {
    let written: Vec<String> = live_objects()
        .into_iter()
        .map(|(target, objects)| {
            let record = JournalRecord::Before {
                target: target.to_owned(),
                objects,
            };
            serde_json::to_string(&record).unwrap()
        })
        .collect();
    let golden: Vec<&str> = RECORDS
        .lines()
        .filter(|line| line.starts_with(r#"{"record":"before""#))
        .collect();
    assert_eq!(written, golden);
}

/// All that a journal keeps comes back, and the digest of a document with it.
#[test]
fn live_objects_are_read_back() {
    let golden = RECORDS
        .lines()
        .filter(|line| line.starts_with(r#"{"record":"before""#));
    for (line, (_, mut wanted)) in golden.zip(live_objects()) {
        for object in &mut wanted {
            if let LiveObject::Pack(pack) = object {
                pack.versions
                    .iter_mut()
                    .for_each(|version| version.detail = None);
            }
        }
        let JournalRecord::Before { target: _, objects } = record(line) else {
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
            let upgraded = first_version::upgraded(serde_json::from_str(line).unwrap());
            let record: JournalRecord = serde_json::from_value(upgraded).unwrap();
            serde_json::to_string(&record).unwrap()
        })
        .collect();
    let golden: Vec<&str> = FIRST_VERSION_UPGRADED.lines().collect();
    assert_eq!(written, golden);
}
