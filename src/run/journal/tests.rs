use camino::Utf8Path;
use proptest::prelude::*;

use super::*;
use crate::mutated_bytes::{CASES, mutated_bytes};
use crate::mutated_json::mutated_json;
use crate::plan::{CallId, SentOperation, TargetInfo};
use crate::run::object::StateAfterWrite;
use manifest::config::Provider;
use model::docker::{DockerOperation, PolicyId, Profile};

fn head() -> RunStart {
    RunStart {
        format_version: FORMAT_VERSION,
        tool_version: "0".to_owned(),
        run: RunId::new(jiff::Timestamp::UNIX_EPOCH),
        time: jiff::Timestamp::UNIX_EPOCH,
        kind: RunKind::Apply,
        targets: vec![TargetInfo {
            name: "t".to_owned(),
            provider: Provider::Docker,
            organization: "o".to_owned(),
            profile: Some(Profile::Current),
            endpoint: "embedded".to_owned(),
        }],
        plan: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
        commit: None,
        tree: None,
        signed_by: None,
        plan_signed_by: None,
    }
}

fn intent(call: u32) -> JournalRecord {
    let id = PolicyId::new("pol_1");
    JournalRecord::Intent(Box::new(CallIntent {
        time: jiff::Timestamp::UNIX_EPOCH,
        target: "t".to_owned(),
        call: CallId(call),
        name: "p\n\u{2028}".to_owned(),
        part: None,
        change: None,
        send: SentOperation::Docker(DockerOperation::DeletePolicy { id }),
    }))
}

fn answer(call: u32) -> JournalRecord {
    JournalRecord::Answer(Box::new(CallAnswer {
        time: jiff::Timestamp::UNIX_EPOCH,
        target: "t".to_owned(),
        call: CallId(call),
        result: CallResult::Applied(Box::new(StateAfterWrite::NoPolicy {
            id: PolicyId::new("pol_1"),
        })),
        server_time: None,
        read_back: false,
        error: None,
        request_id: None,
        other_writer: None,
    }))
}

fn records() -> Vec<JournalRecord> {
    let head = JournalRecord::Run(Box::new(head()));
    vec![head, intent(1), answer(1), intent(2), intent(3), answer(3)]
}

fn bytes(records: &[JournalRecord]) -> Vec<u8> {
    records
        .iter()
        .flat_map(|record| [serde_json::to_vec(record).unwrap(), b"\n".to_vec()].concat())
        .collect()
}

proptest! {
    /// All complete lines of a truncated or damaged journal are read, and nothing panics.
    #[test]
    fn a_journal_is_read_without_loss_of_what_it_holds(cut in 0_usize..2000, noise in any::<Vec<u8>>(), at in 1_usize..5) {
        let records = [JournalRecord::Run(Box::new(head())), intent(1), answer(1), intent(2), intent(3)];
        let mut text = bytes(&records);
        text.truncate(cut.max(bytes(&records[..1]).len()));
        // A line without its newline is complete.
        let is_whole = |lines: &usize| text.len() + 1 >= bytes(&records[..*lines]).len();
        let whole = (1..=records.len()).rev().find(is_whole).unwrap();
        let history = RunHistory::parse(&text, Utf8Path::new("j")).unwrap();
        let calls = &history.targets["t"].calls;
        prop_assert_eq!(calls.len(), records[..whole].iter().filter(|record| matches!(record, JournalRecord::Intent(_))).count());
        prop_assert_eq!(history.open_calls().count(), calls.len() - usize::from(whole > 2));

        let mut lines: Vec<Vec<u8>> = records.iter().map(|record| serde_json::to_vec(record).unwrap()).collect();
        lines.insert(at, [b"\xff".to_vec(), noise].concat());
        let history = RunHistory::parse(&lines.join(&b'\n'), Utf8Path::new("j")).unwrap();
        prop_assert_eq!(history.targets["t"].calls.len(), 3);
        prop_assert!(history.unreadable >= 1);
    }
}

fn read_and_count(text: &[u8]) {
    if let Ok(history) = RunHistory::parse(text, Utf8Path::new("j")) {
        history.counts();
        history.open_calls().count();
        history.is_unfinished();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn bytes_of_a_journal_never_panic(text in mutated_bytes(vec![bytes(&records())])) {
        read_and_count(&text);
    }

    #[test]
    fn values_of_a_journal_never_panic(lines in mutated_json(serde_json::to_value(records()).unwrap())) {
        let lines = lines.as_array().cloned().unwrap_or_default();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        read_and_count(text.as_bytes());
    }
}

#[tokio::test]
async fn many_writers_share_trips_to_the_disk_and_every_line_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("j.jsonl")).unwrap();
    let journal = create(head(), Some(&path)).await.unwrap();
    let writes = (1..=50).map(|call| {
        let journal = journal.clone();
        tokio::spawn(async move { journal.write(&intent(call)).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    let history = RunHistory::read(&path).unwrap();
    assert_eq!(
        (history.targets["t"].calls.len(), history.unreadable),
        (50, 0)
    );
    assert!(matches!(
        Journal::open(&path),
        Err(JournalError::Locked { .. })
    ));
}

#[tokio::test]
async fn what_follows_a_torn_line_begins_on_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("j.jsonl")).unwrap();
    let mut text = bytes(&[JournalRecord::Run(Box::new(head())), intent(1)]);
    text.truncate(text.len() - 20);
    std::fs::write(&path, &text).unwrap();
    let journal = Journal::open(&path).unwrap();
    journal.write(&intent(2)).await.unwrap();
    let history = RunHistory::read(&path).unwrap();
    assert_eq!(
        (history.targets["t"].calls.len(), history.unreadable),
        (1, 1)
    );
    assert!(
        std::fs::read(&path).unwrap().starts_with(&text),
        "nothing that it held is lost"
    );
}

#[test]
fn a_journal_that_is_too_long_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("j.jsonl")).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    // A sparse file.
    file.set_len(super::writer::MAX_BYTES + 1).unwrap();
    let error = RunHistory::read(&path).unwrap_err();
    assert!(matches!(error, JournalError::TooLong { .. }), "{error}");
}

