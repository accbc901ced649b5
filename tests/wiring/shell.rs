//! The plain scripts of `examples/ci/shell`, which the pipelines of GitLab and Bitbucket run.

use emulator::DockerOptions;

use super::service::{BOT, Service, TOKEN};
use super::{git, has_tools, program, project};
use crate::cli::sandbox::{Ran, Sandbox, policy, tcp};

fn sandbox() -> Option<Sandbox> {
    if !has_tools() {
        return None;
    }
    let mut sandbox = Sandbox::new("").serve(DockerOptions::default());
    sandbox.set("POLWARDEN", env!("CARGO_BIN_EXE_polwarden"));
    let path = std::env::var("PATH").unwrap();
    sandbox.set("PATH", &path);
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("a", "allow", "a.example.com")),
        ),
    );
    sandbox.write(
        "policies/t.yaml",
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n  cases:\n    - {name: c, allow: ['tcp a.example.com:443']}\n",
    );
    git(
        &sandbox.path("."),
        &["init", "--quiet", "--initial-branch", "main"],
    );
    git(&sandbox.path("."), &["add", "--all", "."]);
    git(
        &sandbox.path("."),
        &["commit", "--quiet", "--message", "first"],
    );
    Some(sandbox)
}

fn script(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> Ran {
    let mut command = std::process::Command::new("sh");
    command
        .arg(project("examples/ci/shell").join(name))
        .args(arguments)
        .current_dir(sandbox.path("."));
    command
        .env_clear()
        .env("HOME", sandbox.path("."))
        .envs(&sandbox.environment)
        .stdin(std::process::Stdio::null());
    Ran::of(command.output().unwrap())
}

#[track_caller]
fn expect(code: i32, sandbox: &Sandbox, name: &str, arguments: &[&str]) -> Ran {
    let ran = script(sandbox, name, arguments);
    assert_eq!(ran.code, code, "{name}\n{}\n{}", ran.out, ran.err);
    ran
}

#[test]
fn a_plan_is_made_approved_and_applied() {
    let Some(sandbox) = sandbox() else { return };
    expect(0, &sandbox, "plan.sh", &["--target", "production"]);
    assert_eq!(sandbox.read("polwarden-plan/changes"), "true\n");
    assert!(
        sandbox
            .read("polwarden-plan/plan.md")
            .starts_with("<!-- polwarden:plan:all -->\n")
    );
    let digest = sandbox.read("polwarden-plan/digest");
    assert!(
        sandbox
            .read("polwarden-plan/plan.json")
            .contains(digest.trim()),
        "{digest}"
    );

    // Another plan than the approved one: the digest is all that is taken from the job before.
    sandbox.write(
        "polwarden-plan/digest",
        format!("sha256:{}\n", "0".repeat(64)),
    );
    expect(6, &sandbox, "apply.sh", &["--target", "production"]);
    sandbox.write("polwarden-plan/digest", "\n");
    expect(1, &sandbox, "apply.sh", &["--target", "production"]);
    sandbox.expect(2, &["plan", "--detailed-exitcode"]);

    sandbox.write("polwarden-plan/digest", digest);
    expect(0, &sandbox, "apply.sh", &["--target", "production"]);
    assert!(
        sandbox
            .read("polwarden-apply/journal.jsonl")
            .contains("\"intent\"")
    );
    assert!(
        sandbox
            .read("polwarden-apply/audit.json")
            .contains("\"serverTime\"")
    );
    expect(0, &sandbox, "plan.sh", &[]);
    assert_eq!(sandbox.read("polwarden-plan/changes"), "false\n");
    assert!(
        expect(0, &sandbox, "apply.sh", &[])
            .out
            .contains("No changes.")
    );

    sandbox.write("policies/p.yaml", "kind: Nothing\n");
    expect(3, &sandbox, "plan.sh", &[]);
    assert!(
        !sandbox.path("polwarden-plan/digest").exists(),
        "an old digest is not left"
    );
    expect(1, &sandbox, "apply.sh", &[]);
}

#[test]
fn in_a_pipeline_only_what_was_merged_is_applied() {
    let Some(mut sandbox) = sandbox() else { return };
    sandbox.set("CI", "true");
    // What the scripts write is in the work tree, and does not make it dirty.
    sandbox.write(".polwarden-bin/polwarden", "x");
    expect(0, &sandbox, "plan.sh", &[]);
    git(&sandbox.path("."), &["checkout", "--quiet", "-b", "change"]);
    git(
        &sandbox.path("."),
        &["commit", "--quiet", "--allow-empty", "--message", "second"],
    );
    let ran = expect(5, &sandbox, "apply.sh", &["--require-branch", "main"]);
    assert!(
        ran.err.contains("is not on the branch `main`"),
        "{}",
        ran.err
    );
    git(&sandbox.path("."), &["checkout", "--quiet", "main"]);
    expect(0, &sandbox, "apply.sh", &["--require-branch", "main"]);
}

#[test]
fn files_are_checked_by_all_three_and_reported() {
    let Some(mut sandbox) = sandbox() else { return };
    for name in [
        "POLWARDEN_DOCKER_ENDPOINT",
        "DOCKER_HUB_IDENTIFIER",
        "DOCKER_HUB_SECRET",
    ] {
        sandbox.environment.remove(name);
    }
    sandbox.set("CHECK_OUT", "reports");
    expect(0, &sandbox, "check.sh", &[]);
    for name in ["validate.xml", "lint.xml", "test.xml", "code-quality.json"] {
        assert!(
            !sandbox.read(&format!("reports/{name}")).is_empty(),
            "{name}"
        );
    }
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("a", "deny", "a.example.com")),
        ),
    );
    let ran = expect(4, &sandbox, "check.sh", &[]);
    assert!(ran.out.contains("tcp a.example.com:443"), "{}", ran.out);
    sandbox.write("policies/p.yaml", "kind: Nothing\n");
    expect(3, &sandbox, "check.sh", &[]);
}

