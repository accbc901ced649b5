//! `polwarden runs`: what the journals tell.

use emulator::EmulatorProfile;
use serde_json::Value;

use super::{APPLY, change, first, journal_files, serving};
use crate::cli::sandbox::{Sandbox, policy, tcp};

/// One successful run, one with a conflict, and one that was interrupted.
fn three_runs() -> Sandbox {
    let sandbox = serving(
        EmulatorProfile::Current,
        &["change-rule@updateRule:1", "before-400@deleteRule:1"],
    );
    first(&sandbox);
    sandbox.expect(0, APPLY);
    change(&sandbox);
    // The other client changes rule "one" as well, but not to what is desired here.
    let a = tcp("one", "deny", "uno.example.com") + &tcp("two", "allow", "two.example.com");
    sandbox.write("policies/a.yaml", policy("a", &format!("rules:\n{a}")));
    sandbox.expect(7, APPLY);
    sandbox.expect(0, &["apply", "--auto-approve", "--concurrency", "1"]);
    let file = journal_files(&sandbox).pop().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let kept: String = lines[..lines.len() - 2]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&file, kept + "{\"record\":\"ans").unwrap();
    sandbox
}

#[test]
fn runs_are_listed_and_shown_in_full() {
    let sandbox = three_runs();
    let list = sandbox.expect(0, &["runs"]).out;
    assert_eq!(sandbox.expect(0, &["rollback", "--list"]).out, list);
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert!(
        lines[0].contains(" · 1 unknown · ")
            && lines[0].ends_with("has not ended")
            && lines[2].contains("6 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped"),
        "{list}"
    );

    let second = lines[1].split(' ').next().unwrap();
    let shown = sandbox.expect(0, &["runs", second]).out;
    for part in [
        "production (my-org @ ",
        "update rule \"one\" in policy \"a\"",
        "changed by another client:",
        "expected: rule \"one\": allow connect:tcp one.example.com",
        "left: policy \"c\"",
        "What was there before:",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // The rules were created concurrently, so their order is not known.
    let (_, before) = shown.split_once("What was there before:").unwrap();
    let policy = before
        .lines()
        .find(|line| line.contains("policy \"a\""))
        .unwrap();
    assert!(
        policy.contains("for everybody: ") && policy.contains("rule \"one\": allow"),
        "{policy}"
    );
    let last = sandbox.expect(0, &["runs", "last"]).out;
    assert!(
        last.contains("it was begun, and no answer is known"),
        "{last}"
    );
    assert!(
        last.contains("1 line of its journal cannot be read"),
        "{last}"
    );
    let file = journal_files(&sandbox)[1].to_str().unwrap().to_owned();
    assert_eq!(sandbox.expect(0, &["runs", &file]).out, shown);
    // Looking settles nothing.
    assert_eq!(sandbox.expect(0, &["runs"]).out, list);
    sandbox.expect(0, APPLY);
    assert!(
        sandbox
            .expect(0, &["runs"])
            .out
            .contains("ended by a later run")
    );
}

#[test]
fn runs_as_json_fit_their_schema_and_hold_all_calls() {
    let sandbox = three_runs();
    sandbox.expect(0, &["schema"]);
    let schema: Value = serde_json::from_str(&sandbox.read("schemas/runs.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let list = sandbox.expect(0, &["runs", "--format", "json"]).json();
    assert!(list["runs"][0]["targets"][0]["happened"].is_null());
    for run in list["runs"].as_array().unwrap() {
        let id = run["run"].as_str().unwrap();
        let full = sandbox.expect(0, &["runs", id, "--format", "json"]).json();
        for report in [&list, &full] {
            let faults: Vec<String> = validator
                .iter_errors(report)
                .map(|error| error.to_string())
                .collect();
            assert!(faults.is_empty(), "{report}: {faults:?}");
        }
        let full = &full["runs"][0];
        let outcomes = ["applied", "adopted", "failed", "unknown", "skipped"];
        let counted: u64 = outcomes
            .iter()
            .map(|outcome| full["calls"][outcome].as_u64().unwrap())
            .sum();
        let happened = &full["targets"][0]["happened"];
        assert_eq!(Some(counted), happened["planned"].as_u64(), "{full}");
        let recorded = ["calls", "notSent"].map(|field| happened[field].as_array().unwrap().len());
        if full["ended"] == "inGoodOrder" {
            assert_eq!(counted, recorded.iter().sum::<usize>() as u64, "{full}");
        }
        assert!(full["targets"][0]["happened"]["before"].is_array());
    }
    assert_eq!(list["runs"][0]["ended"], "notYet");
}

#[test]
fn a_journal_that_cannot_be_read_hides_no_other() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    assert!(sandbox.expect(0, &["runs"]).err.contains("No journals in"));
    assert!(
        sandbox
            .expect(1, &["runs", "last"])
            .err
            .contains("no journal")
    );
    first(&sandbox);
    sandbox.expect(0, APPLY);
    sandbox.write(
        ".polwarden/journal/20200101T000000Z-00000000.jsonl",
        "no journal\n",
    );
    let ran = sandbox.expect(1, &["runs"]);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    assert!(
        ran.err.contains("20200101T000000Z-00000000.jsonl"),
        "{}",
        ran.err
    );
    sandbox.expect(1, &["runs", "20200102T000000Z-00000000"]);
    assert!(
        sandbox
            .expect(1, &["runs", "no/such run"])
            .err
            .contains("list runs with `polwarden runs`")
    );
}