#[test]
fn ids_of_runs_sort_by_time_and_are_names_of_files() {
    let at = |millisecond| RunId::new(jiff::Timestamp::from_millisecond(millisecond).unwrap());
    assert!(at(1_700_000_000_001) < at(1_700_000_000_002) && at(999) < at(1_000));
    assert_eq!(
        at(1_700_000_000_001)
            .as_str()
            .parse::<RunId>()
            .unwrap()
            .as_str()
            .len(),
        28
    );
    for wrong in ["", "../x", "a/b", "a b", "é"] {
        assert!(wrong.parse::<RunId>().is_err(), "{wrong}");
    }
}

#[test]
fn a_journal_of_the_first_version_is_read() {
    let head = serde_json::to_string(&JournalRecord::Run(Box::new(RunStart {
        format_version: 1,
        ..head()
    })))
    .unwrap();
    let before = r#"{"record":"before","target":"t","policies":[{"id":"pol_1","name":"p","content":{"rules":[]},"createdAt":"","updatedAt":""}]}"#;
    let intent = r#"{"record":"intent","time":"1970-01-01T00:00:00Z","target":"t","call":1,"policy":"p","rule":"r","change":{"kind":"delete","resource":"rule","policy":"p","rule":"r"},"send":{"operation":"deleteRule","policy":"pol_1","id":"rule_1"}}"#;
    let history = RunHistory::parse(
        format!("{head}\n{before}\n{intent}\n").as_bytes(),
        Utf8Path::new("j"),
    )
    .unwrap();
    assert_eq!(history.unreadable, 0);
    let target = &history.targets["t"];
    assert_eq!(target.before.len(), 1);
    let made = &target.calls[0].intent;
    assert_eq!((made.name.as_str(), made.part.as_deref()), ("p", Some("r")));
    assert_eq!(
        made.change
            .as_ref()
            .and_then(|change| change.part.as_deref()),
        Some("r")
    );
    let send = DockerOperation::DeleteRule {
        policy: PolicyId::new("pol_1"),
        id: model::docker::RuleId::new("rule_1"),
    };
    assert_eq!(made.send, SentOperation::Docker(send));
}

/// Recovery moves each call from unknown to its outcome; a call that stays unknown keeps its place.
#[test]
fn the_end_of_a_recovered_run_counts_each_call_once() {
    use crate::run::recovery::{RecoveredCall, end_of};

    let head = JournalRecord::Run(Box::new(head()));
    let records = [
        head,
        intent(1),
        answer(1),
        intent(2),
        intent(3),
        intent(4),
        intent(5),
    ];
    let history = RunHistory::parse(&bytes(&records), Utf8Path::new("j")).unwrap();
    assert_eq!(history.counts().unknown, 4);
    let left = || {
        Box::new(StateAfterWrite::NoPolicy {
            id: PolicyId::new("pol_1"),
        })
    };
    let results = [
        CallResult::Applied(left()),
        CallResult::Adopted(left()),
        CallResult::Failed,
        CallResult::Unknown,
    ];
    let resolved: Vec<RecoveredCall> = results
        .into_iter()
        .zip(2..)
        .map(|(result, call)| {
            let (JournalRecord::Intent(intent), JournalRecord::Answer(mut answer)) =
                (intent(call), answer(call))
            else {
                unreachable!()
            };
            answer.result = result;
            RecoveredCall {
                intent: *intent,
                answer: *answer,
            }
        })
        .collect();
    let end = end_of(&history, &resolved);
    assert_eq!(end.by, EndedBy::Recovery);
    let expected = crate::run::counts::CallCounts {
        applied: 2,
        replaced: 0,
        adopted: 1,
        failed: 1,
        unknown: 1,
        skipped: 0,
    };
    assert_eq!(end.calls, expected);
    assert_eq!(end.calls.total(), history.counts().total());
}

/// A call after those of the plan cleans up, and does not belong to the plan.
#[test]
fn calls_that_clean_up_are_not_counted() {
    let head = JournalRecord::Run(Box::new(head()));
    let before = JournalRecord::Before {
        target: "t".to_owned(),
        calls: Some(1),
        objects: Vec::new(),
    };
    let records = [head, before, intent(1), answer(1), intent(2), answer(2)];
    let history = RunHistory::parse(&bytes(&records), Utf8Path::new("j")).unwrap();
    assert_eq!(history.counts().applied, 1);
    assert_eq!(history.counts().total(), 1);
}