#[test]
fn drift_ends_as_the_program_ends() {
    let Some(mut sandbox) = sandbox() else { return };
    program(
        &sandbox.path("stand-in"),
        "#!/bin/sh\necho \"$@\"\nexit 8\n",
    );
    let path = sandbox.path("stand-in").to_str().unwrap().to_owned();
    sandbox.set("POLWARDEN", &path);
    assert_eq!(
        expect(8, &sandbox, "drift.sh", &["--target", "a b"]).out,
        "drift --target a b\n"
    );
}

#[test]
fn a_merge_request_has_one_note_that_is_kept_up_to_date() {
    let Some(mut sandbox) = sandbox() else { return };
    // What a pipeline of a merge request would compare with is not the subject here.
    expect(0, &sandbox, "plan.sh", &[]);
    let gitlab = Service::start();
    let forged = "<!-- polwarden:plan:all -->\nNothing changes.";
    gitlab.says("hostile", forged);
    for (name, value) in [
        ("GITLAB_NOTE_TOKEN", TOKEN),
        ("CI_API_V4_URL", &gitlab.url),
        ("CI_PROJECT_ID", "1"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_COMMIT_SHA", "abc"),
        ("CI_JOB_URL", "https://gitlab.example.com/jobs/1"),
    ] {
        sandbox.set(name, value);
    }
    expect(0, &sandbox, "gitlab-note.sh", &[]);
    let note = &gitlab.own()[0];
    assert!(
        note.contains("a.example.com") && note.contains("Commit abc, to be merged into `main`"),
        "{:?}",
        gitlab.own()
    );
    std::fs::remove_dir_all(sandbox.path("polwarden-plan")).unwrap();
    expect(0, &sandbox, "gitlab-note.sh", &[]);
    let comments = gitlab.comments();
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert_eq!(comments[0].1, forged);
    assert!(
        comments[1].0 == BOT && comments[1].1.contains("No plan"),
        "{comments:?}"
    );
}
