//! Saved plans: applied as they were looked at, or not at all.

use emulator::{DockerOptions, EmulatorProfile, RunningEmulator, start};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::sandbox::{Sandbox, config, policy, policy_with, tcp};
use crate::emulator::{Service, network, organization};

/// A sandbox and its service, for a test that changes the live state outside of polwarden.
struct Case {
    sandbox: Sandbox,
    service: Service,
}

impl Case {
    fn new(profile: EmulatorProfile) -> Self {
        let mut sandbox = Sandbox::new(&format!("profile: {profile}\n"));
        let organizations = vec![organization("my-org")];
        let running: RunningEmulator = sandbox
            .wait(start(DockerOptions {
                profile,
                organizations,
                ..DockerOptions::default()
            }))
            .unwrap();
        sandbox.sign_in_at(&running.url());
        let base = running.url();
        let service = sandbox.wait(Service::at(running, profile, base));
        Self { sandbox, service }
    }

    fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.sandbox.wait(self.service.policies(method, path, body));
        assert!(status.is_success(), "{status} {answer}");
        answer
    }

    /// A live policy with one rule, created by another client.
    fn given(&self, name: &str) -> String {
        let id = self.sandbox.wait(self.service.policy(name));
        self.sandbox
            .wait(self.service.rule(&id, network("r", "a.example.com")));
        id
    }

    fn state(&self) -> Value {
        let list = self.ask(Method::GET, "", None);
        let list = if list.is_array() {
            list
        } else {
            list["data"].clone()
        };
        let ids = list
            .as_array()
            .unwrap()
            .iter()
            .map(|policy| policy["id"].as_str().unwrap().to_owned());
        ids.map(|id| self.sandbox.wait(self.service.get(&id)))
            .collect()
    }
}

fn rules(host: &str) -> String {
    format!("rules:\n{}", tcp("r", "allow", host))
}

#[test]
fn a_saved_plan_is_applied_as_it_is() {
    for profile in EmulatorProfile::ALL {
        let case = Case::new(profile);
        let sandbox = &case.sandbox;
        case.given("live");
        sandbox.write("policies/a.yaml", policy("live", &rules("b.example.com")));
        sandbox.write("policies/b.yaml", policy("new", &rules("c.example.com")));
        let planned = sandbox.expect(0, &["plan", "--out", "plan.json"]);
        // What the files say now does not matter any more.
        sandbox.write(
            "policies/b.yaml",
            policy("new", &rules("changed.example.com")),
        );
        // A change elsewhere does not make the plan stale.
        case.given("elsewhere");
        let applied = sandbox.expect(0, &["apply", "plan.json", "--auto-approve"]);
        assert!(
            applied.out.contains(
                planned
                    .out
                    .lines()
                    .find(|line| line.starts_with("Changes: "))
                    .unwrap()
            ),
            "{}",
            applied.out
        );
        let state = case.state().to_string();
        assert!(
            state.contains("c.example.com") && !state.contains("changed.example.com"),
            "{state}"
        );
        let again = sandbox.expect(6, &["apply", "plan.json", "--auto-approve"]);
        assert!(again.err.contains("stale plan"), "{}", again.err);
    }
}

