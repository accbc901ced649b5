//! `plan --watch`: every test waits only for output.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use emulator::DockerOptions;

use super::sandbox::{Sandbox, config, policy, tcp};
use crate::emulator::faults::faults;

const EMBEDDED: &str = "--endpoint=docker=embedded";

/// A run that goes on, with both of its outputs.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = sandbox.command(arguments);
        command
            .stdout(Stdio::from(writer.try_clone().unwrap()))
            .stderr(Stdio::from(writer));
        let child = command.spawn().unwrap();
        drop(command);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(reader)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// All that is shown up to where it waits again.
    fn shown(&mut self) -> String {
        let mut shown = String::new();
        loop {
            // Only a failure waits so long.
            let line = self.lines.recv_timeout(Duration::from_secs(120));
            let line = line.unwrap_or_else(|error| panic!("{error}: {shown}"));
            if line.contains("Watching for changes") {
                return shown;
            }
            shown.push_str(&line);
            shown.push('\n');
        }
    }

    /// All that is shown of the first plan that says this. A file may be seen half written, and one that is read while
    /// it is planned is looked at once more: other plans may come before.
    fn until(&mut self, said: &str) -> String {
        for _ in 0..50 {
            let shown = self.shown();
            if shown.contains(said) {
                return shown;
            }
        }
        panic!("never shown: {said}")
    }

    fn interrupt(mut self) -> i32 {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rules(host: &str) -> String {
    policy("p", &format!("rules:\n{}", tcp("r", "allow", host)))
}

#[test]
fn every_change_is_planned_and_mistakes_are_waited_out() {
    let sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", rules("a.example.com"));
    let mut run = Watching::start(&sandbox, &["plan", EMBEDDED, "--watch"]);
    let shown = run.shown();
    assert!(
        shown.starts_with("---\n")
            && shown.contains("everyone: a.example.com")
            && shown.contains("(2 API calls)"),
        "{shown}"
    );
    sandbox.write("policies/p.yaml", rules("b.example.com"));
    run.until("everyone: b.example.com");
    // A file that is new, in a folder that is new.
    sandbox.write(
        "policies/more/q.yaml",
        policy(
            "q",
            &format!("rules:\n{}", tcp("r", "deny", "c.example.com")),
        ),
    );
    run.until("+ policy \"q\"");
    sandbox.write("policies/p.yaml", "kind: Wrong\n");
    let shown = run.until("error[");
    assert!(!shown.contains("Plan:"), "{shown}");
    // Like editors save: a new file next to it replaces it.
    sandbox.write("policies/p.yaml.new", rules("d.example.com"));
    std::fs::rename(
        sandbox.path("policies/p.yaml.new"),
        sandbox.path("policies/p.yaml"),
    )
    .unwrap();
    run.until("everyone: d.example.com");
    sandbox.write("polwarden.yaml", "kind: Config\n");
    run.until("error[");
    // The configuration says what is watched.
    sandbox.write(
        "elsewhere/s.yaml",
        policy(
            "s",
            &format!("rules:\n{}", tcp("r", "deny", "e.example.com")),
        ),
    );
    sandbox.write(
        "polwarden.yaml",
        config("").replace("paths: [policies]", "paths: [elsewhere]"),
    );
    run.until("+ policy \"s\"");
    sandbox.write(
        "elsewhere/s.yaml",
        policy(
            "s",
            &format!("rules:\n{}", tcp("r", "deny", "f.example.com")),
        ),
    );
    run.until("everyone: f.example.com");
    assert_eq!(run.interrupt(), 0);
}

#[test]
fn what_makes_no_sense_with_it_is_refused() {
    let mut sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", rules("a.example.com"));
    for more in [
        &["--format", "json"][..],
        &["--at", "HEAD"],
        &["--staged"],
        &["--out", "plan.json"],
        &["--output", "json=a"],
        &["--detailed-exitcode"],
    ] {
        let ran = sandbox.expect(1, &[&["plan", EMBEDDED, "--watch"], more].concat());
        assert!(ran.err.contains("--watch"), "{more:?}: {}", ran.err);
    }
    sandbox.set("CI", "true");
    assert!(
        sandbox
            .expect(1, &["plan", EMBEDDED, "--watch"])
            .err
            .contains("CI")
    );
}

#[test]
fn a_service_that_is_away_is_waited_out() {
    // A request is sent five times before it is given up.
    let sandbox = Sandbox::new("").serve(DockerOptions {
        faults: faults(&["before-503@listPolicies:1..5"]),
        ..DockerOptions::default()
    });
    sandbox.write("policies/p.yaml", rules("a.example.com"));
    let mut run = Watching::start(&sandbox, &["plan", "--watch"]);
    run.until("error: ");
    sandbox.write("policies/p.yaml", rules("b.example.com"));
    run.until("everyone: b.example.com");
    assert_eq!(run.interrupt(), 0);
}
