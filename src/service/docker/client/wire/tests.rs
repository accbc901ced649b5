use serde_json::json;

use super::super::rule::live_rule;
use super::*;
use crate::service::hostile;
use http::json::ROOT;
use model::docker::{Action, Decision, HttpResource, Resources};

fn full(extra: Value) -> Value {
    let mut policy = json!({
        "id": "pol_1", "name": "p", "org": "o", "scope": {"teams": ["t2", "t1"]},
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z",
    });
    for (key, value) in extra.as_object().unwrap() {
        policy[key] = value.clone();
    }
    policy
}

fn read(extra: Value, kind: &str) -> Result<LivePolicy, String> {
    policy(&full(extra), ROOT, PolicyTypeSource::Listed(kind)).map_err(|error| error.at)
}

fn network(extra: Value) -> Value {
    let mut rule = json!({"id": "r1", "name": "n", "actions": ["connect:tcp"], "resources": ["b", "a", "a"], "decision": "allow"});
    for (key, value) in extra.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rule
}

/// Why a rule is opaque, or the place of its error; `None` for a supported rule.
fn judged(rule: &Value) -> Option<String> {
    match live_rule(rule, ROOT) {
        Ok(rule) => rule.rule.err().map(|opaque| opaque.why),
        Err(error) => Some(format!("! {}", error.at)),
    }
}

#[test]
fn rules_are_understood_as_sets() {
    let rule = live_rule(&network(json!({"new_field": {"x": 1}})), ROOT).unwrap();
    assert_eq!(
        rule.unknown_fields,
        *json!({"new_field": {"x": 1}}).as_object().unwrap()
    );
    let understood = rule.rule.unwrap();
    assert_eq!(understood.decision, Decision::Allow);
    assert_eq!(
        understood.access.resources(),
        Resources::Plain(vec!["a".to_owned(), "b".to_owned()])
    );
    let http = json!({"id": "r", "name": "h", "decision": "deny", "actions": ["request:head", "request:get"],
        "http_resources": [{"host": "h", "path": "/p", "port": 443}, {"host": "h", "path": "/", "port": null}]});
    let access = live_rule(&http, ROOT).unwrap().rule.unwrap().access;
    let target = |port, path: &str| HttpResource {
        host: "h".to_owned(),
        port,
        path: path.to_owned(),
    };
    assert_eq!(
        access.resources(),
        Resources::Http(vec![target(None, "/"), target(Some(443), "/p")])
    );
    assert_eq!(
        access
            .actions()
            .iter()
            .map(|action| action.as_str())
            .collect::<Vec<_>>(),
        ["request:get", "request:head"]
    );
}

#[test]
fn what_is_new_is_opaque_and_what_is_broken_is_an_error() {
    for (change, wanted) in [
        (
            json!({"actions": ["connect:quic"]}),
            "has the unknown action `connect:quic`",
        ),
        (json!({"decision": "ask"}), "has the unknown decision `ask`"),
        (
            json!({"actions": ["connect:tcp", "read"]}),
            "is not well-formed: a rule cannot mix network and filesystem actions",
        ),
        (
            json!({"actions": []}),
            "is not well-formed: a rule needs at least one action",
        ),
        (
            json!({"resources": null}),
            "is not well-formed: a rule needs at least one resource",
        ),
        (
            json!({"name": " n"}),
            "has a name that cannot be written: a name must not begin or end with white space",
        ),
        (
            json!({"http_resources": [{"host": "h", "path": "/"}]}),
            "has both resources and HTTP resources",
        ),
        (
            json!({"http_resources": [{"host": "h", "path": "/", "port": 0}]}),
            "has the invalid port 0",
        ),
        (
            json!({"http_resources": [{"host": "h", "path": "/", "tls": true}]}),
            "has an HTTP resource with the unknown field `tls`",
        ),
        (json!({"id": "a/b"}), "! $.id"),
        (json!({"name": 7}), "! $.name"),
        (json!({"decision": null}), "! $.decision"),
        (json!({"actions": "read"}), "! $.actions"),
        (json!({"actions": ["read", 1]}), "! $.actions[1]"),
        (json!({"resources": {"a": 1}}), "! $.resources"),
        (
            json!({"http_resources": [{"host": "h", "path": "/", "tls": 1}, {"host": "h"}]}),
            "! $.http_resources[1].path",
        ),
        (
            json!({"http_resources": [{"host": "h", "path": "/", "port": "443"}]}),
            "! $.http_resources[0].port",
        ),
    ] {
        assert_eq!(
            judged(&network(change.clone())).as_deref(),
            Some(wanted),
            "{change}"
        );
    }
}

