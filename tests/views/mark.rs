//! A plan has one identity: the mark of a pull request is the mark after the merge.

use git2::Repository;
use polwarden::plan::{Plan, plan_mark};

use super::scenarios;
use crate::cli::sandbox::{Sandbox, unwrapped};

fn mark(sandbox: &Sandbox, plan: &[&str]) -> String {
    let json = sandbox
        .expect(0, &[plan, &["--format", "json"]].concat())
        .out;
    let json: Plan = serde_json::from_str(&json).unwrap();
    let mark = plan_mark(&json.targets[0]).unwrap().to_string();
    let text = sandbox.expect(0, plan).out;
    assert!(text.contains(&format!("plan {mark}")), "{text}");
    let requires = format!("--ack scope-widens=1,plan={mark}");
    assert!(unwrapped(&text).contains(&requires), "{text}");
    mark
}

/// Merges a branch into `main`, as a pull request does.
fn merge(repository: &Repository, branch: &str) {
    let tip = |name: &str| {
        let branch = repository.find_branch(name, git2::BranchType::Local);
        branch.unwrap().get().peel_to_commit().unwrap()
    };
    let (main, change) = (tip("main"), tip(branch));
    let author = change.author();
    let tree = change.tree().unwrap();
    let parents = [&main, &change];
    let reference = Some("refs/heads/main");
    repository
        .commit(reference, &author, &author, "Merge", &tree, &parents)
        .unwrap();
    repository.set_head("refs/heads/main").unwrap();
}

#[test]
fn the_mark_of_a_pull_request_is_the_mark_after_the_merge() {
    let (sandbox, repository) = scenarios::three_changes_with_repository();
    let on_the_branch = mark(
        &sandbox,
        &[
            "plan",
            "--base",
            "main",
            "--allow-widening",
            "tcp **.example.com",
            "--deny-widening",
        ],
    );
    merge(&repository, "telemetry");
    let merged = mark(&sandbox, &["plan"]);
    assert_eq!(on_the_branch, merged);
    // So what the reviewer acknowledged is accepted, and nothing else is.
    let other = format!("scope-widens=1,plan={}", "0".repeat(16));
    sandbox.expect(5, &["apply", "--auto-approve", "--ack", &other]);
    let value = format!("scope-widens=1,plan={merged}");
    sandbox.expect(0, &["apply", "--auto-approve", "--ack", &value]);
}
