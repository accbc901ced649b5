//! Every call is counted once, by outcome, also when two applies of the same plan race: what one of
//! them made, the other one adopts. A rollback undoes only the calls of its own run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use emulator::EmulatorProfile;
use reqwest::Method;
use serde_json::{Value, json};

use super::races::{THEIRS, check_out, has_intent, race};
use super::{APPLY, ask, change, first, serving};
use crate::cli::sandbox::{Ran, Sandbox, policy, tcp};

/// The outcomes that add up to the calls of a plan.
const OUTCOMES: [&str; 5] = ["applied", "adopted", "failed", "unknown", "skipped"];

/// What the journals of one checkout say.
#[derive(Debug, Default)]
struct Claims {
    /// The ids of the policies and rules that it says it created.
    created: BTreeSet<String>,
    /// The final counts of each run.
    counts: Vec<Value>,
    runs: Vec<String>,
}

impl Claims {
    fn of(folder: &Path, runs_before: usize) -> Self {
        let mut claims = Self::default();
        for file in journals(folder).iter().skip(runs_before) {
            let mut planned = 0;
            for line in std::fs::read_to_string(file).unwrap().lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                match line["record"].as_str().unwrap() {
                    "run" => claims.runs.push(line["run"].as_str().unwrap().to_owned()),
                    "before" => planned += line["calls"].as_u64().unwrap(),
                    "answer" => {
                        let left = &line["result"]["applied"];
                        for id in [&left["policy"]["id"], &left["rule"]["rule"]["id"]] {
                            claims.created.extend(id.as_str().map(str::to_owned));
                        }
                    }
                    "end" => {
                        let counts = &line["calls"];
                        assert_eq!(total(counts), planned, "{counts}");
                        claims.counts.push(counts.clone());
                    }
                    _ => {}
                }
            }
        }
        claims
    }

    fn sum(&self, outcome: &str) -> u64 {
        let counts = self.counts.iter();
        counts.map(|counts| counts[outcome].as_u64().unwrap()).sum()
    }
}

fn total(counts: &Value) -> u64 {
    let counted = OUTCOMES.iter();
    counted
        .map(|outcome| counts[*outcome].as_u64().unwrap())
        .sum()
}

fn journals(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    files
}

fn both_claims(sandbox: &Sandbox, runs_before: [usize; 2]) -> [Claims; 2] {
    [
        Claims::of(&sandbox.path(".polwarden/journal"), runs_before[0]),
        Claims::of(&sandbox.path("other/.polwarden/journal"), runs_before[1]),
    ]
}

/// The ids of all live policies and rules.
fn live_ids(sandbox: &Sandbox) -> BTreeSet<String> {
    let get = |path: &str| ask(sandbox, EmulatorProfile::Current, Method::GET, path, None);
    let mut ids = BTreeSet::new();
    for summary in get("")["data"].as_array().unwrap() {
        let id = summary["id"].as_str().unwrap();
        let policy = get(&format!("/{id}"));
        ids.insert(id.to_owned());
        for rule in policy["allowlist_v0"]["rules"].as_array().unwrap() {
            ids.insert(rule["id"].as_str().unwrap().to_owned());
        }
    }
    ids
}

/// The number of calls of the current plan.
fn planned_calls(sandbox: &Sandbox) -> u64 {
    let plan = sandbox.expect(0, &["plan", "--format", "json"]).json();
    plan["targets"][0]["calls"].as_array().unwrap().len() as u64
}

/// Two applies of the same plan that meet: the fifth rule of the slow one takes long, and the quick
/// one creates the other rules in the meantime.
fn interleaved() -> (Sandbox, [Ran; 2]) {
    let sandbox = serving(EmulatorProfile::Current, &["delay=3s@createRule:5"]);
    first(&sandbox);
    let rules: String = (0..12)
        .map(|number| {
            let host = format!("h{number}.example.org");
            tcp(&format!("r{number}"), "allow", &host)
        })
        .collect();
    sandbox.write("policies/b.yaml", policy("b", &format!("rules:\n{rules}")));
    check_out(&sandbox);
    let slow = sandbox
        .command(&["apply", "--auto-approve", "--concurrency", "1"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let rules_begun = || {
        let file = journals(&sandbox.path(".polwarden/journal")).pop();
        let text = file.map(|file| std::fs::read_to_string(file).unwrap());
        text.unwrap_or_default()
            .lines()
            .filter(|line| line.contains("\"intent\"") && line.contains("\"createRule\""))
            .count()
    };
    while rules_begun() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(60), "too slow");
        std::thread::sleep(Duration::from_millis(2));
    }
    let quick = sandbox.expect(0, THEIRS);
    let slow = Ran::of(slow.wait_with_output().unwrap());
    (sandbox, [slow, quick])
}

#[test]
fn two_applies_of_the_same_plan_claim_each_created_object_once() {
    let check = |sandbox: &Sandbox, ends: &[Ran; 2]| {
        let what = format!("{ends:#?}");
        assert_eq!(ends.each_ref().map(|ran| ran.code), [0, 0], "{what}");
        let claims = both_claims(sandbox, [0, 0]);
        let [ours, theirs] = &claims;
        let claimed = ours.created.intersection(&theirs.created).count();
        assert_eq!(claimed, 0, "{ours:?} {theirs:?}");
        let union: BTreeSet<_> = ours.created.union(&theirs.created).cloned().collect();
        let live = live_ids(sandbox);
        assert_eq!(union, live, "{what}");
        let applied = ours.sum("applied") + theirs.sum("applied");
        assert_eq!(applied, live.len() as u64, "{what}");
        claims
    };
    let (sandbox, ends) = interleaved();
    let claims = check(&sandbox, &ends);
    let applied = claims.each_ref().map(|claims| claims.sum("applied"));
    assert!(applied.iter().all(|count| *count > 0), "{ends:#?}");
    assert!(claims[0].sum("adopted") > 0, "{ends:#?}");
    for round in 0..8 {
        let sandbox = serving(EmulatorProfile::Current, &["delay=5ms"]);
        first(&sandbox);
        check_out(&sandbox);
        let ends = race(&sandbox, THEIRS, Duration::from_millis(round * 13));
        check(&sandbox, &ends);
    }
}

