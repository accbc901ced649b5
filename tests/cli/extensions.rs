//! Settings that this version does not know, under `extensions` of a policy and of its rules.

use emulator::{DockerOptions, DockerSeed};
use serde_json::{Value, json};

use super::sandbox::{Ran, Sandbox, policy, unwrapped};

/// A later version of the service, with one policy that another client made.
fn later_service() -> DockerOptions {
    let seed = json!({"organizations": [{"name": "my-org", "policies": [
        {"id": "pol_old", "name": "old", "created_at": "2026-04-22T00:00:00Z",
            "approval": {"required": true, "by": ["ann"]}, "audit_level": "full", "rules": [
                {"id": "rule_old", "name": "old", "actions": ["connect:tcp"], "decision": "allow",
                    "resources": ["old.example.com"], "expires_at": "2030-01-01T00:00:00Z"}]},
    ]}]});
    DockerOptions {
        seed: Some(DockerSeed::from_json(&seed.to_string()).unwrap()),
        extra_fields: ["approval", "audit_level", "expires_at"]
            .map(str::to_owned)
            .to_vec(),
        ..DockerOptions::default()
    }
}

fn spec(policy_settings: &str, rule_settings: &str) -> String {
    format!(
        "rules:\n  - name: open\n    decision: allow\n    actions: [connect:tcp]\n    resources: [a.example.com]\n{rule_settings}\n{policy_settings}\n"
    )
}

fn new_policy(policy_settings: &str, rule_settings: &str) -> String {
    policy("new", &spec(policy_settings, rule_settings))
}

/// The live policies as the service has them, by their names.
fn live(sandbox: &Sandbox, name: &str) -> Value {
    let list = sandbox.expect(0, &["call", "listPolicies"]).json();
    let policies = list["data"].as_array().unwrap().iter();
    let found = policies.clone().find(|policy| policy["name"] == name);
    let id = format!("policy={}", found.unwrap()["id"].as_str().unwrap());
    sandbox
        .expect(0, &["call", "getPolicy", "--field", &id])
        .json()
}

fn acknowledged(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let refused = sandbox.expect(5, arguments);
    assert!(refused.err.contains("not-analyzed="), "{}", refused.err);
    let ack = refused.err.split("--ack ").nth(1).unwrap();
    let ack = ack.split_whitespace().next().unwrap().to_owned();
    sandbox.expect(0, &[arguments, &["--ack", &ack]].concat())
}

