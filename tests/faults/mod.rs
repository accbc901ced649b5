//! Robustness of `apply`: every fault at every call, other clients, kills at any moment, and concurrent applies.

mod journals;
mod kills;
mod locks;
mod matrix;
mod outcomes;
mod plans;
pub(crate) mod races;
mod rate_limits;
mod rollbacks;
mod runs;
mod torn_reads;

use emulator::{DockerOptions, EmulatorProfile, StateLocation};
use serde_json::{Value, json};

use crate::cli::sandbox::{Sandbox, policy, tcp};
use crate::emulator::faults::faults;
use crate::emulator::{client, organization};

pub(crate) const APPLY: &[&str] = &["apply", "--auto-approve"];

/// A sandbox with a service that keeps its state in the sandbox and has these faults.
fn serving(profile: EmulatorProfile, specs: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new(&format!("profile: {profile}\n"));
    let options = DockerOptions {
        profile,
        organizations: vec![organization("my-org")],
        state: StateLocation::File(sandbox.path("state.db")),
        faults: faults(specs),
        ..DockerOptions::default()
    };
    sandbox.serve(options)
}

/// Sends requests to the service of a sandbox, as another client.
fn ask(
    sandbox: &Sandbox,
    profile: EmulatorProfile,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) -> Value {
    let base = format!("{}/v2", sandbox.url());
    let (sign_in, credentials, member) = match profile {
        EmulatorProfile::Seed => (
            "users/login",
            json!({"username": "me", "password": "s"}),
            "token",
        ),
        EmulatorProfile::Intermediate | EmulatorProfile::Current => (
            "auth/token",
            json!({"identifier": "me", "secret": "s"}),
            "access_token",
        ),
    };
    sandbox.wait(async {
        let answer = client()
            .post(format!("{base}/{sign_in}"))
            .json(&credentials)
            .send()
            .await
            .unwrap();
        let token = answer.json::<Value>().await.unwrap()[member]
            .as_str()
            .unwrap()
            .to_owned();
        let mut request = client().request(
            method,
            format!("{base}/orgs/my-org/governance/policies{path}"),
        );
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.bearer_auth(&token).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            response.status()
        );
        response.json().await.unwrap_or(Value::Null)
    })
}

/// The live state without ids and times: each policy with its rules, sorted by name.
fn state(sandbox: &Sandbox, profile: EmulatorProfile) -> Vec<Value> {
    let get = |path: &str| ask(sandbox, profile, reqwest::Method::GET, path, None);
    let list = get("");
    let list = if list.is_array() {
        list
    } else {
        list["data"].clone()
    };
    let mut policies: Vec<Value> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|summary| get(&format!("/{}", summary["id"].as_str().unwrap())))
        .collect();
    for policy in &mut policies {
        for field in ["id", "created_at", "updated_at"] {
            policy.as_object_mut().unwrap().remove(field);
        }
        if let Some(rules) = policy["allowlist_v0"]["rules"].as_array_mut() {
            for rule in rules.iter_mut() {
                rule.as_object_mut().unwrap().remove("id");
            }
            rules.sort_by_key(ToString::to_string);
        }
    }
    policies.sort_by_key(ToString::to_string);
    policies
}

/// The id of a live policy.
fn id_of(sandbox: &Sandbox, name: &str) -> String {
    let list = ask(
        sandbox,
        EmulatorProfile::Current,
        reqwest::Method::GET,
        "",
        None,
    );
    let found = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|policy| policy["name"] == name)
        .unwrap();
    found["id"].as_str().unwrap().to_owned()
}

/// The id of a rule of a live policy.
fn rule_id_of(sandbox: &Sandbox, policy: &str, rule: &str) -> (String, String) {
    let id = id_of(sandbox, policy);
    let live = ask(
        sandbox,
        EmulatorProfile::Current,
        reqwest::Method::GET,
        &format!("/{id}"),
        None,
    );
    let rules = live["allowlist_v0"]["rules"].as_array().unwrap();
    let found = rules.iter().find(|live| live["name"] == rule).unwrap();
    (id, found["id"].as_str().unwrap().to_owned())
}

/// Before: two policies. What the manifests want of them then is [`change`].
fn first(sandbox: &Sandbox) {
    let rules = |hosts: &[&str]| {
        hosts
            .iter()
            .map(|host| tcp(host, "allow", &format!("{host}.example.com")))
            .collect::<String>()
    };
    sandbox.write(
        "policies/a.yaml",
        policy("a", &format!("rules:\n{}", rules(&["one", "two", "three"]))),
    );
    sandbox.write(
        "policies/b.yaml",
        policy("b", &format!("rules:\n{}", rules(&["four"]))),
    );
}

/// A rule is updated, one deleted, one created; a policy with a rule is new. (In one policy, a rule that goes and one
/// that comes would be one patch.)
fn change(sandbox: &Sandbox) {
    let a = tcp("one", "deny", "one.example.com") + &tcp("two", "allow", "two.example.com");
    sandbox.write("policies/a.yaml", policy("a", &format!("rules:\n{a}")));
    let b = tcp("four", "allow", "four.example.com") + &tcp("five", "allow", "five.example.com");
    sandbox.write("policies/b.yaml", policy("b", &format!("rules:\n{b}")));
    let c = tcp("six", "allow", "six.example.com");
    sandbox.write("policies/c.yaml", policy("c", &format!("rules:\n{c}")));
}

/// The files of the journals of a sandbox, oldest first.
fn journal_files(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(sandbox.path(".polwarden/journal")) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    files
}
