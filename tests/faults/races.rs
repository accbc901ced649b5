//! Two applies at the same time: what one of them does is never lost in silence, and both journals are true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use emulator::EmulatorProfile;
use reqwest::Method;
use serde_json::{Value, json};

use super::{APPLY, ask, change, first, serving, state};
use crate::cli::sandbox::{Ran, Sandbox, policy, tcp};

pub(super) const THEIRS: &[&str] = &["-C", "other", "apply", "--auto-approve"];

/// Another checkout of the current files of the sandbox.
pub(super) fn check_out(sandbox: &Sandbox) {
    for file in ["polwarden.yaml", "policies/a.yaml", "policies/b.yaml"] {
        sandbox.write(&format!("other/{file}"), sandbox.read(file));
    }
}

/// The changes of the other checkout, which conflict with [`change`] in updates, a deletion and creations. Both
/// want one deny in `a`, so that no guard is in the way of the next run.
fn other_change(sandbox: &Sandbox) {
    let a = tcp("one", "allow", "their-one.example.com")
        + &tcp("two", "deny", "two.example.com")
        + &tcp("three", "allow", "their-three.example.com");
    sandbox.write(
        "other/policies/a.yaml",
        policy("a", &format!("rules:\n{a}")),
    );
    let b =
        tcp("four", "allow", "four.example.com") + &tcp("five", "allow", "their-five.example.com");
    sandbox.write(
        "other/policies/b.yaml",
        policy("b", &format!("rules:\n{b}")),
    );
    let c = tcp("six", "allow", "their-six.example.com");
    sandbox.write(
        "other/policies/c.yaml",
        policy("c", &format!("rules:\n{c}")),
    );
}

/// Both at once; the second begins a little later.
pub(super) fn race(sandbox: &Sandbox, theirs: &[&str], later: Duration) -> [Ran; 2] {
    race_of(sandbox, APPLY, theirs, later)
}