#[test]
fn an_opaque_rule_keeps_all_that_the_server_gave() {
    let raw = network(json!({"actions": ["connect:quic"], "extra": [1]}));
    let rule = live_rule(&raw, ROOT).unwrap();
    assert_eq!(rule.rule.unwrap_err().raw, raw);
    assert_eq!((rule.id.as_str(), rule.name.as_str()), ("r1", "n"));
}

#[test]
fn every_action_of_the_contract_is_known() {
    for action in Action::all() {
        let plain = json!(["x"]);
        let http = json!([{"host": "h", "path": "/"}]);
        let change = match action {
            Action::Request(_) => {
                json!({"actions": [action.as_str()], "resources": null, "http_resources": http})
            }
            Action::Connect(_) | Action::File(_) => {
                json!({"actions": [action.as_str()], "resources": plain})
            }
        };
        assert_eq!(judged(&network(change)), None, "{action}");
    }
}

#[test]
fn the_type_of_a_policy_decides_how_it_is_read() {
    let rules = json!({"domain": "network", "rules": [network(json!({}))]});
    let cedar = json!({"text": "permit(principal, action, resource);", "schema_url": "https://s.example.com"});
    for (extra, kind, wanted) in [
        (json!({}), "allowlist_v0", "rules: 0"),
        (json!({"allowlist_v0": null}), "allowlist_v0", "rules: 0"),
        (
            json!({"allowlist_v0": {"rules": []}}),
            "allowlist_v0",
            "rules: 0",
        ),
        (json!({"allowlist_v0": rules}), "allowlist_v0", "rules: 1"),
        (json!({"cedar_v1": cedar}), "cedar_v1", "cedar"),
        (json!({}), "cedar_v1", "! $.cedar_v1"),
        (json!({}), "flow_v9", "is of the unknown type `flow_v9`"),
        (
            json!({"allowlist_v0": rules}),
            "flow_v9",
            "is of the unknown type `flow_v9`",
        ),
        (
            json!({"allowlist_v0": rules, "cedar_v1": cedar}),
            "allowlist_v0",
            "is of the type `allowlist_v0` and has the body of another type",
        ),
        (
            json!({"allowlist_v0": rules}),
            "cedar_v1",
            "is of the type `cedar_v1` and has the body of another type",
        ),
        (
            json!({"allowlist_v0": {"domain": "mcp", "rules": []}}),
            "allowlist_v0",
            "is of the unknown domain `mcp`",
        ),
        (
            json!({"allowlist_v0": {"rules": "none"}}),
            "allowlist_v0",
            "! $.allowlist_v0.rules",
        ),
        (
            json!({"allowlist_v0": {"rules": null}}),
            "allowlist_v0",
            "! $.allowlist_v0.rules",
        ),
        (
            json!({"allowlist_v0": {}}),
            "allowlist_v0",
            "! $.allowlist_v0.rules",
        ),
        (
            json!({"allowlist_v0": {"rules": [{}]}}),
            "allowlist_v0",
            "! $.allowlist_v0.rules[0].name",
        ),
        (
            json!({"allowlist_v0": {"rules": [network(json!({})), network(json!({}))]}}),
            "allowlist_v0",
            "! $.allowlist_v0.rules[1].id",
        ),
        (json!({"name": ["p"]}), "allowlist_v0", "! $.name"),
        (json!({"scope": null}), "allowlist_v0", "! $.scope"),
        (
            json!({"scope": {"teams": "t1"}}),
            "allowlist_v0",
            "! $.scope.teams",
        ),
        (
            json!({"scope": {"teams": [1]}}),
            "allowlist_v0",
            "! $.scope.teams[0]",
        ),
        (json!({"id": ".."}), "allowlist_v0", "! $.id"),
        (json!({"created_at": 1}), "allowlist_v0", "! $.created_at"),
    ] {
        let got = match read(extra.clone(), kind) {
            Ok(policy) => match policy.content {
                LiveContent::Rules(rules) => format!("rules: {}", rules.len()),
                LiveContent::Cedar(_) => "cedar".to_owned(),
                LiveContent::Opaque(opaque) => opaque.why,
            },
            Err(at) => format!("! {at}"),
        };
        assert_eq!(got, wanted, "{kind} {extra}");
    }
}

