//! The journal: its content, its order relative to the calls, and recovery after an interruption.

use std::process::Stdio;
use std::time::{Duration, Instant};

use emulator::EmulatorProfile;
use serde_json::Value;

use super::{APPLY, first, journal_files, serving, state};
use crate::cli::sandbox::{SECRET, Sandbox, policy, tcp};
use crate::skip;

fn lines(sandbox: &Sandbox, position: usize) -> Vec<Value> {
    let text = std::fs::read_to_string(&journal_files(sandbox)[position]).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn kinds(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["record"].as_str().unwrap())
        .collect()
}

#[test]
fn every_call_is_written_down_before_it_is_made() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, APPLY);
    let lines = lines(&sandbox, 0);
    assert_eq!(lines[0]["record"], "run");
    assert_eq!(lines[0]["formatVersion"], 3);
    assert_eq!(lines[0]["targets"][0]["name"], "production");
    assert!(lines[0]["plan"].as_str().unwrap().starts_with("sha256:"));
    let kinds = kinds(&lines);
    assert_eq!((kinds[1], kinds[kinds.len() - 1]), ("before", "end"));
    for kind in ["intent", "answer"] {
        assert_eq!(
            kinds.iter().filter(|other| **other == kind).count(),
            6,
            "{kinds:?}"
        );
    }
    for (position, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line["record"] == "answer")
    {
        let intent = lines[..position]
            .iter()
            .any(|other| other["record"] == "intent" && other["call"] == line["call"]);
        assert!(intent, "{line}");
        assert!(line["result"]["applied"].is_object(), "{line}");
    }
    assert_eq!(sandbox.read(".polwarden/journal/.gitignore"), "*\n");
    let text = std::fs::read_to_string(&journal_files(&sandbox)[0]).unwrap();
    assert!(!text.contains(SECRET));
    // Nothing to do: no journal.
    sandbox.expect(0, APPLY);
    assert_eq!(journal_files(&sandbox).len(), 1);
}