/// Two commands at once; the second begins a little later.
pub(crate) fn race_of(
    sandbox: &Sandbox,
    ours: &[&str],
    theirs: &[&str],
    later: Duration,
) -> [Ran; 2] {
    let spawn = |arguments: &[&str]| {
        sandbox
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let one = spawn(ours);
    std::thread::sleep(later);
    let two = spawn(theirs);
    [one, two].map(|child| Ran::of(child.wait_with_output().unwrap()))
}

/// The live rules by id, as `name decision resources`, with the name of their policy.
fn live_rules(sandbox: &Sandbox) -> BTreeMap<String, (String, String)> {
    let get = |path: &str| ask(sandbox, EmulatorProfile::Current, Method::GET, path, None);
    let list = get("");
    let mut found = BTreeMap::new();
    for summary in list["data"].as_array().unwrap() {
        let policy = get(&format!("/{}", summary["id"].as_str().unwrap()));
        let name = policy["name"].as_str().unwrap();
        for rule in policy["allowlist_v0"]["rules"].as_array().unwrap() {
            found.insert(text(&rule["id"]), (name.to_owned(), in_short(rule)));
        }
    }
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn in_short(rule: &Value) -> String {
    format!(
        "{} {} {}",
        text(&rule["name"]),
        text(&rule["decision"]),
        rule["resources"]
    )
}

/// What a journal says of rules: what it left of each, and those that it deleted.
#[derive(Default)]
struct Told {
    left: BTreeMap<String, BTreeSet<String>>,
    deleted: BTreeSet<String>,
    /// The found and the expected state.
    found: Vec<Value>,
    ended: bool,
    lines: usize,
}

impl Told {
    fn of(folder: &Path, runs_before: usize) -> Self {
        let mut told = Self::default();
        let Ok(entries) = std::fs::read_dir(folder) else {
            return told;
        };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
        files.sort();
        for file in files.iter().skip(runs_before) {
            for line in std::fs::read_to_string(file).unwrap().lines() {
                told.take(&serde_json::from_str(line).unwrap());
            }
        }
        told
    }

    fn take(&mut self, line: &Value) {
        self.lines += 1;
        self.ended |= line["record"] == "end";
        if line["record"] != "answer" {
            return;
        }
        let applied = &line["result"]["applied"];
        if let Some(rule) = applied["rule"].as_object() {
            let rule = &rule["rule"];
            let left = self.left.entry(text(&rule["id"])).or_default();
            left.insert(in_short(&rule["says"]["rule"]));
        }
        if let Some(rule) = applied["noRule"].as_object() {
            self.deleted.insert(text(&rule["id"]));
        }
        if line["otherWriter"]["found"].is_object() {
            self.found.push(line["otherWriter"]["found"].clone());
        }
    }
}

/// The live state must be the state before the runs, or a state that one of the journals contains. Everything that a
/// journal reports as written or deleted must have been observed.
fn assert_told(
    before: &BTreeMap<String, (String, String)>,
    after: &BTreeMap<String, (String, String)>,
    told: &[Told],
) {
    let left = |id: &String, rule: &String| {
        told.iter()
            .any(|told| told.left.get(id).is_some_and(|left| left.contains(rule)))
    };
    for (id, (policy, rule)) in after {
        let was = before.get(id).is_some_and(|(_, was)| was == rule);
        assert!(
            was || left(id, rule),
            "nobody says that they left `{rule}` in `{policy}`"
        );
    }
    let deleted: BTreeSet<&String> = told.iter().flat_map(|told| &told.deleted).collect();
    let known: BTreeSet<&String> = before
        .keys()
        .chain(told.iter().flat_map(|told| told.left.keys()))
        .collect();
    for id in known {
        assert_ne!(after.contains_key(id), deleted.contains(id), "{id}");
    }
    let names: BTreeSet<String> = after
        .values()
        .map(|(policy, rule)| format!("{policy} {rule}"))
        .collect();
    assert_eq!(
        names.len(),
        after.len(),
        "nothing is there twice: {after:?}"
    );
}

/// The desired state of a checkout, determined by applying it without other clients.
fn alone(theirs: bool) -> Vec<Value> {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    check_out(&sandbox);
    sandbox.expect(0, APPLY);
    if theirs {
        other_change(&sandbox);
        sandbox.expect(0, THEIRS);
    } else {
        change(&sandbox);
        sandbox.expect(0, APPLY);
    }
    state(&sandbox, EmulatorProfile::Current)
}

#[test]
fn two_applies_that_want_different_things_lose_nothing_in_silence() {
    let ours = alone(false);
    let theirs = alone(true);
    assert_ne!(ours, theirs);
    let mut met = 0;
    for round in 0..12 {
        let sandbox = serving(EmulatorProfile::Current, &["delay=5ms"]);
        first(&sandbox);
        check_out(&sandbox);
        sandbox.expect(0, APPLY);
        let before = live_rules(&sandbox);
        change(&sandbox);
        other_change(&sandbox);
        let ends = race(&sandbox, THEIRS, Duration::from_millis(round * 23 % 67));
        let codes = ends.each_ref().map(|ran| ran.code);
        let what = format!("round {round}: {ends:?}");
        assert!(
            codes.iter().all(|code| [0, 1, 6, 7].contains(code)),
            "{what}"
        );
        met += usize::from(
            codes != [0, 0] || ends.iter().any(|ran| ran.out.contains("planned again")),
        );

        let told = [
            Told::of(&sandbox.path(".polwarden/journal"), 1),
            Told::of(&sandbox.path("other/.polwarden/journal"), 0),
        ];
        let again = ends.each_ref().map(|ran| ran.out.contains("planned again"));
        for ((told, code), again) in told.iter().zip(codes).zip(again) {
            assert!(
                told.ended || told.lines == 0,
                "a journal has no end: {what}"
            );
            // A run that succeeded met no other client or planned again. A run that wrote nothing exits with 1
            // or 6, unless there was nothing left to change.
            assert!(code != 0 || told.found.is_empty() || again, "{what}");
            let wrote = !told.left.is_empty() || !told.deleted.is_empty();
            assert!(
                wrote == [0, 7].contains(&code) || (again && code == 0),
                "{what}"
            );
        }
        assert_told(&before, &live_rules(&sandbox), &told);
        let live = state(&sandbox, EmulatorProfile::Current);
        if codes == [0, 0] && again == [false, false] {
            assert!(
                live == ours || live == theirs,
                "both are done, but neither has what it wants: {what}"
            );
        }

        // The next client reaches its desired state.
        sandbox.expect(0, THEIRS);
        assert_eq!(state(&sandbox, EmulatorProfile::Current), theirs, "{what}");
        sandbox.expect(0, APPLY);
        assert_eq!(state(&sandbox, EmulatorProfile::Current), ours, "{what}");
    }
    assert!(met > 0, "the two never met");
}

#[test]
fn what_the_slower_one_overwrites_is_shown_and_in_its_journal() {
    // The first write of the slower client takes long, and the other client runs in the meantime.
    let sandbox = serving(EmulatorProfile::Current, &["delay=2s@write:7"]);
    first(&sandbox);
    check_out(&sandbox);
    sandbox.expect(0, APPLY);
    let rule = |host: &str, more: &str| {
        let rules = tcp("one", "deny", host)
            + &tcp("two", "allow", more)
            + &tcp("three", "allow", "three.example.com");
        policy("a", &format!("rules:\n{rules}"))
    };
    sandbox.write(
        "policies/a.yaml",
        rule("our-one.example.com", "our-two.example.com"),
    );
    sandbox.write(
        "other/policies/a.yaml",
        rule("their-one.example.com", "their-two.example.com"),
    );
    let slow = sandbox
        .command(&["apply", "--auto-approve", "--concurrency", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    while !has_intent(&sandbox) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no call was begun"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let quick = sandbox.run(THEIRS);
    let slow = Ran::of(slow.wait_with_output().unwrap());
    let what = format!("{quick:?} {slow:?}");
    assert_eq!((quick.code, slow.code), (0, 7), "{what}");
    assert!(
        slow.out
            .contains("applied; it replaced a change by another client")
            && slow.out.contains("found:    rule"),
        "{what}"
    );
    let told = Told::of(&sandbox.path(".polwarden/journal"), 1);
    assert!(
        told.ended && json!(told.found).to_string().contains("their-"),
        "{:?} {what}",
        told.found
    );
    // Calls that it had not started are blocked, so the changes of the other client remain.
    let live: Vec<String> = live_rules(&sandbox)
        .into_values()
        .map(|(_, rule)| rule)
        .collect();
    assert_eq!(
        live.iter().filter(|rule| rule.contains("their-")).count(),
        1,
        "{live:?}"
    );
    assert_eq!(
        live.iter().filter(|rule| rule.contains("our-")).count(),
        1,
        "{live:?}"
    );
    sandbox.expect(0, APPLY);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

pub(super) fn has_intent(sandbox: &Sandbox) -> bool {
    let file = super::journal_files(sandbox).into_iter().nth(1);
    file.is_some_and(|file| {
        std::fs::read_to_string(file)
            .unwrap()
            .contains("\"intent\"")
    })
}

#[test]
fn two_applies_of_two_checkouts_that_race_make_one_of_each() {
    let sandbox = serving(EmulatorProfile::Current, &["delay=3ms"]);
    first(&sandbox);
    check_out(&sandbox);
    let ends = race(&sandbox, THEIRS, Duration::ZERO);
    assert!(
        ends.iter().all(|ran| [0, 1, 6, 7].contains(&ran.code)),
        "{ends:?}"
    );
    sandbox.expect(0, APPLY);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    let state = state(&sandbox, EmulatorProfile::Current);
    assert_eq!(state.len(), 2, "{state:?}");
}

#[test]
fn two_applies_in_one_directory_make_one_of_each() {
    for round in 0..6 {
        let sandbox = serving(EmulatorProfile::Current, &["delay=5ms"]);
        first(&sandbox);
        let ends = race(&sandbox, APPLY, Duration::from_millis(round * 41 % 101));
        assert!(
            ends.iter().all(|ran| [0, 1, 6, 7].contains(&ran.code)),
            "{ends:?}"
        );
        let told = [Told::of(&sandbox.path(".polwarden/journal"), 0)];
        assert_told(&BTreeMap::new(), &live_rules(&sandbox), &told);
        let ran = sandbox.expect(0, APPLY);
        assert!(!ran.err.contains("did not end"), "{} {ends:?}", ran.err);
        assert_eq!(
            state(&sandbox, EmulatorProfile::Current).len(),
            2,
            "{ends:?}"
        );
    }
}
