//! The prompt, on a pseudo-terminal.

#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use super::sandbox::{Sandbox, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

/// Runs a command on a pseudo-terminal; answers once it has asked. Returns the exit code and all that was shown.
pub(super) fn on_terminal(command: Command, answer: &str) -> (i32, String) {
    on_terminal_with(command, || answer.to_owned())
}

/// Like [`on_terminal`], with an answer that is computed once the question is shown.
fn on_terminal_with(command: Command, mut answer: impl FnMut() -> String) -> (i32, String) {
    let mut answered = false;
    answer_on_terminal(command, |shown| {
        let is_asked = !answered && shown.contains("Only `yes` is accepted:");
        answered |= is_asked;
        is_asked.then(&mut answer)
    })
}

/// Like [`on_terminal`], with several questions and their answers in order.
pub(super) fn converse(command: Command, dialog: &[(&str, &str)]) -> (i32, String) {
    let mut dialog = dialog.iter();
    let mut next = dialog.next();
    let mut seen = 0;
    answer_on_terminal(command, |shown| {
        let (question, answer) = next?;
        let found = shown.get(seen..)?.find(question)?;
        seen += found + question.len();
        next = dialog.next();
        Some(format!("{answer}\n"))
    })
}

/// Runs a command on a pseudo-terminal. `answer` gets all that was shown, and returns what to type then.
fn answer_on_terminal(
    mut command: Command,
    mut answer: impl FnMut(&str) -> Option<String>,
) -> (i32, String) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    command.stdin(Stdio::from(terminal.try_clone().unwrap()));
    command
        .stdout(Stdio::from(terminal.try_clone().unwrap()))
        .stderr(Stdio::from(terminal));
    let mut child = command.spawn().unwrap();
    // The command owns the other ends; reading ends when they are closed.
    drop(command);

    let mut master = File::from(master);
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    // On Linux, a terminal whose last user is gone fails to be read.
    while let Ok(length @ 1..) = master.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..length]);
        if let Some(typed) = answer(&String::from_utf8_lossy(&shown)) {
            master.write_all(typed.as_bytes()).unwrap();
        }
    }
    (
        child.wait().unwrap().code().unwrap(),
        String::from_utf8_lossy(&shown).into_owned(),
    )
}

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new("");
    sandbox.set("TERM", "xterm");
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    sandbox
}

#[test]
fn yes_applies() {
    let sandbox = sandbox();
    let (code, shown) = on_terminal(sandbox.command(&["apply", EMBEDDED]), "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("2 applied · 0 adopted"), "{shown}");
    assert!(shown.contains('\u{1b}'), "a terminal has colors: {shown}");
    sandbox.expect(0, &["plan", EMBEDDED, "--detailed-exitcode"]);
    let (code, shown) = on_terminal(sandbox.command(&["apply", EMBEDDED]), "");
    assert!(
        code == 0 && !shown.contains("accepted"),
        "no question without changes: {shown}"
    );
}

/// The policies of the plan are read again after the answer. Those that the plan leaves as they are must not
/// look new.
#[test]
fn yes_applies_a_change_next_to_policies_that_do_not_change() {
    let sandbox = Sandbox::new("");
    let write = |name: &str, host: &str| {
        let rules = format!("rules:\n{}", tcp("r", "allow", host));
        sandbox.write(&format!("policies/{name}.yaml"), policy(name, &rules));
    };
    for name in ["changes", "renamed", "stays"] {
        write(name, "old.example.com");
    }
    sandbox.expect(0, &["apply", EMBEDDED, "-y"]);
    write("changes", "new.example.com");
    write("created", "new.example.com");
    std::fs::remove_file(sandbox.path("policies/renamed.yaml")).unwrap();
    let (code, shown) = on_terminal(sandbox.command(&["apply", EMBEDDED]), "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("3 applied"), "{shown}");
    assert!(shown.contains("Read back"), "{shown}");
    assert!(!shown.contains("Another client"), "{shown}");
}

#[test]
fn everything_else_does_not() {
    let sandbox = sandbox();
    for answer in ["no\n", "\n", "yess\n", "YES\n", "yes please\n", "\u{4}"] {
        let (code, shown) = on_terminal(sandbox.command(&["apply", EMBEDDED]), answer);
        assert_eq!(code, 1, "{answer:?}: {shown}");
        assert!(shown.contains("Nothing was applied"), "{answer:?}: {shown}");
        sandbox.expect(2, &["plan", EMBEDDED, "--detailed-exitcode"]);
    }
}

#[test]
fn only_yes_is_accepted() {
    let sandbox = sandbox();
    let (code, shown) = on_terminal(sandbox.command(&["apply", EMBEDDED]), "y\n");
    assert_eq!(
        code, 1,
        "the prompt says that only `yes` is accepted: {shown}"
    );
}

/// Whether there is an escape sequence for a color or a weight: digits and semicolons up to an `m`.
fn is_styled(shown: &str) -> bool {
    shown.split("\u{1b}[").skip(1).any(|sequence| {
        let end = sequence.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        end.starts_with('m')
    })
}

#[test]
fn no_color_holds_on_a_terminal() {
    let mut sandbox = sandbox();
    let (code, shown) = on_terminal(sandbox.command(&["plan", EMBEDDED]), "");
    assert!(code == 0 && is_styled(&shown), "{shown:?}");
    sandbox.set("NO_COLOR", "1");
    let (code, shown) = on_terminal(sandbox.command(&["plan", EMBEDDED]), "");
    assert!(
        code == 0 && !is_styled(&shown) && shown.contains("+ policy"),
        "{shown:?}"
    );
}

#[test]
fn the_flag_asks_nothing() {
    let sandbox = sandbox();
    let (code, shown) = on_terminal(sandbox.command(&["apply", EMBEDDED, "--auto-approve"]), "");
    assert!(code == 0 && !shown.contains("accepted"), "{shown}");
}

/// Changes of other clients during the question are not overwritten.
#[test]
fn a_plan_that_is_overtaken_while_it_is_looked_at_is_stale() {
    let ours = Sandbox::new("").serve(emulator::DockerOptions::default());
    ours.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    // Another client applies at the same service during the question.
    let other = Sandbox::new("");
    let mut first = ours.command(&["apply"]);
    first.env("TERM", "dumb");
    let mut second = other.command(&["apply", "--auto-approve"]);
    second.envs(&ours.environment);
    other.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("r", "allow", "b.example.com")),
        ),
    );
    let (code, shown) = on_terminal_with(first, || {
        assert_eq!(second.output().unwrap().status.code(), Some(0));
        "yes\n".to_owned()
    });
    assert_eq!(code, 6, "{shown}");
    assert!(shown.contains("policy `p` exists now"), "{shown}");
}