fn nothing_to_do(sandbox: &Sandbox) {
    let ran = sandbox.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn listed_settings_are_sent_compared_and_not_analyzed_and_others_are_left_alone() {
    let sandbox = Sandbox::new("unmanaged: ignore\n").serve(later_service());
    let settings = "extensions: {approval: {required: true, by: [ann]}}";
    let of_rule = "    extensions: {expires_at: '2027-01-01T00:00:00Z'}";
    sandbox.write("policies/new.yaml", new_policy(settings, of_rule));
    let plan = sandbox.expect(0, &["plan", "--format", "json"]).json();
    let access = &plan["targets"][0]["access"];
    assert_eq!(access["proven"], false, "{access:#}");
    let reason = access["notAnalyzed"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "unknown settings: `approval`, `expires_at`");
    let shown = sandbox.expect(0, &["plan", "-v"]).out;
    assert!(
        shown.contains(r#"approval: {"by":["ann"],"required":true}"#),
        "{shown}"
    );
    acknowledged(&sandbox, &["apply", "--auto-approve"]);
    let made = live(&sandbox, "new");
    assert_eq!(made["approval"], json!({"required": true, "by": ["ann"]}));
    let rule = &made["allowlist_v0"]["rules"][0];
    assert_eq!(rule["expires_at"], "2027-01-01T00:00:00Z");
    nothing_to_do(&sandbox);

    // The order of members and a null member have no meaning.
    let same = "extensions: {approval: {by: [ann], required: true, ttl: null}}";
    sandbox.write("policies/new.yaml", new_policy(same, of_rule));
    nothing_to_do(&sandbox);

    // A saved plan says and does the same. A member that goes is a null in the patch.
    let other = "extensions: {approval: {required: false}}";
    sandbox.write("policies/new.yaml", new_policy(other, of_rule));
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let saved: Value = serde_json::from_str(&sandbox.read("plan.json")).unwrap();
    let calls = saved["targets"][0]["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert_eq!(
        calls[0]["send"]["docker"]["patch"]["extensions"],
        json!({"approval": {"required": false, "by": null}})
    );
    acknowledged(&sandbox, &["apply", "plan.json", "--auto-approve"]);
    assert_eq!(
        live(&sandbox, "new")["approval"],
        json!({"required": false})
    );

    // A change outside of polwarden is drift, and a rollback restores what was there.
    nothing_to_do(&sandbox);
    acknowledged(&sandbox, &["rollback", "--auto-approve"]);
    assert_eq!(
        live(&sandbox, "new")["approval"],
        json!({"required": true, "by": ["ann"]})
    );
    let drift = sandbox.expect(8, &["drift"]);
    assert!(drift.out.contains("extensions"), "{}", drift.out);
    sandbox.expect(0, &["import", "--only", "new"]);
    assert!(sandbox.read("policies/new.yaml").contains("required: true"));
    nothing_to_do(&sandbox);

    // Settings that are not listed any more stay as they are; null removes one.
    sandbox.write("policies/new.yaml", new_policy("", ""));
    nothing_to_do(&sandbox);
    let gone = new_policy("extensions: {approval: null}", "");
    sandbox.write("policies/new.yaml", gone);
    acknowledged(&sandbox, &["apply", "--auto-approve"]);
    let after = live(&sandbox, "new");
    assert_eq!(after["approval"], Value::Null);
    let rule = &after["allowlist_v0"]["rules"][0];
    assert_eq!(rule["expires_at"], "2027-01-01T00:00:00Z");
}

#[test]
fn an_import_writes_unknown_settings_and_a_plan_after_it_is_empty() {
    let sandbox = Sandbox::new("").serve(later_service());
    sandbox.expect(0, &["import"]);
    let manifest = sandbox.read("policies/old.yaml");
    for text in [
        "extensions:",
        "approval:",
        "audit_level: full",
        "expires_at:",
    ] {
        assert!(manifest.contains(text), "{text}: {manifest}");
    }
    sandbox.expect(0, &["validate", "--strict"]);
    sandbox.expect(0, &["fmt", "--check"]);
    nothing_to_do(&sandbox);
    let before = live(&sandbox, "old");
    // The organization is managed before the setting is known: only what changes is sent.
    sandbox.write(
        "policies/old.yaml",
        manifest.replace("audit_level: full", "audit_level: none"),
    );
    acknowledged(&sandbox, &["apply", "--auto-approve"]);
    let after = live(&sandbox, "old");
    assert_eq!(after["audit_level"], "none");
    assert_eq!(after["approval"], before["approval"]);
    assert_eq!(after["allowlist_v0"], before["allowlist_v0"]);
}

#[test]
fn explain_does_not_know_what_unknown_settings_do() {
    let sandbox = Sandbox::new("").serve(later_service());
    sandbox.write(
        "policies/new.yaml",
        new_policy("extensions: {approval: {required: true}}", ""),
    );
    for host in ["a.example.com:443", "b.example.com:443"] {
        let answer = sandbox.expect(0, &["explain", "--format", "json", "tcp", host]);
        let expected = if host.starts_with('a') {
            "unknown"
        } else {
            "deny"
        };
        assert_eq!(answer.json()["decision"], expected, "{}", answer.out);
    }
}

#[test]
fn known_fields_are_no_extensions() {
    let sandbox = Sandbox::new("");
    let of_rule = "    extensions: {resources: [b.example.com]}";
    sandbox.write(
        "policies/new.yaml",
        new_policy("extensions: {scope: {teams: []}}", of_rule),
    );
    let ran = sandbox.expect(3, &["validate"]);
    assert_eq!(
        ran.out.matches("error[extension-known]").count(),
        2,
        "{}",
        ran.out
    );
}

#[test]
fn a_setting_that_the_service_refuses_is_named() {
    let options = DockerOptions {
        extra_fields: Vec::new(),
        ..later_service()
    };
    let sandbox = Sandbox::new("unmanaged: ignore\n").serve(options);
    sandbox.write(
        "policies/new.yaml",
        new_policy("extensions: {aproval: {required: true}}", ""),
    );
    let refused = sandbox.expect(5, &["apply", "--auto-approve"]);
    let ack = refused.err.split("--ack ").nth(1).unwrap();
    let ack = ack.split_whitespace().next().unwrap();
    let ran = sandbox.run(&["apply", "--auto-approve", "--ack", ack]);
    assert_ne!(ran.code, 0);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(
        said.contains("`aproval` from `extensions`, which this version does not support"),
        "{said}"
    );
}

/// A server that accepts a setting and loses it: the report says so, and the run does not claim success.
#[test]
fn a_setting_that_the_service_drops_is_reported() {
    let options = DockerOptions {
        dropped_fields: vec!["retention".to_owned()],
        ..later_service()
    };
    let sandbox = Sandbox::new("unmanaged: ignore\n").serve(options);
    sandbox.write(
        "policies/new.yaml",
        new_policy(
            "extensions: {retention: 30, approval: {required: true}}",
            "",
        ),
    );
    let refused = sandbox.expect(5, &["apply", "--auto-approve"]);
    let ack = refused.err.split("--ack ").nth(1).unwrap();
    let ack = ack.split_whitespace().next().unwrap();
    let ran = sandbox.run(&["apply", "--auto-approve", "--ack", ack]);
    assert_ne!(ran.code, 0, "{}{}", ran.out, ran.err);
    let said = unwrapped(&format!("{}{}", ran.out, ran.err));
    assert!(
        said.contains("the setting `retention` differs from the request"),
        "{said}"
    );
    assert!(!said.contains("the setting `approval`"), "{said}");
    // It stays a difference.
    let plan = sandbox.expect(2, &["plan", "--detailed-exitcode"]);
    assert!(plan.out.contains("retention"), "{}", plan.out);
}

/// Neither `validate` nor a plan proves a gate that may depend on an unknown setting.
#[test]
fn gates_are_not_analyzed_where_a_setting_is_unknown() {
    let sandbox = Sandbox::new("").serve(later_service());
    let configured = sandbox.read("polwarden.yaml");
    let gate = "access:\n  never: [tcp x.example.org]\n";
    sandbox.write("polwarden.yaml", format!("{configured}{gate}"));
    for (of_policy, of_rule, name) in [
        ("extensions: {approval: {required: true}}", "", "approval"),
        (
            "",
            "    extensions: {expires_at: '2027-01-01T00:00:00Z'}",
            "expires_at",
        ),
    ] {
        sandbox.write("policies/new.yaml", new_policy(of_policy, of_rule));
        let ran = sandbox.expect(0, &["validate"]);
        let said = unwrapped(&ran.out);
        let expected = format!(
            "warning[access-not-analyzed]: 1 gate is not analyzed: policy \"new\" has settings that this version does not know: `{name}`"
        );
        assert!(said.contains(&expected), "{said}");
        sandbox.expect(3, &["validate", "--strict"]);
        let plan = sandbox.expect(4, &["plan", "--format", "json"]).json();
        let gate = &plan["targets"][0]["gates"][0];
        assert_eq!(gate["breaches"], json!([]), "{gate:#}");
        let policies = gate["notAnalyzed"].as_array().unwrap().iter();
        let mut policies = policies.map(|entry| entry["policy"].clone());
        assert!(policies.any(|policy| policy == "new"), "{gate:#}");
    }
    sandbox.write("policies/new.yaml", new_policy("", ""));
    sandbox.expect(0, &["validate", "--strict"]);
}
