//! The steps of a plan at the command line: gaps, and plans whose calls no longer wait for each other.

use polwarden::plan::{DependencyReason, Plan, plan_digest};

use super::sandbox::{Sandbox, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

#[test]
fn a_gap_is_shown_and_refused_where_none_is_accepted() {
    let sandbox = Sandbox::new("");
    let cedar = |tool: &str| {
        let text = format!("permit(principal, action, resource == MCP::Tool::\\\"{tool}\\\");");
        format!("cedar:\n  text: \"{text}\"\n  schemaUrl: https://schemas.example.com/mcp\n")
    };
    sandbox.write("policies/one.yaml", policy("one", &cedar("a")));
    sandbox.expect(0, &["plan", EMBEDDED, "--no-gap"]);
    sandbox.write("policies/two.yaml", policy("two", &cedar("b")));
    let shown = sandbox.expect(0, &["plan", EMBEDDED]);
    assert!(
        shown
            .out
            .contains("! gap: policy \"one\": Cedar policies change in 2 calls"),
        "{}",
        shown.out
    );
    for arguments in [
        &["plan", EMBEDDED, "--no-gap"][..],
        &["apply", EMBEDDED, "--no-gap", "--auto-approve"],
    ] {
        let ran = sandbox.expect(5, arguments);
        assert!(
            ran.out.contains("! gap:") && ran.err.contains("--no-gap accepts none"),
            "{} {}",
            ran.out,
            ran.err
        );
    }
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    let ran = sandbox.expect(
        5,
        &[
            "rollback",
            EMBEDDED,
            "--no-gap",
            "--auto-approve",
            "--ack",
            "prune=2",
        ],
    );
    assert!(
        ran.out.contains("! gap:") && ran.err.contains("--no-gap accepts none"),
        "{} {}",
        ran.out,
        ran.err
    );
}

#[test]
fn a_saved_plan_whose_calls_no_longer_wait_is_refused() {
    let sandbox = Sandbox::new("");
    let rules = [
        tcp("wide", "allow", "'**.example.com'"),
        tcp("but", "deny", "secret.example.com"),
    ]
    .concat();
    sandbox.write("policies/p.yaml", policy("p", &format!("rules:\n{rules}")));
    sandbox.expect(0, &["plan", EMBEDDED, "--out", "plan.json"]);
    let mut plan: Plan = serde_json::from_str(&sandbox.read("plan.json")).unwrap();
    for call in &mut plan.targets[0].calls {
        call.after
            .retain(|after| after.why != DependencyReason::DeniesFirst);
    }
    // Its digest fits, as if it had been saved like this.
    plan.digest = Some(plan_digest(&plan).unwrap());
    sandbox.write("changed.json", serde_json::to_string(&plan).unwrap());
    let ran = sandbox.expect(5, &["apply", "changed.json", EMBEDDED, "--auto-approve"]);
    assert!(
        ran.err
            .contains("`tcp secret.example.com:443` is denied before and after"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("Nothing was applied. Make a new plan"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["apply", "plan.json", EMBEDDED, "--auto-approve"]);
}