#[test]
fn two_applies_of_the_same_changes_apply_each_call_once() {
    for round in 0..8 {
        let sandbox = serving(EmulatorProfile::Current, &["delay=5ms"]);
        first(&sandbox);
        sandbox.expect(0, APPLY);
        change(&sandbox);
        check_out(&sandbox);
        sandbox.write("other/policies/c.yaml", sandbox.read("policies/c.yaml"));
        let calls = planned_calls(&sandbox);
        let ends = race(&sandbox, THEIRS, Duration::from_millis(round * 13));
        let what = format!("round {round}: {ends:#?}");
        assert_eq!(ends.each_ref().map(|ran| ran.code), [0, 0], "{what}");
        let [ours, theirs] = both_claims(&sandbox, [1, 0]);
        assert_eq!(ours.sum("applied") + theirs.sum("applied"), calls, "{what}");
        sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    }
}

/// Undoes a run and acknowledges what its guards refuse.
fn roll_back(sandbox: &Sandbox, run: &str) -> Ran {
    let arguments = ["rollback", run, "--auto-approve"];
    let ran = sandbox.run(&arguments);
    if ran.code != 5 {
        assert_eq!(ran.code, 0, "{ran:#?}");
        return ran;
    }
    let ack = ran.err.split("--ack ").nth(1).unwrap();
    let ack = ack.split_whitespace().next().unwrap();
    sandbox.expect(0, &[&arguments[..], &["--ack", ack]].concat())
}

#[test]
fn a_rollback_leaves_the_objects_of_the_other_run() {
    let (sandbox, ends) = interleaved();
    let [ours, theirs] = both_claims(&sandbox, [0, 0]);
    assert!(
        !ours.created.is_empty() && !theirs.created.is_empty(),
        "{ends:#?}"
    );
    for run in ours.runs.iter().rev() {
        roll_back(&sandbox, run);
    }
    let live = live_ids(&sandbox);
    assert!(
        theirs.created.is_subset(&live),
        "{ours:?} {theirs:?} {live:?}"
    );
    // A policy with a rule of the other run stays; the rules of this run are gone.
    for id in ours.created.intersection(&live) {
        assert!(id.starts_with("pol_"), "{id} {ours:?}");
    }
}

#[test]
fn a_run_that_lost_the_race_adopts_everything_and_exits_0() {
    // The first call of the slow run takes long, and the other run makes the same changes in the meantime.
    let sandbox = serving(EmulatorProfile::Current, &["delay=2s@write:7"]);
    first(&sandbox);
    sandbox.expect(0, APPLY);
    change(&sandbox);
    check_out(&sandbox);
    sandbox.write("other/policies/c.yaml", sandbox.read("policies/c.yaml"));
    let calls = planned_calls(&sandbox);
    let slow = sandbox
        .command(&[
            "apply",
            "--auto-approve",
            "--concurrency",
            "1",
            "--audit-record",
            "audit.json",
        ])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !has_intent(&sandbox) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no call was begun"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let quick = sandbox.expect(0, THEIRS);
    let slow = Ran::of(slow.wait_with_output().unwrap());
    let what = format!("{quick:#?} {slow:#?}");
    assert_eq!(slow.code, 0, "{what}");
    let line = format!(
        "\n  0 applied · {calls} adopted (made by another client) · 0 failed · 0 unknown · 0 skipped\n"
    );
    assert!(slow.out.contains(&line), "{what}");
    let audit: Value = serde_json::from_str(&sandbox.read("audit.json")).unwrap();
    assert_eq!(
        audit["runs"][0]["result"]["adopted"],
        json!(calls),
        "{audit:#}"
    );
    for change in audit["runs"][0]["targets"][0]["changes"]
        .as_array()
        .unwrap()
    {
        assert_eq!(change["calls"][0]["result"], "adopted", "{change:#}");
    }
    let runs = sandbox
        .expect(0, &["runs", "last", "--format", "json"])
        .json();
    assert_eq!(
        runs["runs"][0]["calls"]["adopted"],
        json!(calls),
        "{runs:#}"
    );
    // The run made nothing, so its rollback has nothing to undo.
    let before = live_ids(&sandbox);
    let run = runs["runs"][0]["run"].as_str().unwrap();
    let ran = sandbox.expect(0, &["rollback", run, "--auto-approve"]);
    assert!(ran.out.contains("No changes"), "{ran:#?}");
    assert_eq!(live_ids(&sandbox), before);
}

#[test]
fn after_a_403_the_advice_is_to_grant_the_permission() {
    let sandbox = serving(EmulatorProfile::Current, &["before-403@createRule:2"]);
    first(&sandbox);
    let ran = sandbox.expect(7, &["apply", "--auto-approve", "--concurrency", "1"]);
    assert!(
        ran.out.contains(
            "Next: grant the account the permission to change policies, then run: polwarden apply"
        ),
        "{ran:#?}"
    );
    assert!(!ran.text().contains("apply again"), "{ran:#?}");
}