#[test]
fn a_call_is_written_down_while_its_answer_is_missing() {
    let sandbox = serving(EmulatorProfile::Current, &["before-hang@write:1"]);
    first(&sandbox);
    let started = Instant::now();
    let mut child = sandbox
        .command(APPLY)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let intent = || {
        let file = journal_files(&sandbox).into_iter().next()?;
        let text = std::fs::read_to_string(file).unwrap();
        text.contains(r#""record":"intent""#).then_some(text)
    };
    let text = loop {
        // The client gives a request up after 30 seconds.
        assert!(started.elapsed() < Duration::from_secs(25));
        if let Some(text) = intent() {
            break text;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    // Other calls may have been answered in the meantime, but not the one that hangs.
    let count = |record: &str| text.matches(&format!(r#""record":"{record}""#)).count();
    assert!(count("intent") > count("answer"), "{text}");
}

#[test]
fn lines_fit_the_schema() {
    let sandbox = serving(
        EmulatorProfile::Current,
        &[
            "after-reset@write:2",
            "change-rule@updateRule:1",
            "before-400@deleteRule:1",
        ],
    );
    first(&sandbox);
    sandbox.expect(0, APPLY);
    super::change(&sandbox);
    // The other client changes rule "one" as well, but not to what is desired here.
    let a = tcp("one", "deny", "uno.example.com") + &tcp("two", "allow", "two.example.com");
    sandbox.write("policies/a.yaml", policy("a", &format!("rules:\n{a}")));
    sandbox.expect(7, APPLY);
    sandbox.expect(0, &["schema"]);
    let schema: Value = serde_json::from_str(&sandbox.read("schemas/journal.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for line in lines(&sandbox, 0).iter().chain(&lines(&sandbox, 1)) {
        let faults: Vec<String> = validator
            .iter_errors(line)
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{line}: {faults:?}");
    }
    let other = lines(&sandbox, 1)
        .into_iter()
        .find(|line| line["otherWriter"].is_object())
        .unwrap();
    assert!(
        other["otherWriter"]["found"]["rule"].is_object()
            && other["otherWriter"]["planned"]["rule"].is_object()
    );
}

/// Leaves of a journal the first `keep` lines and, of the next one, a part.
fn cut(sandbox: &Sandbox, keep: usize, torn: bool) {
    let path = &journal_files(sandbox)[0];
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut kept: String = lines[..keep]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    if torn && let Some(next) = lines.get(keep) {
        kept.push_str(&next[..next.len() / 2]);
    }
    std::fs::write(path, kept).unwrap();
}

#[test]
fn a_journal_that_was_cut_off_anywhere_is_settled_first() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, &["apply", "--auto-approve", "--concurrency", "1"]);
    let whole = lines(&sandbox, 0);
    let live = state(&sandbox, EmulatorProfile::Current);
    let text = std::fs::read_to_string(&journal_files(&sandbox)[0]).unwrap();
    for keep in 0..whole.len() {
        for torn in [false, true] {
            std::fs::write(&journal_files(&sandbox)[0], &text).unwrap();
            cut(&sandbox, keep, torn);
            let ran = sandbox.expect(0, APPLY);
            let what = format!("{keep} {torn}: {}", ran.err);
            assert!(ran.out.contains("No changes"), "{what}");
            if keep == 0 {
                // Nothing was ever sent.
                assert!(!ran.err.contains("was interrupted"), "{what}");
                continue;
            }
            assert!(ran.err.contains("was interrupted"), "{what}");
            let open = usize::from(whole[keep - 1]["record"] == "intent");
            // An empty policy that has rules by now may belong to another client.
            let settled = ran.err.matches(": was applied").count()
                + ran.err.matches(": has an unknown outcome").count();
            assert_eq!(settled, open, "{what}");
            assert!(
                !sandbox.expect(0, APPLY).err.contains("was interrupted"),
                "{what}"
            );
        }
    }
    assert_eq!(state(&sandbox, EmulatorProfile::Current), live);
}

#[test]
fn what_was_never_applied_is_told_so() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, &["apply", "--auto-approve", "--concurrency", "1"]);
    // The last rule is gone, as if it had never been made.
    let text = std::fs::read_to_string(&journal_files(&sandbox)[0]).unwrap();
    let intents: Vec<Value> = lines(&sandbox, 0)
        .into_iter()
        .filter(|line| line["record"] == "intent")
        .collect();
    let last = intents.last().unwrap();
    let policy = last["name"].as_str().unwrap();
    let rule = last["part"].as_str().unwrap();
    let (policy, rule) = super::rule_id_of(&sandbox, policy, rule);
    super::ask(
        &sandbox,
        EmulatorProfile::Current,
        reqwest::Method::DELETE,
        &format!("/{policy}/rules/{rule}"),
        None,
    );
    let keep = text.lines().count() - 2;
    cut(&sandbox, keep, false);
    let ran = sandbox.expect(0, APPLY);
    assert!(ran.err.contains(": was not applied"), "{}", ran.err);
    assert!(
        ran.out
            .contains("\n  1 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_full_disk_keeps_every_call_from_being_made() {
    if !std::path::Path::new("/dev/full").exists() {
        skip::needs("/dev/full");
        return;
    }
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    let ran = sandbox.expect(1, &["apply", "--auto-approve", "--journal", "/dev/full"]);
    assert!(
        ran.err.contains("cannot be written") && ran.err.contains("--journal FILE"),
        "{}",
        ran.err
    );
    assert_eq!(
        state(&sandbox, EmulatorProfile::Current),
        Vec::<Value>::new()
    );
    sandbox.expect(0, APPLY);
}

#[test]
fn a_journal_of_a_later_version_stops_the_run_and_an_invalid_one_does_not() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    for (text, code, message) in [
        (
            "{\"record\":\"run\",\"formatVersion\":99,\"surprise\":1}\n",
            1,
            "a later version of polwarden wrote",
        ),
        ("invalid\n", 0, "Ignored an invalid file"),
    ] {
        assert_eq!(
            state(&sandbox, EmulatorProfile::Current),
            Vec::<Value>::new()
        );
        sandbox.write(".polwarden/journal/20200101T000000Z-00000000.jsonl", text);
        let ran = sandbox.expect(code, APPLY);
        assert!(
            ran.err.contains(message) && ran.err.contains("20200101T000000Z"),
            "{}",
            ran.err
        );
        assert_eq!(
            sandbox.read(".polwarden/journal/20200101T000000Z-00000000.jsonl"),
            text,
            "it is left as it is"
        );
    }
}

#[test]
fn a_file_of_ones_own_is_used_and_the_one_before_is_kept() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, &["apply", "--auto-approve", "--journal", "run.jsonl"]);
    let text = sandbox.read("run.jsonl");
    assert!(
        text.contains("\"record\":\"end\"") && journal_files(&sandbox).is_empty(),
        "{text}"
    );
    super::change(&sandbox);
    sandbox.expect(0, &["apply", "--auto-approve", "--journal", "run.jsonl"]);
    assert_ne!(sandbox.read("run.jsonl"), text);
    let kept = sandbox
        .files()
        .into_iter()
        .find(|(path, _)| path.to_str().unwrap().starts_with("run.jsonl.before-"));
    assert_eq!(String::from_utf8(kept.unwrap().1).unwrap(), text);
    // A run can be undone from its file.
    sandbox.expect(
        0,
        &[
            "rollback",
            "run.jsonl",
            "--auto-approve",
            "--ack",
            "prune=1,last-deny=1",
        ],
    );
    first(&sandbox);
    std::fs::remove_file(sandbox.path("policies/c.yaml")).unwrap();
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_journal_that_another_run_writes_is_left_to_it() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, APPLY);
    let count = lines(&sandbox, 0).len();
    cut(&sandbox, count - 1, false);
    let file = std::fs::File::open(&journal_files(&sandbox)[0]).unwrap();
    file.lock().unwrap();
    let ran = sandbox.expect(1, APPLY);
    assert!(
        ran.err.contains("another run is in progress"),
        "{}",
        ran.err
    );
    file.unlock().unwrap();
    sandbox.expect(0, APPLY);
}
