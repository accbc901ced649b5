//! Kills at random moments, and interrupts.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use emulator::EmulatorProfile;
use serde_json::Value;

use super::{APPLY, change, first, journal_files, serving, state};
use crate::cli::sandbox::{Ran, Sandbox};
use crate::skip;

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
        settled += usize::from(ran.err.contains("was interrupted"));
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
        "no kill interrupted a run with calls in progress"
    );
}

/// Whether the journal of the run after this many others has an open call.
fn has_intent(sandbox: &Sandbox, runs_before: usize) -> bool {
    let file = journal_files(sandbox).into_iter().nth(runs_before);
    file.is_some_and(|file| {
        std::fs::read_to_string(file)
            .unwrap()
            .contains("\"intent\"")
    })
}

/// The arguments of a run with one call at a time.
const ONE_BY_ONE: &[&str] = &["apply", "--auto-approve", "--concurrency", "1"];

/// A run whose first writes take long; it receives signals once a call is in progress.
fn interrupted(signals: &[rustix::process::Signal]) -> (Sandbox, Ran) {
    interrupted_command(|sandbox| sandbox.command(ONE_BY_ONE), signals)
}

fn interrupted_command(
    command: impl FnOnce(&Sandbox) -> Command,
    signals: &[rustix::process::Signal],
) -> (Sandbox, Ran) {
    let sandbox = serving(EmulatorProfile::Current, &["delay=1s@write:1"]);
    first(&sandbox);
    let child = command(&sandbox)
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
    use rustix::process::Signal;
    // A closed terminal may send several hangups; none of them ends the run at once.
    for signals in [
        &[Signal::INT][..],
        &[Signal::TERM],
        &[Signal::HUP],
        &[Signal::HUP, Signal::HUP, Signal::HUP],
    ] {
        let (sandbox, ran) = interrupted(signals);
        assert_eq!(ran.code, 7, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("Stopping"), "{}", ran.err);
        assert!(
            ran.out
                .contains("\n  1 applied · 0 adopted · 0 failed · 0 unknown · 5 skipped\n"),
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
                .contains("\n  5 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped\n"),
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
    assert!(ran.err.contains("was interrupted"), "{}", ran.err);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_run_that_ignores_hangups_goes_on() {
    if !cfg!(target_os = "linux") || !skip::has("sh") {
        return;
    }
    let nohup = |sandbox: &Sandbox| {
        let run = sandbox.command(ONE_BY_ONE);
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
            .arg(run.get_program())
            .args(run.get_args())
            .env_clear()
            .envs(
                run.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(run.get_current_dir().unwrap());
        command
    };
    let (sandbox, ran) = interrupted_command(nohup, &[rustix::process::Signal::HUP]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

/// The terminal goes away during the first call, without a signal: every later write to it fails.
#[test]
fn a_closed_terminal_does_not_end_a_run() {
    use std::io::Read as _;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let sandbox = serving(EmulatorProfile::Current, &["delay=1s@write:1"]);
    first(&sandbox);
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let mut options = std::fs::File::options();
    let terminal = options
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut command = sandbox.command(&[
        "apply",
        "--auto-approve",
        "--concurrency",
        "1",
        "--audit-record",
        "audit.json",
    ]);
    command
        .stdout(Stdio::from(terminal.try_clone().unwrap()))
        .stderr(Stdio::from(terminal));
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut master = std::fs::File::from(master);
    let mut shown = String::new();
    let mut buffer = [0; 1024];
    while !shown.contains("Applying to") {
        let length = master.read(&mut buffer).unwrap();
        shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    drop(master);
    assert_eq!(child.wait().unwrap().code(), Some(0), "{shown}");
    let audit: Value = serde_json::from_str(&sandbox.read("audit.json")).unwrap();
    assert_eq!(audit["runs"][0]["result"]["applied"], 6, "{audit:#}");
    let journal = std::fs::read_to_string(&journal_files(&sandbox)[0]).unwrap();
    assert!(journal.contains("\"record\":\"end\""), "{journal}");
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

/// A limit on the size of files stops the journal in the middle, as a full disk does.
#[test]
fn a_disk_that_fills_up_leaves_a_complete_audit_record() {
    if !skip::has("bash") {
        return;
    }
    let sandbox = serving(EmulatorProfile::Current, &[]);
    first(&sandbox);
    let run = sandbox.command(&[
        "apply",
        "--auto-approve",
        "--concurrency",
        "1",
        "--audit-record",
        "/dev/stdout",
        "--quiet",
    ]);
    let mut command = Command::new("bash");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\""])
        .arg(run.get_program())
        .args(run.get_args())
        .env_clear()
        .envs(
            run.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(run.get_current_dir().unwrap());
    let ran = Ran::of(command.output().unwrap());
    let start = ran.out.find("{\n").unwrap_or_else(|| panic!("{}", ran.out));
    let audit = serde_json::Deserializer::from_str(&ran.out[start..])
        .into_iter::<Value>()
        .next();
    let audit = audit.unwrap().unwrap();
    let result = &audit["runs"][0]["result"];
    let applied = result["applied"].as_u64().unwrap();
    assert_eq!(result["unknown"], 0, "{audit:#}");
    assert!((1..6).contains(&applied), "{audit:#}");
    assert_eq!(ran.code, 7, "{}", ran.text());
    assert!(ran.err.contains("cannot be written"), "{}", ran.err);
    // What was applied is known in the record, with its answers.
    let changes = audit["runs"][0]["targets"][0]["changes"]
        .as_array()
        .unwrap();
    let calls = changes
        .iter()
        .flat_map(|change| change["calls"].as_array().unwrap());
    let answered = calls.filter(|call| call["answered"].is_string());
    assert!(
        u64::try_from(answered.count()).unwrap() >= applied,
        "{audit:#}"
    );
    sandbox.expect(0, APPLY);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}
