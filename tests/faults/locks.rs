//! One run at a time in a journal folder, and what programs read of an apply.

use std::process::Stdio;
use std::time::{Duration, Instant};

use emulator::EmulatorProfile;
use serde_json::Value;

use super::{APPLY, first, serving};
use crate::cli::sandbox::{Ran, Sandbox};

const SLOW: &[&str] = &["apply", "--auto-approve", "--concurrency", "1"];

/// A run that waits for the answer of its first write.
fn running(delay: &str) -> (Sandbox, std::process::Child) {
    let sandbox = serving(EmulatorProfile::Current, &[delay]);
    first(&sandbox);
    let child = sandbox
        .command(SLOW)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while sandbox.writes() == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "no call started");
        std::thread::sleep(Duration::from_millis(5));
    }
    (sandbox, child)
}

#[test]
fn a_second_run_names_the_holder_or_waits_for_it() {
    let (sandbox, child) = running("delay=3s@write:1");
    let refused = sandbox.expect(1, APPLY);
    let process = format!("process {}", child.id());
    for part in [
        "another run uses the journal folder `.polwarden/journal`: run 2",
        process.as_str(),
        " on host ",
        ", since 2",
        "--lock-timeout",
    ] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    let refused = sandbox.expect(1, &["rollback", "-y"]);
    assert!(refused.err.contains(&process), "{}", refused.err);
    // What only reads does not need the lock.
    sandbox.expect(0, &["plan"]);
    let waited = sandbox.expect(0, &["apply", "-y", "--lock-timeout", "1m"]);
    assert!(
        waited
            .err
            .contains("Waiting: the journal folder is used by run 2"),
        "{}",
        waited.err
    );
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    let timeout = ["apply", "-y", "--lock-timeout", "soon"];
    assert!(sandbox.expect(1, &timeout).err.contains("duration"));
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_no_lock() {
    let (sandbox, mut child) = running("delay=60s@write:1");
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = sandbox.expect(0, APPLY);
    assert!(!ran.err.contains("another run uses"), "{}", ran.err);
}

/// The events of a run, each valid by the schema.
fn events(sandbox: &Sandbox, ran: &Ran) -> Vec<Value> {
    sandbox.expect(0, &["schema"]);
    let schema = sandbox.read("schemas/apply-events.schema.json");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let events: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    for event in &events {
        let faults: Vec<String> = validator
            .iter_errors(event)
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{event}: {faults:?}");
    }
    events
}

#[test]
fn json_is_a_stream_of_events_with_a_schema() {
    let sandbox = serving(EmulatorProfile::Current, &["before-403@createRule:2"]);
    first(&sandbox);
    let ran = sandbox.expect(7, &["apply", "-y", "-o", "json"]);
    let events = events(&sandbox, &ran);
    let of = |kind: &str| -> Vec<&Value> {
        let found = events.iter().filter(|event| event["event"] == kind);
        found.collect()
    };
    assert_eq!(events[0]["event"], "started");
    assert_eq!(events[0]["formatVersion"], 1);
    let calls = of("planned")[0]["calls"].as_u64().unwrap();
    let finished = of("callFinished");
    assert_eq!(finished.len() as u64, calls);
    let failed = finished.iter().find(|event| event["outcome"] == "failed");
    let message = failed.unwrap()["message"].as_str().unwrap();
    assert!(message.contains("403"), "{message}");
    assert_eq!(of("runStarted").len(), 1);
    let ended = of("runEnded")[0];
    assert_eq!(ended["calls"]["failed"], 1);
    assert!(ended["next"].as_str().unwrap().contains("grant"), "{ended}");
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["exitCode"]),
        (&"ended".into(), &7.into())
    );
    // People read the same as without events, on standard error.
    assert!(ran.err.contains("1 failed"), "{}", ran.err);
}

#[test]
fn an_error_before_the_run_ends_the_stream_with_its_message() {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    let ran = sandbox.expect(5, &["apply", "--format", "json"]);
    let events = events(&sandbox, &ran);
    let last = events.last().unwrap();
    assert_eq!(last["exitCode"], 5);
    let message = last["message"].as_str().unwrap();
    assert!(message.contains("--auto-approve"), "{message}");
}

#[test]
fn github_gets_annotations_for_a_failed_apply() {
    let sandbox = serving(EmulatorProfile::Current, &["before-403@createRule:2"]);
    first(&sandbox);
    let ran = sandbox.expect(7, &["apply", "-y", "--format", "github"]);
    let annotations: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.starts_with("::error "))
        .collect();
    let [annotation] = annotations.as_slice() else {
        panic!("{}", ran.out)
    };
    assert!(
        annotation.contains("file=policies/") && annotation.contains("title=apply-call-failed::"),
        "{annotation}"
    );
    let refused = serving(EmulatorProfile::Current, &[]);
    first(&refused);
    let ran = refused.expect(5, &["apply", "--format", "github"]);
    assert!(
        ran.out
            .contains("::error title=polwarden apply::Nothing was applied"),
        "{}",
        ran.out
    );
}
