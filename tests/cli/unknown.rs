//! Live policies that contain something this version does not understand: no statement about what
//! they could affect.

use emulator::{DockerOptions, DockerSeed};
use serde_json::{Value, json};

use super::sandbox::{Sandbox, policy, tcp};

/// Tomorrow's service: a deny rule with an unknown action, and a policy with an unknown setting.
fn seed() -> DockerSeed {
    let rule = |name: &str, action: &str, host: &str, decision: &str| {
        json!({"id": format!("rule_{name}"), "name": name, "actions": [action], "resources": [host],
            "decision": decision})
    };
    let seed = json!({"organizations": [{"name": "my-org", "policies": [
        {"id": "pol_known", "name": "known", "created_at": "2026-04-22T00:00:00Z", "rules": [
            rule("open", "connect:tcp", "a.example.com", "allow"),
            rule("closed", "connect:tcp", "closed.example.com", "deny")]},
        {"id": "pol_future", "name": "future", "created_at": "2026-04-22T00:00:00Z", "rules": [
            rule("guard", "connect:quic", "a.example.com", "deny")]},
        {"id": "pol_approval", "name": "approval", "created_at": "2026-04-22T00:00:00Z",
            "approval": {"required": true}, "rules": [
                rule("asked", "connect:tcp", "asked.example.com", "allow")]},
    ]}]});
    DockerSeed::from_json(&seed.to_string()).unwrap()
}

fn sandbox(more: &str) -> Sandbox {
    Sandbox::new(more).serve(DockerOptions {
        seed: Some(seed()),
        ..DockerOptions::default()
    })
}

fn explain(sandbox: &Sandbox, host: &str) -> Value {
    let arguments = ["explain", "--live", "--format", "json", "tcp", host];
    sandbox.expect(0, &arguments).json()
}

#[test]
fn explain_names_the_policy_that_it_cannot_read() {
    let sandbox = sandbox("");
    let open = explain(&sandbox, "a.example.com:443");
    assert_eq!(open["decision"], "unknown", "{open:#}");
    assert_eq!(open["unknown"][0]["policy"], "future", "{open:#}");
    // A deny that is understood decides whatever else there is.
    let closed = explain(&sandbox, "closed.example.com:443");
    assert_eq!(closed["decision"], "deny", "{closed:#}");
    assert_eq!(closed["unknown"], Value::Null, "{closed:#}");
    let text = sandbox.expect(0, &["explain", "--live", "tcp", "a.example.com:443"]);
    assert!(
        text.out.starts_with("unknown: tcp a.example.com:443") && text.out.contains("\"future\""),
        "{}",
        text.out
    );
}

#[test]
fn a_policy_test_with_an_unknown_answer_fails() {
    let sandbox = sandbox("");
    sandbox.write(
        "policies/known.yaml",
        policy(
            "known",
            &format!("rules:\n{}", tcp("open", "allow", "a.example.com")),
        ),
    );
    sandbox.write(
        "policies/test.yaml",
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata:\n  name: t\nspec:\n  cases:\n    - name: c\n      allow:\n        - tcp a.example.com:443\n",
    );
    sandbox.expect(0, &["test"]);
    let live = sandbox.expect(4, &["test", "--live"]);
    assert!(
        live.out.contains("unknown") && live.out.contains("future"),
        "{}",
        live.out
    );
}

#[test]
fn gates_need_an_acknowledgement_for_what_is_not_analyzed() {
    let sandbox = sandbox("unmanaged: report\naccess: {never: [tcp **.paste.example.com]}\n");
    sandbox.write(
        "policies/new.yaml",
        policy(
            "new",
            &format!("rules:\n{}", tcp("r", "allow", "new.example.com")),
        ),
    );
    let plan = sandbox.expect(4, &["plan", "--format", "json"]).json();
    let target = &plan["targets"][0];
    let policies = |list: &Value| -> Vec<String> {
        let entries = list.as_array().unwrap().iter();
        entries
            .map(|entry| entry["policy"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        policies(&target["gates"][0]["notAnalyzed"]),
        ["approval", "future"]
    );
    assert_eq!(target["access"]["proven"], false);
    assert_eq!(
        policies(&target["access"]["notAnalyzed"]),
        ["approval", "future"]
    );
    let refused = sandbox.expect(4, &["apply", "--auto-approve"]);
    let ack = refused.err.split("--ack ").nth(1).expect(&refused.err);
    let ack = ack.split_whitespace().next().unwrap();
    assert!(ack.starts_with("not-analyzed=2,plan="), "{ack}");
    sandbox.expect(0, &["apply", "--auto-approve", "--ack", ack]);
}

#[test]
fn a_plan_that_deletes_a_policy_it_does_not_understand_needs_an_acknowledgement() {
    let sandbox = sandbox("unmanaged: prune\nlimits: {maxDeletes: 100%}\n");
    sandbox.write(
        "policies/known.yaml",
        policy(
            "known",
            &format!("rules:\n{}", tcp("open", "allow", "a.example.com")),
        ),
    );
    let refused = sandbox.expect(5, &["apply", "--auto-approve"]);
    assert!(refused.err.contains("not-analyzed="), "{}", refused.err);
}

#[test]
fn changed_cedar_text_is_never_called_proven() {
    let sandbox = sandbox("");
    let cedar = |action: &str| {
        policy(
            "mcp",
            &format!(
                "cedar:\n  text: |\n    permit(principal, action == MCP::Action::\"{action}\", resource);\n  schemaUrl: https://s.example.com\n"
            ),
        )
    };
    sandbox.write("policies/mcp.yaml", cedar("invokeTool"));
    let human = sandbox.expect(0, &["plan"]);
    assert!(
        human.out.contains("not analyzed") && !human.out.contains("(proven)"),
        "{}",
        human.out
    );
    let plan = sandbox
        .expect(4, &["plan", "--deny-widening", "--format", "json"])
        .json();
    let target = &plan["targets"][0];
    assert_eq!(target["access"]["proven"], false);
    let entries = target["gates"][0]["notAnalyzed"].as_array().unwrap();
    assert!(
        entries.iter().any(|entry| entry["kind"] == "cedar"),
        "{entries:?}"
    );
}
