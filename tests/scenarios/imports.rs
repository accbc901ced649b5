//! Import: right after it, a plan is empty, and nothing at the server has moved (invariant 8).

use emulator::{DockerOptions, DockerSeed, EmulatorProfile};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::sandbox::{SECRET, Sandbox, policy_with, tcp};
use crate::emulator::TEAM;

/// An organization with every kind of policy, and with what only tomorrow's service knows.
fn seed(profile: EmulatorProfile) -> DockerSeed {
    let mut policies = vec![
        json!({"id": "pol_network", "name": "Package managers: npm & co.", "created_at": "2026-04-22T00:00:00Z",
            "rules": [
                {"id": "rule_1", "name": "allow", "actions": ["connect:tcp", "connect:udp"], "decision": "allow",
                    "resources": ["**.example.com", "example.com:443", "crl*.example.com:80", "10.0.0.0/8", "2001:db8::/32"]},
                {"id": "rule_2", "name": "yes: no # \"quoted\"", "actions": ["connect:tcp"], "decision": "deny",
                    "resources": ["192.0.2.1:8080"]}]}),
        json!({"id": "pol_files", "name": "null", "scope": {"teams": [TEAM]}, "created_at": "2026-04-22T00:00:00Z",
            "rules": [{"id": "rule_3", "name": "- ~", "actions": ["read", "write"], "decision": "allow",
                "resources": ["~/code/**", "/data/*.txt", "C:\\data\\**", "\\\\wsl.localhost\\Ubuntu\\home"]}]}),
        json!({"id": "pol_empty", "name": "empty", "created_at": "2026-04-22T00:00:00Z"}),
    ];
    if profile == EmulatorProfile::Seed {
        policies[2]["scope"] = json!({"profiles": ["contractors"]});
    }
    if profile == EmulatorProfile::Current {
        policies.push(json!({"id": "pol_http", "name": "http", "created_at": "2026-04-22T00:00:00Z", "rules": [
            {"id": "rule_4", "name": "get", "actions": ["request:get", "request:trace"], "decision": "allow",
                "http_resources": [{"host": "*.example.com", "port": 8443, "path": "/a/**"}, {"host": "b.example.com", "path": "/"}]},
            {"id": "rule_5", "name": "net", "actions": ["connect:tcp"], "decision": "deny", "resources": ["c.example.com"]}]}));
        policies.push(json!({"id": "pol_cedar", "name": "cedar", "created_at": "2026-04-22T00:00:00Z", "cedar_v1": {
            "text": "// a comment: with # and \"\npermit(principal, action, resource)\n  when { true };\n\n", "schema_url": "https://s.example.com/x"}}));
    }
    let seed = json!({"organizations": [{"name": "my-org", "teams": [{"uuid": TEAM, "name": "security"}],
        "policies": policies}]});
    DockerSeed::from_json(&seed.to_string()).unwrap()
}

/// What only tomorrow's service knows.
fn future() -> DockerSeed {
    let seed = json!({"organizations": [{"name": "my-org", "teams": [{"uuid": TEAM, "name": "security"}], "policies": [
        {"id": "pol_a", "name": "known", "owner": {"mail": "a@example.com"}, "created_at": "2026-04-22T00:00:00Z",
            "scope": {"teams": [TEAM], "regions": ["eu"]},
            "rules": [
                {"id": "rule_a", "name": "known", "actions": ["connect:tcp"], "resources": ["example.com"],
                    "decision": "allow", "expires_at": "2030-01-01T00:00:00Z"},
                {"id": "rule_b", "name": "unknown", "actions": ["connect:quic"], "resources": ["example.com"], "decision": "allow"}]},
        {"id": "pol_b", "name": "future", "type": "rego_v1", "rego_v1": {"text": "package x"}, "created_at": "2026-04-22T00:00:00Z"},
    ]}]});
    DockerSeed::from_json(&seed.to_string()).unwrap()
}

