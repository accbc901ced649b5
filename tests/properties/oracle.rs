//! A second model of the service, over plain JSON: it reads calls from the JSON form of a plan and merges patches
//! with the `json-patch` crate. It shares no code with the planner or its replay.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Policies by id: `{name, teams, profiles, rules: {id: {...}}, cedar}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Service {
    pub(super) policies: BTreeMap<String, Value>,
    /// Whether a second rule of a name is refused.
    pub(super) unique_rules: bool,
}

impl Service {
    /// Makes one call of a plan's JSON form. Panics on what the real service would refuse.
    pub(super) fn call(&mut self, call: &Value) {
        let number = &call["id"];
        let send = &call["send"]["docker"];
        match send["operation"].as_str().unwrap() {
            "createPolicy" => {
                let policy = &send["policy"];
                let name = policy["name"].as_str().unwrap();
                assert!(
                    !self.policies.values().any(|other| other["name"] == name),
                    "409: policy {name} exists"
                );
                let scope = &policy["scope"];
                let new = json!({
                    "name": name, "teams": list(&scope["teams"]), "profiles": list(&scope["profiles"]),
                    "rules": {}, "cedar": policy["cedar"],
                });
                self.policies.insert(format!("new-{number}"), new);
            }
            "updatePolicy" => {
                let policy = self
                    .policies
                    .get_mut(send["id"].as_str().unwrap())
                    .expect("404");
                assert_ne!(send["patch"], json!({}), "400: at least one field");
                json_patch::merge(policy, &send["patch"]);
                let name = policy["name"].clone();
                let holders = self
                    .policies
                    .values()
                    .filter(|other| other["name"] == name)
                    .count();
                assert_eq!(holders, 1, "409: policy {name} exists");
            }
            "deletePolicy" => {
                self.policies
                    .remove(send["id"].as_str().unwrap())
                    .expect("404");
            }
            "createRule" => {
                let id = match &send["policy"] {
                    Value::Object(map) if map.contains_key("existing") => {
                        map["existing"].as_str().unwrap().to_owned()
                    }
                    other => format!("new-{}", other["createdBy"]),
                };
                let policy = self.policies.get_mut(&id).expect("404");
                assert!(
                    policy["cedar"].is_null(),
                    "400: a Cedar policy has no rules"
                );
                let rules = policy["rules"].as_object_mut().unwrap();
                for other in rules.values() {
                    assert_eq!(
                        domain(other),
                        domain(&send["rule"]),
                        "400: one domain a policy"
                    );
                }
                rules.insert(format!("new-{number}"), send["rule"].clone());
                check_names(self.unique_rules, rules);
                assert!(rules.len() <= 250, "403: too many rules");
            }
            "updateRule" => {
                self.update_rule(send);
            }
            "deleteRule" => {
                let rules = &mut self
                    .policies
                    .get_mut(send["policy"].as_str().unwrap())
                    .expect("404")["rules"];
                rules
                    .as_object_mut()
                    .unwrap()
                    .remove(send["id"].as_str().unwrap())
                    .expect("404");
            }
            other => panic!("unknown operation {other}"),
        }
    }

    fn update_rule(&mut self, send: &Value) {
        let rules = &mut self
            .policies
            .get_mut(send["policy"].as_str().unwrap())
            .expect("404")["rules"];
        let alone = rules.as_object().unwrap().len() == 1;
        let rule = rules.get_mut(send["id"].as_str().unwrap()).expect("404");
        let before = domain(rule);
        let patch = send["patch"].as_object().unwrap();
        assert!(!patch.is_empty(), "400: at least one field");
        let mut flat = patch.clone();
        if let Some(resources) = flat.remove("resources") {
            for field in ["resources", "httpResources"] {
                // The service drops the field of the other layer when the matching one is sent.
                flat.insert(
                    field.to_owned(),
                    resources.get(field).cloned().unwrap_or(Value::Null),
                );
            }
        }
        for (field, value) in &flat {
            let before = rule.get(field).cloned().unwrap_or(Value::Null);
            assert!(
                before != *value || value.is_null(),
                "the patch of {field} changes nothing: {value}"
            );
        }
        json_patch::merge(rule, &Value::Object(flat));
        assert!(alone || domain(rule) == before, "400: one domain a policy");
        check_names(self.unique_rules, rules.as_object().unwrap());
    }

    /// All policies by name, rules as a sorted list without ids.
    pub(super) fn contents(&self) -> BTreeMap<String, Value> {
        self.policies
            .values()
            .map(|policy| {
                let mut policy = policy.clone();
                let mut rules: Vec<Value> = policy["rules"]
                    .as_object()
                    .unwrap()
                    .values()
                    .cloned()
                    .collect();
                rules.sort_by_key(Value::to_string);
                policy["rules"] = Value::Array(rules);
                (policy["name"].as_str().unwrap().to_owned(), policy)
            })
            .collect()
    }
}

fn check_names(unique: bool, rules: &serde_json::Map<String, Value>) {
    let names: std::collections::BTreeSet<&str> = rules
        .values()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    assert!(
        !unique || names.len() == rules.len(),
        "409: a rule name is in use: {names:?}"
    );
}

fn list(value: &Value) -> Value {
    if value.is_null() {
        json!([])
    } else {
        value.clone()
    }
}

fn domain(rule: &Value) -> &'static str {
    let action = rule["actions"][0].as_str().unwrap();
    if action == "read" || action == "write" {
        "filesystem"
    } else {
        "network"
    }
}
