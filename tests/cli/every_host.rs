//! `**` as every host and as every path, and live ranges with host bits.

use emulator::{DockerOptions, DockerSeed};
use serde_json::{Value, json};

use super::sandbox::{Sandbox, policy, tcp};

fn served(policies: Value, more: &str) -> Sandbox {
    let seed = json!({"organizations": [{"name": "my-org", "policies": policies}]});
    Sandbox::new(more).serve(DockerOptions {
        seed: Some(DockerSeed::from_json(&seed.to_string()).unwrap()),
        ..DockerOptions::default()
    })
}

fn live(name: &str, action: &str, resource: &str) -> Value {
    json!({"name": name, "created_at": "2026-04-22T00:00:00Z", "rules": [
        {"name": "r", "actions": [action], "resources": [resource], "decision": "allow"}]})
}

#[test]
fn live_rules_for_every_host_and_path_are_read_imported_and_explained() {
    let sandbox = served(
        json!([
            live("hosts", "connect:tcp", "**"),
            live("paths", "read", "**")
        ]),
        "",
    );
    for request in [
        ["tcp", "localhost:8080"],
        ["tcp", "10.1.2.3:22"],
        ["tcp", "[2001:db8::1]:443"],
        ["read", "/etc/passwd"],
        ["read", "C:\\data"],
    ] {
        let arguments = ["explain", "--live", "--format", "json"];
        let answer = sandbox.expect(0, &[&arguments[..], &request].concat());
        assert_eq!(answer.json()["decision"], "allow", "{request:?}");
    }
    sandbox.expect(0, &["import"]);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    let lint = sandbox.expect(0, &["lint", "--format", "json"]).json();
    let found = lint["diagnostics"].as_array().unwrap();
    let codes: Vec<&str> = found
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["allows-everything", "allows-everything"]);

    // Closing names and addresses at once is one exact row.
    let spec = format!("rules:\n{}", tcp("r", "allow", "'**.example.com'"));
    sandbox.write("policies/hosts.yaml", policy("hosts", &spec));
    let plan = sandbox.expect(0, &["plan", "--format", "json"]).json();
    let access = &plan["targets"][0]["access"];
    assert_eq!(access["proven"], true, "{access:#}");
    let closes = &access["closes"];
    assert_eq!(closes[0]["what"], json!(["tcp **"]), "{closes:#}");
    assert_eq!(closes[0]["except"], json!(["tcp **.example.com"]));
    assert_eq!(closes[1], Value::Null);
    // Closing needs no acknowledgement.
    sandbox.expect(0, &["apply", "--auto-approve"]);
}

#[test]
fn gates_understand_every_host() {
    let gates = "access:\n  never: ['tcp **:22', 'write **']\n";
    let sandbox = Sandbox::new(gates);
    let spec = format!("rules:\n{}", tcp("r", "allow", "10.0.0.0/8"));
    sandbox.write("policies/p.yaml", policy("p", &spec));
    let ran = sandbox.expect(4, &["validate"]);
    assert!(ran.out.contains("error[access-never]"), "{}", ran.out);
    let spec = format!("rules:\n{}", tcp("r", "allow", "'**:443'"));
    sandbox.write("policies/p.yaml", policy("p", &spec));
    sandbox.expect(0, &["validate"]);
}

#[test]
fn a_live_range_with_host_bits_is_its_network_and_a_manifest_must_name_it() {
    let sandbox = served(json!([live("range", "connect:tcp", "10.1.2.3/8")]), "");
    let arguments = [
        "explain",
        "--live",
        "--format",
        "json",
        "tcp",
        "10.9.9.9:22",
    ];
    let answer = sandbox.expect(0, &arguments).json();
    assert_eq!(answer["decision"], "allow", "{answer:#}");
    let ran = sandbox.expect(1, &["import"]);
    assert!(ran.err.contains("10.1.2.3/8"), "{}", ran.err);
    // Writing the network changes the text of the rule and no access.
    let spec = format!("rules:\n{}", tcp("r", "allow", "10.0.0.0/8"));
    sandbox.write("policies/range.yaml", policy("range", &spec));
    let plan = sandbox.expect(0, &["plan", "--format", "json"]).json();
    let target = &plan["targets"][0];
    assert_eq!(target["calls"].as_array().unwrap().len(), 1);
    let access = &target["access"];
    assert_eq!(access["proven"], true, "{access:#}");
    assert_eq!(
        access["opens"].as_array().map(Vec::len),
        Some(0),
        "{access:#}"
    );
    assert_eq!(access["closes"].as_array().map(Vec::len), Some(0));
    let spec = format!("rules:\n{}", tcp("r", "allow", "10.1.2.3/8"));
    sandbox.write("policies/range.yaml", policy("range", &spec));
    sandbox.expect(3, &["validate"]);
}