fn sandbox(profile: EmulatorProfile, seed: DockerSeed, more: &str) -> Sandbox {
    Sandbox::new(&format!("profile: {profile}\n{more}")).serve(DockerOptions {
        profile,
        seed: Some(seed),
        ..DockerOptions::default()
    })
}

/// All policies with all their bytes.
fn state(sandbox: &Sandbox, profile: EmulatorProfile) -> Value {
    sandbox.wait(async {
        let client = crate::emulator::client();
        let url = sandbox.url();
        let (path, body, member) = match profile {
            EmulatorProfile::Seed => (
                "/v2/users/login",
                json!({"username": "me", "password": SECRET}),
                "token",
            ),
            _ => (
                "/v2/auth/token",
                json!({"identifier": "me", "secret": SECRET}),
                "access_token",
            ),
        };
        let answer: Value = client
            .post(format!("{url}{path}"))
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = answer[member].as_str().unwrap();
        let get = async |path: String| -> Value {
            let url = format!("{url}/v2/orgs/my-org/governance/policies{path}");
            client
                .request(Method::GET, url)
                .bearer_auth(token)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap()
        };
        let list = get(String::new()).await;
        let list = if list.is_array() {
            list
        } else {
            list["data"].clone()
        };
        let mut policies = vec![list.clone()];
        for summary in list.as_array().unwrap() {
            policies.push(get(format!("/{}", summary["id"].as_str().unwrap())).await);
        }
        Value::Array(policies)
    })
}

fn nothing_to_do(sandbox: &Sandbox) -> Value {
    let plan = sandbox
        .expect(0, &["plan", "--detailed-exitcode", "--format", "json"])
        .json();
    assert_eq!(
        (&plan["targets"][0]["calls"], &plan["targets"][0]["changes"]),
        (&json!([]), &json!([]))
    );
    plan
}

#[test]
fn a_plan_after_an_import_is_empty_for_every_kind() {
    for profile in EmulatorProfile::ALL {
        for more in ["", &format!("teams: {{sec: {TEAM}}}\n")] {
            let sandbox = sandbox(profile, seed(profile), more);
            let before = state(&sandbox, profile);
            sandbox.expect(0, &["import"]);
            let ran = sandbox.expect(0, &["validate"]);
            assert!(!ran.out.contains("error"), "{}", ran.out);
            let plan = nothing_to_do(&sandbox);
            let target = &plan["targets"][0];
            assert_eq!(
                (&target["held"], &target["unmanaged"], &target["notes"]),
                (&json!([]), &json!([]), &json!([]))
            );
            let ran = sandbox.expect(0, &["apply", "--auto-approve"]);
            assert!(ran.out.contains("No changes."), "{}", ran.out);
            assert_eq!(state(&sandbox, profile), before, "{profile}");
            let again = sandbox.expect(0, &["import"]);
            assert!(again.out.contains("0 imported"), "{}", again.out);
        }
    }
}

#[test]
fn what_is_not_understood_is_kept_and_reported() {
    let sandbox = sandbox(EmulatorProfile::Current, future(), "unmanaged: prune\n");
    let before = state(&sandbox, EmulatorProfile::Current);
    let ran = sandbox.expect(1, &["import"]);
    for text in ["`scope.regions`", "connect:quic"] {
        assert!(
            ran.out.contains(text),
            "{text} is not reported: {}",
            ran.out
        );
    }
    assert!(
        ran.err.contains("rego_v1") && ran.err.contains("1 object was not imported"),
        "{}",
        ran.err
    );
    let manifest = sandbox.read("policies/known.yaml");
    for text in ["owner:", "expires_at:"] {
        assert!(manifest.contains(text), "{text} is not listed: {manifest}");
    }
    let plan = nothing_to_do(&sandbox);
    let target = &plan["targets"][0];
    assert_eq!(
        target["held"].as_array().unwrap().len(),
        2,
        "a rule and a policy: {}",
        target["held"]
    );
    assert_eq!(
        target["notes"].as_array().unwrap().len(),
        1,
        "the field that a manifest cannot list: {}",
        target["notes"]
    );
    sandbox.expect(0, &["apply", "--auto-approve"]);
    assert_eq!(state(&sandbox, EmulatorProfile::Current), before);
}

