//! The action's other commands: what is merged is applied as it was approved, and no output commands the runner.

use std::path::Path;

use emulator::DockerOptions;

use super::job::Job;
use super::{git, has_tools, program};
use crate::cli::sandbox::{SECRET, Sandbox, policy, tcp};

/// A work tree with a change that is not live yet.
pub(super) fn merged() -> Option<Sandbox> {
    if !has_tools() {
        return None;
    }
    let sandbox = Sandbox::new("").serve(DockerOptions::default());
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("a", "allow", "a.example.com")),
        ),
    );
    git(
        &sandbox.path("."),
        &["init", "--quiet", "--initial-branch", "main"],
    );
    git(&sandbox.path("."), &["add", "--all", "."]);
    git(
        &sandbox.path("."),
        &["commit", "--quiet", "--message", "merged"],
    );
    Some(sandbox)
}

pub(super) fn job(sandbox: &Sandbox, command: &str) -> Job {
    let inputs = [
        ("command", command),
        ("binary", env!("CARGO_BIN_EXE_polwarden")),
    ];
    let mut job = Job::new(&sandbox.path("."), &inputs);
    job.input("endpoint", &sandbox.url());
    job.input("docker-identifier", "me");
    job.input("docker-secret", SECRET);
    job
}

#[test]
fn the_plan_that_was_approved_is_applied_and_no_other() {
    let Some(sandbox) = merged() else { return };
    let planned = job(&sandbox, "plan").run();
    let digest = planned.output("run.digest");
    // Somebody pushes more before the approval.
    let first = sandbox.read("policies/p.yaml");
    sandbox.write(
        "policies/q.yaml",
        first.replace("name: \"p\"", "name: \"q\""),
    );
    let mut apply = job(&sandbox, "apply");
    apply.input("expect-plan", digest);
    let ended = apply.run();
    assert!(
        ended.failed && ended.output("last.status") == "6",
        "{}",
        ended.log
    );
    assert!(
        ended.log.contains("plan and approve again"),
        "{}",
        ended.log
    );
    sandbox.expect(2, &["plan", "--detailed-exitcode"]);

    std::fs::remove_file(sandbox.path("policies/q.yaml")).unwrap();
    let ended = apply.run();
    assert!(!ended.failed, "{}", ended.log);
    assert!(
        ended
            .summary
            .contains("2 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped"),
        "{}",
        ended.summary
    );
    assert!(
        ended.read("journal.jsonl").contains("\"intent\""),
        "{}",
        ended.log
    );
    assert_eq!(
        ended.used["actions/upload-artifact"]["name"],
        "polwarden-apply-default"
    );
    let ended = job(&sandbox, "plan").run();
    assert!(
        !ended.failed && ended.output("run.changes") == "false",
        "{}",
        ended.log
    );
    // The word that the example falls back to is no digest.
    apply.input("expect-plan", "none");
    assert!(apply.run().failed);
}

#[test]
fn what_was_not_merged_is_not_applied() {
    let Some(sandbox) = merged() else { return };
    git(&sandbox.path("."), &["checkout", "--quiet", "-b", "change"]);
    git(
        &sandbox.path("."),
        &[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "not merged",
        ],
    );
    let mut apply = job(&sandbox, "apply");
    apply.set("GITHUB_ACTIONS", "true");
    apply.input("require-branch", "main");
    let ended = apply.run();
    assert!(
        ended.failed && ended.output("last.status") == "5",
        "{}",
        ended.log
    );
    assert!(
        ended.summary.contains("is not on the branch `main`"),
        "{}",
        ended.summary
    );
    git(&sandbox.path("."), &["checkout", "--quiet", "main"]);
    apply.input("require-signed", "true");
    apply.input("allowed-signers", "who");
    let ended = apply.run();
    assert!(
        ended.failed && ended.log.contains("is the first of its history"),
        "{}",
        ended.log
    );
    apply.input("require-signed", "maybe");
    assert!(
        apply
            .run()
            .log
            .contains("`require-signed` is true or false")
    );
    apply.input("require-signed", "false");
    apply.input("allowed-signers", "");
    let ended = apply.run();
    assert!(!ended.failed, "{}", ended.log);
    assert!(
        ended.read("audit.json").contains("\"serverTime\""),
        "{}",
        ended.log
    );
}

#[test]
fn an_acknowledgement_reaches_the_guards() {
    let Some(sandbox) = merged() else { return };
    sandbox.expect(0, &["apply", "--auto-approve"]);
    std::fs::remove_file(sandbox.path("policies/p.yaml")).unwrap();
    sandbox.write("policies/q.yaml", policy("q", "rules: []\n"));
    let config = sandbox.read("polwarden.yaml");
    sandbox.write("polwarden.yaml", format!("{config}    unmanaged: prune\n"));
    let mut apply = job(&sandbox, "apply");
    let ended = apply.run();
    assert!(
        ended.failed && ended.output("last.status") == "5",
        "{}",
        ended.log
    );
    apply.input("ack", "prune=1\n");
    let ended = apply.run();
    assert!(!ended.failed, "{}", ended.log);
}