#[test]
fn answers_to_writes_tell_their_type_by_their_body() {
    let shown = |extra: Value| {
        policy(&full(extra), ROOT, PolicyTypeSource::Shown(&[]))
            .unwrap()
            .content
    };
    assert_eq!(shown(json!({})), LiveContent::Rules(Vec::new()));
    assert_eq!(
        shown(json!({"note_v": 1, "other": 2})),
        LiveContent::Rules(Vec::new())
    );
    assert!(matches!(
        shown(json!({"cedar_v1": {"text": "t", "schema_url": "u"}})),
        LiveContent::Cedar(_)
    ));
    assert!(matches!(
        shown(json!({"flow_v12": {}})),
        LiveContent::Opaque(_)
    ));
}

#[test]
fn a_setting_that_was_sent_is_no_body_of_an_unknown_type() {
    let answer = full(json!({"approval_v1": {"required": true}}));
    let read = |sent: &[&str]| policy(&answer, ROOT, PolicyTypeSource::Shown(sent)).unwrap();
    assert!(matches!(read(&[]).content, LiveContent::Opaque(_)));
    let created = read(&["approval_v1"]);
    assert_eq!(created.content, LiveContent::Rules(Vec::new()));
    assert_eq!(
        created.unknown_fields["approval_v1"],
        json!({"required": true})
    );
}

#[test]
fn extensions_become_members_of_bodies() {
    use crate::service::docker::client::wire::{new_policy, policy_patch, rule_patch};
    use model::docker::{NewPolicy, PolicyPatch, Profile, RulePatch};
    let new: NewPolicy = serde_json::from_value(
        json!({"name": "p", "extensions": {"approval": {"a": 1, "b": null}}}),
    )
    .unwrap();
    let body = new_policy(&new, Profile::Current).unwrap();
    assert_eq!(body, json!({"name": "p", "approval": {"a": 1}}));
    let patch: PolicyPatch =
        serde_json::from_value(json!({"extensions": {"approval": null}})).unwrap();
    let body = policy_patch(&patch, Profile::Current).unwrap();
    assert_eq!(body, json!({"approval": null}));
    let patch: RulePatch =
        serde_json::from_value(json!({"name": "r", "extensions": {"ttl": {"x": null}}})).unwrap();
    let body = rule_patch(&patch, Profile::Seed).unwrap();
    assert_eq!(body, json!({"name": "r", "ttl": {"x": null}}));
    // A plan from a file cannot hide a field that this version knows.
    let hidden = json!({"extensions": {"scope": {"teams": []}}});
    assert!(serde_json::from_value::<PolicyPatch>(hidden).is_err());
}

#[test]
fn unknown_fields_are_kept_at_every_level() {
    let extra = json!({
        "labels": {"a": 1}, "scope": {"teams": null, "profiles": ["security"], "regions": ["eu"]},
        "allowlist_v0": {"rules": [], "mode": "audit"},
    });
    let policy = read(extra, "allowlist_v0").unwrap();
    assert_eq!(
        Value::Object(policy.unknown_fields),
        json!({"labels": {"a": 1}, "allowlist_v0": {"mode": "audit"}})
    );
    assert_eq!(
        Value::Object(policy.unknown_scope_fields),
        json!({"regions": ["eu"]})
    );
    assert!(
        !policy.scope.is_organization_wide(),
        "a scope by profiles is a restriction under every profile"
    );
}

#[test]
fn hostile_text_is_not_repeated_in_errors() {
    let http = json!([{"host": "h", "path": "/p", "port": 443}]);
    let rule = network(json!({"resources": null, "http_resources": http}));
    hostile::check(&rule, |answer| live_rule(answer, ROOT));
    let rules = json!({"domain": "network", "rules": [rule, network(json!({"id": "r2"}))]});
    let allowlist = full(json!({"allowlist_v0": rules}));
    let cedar = full(json!({"cedar_v1": {"text": "t", "schema_url": "u"}}));
    for (answer, kind) in [
        (&allowlist, "allowlist_v0"),
        (&cedar, "cedar_v1"),
        (&allowlist, hostile::TEXT),
    ] {
        hostile::check(answer, |answer| {
            policy(answer, ROOT, PolicyTypeSource::Listed(kind))
        });
        hostile::check(answer, |answer| {
            policy(answer, ROOT, PolicyTypeSource::Shown(&[]))
        });
    }
}

mod bodies {
    use std::collections::BTreeSet;