#[test]
fn a_rewrite_keeps_what_is_not_understood() {
    let sandbox = sandbox(EmulatorProfile::Current, future(), "");
    sandbox.expect(1, &["import"]);
    let text = sandbox.read("policies/known.yaml");
    sandbox.write(
        "policies/known.yaml",
        text.replace("- example.com", "- example.org"),
    );
    // The plan changes a policy that is not understood, which must be acknowledged.
    let refused = sandbox.expect(5, &["apply", "--auto-approve"]);
    let ack = refused.err.split("--ack ").nth(1).unwrap();
    let ack = ack.split_whitespace().next().unwrap();
    sandbox.expect(0, &["apply", "--auto-approve", "--ack", ack]);
    let after = state(&sandbox, EmulatorProfile::Current);
    let known = &after[1];
    assert_eq!(known["owner"]["mail"], "a@example.com");
    assert_eq!(known["scope"]["regions"], json!(["eu"]));
    let rules = &known["allowlist_v0"]["rules"];
    assert_eq!(
        (&rules[0]["resources"], &rules[0]["expires_at"]),
        (&json!(["example.org"]), &json!("2030-01-01T00:00:00Z"))
    );
    assert_eq!(rules[1]["actions"], json!(["connect:quic"]));
}

#[test]
fn nothing_is_overwritten_without_force() {
    let sandbox = sandbox(EmulatorProfile::Current, seed(EmulatorProfile::Current), "");
    sandbox.write(
        "policies/http.yaml",
        policy_with(
            "mine",
            "",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    let before = sandbox.files();
    let ran = sandbox.expect(1, &["import"]);
    assert!(
        ran.err.contains("policies/http.yaml") && ran.err.contains("Nothing was written"),
        "{}",
        ran.err
    );
    assert_eq!(sandbox.files(), before);
    sandbox.expect(0, &["import", "--force"]);
    assert!(sandbox.read("policies/http.yaml").contains("name: http"));
}

#[test]
fn a_policy_that_waits_for_its_rename_is_declared() {
    let sandbox = sandbox(EmulatorProfile::Current, seed(EmulatorProfile::Current), "");
    let renamed = policy_with("everything over http", "aliases: [http]", "rules: []\n");
    sandbox.write("policies/renamed.yaml", renamed);
    let ran = sandbox.expect(0, &["import"]);
    assert!(
        ran.out.contains("4 imported, 1 already declared"),
        "{}",
        ran.out
    );
    sandbox.expect(2, &["plan", "--detailed-exitcode"]);
}

#[test]
fn names_of_files_are_stable_and_apart() {
    let policy = |id: &str, name: &str| json!({"id": id, "name": name, "created_at": "2026-04-22T00:00:00Z"});
    let policies = json!([
        policy("pol_3", "A b"),
        policy("pol_1", "a B"),
        policy("pol_2", "a-b"),
        policy("pol_4", "../../escape"),
        policy("pol_5", "日本"),
        policy("pol_6", "."),
        policy("pol_7", "a\u{202e}b")
    ]);
    let seed = json!({"organizations": [{"name": "my-org", "policies": policies}]});
    let sandbox = sandbox(
        EmulatorProfile::Current,
        DockerSeed::from_json(&seed.to_string()).unwrap(),
        "",
    );
    sandbox.expect(1, &["import"]);
    let names: Vec<String> = sandbox
        .files()
        .into_keys()
        .filter(|path| path.starts_with("policies"))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    // The name with an override of direction cannot be declared, and is left at the server.
    let expected = [
        "a-b-2.yaml",
        "a-b-3.yaml",
        "a-b.yaml",
        "escape.yaml",
        "policy-2.yaml",
        "policy.yaml",
    ];
    assert_eq!(names, expected.map(|name| format!("policies/{name}")));
    nothing_to_do(&sandbox);
}
