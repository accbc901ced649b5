//! `polwarden explain mcp …`: Cedar policies, by statement, file and line.

use serde_json::json;

use super::assert_stable;
use super::sandbox::{Sandbox, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const PLATFORM: &str = "3e7b9d14-6f52-4c08-8a91-d25c0b7e4f63";
const SCHEMA: &str = "schemaUrl: https://s.example.com";

/// A policy in a file for everybody, one in a manifest for a team, and a rule that has no say.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(&format!("teams: {{platform: {PLATFORM}}}\n"));
    sandbox.write(
        "policies/all.yaml",
        policy(
            "all",
            &format!("cedar:\n  file: ../cedar/all.cedar\n  {SCHEMA}\n"),
        ),
    );
    sandbox.write(
        "cedar/all.cedar",
        "// Reading; permits nothing else.\npermit(principal, action, resource == MCP::Tool::\"read\");\n\nforbid(\n  \
         principal, action,\n  resource == MCP::Tool::\"drop\"\n);\npermit(principal == MCP::User::\"ada\", action, \
         resource) when { context.hour < 18 };\n",
    );
    let text = "cedar:\n  text: |\n    // Restarts.\n    permit(principal, action, resource == MCP::Tool::\"restart\");\n";
    sandbox.write(
        "policies/team.yaml",
        policy(
            "team",
            &format!("scope: {{teams: [platform]}}\n{text}  {SCHEMA}\n"),
        ),
    );
    sandbox.write(
        "policies/web.yaml",
        policy(
            "web",
            &format!("rules:\n{}", tcp("r", "deny", "\"**.example.com\"")),
        ),
    );
    sandbox
}

#[test]
fn the_statements_that_decide_are_named() {
    let sandbox = sandbox();
    let explain = |more: &[&str]| sandbox.expect(0, &[&["explain"], more].concat());
    let cases: &[(&str, &[&str])] = &[
        ("permitted in a file", &["mcp", "call_tool", "read"]),
        (
            "permitted in a manifest",
            &["--team", "platform", "mcp", "call_tool", "restart"],
        ),
        ("not permitted", &["mcp", "call_tool", "restart"]),
        (
            "forbidden",
            &["--team", "platform", "mcp", "call_tool", "drop"],
        ),
        (
            "in full",
            &["MCP", "MCP::Action::\"call_tool\"", "MCP::Tool::\"read\""],
        ),
        (
            "with circumstances",
            &[
                "--principal",
                "MCP::User::\"ada\"",
                "--context",
                "{\"hour\": 9}",
                "mcp",
                "call",
                "x",
            ],
        ),
        (
            "an attribute that is missing",
            &["--principal", "MCP::User::\"ada\"", "mcp", "call", "x"],
        ),
    ];
    let shown: String = cases
        .iter()
        .map(|(name, arguments)| format!("# {name}\n{}", explain(arguments).out))
        .collect();
    assert_stable!("explain_mcp", shown);

    let json = explain(&[
        "--format",
        "json",
        "--principal",
        "MCP::User::\"ada\"",
        "mcp",
        "call_tool",
        "drop",
    ]);
    let keys: Vec<_> = json
        .json()
        .as_object()
        .unwrap()
        .keys()
        .take(2)
        .cloned()
        .collect();
    assert_eq!(keys, ["decision", "rules"]);
    let json = json.json();
    assert_eq!(json["decision"], "deny");
    assert_eq!(
        json["rules"],
        json!([{"policy": "all", "statement": 2, "decision": "deny", "line": 4,
                "source": {"file": "cedar/all.cedar", "line": 4}}])
    );
    assert_eq!(json["errors"][0]["statement"], 3);
}

#[test]
fn answers_fit_their_schema() {
    let sandbox = sandbox();
    sandbox.expect(0, &["schema"]);
    let schema: serde_json::Value =
        serde_json::from_str(&sandbox.read("schemas/explain.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for question in [
        &["mcp", "call", "x"][..],
        &["tcp", "a.example.com:443"],
        &["get", "https://b.example.org/c"],
    ] {
        let answer = sandbox
            .expect(0, &[&["explain", "--format", "json"], question].concat())
            .json();
        let faults: Vec<String> = schema
            .iter_errors(&answer)
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    assert!(
        !schema.is_valid(
            &json!({"decision": "maybe", "rules": [], "request": "tcp a:1", "target": "t"})
        )
    );
}

#[test]
fn rules_and_statements_do_not_answer_for_each_other() {
    let sandbox = sandbox();
    let ran = sandbox.expect(0, &["explain", "tcp", "a.example.com:1"]);
    assert!(
        ran.out.starts_with("denied") && ran.out.contains("rule \"r\""),
        "{}",
        ran.out
    );
    sandbox.write("cedar/all.cedar", "permit(principal, action, resource);\n");
    let ran = sandbox.expect(0, &["explain", "tcp", "a.example.org:1"]);
    assert!(
        ran.out.starts_with("denied") && ran.out.contains("no rule matches"),
        "{}",
        ran.out
    );
    let ran = sandbox.expect(0, &["explain", "mcp", "call_tool", "a.example.com"]);
    assert!(ran.out.starts_with("allowed"), "{}", ran.out);
}

#[test]
fn what_cannot_be_asked_is_1() {
    let sandbox = sandbox();
    let cases: &[(&[&str], &str)] = &[
        (&["mcp", "call_tool"], "an action and a resource"),
        (&["mcp", "call_tool", "a b"], "an action and a resource"),
        (&["mcp", "call_tool", "Tool::read"], "no Cedar entity"),
        (&["tcp", "a.example.com:1", "more"], "one word too many"),
        (&["--principal", "ada", "mcp", "call", "x"], "--principal"),
        (
            &["--context", "{", "mcp", "call", "x"],
            "--context is not JSON",
        ),
        (
            &["--context", "[]", "mcp", "call", "x"],
            "--context cannot be used",
        ),
        (
            &["--context", "{}", "tcp", "a.example.com:1"],
            "for `mcp` requests",
        ),
    ];
    for (arguments, expected) in cases {
        let ran = sandbox.expect(1, &[&["explain"], *arguments].concat());
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn live_statements_are_asked() {
    let sandbox = sandbox();
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox.write("cedar/all.cedar", "permit(principal, action, resource);\n");
    let ran = sandbox.expect(
        0,
        &["explain", "--live", EMBEDDED, "mcp", "call_tool", "drop"],
    );
    assert!(
        ran.out.contains("\ndenied: ")
            && ran
                .out
                .contains("policy \"all\", statement 2 (forbid, line 4 of the text)\n"),
        "{}",
        ran.out
    );
}