    use super::super::super::body::{BodyError, new_policy, policy_patch, rule, rule_patch};
    use super::*;
    use model::Name;
    use model::docker::{
        NewPolicy, PolicyPatch, Profile, Rule, RuleAccess, RulePatch, Scope, TeamId,
    };

    fn name() -> Name {
        Name::new("n").unwrap()
    }

    fn cedar() -> Cedar {
        Cedar {
            text: "t".to_owned(),
            schema_url: "u".to_owned(),
        }
    }

    #[test]
    fn of_policies() {
        let scope = |teams: &[&str], profiles: &[&str]| Scope {
            teams: teams.iter().map(|team| TeamId::new(team)).collect(),
            profiles: profiles.iter().map(ToString::to_string).collect(),
        };
        let create = |scope, cedar, profile| {
            new_policy(
                &NewPolicy {
                    extensions: model::docker::Extensions::default(),
                    name: name(),
                    scope,
                    cedar,
                },
                profile,
            )
        };
        assert_eq!(
            create(Scope::default(), None, Profile::Current),
            Ok(json!({"name": "n"}))
        );
        assert_eq!(
            create(scope(&["b", "a"], &[]), Some(cedar()), Profile::Current),
            Ok(
                json!({"name": "n", "scope": {"teams": ["a", "b"]}, "cedar_v1": {"text": "t", "schema_url": "u"}})
            )
        );
        assert_eq!(
            create(scope(&[], &["p"]), None, Profile::Seed),
            Ok(json!({"name": "n", "scope": {"profiles": ["p"]}}))
        );
        let profile = Profile::Intermediate;
        assert_eq!(
            create(scope(&["a"], &["p"]), None, profile),
            Err(BodyError::ScopeProfiles(profile))
        );
        assert_eq!(
            create(Scope::default(), Some(cedar()), profile),
            Err(BodyError::Cedar(profile))
        );
    }

    #[test]
    fn of_policy_patches() {
        let patch = |patch: PolicyPatch| policy_patch(&patch, Profile::Current);
        assert_eq!(patch(PolicyPatch::default()), Err(BodyError::EmptyPatch));
        assert_eq!(
            patch(PolicyPatch {
                name: Some(name()),
                ..PolicyPatch::default()
            }),
            Ok(json!({"name": "n"}))
        );
        let wide = PolicyPatch {
            teams: Some(BTreeSet::new()),
            ..PolicyPatch::default()
        };
        assert_eq!(patch(wide), Ok(json!({"scope": {"teams": []}})));
    }

    #[test]
    fn of_rules() {
        let http = vec![HttpResource {
            host: "h".to_owned(),
            port: None,
            path: "/".to_owned(),
        }];
        let get: Action = "request:get".parse().unwrap();
        let access = RuleAccess::new([get], Resources::Http(http.clone())).unwrap();
        let value = Rule {
            extensions: model::docker::Extensions::default(),
            name: name(),
            decision: Decision::Deny,
            access,
        };
        let wanted = json!({"name": "n", "decision": "deny", "actions": ["request:get"],
            "http_resources": [{"host": "h", "path": "/"}]});
        assert_eq!(rule(&value, Profile::Current), Ok(wanted));
        for profile in [Profile::Seed, Profile::Intermediate] {
            assert_eq!(rule(&value, profile), Err(BodyError::Http(profile)));
            let patch = RulePatch {
                resources: Some(Resources::Http(http.clone())),
                ..RulePatch::default()
            };
            assert_eq!(rule_patch(&patch, profile), Err(BodyError::Http(profile)));
        }
    }

    #[test]
    fn of_rule_patches() {
        let patch = |patch: RulePatch| rule_patch(&patch, Profile::Seed);
        let plain = |texts: &[&str]| {
            Some(Resources::Plain(
                texts.iter().map(ToString::to_string).collect(),
            ))
        };
        assert_eq!(patch(RulePatch::default()), Err(BodyError::EmptyPatch));
        let udp_tcp =
            ["connect:udp", "connect:tcp", "connect:udp"].map(|text| text.parse().unwrap());
        assert_eq!(
            patch(RulePatch {
                actions: Some(udp_tcp.to_vec()),
                resources: plain(&["b", "a", "b"]),
                ..RulePatch::default()
            }),
            Ok(json!({"actions": ["connect:tcp", "connect:udp"], "resources": ["a", "b"]}))
        );
        let empty = RulePatch {
            resources: plain(&[]),
            ..RulePatch::default()
        };
        assert_eq!(patch(empty), Err(BodyError::EmptyList("resources")));
        let empty = RulePatch {
            actions: Some(Vec::new()),
            ..RulePatch::default()
        };
        assert_eq!(patch(empty), Err(BodyError::EmptyList("actions")));
    }
}

