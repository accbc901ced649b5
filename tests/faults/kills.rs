//! Kills at random moments, and interrupts.

use std::process::Stdio;
use std::time::{Duration, Instant};

use emulator::EmulatorProfile;
use serde_json::Value;

use super::{APPLY, change, first, journal_files, serving, state};
use crate::cli::sandbox::{Ran, Sandbox};

/// How many kills: a few here, more with this variable (`.ci/run` makes 200).
fn rounds() -> u64 {
    std::env::var("POLWARDEN_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(8)
}

fn signal(child: &std::process::Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

fn wanted() -> Vec<Value> {
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    sandbox.expect(0, APPLY);
    change(&sandbox);
    sandbox.expect(0, APPLY);
    state(&sandbox, EmulatorProfile::Current)
}

#[test]
fn a_kill_at_any_moment_is_made_good_by_the_next_run() {
    let wanted = wanted();
    let mut settled = 0;
    for round in 0..rounds() {
        // Every answer takes a while, so that a kill often falls between a call and its answer.
        let sandbox = serving(EmulatorProfile::Current, &["delay=10ms"]);
        first(&sandbox);
        if round % 2 == 0 {
            sandbox.expect(0, APPLY);
            change(&sandbox);
        }
        let mut child = sandbox
            .command(&["apply", "--auto-approve", "--concurrency", "2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // At any moment from the start, or, in every other pair of rounds, from the first call on; spread by a
        // multiplier that shares no factor with the length.
        while round % 4 < 2
            && child.try_wait().unwrap().is_none()
            && !has_intent(&sandbox, usize::from(round % 2 == 0))
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        let wait = Duration::from_millis(round * 37 % if round % 4 < 2 { 61 } else { 211 });
        std::thread::sleep(wait);
        child.kill().unwrap();
        child.wait().unwrap();
        change(&sandbox);
        let ran = sandbox.expect(0, APPLY);
        settled += usize::from(ran.err.contains("did not end in good order"));
        assert_eq!(
            state(&sandbox, EmulatorProfile::Current),
            wanted,
            "round {round}, killed after {wait:?}: {}",
            ran.err
        );
        sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    }
    assert!(
        settled > 0 || rounds() < 8,
        "no kill met a run with calls under way"
    );
}

/// Whether the journal of the run after this many others has a call under way.
fn has_intent(sandbox: &Sandbox, runs_before: usize) -> bool {
    let file = journal_files(sandbox).into_iter().nth(runs_before);
    file.is_some_and(|file| {
        std::fs::read_to_string(file)
            .unwrap()
            .contains("\"intent\"")
    })
}

/// A run whose first writes take long; it receives signals once a call is in progress.
fn interrupted(signals: &[rustix::process::Signal]) -> (Sandbox, Ran) {
    let sandbox = serving(EmulatorProfile::Current, &["delay=1s@write:1"]);
    first(&sandbox);
    let child = sandbox
        .command(&["apply", "--auto-approve", "--concurrency", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while sandbox.writes() == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no call was begun"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    for (position, each) in signals.iter().enumerate() {
        if position > 0 {
            std::thread::sleep(Duration::from_millis(200));
        }
        signal(&child, *each);
    }
    let ran = Ran::of(child.wait_with_output().unwrap());
    (sandbox, ran)
}

#[test]
fn an_interrupt_finishes_what_is_under_way_and_says_what_is_left() {
    for each in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let (sandbox, ran) = interrupted(&[each]);
        assert_eq!(ran.code, 7, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("Stopping"), "{}", ran.err);
        assert!(
            ran.out
                .contains("\n1 applied · 0 adopted · 0 failed · 0 unknown · 5 skipped\n"),
            "{}",
            ran.out
        );
        let ran = sandbox.expect(0, APPLY);
        assert!(
            !ran.err.contains("did not end"),
            "the journal was ended: {}",
            ran.err
        );
        assert!(
            ran.out
                .contains("\n5 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped\n"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn a_second_interrupt_ends_at_once_and_the_next_run_settles_it() {
    let (sandbox, ran) = interrupted(&[rustix::process::Signal::INT, rustix::process::Signal::INT]);
    assert_eq!(ran.code, 7, "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("Applied"), "{}", ran.out);
    let ran = sandbox.expect(0, APPLY);
    assert!(ran.err.contains("did not end in good order"), "{}", ran.err);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}
