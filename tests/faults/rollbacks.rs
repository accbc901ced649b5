//! `rollback`: what a run touched is as it was, and nothing else.

use emulator::EmulatorProfile;
use reqwest::Method;
use serde_json::json;

use super::{APPLY, ask, change, first, id_of, rule_id_of, serving, state};
use crate::cli::sandbox::{Ran, Sandbox, policy, policy_with, tcp, unwrapped};

/// Undoes a run and acknowledges what its guards refuse, as the refusal says.
fn roll_back(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let arguments = [&["rollback", "--auto-approve"], more].concat();
    let ran = sandbox.run(&arguments);
    if ran.code != 5 {
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        return ran;
    }
    let first = ran.err;
    let again = sandbox.expect(0, &[&arguments[..], &["--ack", &ack_in(&first)]].concat());
    Ran {
        err: first + &again.err,
        ..again
    }
}

/// The value that a refusal prints.
fn ack_in(err: &str) -> String {
    err.split("--ack ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

fn changed() -> (Sandbox, Vec<serde_json::Value>) {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, APPLY);
    let before = state(&sandbox, EmulatorProfile::Current);
    change(&sandbox);
    sandbox.expect(0, APPLY);
    (sandbox, before)
}

#[test]
fn a_run_is_undone_by_a_plan_that_is_shown() {
    let (sandbox, before) = changed();
    let after = state(&sandbox, EmulatorProfile::Current);
    let ran = sandbox.expect(5, &["rollback"]);
    for part in [
        "~ policy \"a\"",
        "- rule \"five\"",
        "+ rule \"three\"",
        "- policy \"c\"",
        "Access:",
        "(4 API calls)",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert_eq!(
        state(&sandbox, EmulatorProfile::Current),
        after,
        "nothing is done without a yes"
    );
    roll_back(&sandbox, &[]);
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
    // A rollback is a run as well: undone, it is as if it had not been.
    roll_back(&sandbox, &[]);
    assert_eq!(state(&sandbox, EmulatorProfile::Current), after);
    let list = sandbox.expect(0, &["rollback", "--list"]).out;
    assert_eq!(list.lines().count(), 4, "{list}");
    assert!(
        list.lines().next().unwrap().contains("rollback of "),
        "{list}"
    );
    let oldest = list
        .lines()
        .last()
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    sandbox.expect(1, &["rollback", "20200101T000000Z-00000000"]);
    sandbox.expect(1, &["rollback", "no/such run"]);
    // Later runs have worked on all that the first one made.
    let ran = sandbox.expect(0, &["rollback", &oldest]);
    assert!(ran.err.contains("Held: policy \"b\""), "{}", ran.err);
    let ran = sandbox.expect(5, &["rollback", &oldest, "--overwrite"]);
    assert!(ran.out.contains("- policy \"b\""), "{}", ran.out);
}

#[test]
fn what_another_writer_changed_since_is_held_unless_it_is_to_be_overwritten() {
    let (sandbox, before) = changed();
    let (a, one) = rule_id_of(&sandbox, "a", "one");
    let (_, two) = rule_id_of(&sandbox, "a", "two");
    let patch = |rule: &str, host: &str| {
        let body = Some(json!({"resources": [host]}));
        ask(
            &sandbox,
            EmulatorProfile::Current,
            Method::PATCH,
            &format!("/{a}/rules/{rule}"),
            body,
        );
    };
    // One was touched by the run, two was not; b is none of its business at all.
    patch(&one, "theirs.example.com");
    patch(&two, "also-theirs.example.com");
    let c = id_of(&sandbox, "c");
    let theirs = json!({"name": "theirs", "actions": ["connect:tcp"], "resources": ["x.example.com"], "decision": "allow"});
    ask(
        &sandbox,
        EmulatorProfile::Current,
        Method::POST,
        &format!("/{c}/rules"),
        Some(theirs),
    );
    let ran = roll_back(&sandbox, &[]);
    assert!(
        ran.err.contains("Held: rule \"one\" of policy \"a\""),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("found:    rule \"one\": deny connect:tcp theirs.example.com"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("Held: policy \"c\""), "{}", ran.err);
    let now = json!(state(&sandbox, EmulatorProfile::Current)).to_string();
    for host in [
        "\"theirs.example.com\"",
        "also-theirs.example.com",
        "six.example.com",
        "three.example.com",
    ] {
        assert!(now.contains(host), "{host}: {now}");
    }
    assert!(!now.contains("five.example.com"), "{now}");

    let list = sandbox.expect(0, &["rollback", "--list"]).out;
    let run = list
        .lines()
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    roll_back(&sandbox, &[&run, "--overwrite"]);
    let now = json!(state(&sandbox, EmulatorProfile::Current)).to_string();
    assert_eq!(
        now,
        json!(before)
            .to_string()
            .replace("two.example.com", "also-theirs.example.com")
    );
}

#[test]
fn deleted_and_renamed_policies_come_back() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    let text = sandbox.read("polwarden.yaml") + "    unmanaged: prune\n";
    sandbox.write("polwarden.yaml", text);
    first(&sandbox);
    sandbox.expect(0, APPLY);
    let before = state(&sandbox, EmulatorProfile::Current);
    let id = id_of(&sandbox, "a");
    std::fs::remove_file(sandbox.path("policies/b.yaml")).unwrap();
    let scope = format!("scope: {{teams: [{}]}}\n", crate::emulator::TEAM);
    let rules = tcp("uno", "allow", "one.example.com")
        + &tcp("two", "allow", "two.example.com")
        + &tcp("three", "allow", "three.example.com");
    sandbox.write(
        "policies/a.yaml",
        policy_with("z", "aliases: [a]", &format!("{scope}rules:\n{rules}")),
    );
    sandbox.expect(0, &["apply", "--auto-approve", "--ack", "prune=1"]);
    let ran = roll_back(&sandbox, &[]);
    assert!(
        ran.err.contains("Policy \"b\" is made again"),
        "{}",
        ran.err
    );
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
    assert_eq!(id_of(&sandbox, "a"), id, "a rename keeps the id");
}

#[test]
fn a_run_that_was_cut_off_is_settled_and_then_undone() {
    let (sandbox, before) = changed();
    let file = super::journal_files(&sandbox).pop().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // Without its last answer and its end.
    let last = lines
        .iter()
        .rposition(|line| line.contains("\"record\":\"answer\""))
        .unwrap();
    let kept: String = lines[..last]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&file, kept).unwrap();
    let ran = roll_back(&sandbox, &[]);
    assert!(ran.err.contains("was interrupted"), "{}", ran.err);
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
}

#[test]
fn a_profile_that_cannot_delete_policies_says_so() {
    let sandbox = serving(EmulatorProfile::Seed, &[]);
    sandbox.write(
        "policies/a.yaml",
        policy(
            "a",
            &format!("rules:\n{}", tcp("r", "allow", "r.example.com")),
        ),
    );
    sandbox.expect(0, APPLY);
    let ran = sandbox.expect(0, &["rollback", "--auto-approve"]);
    assert!(
        unwrapped(&ran.out).contains("no \"delete policy\""),
        "{}",
        ran.out
    );
    assert_eq!(state(&sandbox, EmulatorProfile::Seed).len(), 1);
}

#[test]
fn without_a_journal_there_is_nothing_to_undo() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    assert!(sandbox.expect(1, &["rollback"]).err.contains("no journal"));
    assert!(
        sandbox
            .expect(0, &["rollback", "--list"])
            .err
            .contains("No journals in")
    );
}