mod properties {
    use proptest::prelude::*;

    use super::super::super::body;
    use super::*;
    use model::Name;
    use model::docker::{Profile, Rule, RuleAccess};

    fn resources(http: bool) -> BoxedStrategy<Resources> {
        if !http {
            return proptest::collection::vec("[^\u{0}]{1,12}", 1..6)
                .prop_map(Resources::Plain)
                .boxed();
        }
        let target = (".{1,9}", proptest::option::of(1_u16..), "/.{0,9}")
            .prop_map(|(host, port, path)| HttpResource { host, port, path });
        proptest::collection::vec(target, 1..6)
            .prop_map(Resources::Http)
            .boxed()
    }

    fn rules() -> impl Strategy<Value = Rule> {
        let layer = |prefix: &'static str| {
            Action::all()
                .filter(|a| a.as_str().starts_with(prefix))
                .collect::<Vec<_>>()
        };
        let actions =
            proptest::sample::select(vec![layer("connect"), layer("read"), layer("request")])
                .prop_flat_map(|all| proptest::sample::subsequence(all.clone(), 1..=all.len()));
        let access = actions.prop_flat_map(|actions| {
            let http = matches!(actions[0], Action::Request(_));
            resources(http)
                .prop_map(move |resources| RuleAccess::new(actions.clone(), resources).unwrap())
        });
        ("[a-z][a-z é]{0,8}[a-z]", any::<bool>(), access).prop_map(|(name, allow, access)| Rule {
            extensions: model::docker::Extensions::default(),
            name: Name::new(&name).unwrap(),
            decision: if allow {
                Decision::Allow
            } else {
                Decision::Deny
            },
            access,
        })
    }

    fn json_values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z_:]{0,12}".prop_map(Value::from)
        ];
        let keys = prop_oneof![
            proptest::sample::select(vec![
                "id",
                "name",
                "scope",
                "teams",
                "allowlist_v0",
                "rules",
                "actions",
                "resources",
                "http_resources",
                "host",
                "path",
                "port",
                "decision",
                "cedar_v1",
                "created_at",
                "updated_at"
            ])
            .prop_map(str::to_owned),
            "[a-z]{1,4}",
        ];
        leaf.prop_recursive(4, 48, 8, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(keys.clone(), inner, 0..8)
                    .prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_rule_comes_back_as_it_was_sent(rule in rules()) {
            let mut wire = body::rule(&rule, Profile::Current).unwrap();
            wire["id"] = json!("r1");
            let live = live_rule(&wire, ROOT).unwrap();
            prop_assert_eq!(live.rule, Ok(rule));
            prop_assert!(live.unknown_fields.is_empty());
        }

        /// Whatever a server sends under the known names is read, kept or refused; it is never lost.
        #[test]
        fn nothing_a_server_sends_is_lost(body in json_values(), texts in proptest::collection::vec("[a-z.*]{0,6}", 0..4)) {
            for resources in [json!(texts), body.clone()] {
                let read = read(json!({"allowlist_v0": {"rules": [network(json!({"resources": resources, "extra": body}))]}}), "allowlist_v0");
                let are_texts = resources.as_array().is_some_and(|all| all.iter().all(Value::is_string));
                prop_assert!(read.is_ok() || !are_texts, "{resources}");
                let Ok(policy) = read else { continue };
                let LiveContent::Rules(rules) = policy.content else { return Err(TestCaseError::fail("not rules")) };
                prop_assert_eq!(&rules[0].unknown_fields["extra"], &body);
                let wanted: std::collections::BTreeSet<&str> = resources.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                match &rules[0].rule {
                    Ok(rule) => {
                        let Resources::Plain(got) = rule.access.resources() else { return Err(TestCaseError::fail("not plain")) };
                        prop_assert!(got.iter().map(String::as_str).eq(wanted));
                    }
                    Err(opaque) => prop_assert_eq!(&opaque.raw["resources"], &resources),
                }
            }
            policy(&body, ROOT, PolicyTypeSource::Shown(&[])).ok();
            policy(&body, ROOT, PolicyTypeSource::Listed("allowlist_v0")).ok();
        }
    }
}