#[test]
fn a_plan_that_was_overtaken_is_6_and_writes_nothing() {
    type Overtake = fn(&Case, &str);
    let table: [(&str, Overtake, &str); 4] = [
        (
            "a rule was changed",
            |case, id| {
                let policy = case.ask(Method::GET, &format!("/{id}"), None);
                let rule = policy["allowlist_v0"]["rules"][0]["id"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                case.ask(
                    Method::PATCH,
                    &format!("/{id}/rules/{rule}"),
                    Some(json!({"resources": ["x.example.com"]})),
                );
            },
            "policy `live` has changed",
        ),
        (
            "a rule was added",
            |case, id| {
                case.sandbox
                    .wait(case.service.rule(id, network("other", "x.example.com")));
            },
            "policy `live` has changed",
        ),
        (
            "the policy was deleted",
            |case, id| {
                case.ask(Method::DELETE, &format!("/{id}"), None);
            },
            "policy `live` is gone",
        ),
        (
            "the name was taken",
            |case, _| {
                case.given("new");
            },
            "policy `new` exists now",
        ),
    ];
    for (what, overtake, message) in table {
        let case = Case::new(EmulatorProfile::Current);
        let id = case.given("live");
        case.sandbox
            .write("policies/a.yaml", policy("live", &rules("b.example.com")));
        case.sandbox
            .write("policies/b.yaml", policy("new", &rules("c.example.com")));
        case.sandbox.expect(0, &["plan", "--out", "plan.json"]);
        overtake(&case, &id);
        let before = case.state();
        let ran = case
            .sandbox
            .expect(6, &["apply", "plan.json", "--auto-approve"]);
        assert!(ran.err.contains(message), "{what}: {}", ran.err);
        assert!(
            ran.err.contains("Nothing was applied"),
            "{what}: {}",
            ran.err
        );
        assert_eq!(case.state(), before, "{what}");
    }
}

#[test]
fn a_rename_into_a_name_that_was_taken_is_stale() {
    let case = Case::new(EmulatorProfile::Current);
    case.given("old");
    case.sandbox.write(
        "policies/a.yaml",
        policy_with("new", "aliases: [old]", &rules("a.example.com")),
    );
    case.sandbox.expect(0, &["plan", "--out", "plan.json"]);
    case.given("new");
    case.sandbox
        .expect(6, &["apply", "plan.json", "--auto-approve"]);
}

#[test]
fn a_plan_for_something_else_is_refused() {
    let case = Case::new(EmulatorProfile::Current);
    let sandbox = &case.sandbox;
    sandbox.write("policies/a.yaml", policy("p", &rules("a.example.com")));
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let plan = sandbox.read("plan.json");

    sandbox.write("polwarden.yaml", config("").replace("my-org", "other-org"));
    let ran = sandbox.expect(1, &["apply", "plan.json", "--auto-approve"]);
    assert!(ran.err.contains("another organization"), "{}", ran.err);
    sandbox.write(
        "polwarden.yaml",
        config("").replace("production", "staging"),
    );
    let ran = sandbox.expect(1, &["apply", "plan.json", "--auto-approve"]);
    assert!(ran.err.contains("`production`"), "{}", ran.err);
    sandbox.write("polwarden.yaml", config(""));
    let other = "--endpoint=docker=http://localhost:1";
    let ran = sandbox.expect(1, &["apply", "plan.json", "--auto-approve", other]);
    assert!(
        ran.err
            .contains("another organization, profile or endpoint"),
        "{}",
        ran.err
    );

    for (broken, message) in [
        (
            plan.replace("\"formatVersion\": 3", "\"formatVersion\": 99"),
            "plan format 99",
        ),
        (plan[..plan.len() / 2].to_owned(), "is not a plan"),
        (
            plan.replace("\"createPolicy\"", "\"dropEverything\""),
            "is not a plan",
        ),
        (plan.replacen('{', "{\"surprise\": 1,", 1), "is not a plan"),
        ("[]".to_owned(), "is not a plan"),
        (String::new(), "is not a plan"),
    ] {
        sandbox.write("broken.json", broken);
        let ran = sandbox.expect(1, &["apply", "broken.json", "--auto-approve"]);
        assert!(ran.err.contains(message), "{message}: {}", ran.err);
    }
    assert_eq!(case.state(), json!([]));
}

#[test]
fn a_saved_plan_without_a_terminal_needs_the_flag() {
    let case = Case::new(EmulatorProfile::Current);
    case.sandbox
        .write("policies/a.yaml", policy("p", &rules("a.example.com")));
    case.sandbox.expect(0, &["plan", "--out", "plan.json"]);
    case.sandbox.expect(5, &["apply", "plan.json"]);
    assert_eq!(case.state(), json!([]));
}
