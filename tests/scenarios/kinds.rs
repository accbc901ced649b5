//! Every kind of rule, created, changed and deleted.

use emulator::EmulatorProfile;
use polwarden::plan::PlannedCall;
use serde_json::json;

use super::{Story, operations};
use crate::cli::sandbox::{policy, tcp};

const FILES: &str =
    "rules:\n  - {name: home, decision: allow, actions: [read, write], resources: [~/code/**]}\n";
const HTTP: &str = "rules:
  - name: api
    decision: deny
    actions: [\"request:delete\", \"request:get\"]
    httpResources:
      - {host: api.example.com, port: 443, path: /repos/**}
      - {host: \"*.example.com\", path: /}
";
const CEDAR: &str = "cedar:
  schemaUrl: https://schemas.example.com/mcp.cedarschema
  text: |
    permit(principal, action, resource);
";

#[tokio::test]
async fn every_kind_is_created_once() {
    for profile in EmulatorProfile::ALL {
        let story = Story::new(profile).await;
        let network = format!(
            "rules:\n{}{}",
            tcp("web", "allow", "example.com:443"),
            tcp("lan", "deny", "10.0.0.0/8")
        );
        story.write("policies/network.yaml", &policy("network", &network));
        story.write("policies/files.yaml", &policy("files", FILES));
        story.write("policies/empty.yaml", &policy("empty", "rules: []\n"));
        if profile == EmulatorProfile::Current {
            story.write("policies/http.yaml", &policy("http", HTTP));
            story.write("policies/cedar.yaml", &policy("cedar", CEDAR));
        }
        let plan = story.converge().await;
        let policies = if profile == EmulatorProfile::Current {
            5
        } else {
            3
        };
        let rules = if profile == EmulatorProfile::Current {
            4
        } else {
            3
        };
        assert_eq!(
            operations(&plan)
                .iter()
                .filter(|name| *name == "createPolicy")
                .count(),
            policies,
            "{profile}"
        );
        assert_eq!(operations(&plan).len(), policies + rules, "{profile}");
        assert_eq!(
            story.writes().len(),
            policies + rules,
            "{profile}: no call more than planned"
        );
        let place = |rule: &str| {
            let is_rule = |call: &PlannedCall| call.part.as_deref() == Some(rule);
            plan.calls.iter().position(is_rule).unwrap()
        };
        assert!(place("lan") < place("web"), "{profile}: denies come first");
    }
}

#[tokio::test]
async fn what_was_created_is_what_was_written() {
    let story = Story::new(EmulatorProfile::Current).await;
    story.write("policies/http.yaml", &policy("http", HTTP));
    story.write("policies/cedar.yaml", &policy("cedar", CEDAR));
    story.converge().await;
    let rule = &story.live("http").await.unwrap()["allowlist_v0"]["rules"][0];
    assert_eq!(rule["decision"], "deny");
    assert_eq!(rule["actions"], json!(["request:get", "request:delete"]));
    let targets = rule["http_resources"].as_array().unwrap();
    assert!(
        targets.contains(&json!({"host": "api.example.com", "port": 443, "path": "/repos/**"})),
        "{targets:?}"
    );
    assert!(
        targets.contains(&json!({"host": "*.example.com", "path": "/"})),
        "{targets:?}"
    );
    let cedar = &story.live("cedar").await.unwrap()["cedar_v1"];
    assert_eq!(cedar["text"], "permit(principal, action, resource);\n");
    assert_eq!(
        cedar["schema_url"],
        "https://schemas.example.com/mcp.cedarschema"
    );
}

#[tokio::test]
async fn an_update_sends_only_what_differs() {
    let before = (
        "allow",
        "[\"connect:tcp\"]",
        "[a.example.com, b.example.com]",
    );
    let table = [
        (("deny", before.1, before.2), json!({"decision": "deny"})),
        (
            (before.0, "[\"connect:tcp\", \"connect:udp\"]", before.2),
            json!({"actions": ["connect:tcp", "connect:udp"]}),
        ),
        (
            (before.0, before.1, "[b.example.com, c.example.com]"),
            json!({"resources": ["b.example.com", "c.example.com"]}),
        ),
        (
            ("deny", before.1, "[c.example.com]"),
            json!({"decision": "deny", "resources": ["c.example.com"]}),
        ),
    ];
    for profile in EmulatorProfile::ALL {
        let media_type = if profile == EmulatorProfile::Seed {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        for (after, expected) in &table {
            let story = Story::new(profile).await;
            let rule = |(decision, actions, resources): (&str, &str, &str)| {
                format!(
                    "rules:\n  - {{name: r, decision: {decision}, actions: {actions}, resources: {resources}}}\n"
                )
            };
            story.policy("p", &rule(before));
            story.converge().await;
            story.policy("p", &rule(*after));
            story.converge().await;
            assert_eq!(
                story.sent("updateRule"),
                [(media_type.to_owned(), expected.clone())],
                "{profile}"
            );
        }
    }
}

#[tokio::test]
async fn order_and_repetition_are_no_difference() {
    let story = Story::new(EmulatorProfile::Current).await;
    story.policy(
        "p",
        &format!(
            "rules:\n{}",
            tcp("r", "allow", "a.example.com, b.example.com, a.example.com")
        ),
    );
    story.converge().await;
    story.policy(
        "p",
        &format!(
            "rules:\n{}",
            tcp("r", "allow", "b.example.com, a.example.com")
        ),
    );
    assert_eq!(story.plan().await.calls, []);
}

#[tokio::test]
async fn a_switch_between_network_and_http_is_one_patch() {
    let story = Story::new(EmulatorProfile::Current).await;
    story.policy(
        "p",
        &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
    );
    story.converge().await;
    let http = "rules:\n  - {name: r, decision: allow, actions: [\"request:get\"], httpResources: [{host: \
                a.example.com, path: /}]}\n";
    story.policy("p", http);
    story.converge().await;
    let expected = json!({"actions": ["request:get"], "http_resources": [{"host": "a.example.com", "path": "/"}]});
    assert_eq!(
        story.sent("updateRule"),
        [("application/json".to_owned(), expected)]
    );
    story.policy(
        "p",
        &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
    );
    story.converge().await;
    assert_eq!(
        story.sent("updateRule")[1].1,
        json!({"actions": ["connect:tcp"], "resources": ["a.example.com"]})
    );
}

#[tokio::test]
async fn a_rule_is_renamed_in_place_and_deleted() {
    for profile in EmulatorProfile::ALL {
        let story = Story::new(profile).await;
        let two = format!(
            "rules:\n{}{}",
            tcp("old", "allow", "a.example.com"),
            tcp("gone", "deny", "b.example.com")
        );
        story.policy("p", &two);
        story.converge().await;
        let renamed = "rules:\n  - {name: new, aliases: [old], decision: allow, actions: [\"connect:tcp\"], resources: \
                       [c.example.com]}\n";
        story.policy("p", renamed);
        let plan = story.converge().await;
        assert_eq!(operations(&plan), ["updateRule", "deleteRule"], "{profile}");
        assert_eq!(
            story.sent("updateRule")[0].1,
            json!({"name": "new", "resources": ["c.example.com"]})
        );
        assert_eq!(
            story.live("p").await.unwrap()["allowlist_v0"]["rules"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn cedar_text_and_schema_are_updated_together() {
    let story = Story::new(EmulatorProfile::Current).await;
    story.policy("p", CEDAR);
    story.converge().await;
    story.policy("p", &CEDAR.replace("permit(principal", "forbid(principal"));
    story.converge().await;
    let sent = story.sent("updatePolicy");
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].1["cedar_v1"]["text"],
        "forbid(principal, action, resource);\n"
    );
    assert!(
        sent[0].1.get("name").is_none() && sent[0].1.get("scope").is_none(),
        "{sent:?}"
    );
}

#[tokio::test]
async fn lists_are_pulled_into_rules() {
    let story = Story::new(EmulatorProfile::Seed).await;
    let list = "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {name: mirrors}\nspec: {hosts: \
                [m1.example.com, m2.example.com]}\n";
    story.write("policies/list.yaml", list);
    story.policy(
        "p",
        "rules:\n  - {name: r, decision: allow, actions: [\"connect:tcp\"], resources: [a.example.com], resourcesFrom: \
         [mirrors]}\n",
    );
    story.converge().await;
    let expected = json!(["a.example.com", "m1.example.com", "m2.example.com"]);
    assert_eq!(story.sent("createRule")[0].1["resources"], expected);
}