#[test]
fn arguments_and_targets_are_passed_one_by_one() {
    let Some(sandbox) = merged() else { return };
    let mut job = job(&sandbox, "plan");
    let stand_in = sandbox.path("stand-in");
    program(
        &stand_in,
        "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nfor word in \"$@\"; do echo \"<$word>\"; done\n",
    );
    job.input("binary", stand_in.to_str().unwrap());
    job.input("target", "staging, production");
    job.input("args", "--allow-widening\ntcp **.example.com; $(touch x)\n");
    let ended = job.run();
    let words: Vec<&str> = ended
        .log
        .lines()
        .filter(|line| line.starts_with('<'))
        .collect();
    assert_eq!(
        words[..5],
        [
            "<plan>",
            "<--target>",
            "<staging>",
            "<--target>",
            "<production>"
        ],
        "{}",
        ended.log
    );
    assert_eq!(
        words[words.len() - 2..],
        ["<--allow-widening>", "<tcp **.example.com; $(touch x)>"]
    );
    assert!(!sandbox.path("x").exists());
}

#[test]
fn no_output_is_a_command_to_the_runner() {
    let Some(sandbox) = merged() else { return };
    let hostile = "::set-output name=changes::x\\n</pre><img src=x>\\n::add-mask::a";
    let stand_in = sandbox.path("stand-in");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nprintf '{hostile}\\n'\nprintf '{hostile}\\n' >&2\nexit 7\n"
    );
    program(&stand_in, &text);
    for command in ["apply", "drift"] {
        let mut job = job(&sandbox, command);
        job.input("binary", stand_in.to_str().unwrap());
        let ended = job.run();
        assert_eq!(ended.output("last.status"), "7", "{}", ended.log);
        let (_, rest) = ended.log.split_once("::stop-commands::").unwrap();
        let (token, rest) = rest.split_once('\n').unwrap();
        let (stopped, after) = rest.split_once(&format!("\n::{token}::")).unwrap();
        assert!(
            token.len() == 32 && stopped.matches("::set-output").count() == 2,
            "{}",
            ended.log
        );
        assert!(
            !after.contains("::set-output") && !after.contains("::add-mask"),
            "{}",
            ended.log
        );
        assert!(
            ended.summary.contains("&lt;/pre&gt;&lt;img") && !ended.summary.contains("<img"),
            "{}",
            ended.summary
        );
    }
}

#[test]
fn drift_fails_the_job_and_is_in_the_summary() {
    let Some(sandbox) = merged() else { return };
    sandbox.expect(0, &["apply", "--auto-approve"]);
    let ended = job(&sandbox, "drift").run();
    assert!(
        !ended.failed && ended.output("run.exit-code") == "0",
        "{}",
        ended.log
    );
    // Somebody changes what is live, past git.
    let merged = sandbox.read("policies/p.yaml");
    sandbox.write(
        "policies/p.yaml",
        merged.replace("a.example.com", "evil.example.com"),
    );
    sandbox.expect(0, &["apply", "--auto-approve", "--ack", "updates=1"]);
    sandbox.write("policies/p.yaml", merged);
    let ended = job(&sandbox, "drift").run();
    assert!(
        ended.failed && ended.output("last.status") == "8",
        "{}",
        ended.log
    );
    assert!(
        ended.summary.contains("### polwarden drift") && ended.summary.contains("evil.example.com"),
        "{}",
        ended.summary
    );
    assert!(ended.used.is_empty(), "{:?}", ended.used);
}

#[test]
fn files_are_checked_without_a_credential() {
    let Some(sandbox) = merged() else { return };
    let check = |command: &str, work_tree: &Path| {
        let mut job = Job::new(
            work_tree,
            &[
                ("command", command),
                ("binary", env!("CARGO_BIN_EXE_polwarden")),
            ],
        );
        if command == "validate" {
            job.input("args", "--strict");
        }
        job.run()
    };
    let fine = check("validate", &sandbox.path("."));
    assert!(
        !fine.failed && fine.summary.contains("polwarden validate"),
        "{}{}",
        fine.log,
        fine.summary
    );
    sandbox.write("policies/p.yaml", "kind: Nothing\n");
    for command in ["validate", "lint", "test"] {
        let ended = check(command, &sandbox.path("."));
        assert!(
            ended.failed && ended.output("last.status") == "3",
            "{command}: {}",
            ended.log
        );
        assert!(
            command == "test" || ended.log.contains("::error file=policies/p.yaml,line=1"),
            "{}",
            ended.log
        );
    }
    let mut job = job(&sandbox, "destroy");
    assert!(job.run().failed);
    job.input("command", "apply");
    job.input("at", "main");
    assert!(job.run().log.contains("takes what is merged"));
}
