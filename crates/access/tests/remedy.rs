//! The changes after which a request is decided the other way.

use access::{AccessRequest, Addition, ApplicableRules, Audience, Remedy};
use model::Name;
use model::docker::{
    Action, Decision, DockerLiveState, HttpResource, Layer, LiveContent, LivePolicy, LiveRule,
    PolicyId, Resources, Rule, RuleAccess, RuleId, Scope,
};
use serde_json::Map;

const ALLOW: Decision = Decision::Allow;
const DENY: Decision = Decision::Deny;

/// One policy for everyone with a rule for each row: its name, its decision, and its resource as
/// `ACTION RESOURCE`.
fn state(rules: &[(&str, Decision, &str)]) -> DockerLiveState {
    let rules = rules.iter().map(|(name, decision, text)| LiveRule {
        id: RuleId::new(name),
        name: (*name).to_owned(),
        rule: Ok(rule(name, *decision, text)),
        unknown_fields: Map::new(),
    });
    DockerLiveState {
        policies: vec![LivePolicy {
            id: PolicyId::new("policy"),
            name: "policy".to_owned(),
            scope: Scope::default(),
            content: LiveContent::Rules(rules.collect()),
            created_at: String::new(),
            updated_at: String::new(),
            unknown_scope_fields: Map::new(),
            unknown_fields: Map::new(),
        }],
    }
}

fn rule(name: &str, decision: Decision, text: &str) -> Rule {
    let (action, resource) = text.split_once(' ').unwrap();
    let resources = if action.starts_with("request:") {
        let (host, path) = resource.split_once('/').unwrap();
        Resources::Http(vec![HttpResource {
            host: host.to_owned(),
            port: None,
            path: format!("/{path}"),
        }])
    } else {
        Resources::Plain(vec![resource.to_owned()])
    };
    Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new(name).unwrap(),
        decision,
        access: RuleAccess::new([action.parse::<Action>().unwrap()], resources).unwrap(),
    }
}

fn request(text: &str) -> AccessRequest {
    let (verb, object) = text.split_once(' ').unwrap();
    AccessRequest::parse(verb, object).unwrap()
}

/// The rule whose resource is the most similar to the one to add.
fn nearest(rules: &[(&str, Decision, &str)], text: &str) -> Option<String> {
    let state = state(rules);
    let rules = ApplicableRules::live(&state, &Audience::default());
    let Remedy { to, add, .. } = rules.remedy(&request(text));
    assert_eq!(to, ALLOW, "{text}");
    let Addition { nearest, .. } = add.unwrap();
    nearest.map(|(rule, _)| rule.rule.name.to_string())
}

#[test]
fn the_rule_to_extend_allows_the_same_action() {
    let rules = [
        ("denies", DENY, "connect:tcp api.example.com:80"),
        ("udp", ALLOW, "connect:udp api.example.com:443"),
        ("http", ALLOW, "request:get api.example.com/"),
        ("read", ALLOW, "read /a/b/c"),
        ("tcp", ALLOW, "connect:tcp www.example.com:443"),
    ];
    let expected = Some("tcp".to_owned());
    assert_eq!(nearest(&rules, "tcp api.example.com:443"), expected);
    assert_eq!(nearest(&rules[..4], "tcp api.example.com:443"), None);
}

#[test]
fn the_nearest_host_shares_the_most_labels_from_the_right() {
    let rules = [
        ("top-level domain", ALLOW, "connect:tcp other.com"),
        ("two", ALLOW, "connect:tcp www.example.com"),
        ("three", ALLOW, "connect:tcp x.api.example.com"),
        ("three again", ALLOW, "connect:tcp y.api.example.com"),
        ("from the left", ALLOW, "connect:tcp v1.api.example.org"),
        ("one label", ALLOW, "connect:tcp localhost:80"),
    ];
    let of = |count: usize, text: &str| nearest(&rules[..count], text);
    assert_eq!(of(1, "tcp v1.api.example.com:443"), None);
    let name = |text: &str| Some(text.to_owned());
    assert_eq!(of(2, "tcp v1.api.example.com:443"), name("two"));
    assert_eq!(of(6, "tcp v1.api.example.com:443"), name("three"));
    assert_eq!(of(6, "tcp localhost:8080"), name("one label"));
}

#[test]
fn the_nearest_path_shares_the_most_segments_from_the_left() {
    let rules = [
        ("home", ALLOW, "read ~/a/b/x"),
        ("one", ALLOW, "read /a/x/c"),
        ("two", ALLOW, "read /a/b/x"),
        ("from the right", ALLOW, "read /x/b/c/d"),
        ("after a wildcard", ALLOW, "read /*/b/c/x"),
    ];
    let of = |count: usize, text: &str| nearest(&rules[..count], text);
    let name = |text: &str| Some(text.to_owned());
    assert_eq!(of(1, "read /a/b/c/d"), None);
    assert_eq!(of(2, "read /a/b/c/d"), name("one"));
    assert_eq!(of(5, "read /a/b/c/d"), name("two"));
}

#[test]
fn the_nearest_target_shares_its_host_before_its_path() {
    let rules = [
        ("other host", ALLOW, "request:get other.org/v1/items"),
        ("path", ALLOW, "request:get www.example.com/v1/items/x"),
        ("host", ALLOW, "request:get x.api.example.com/"),
        ("both", ALLOW, "request:get y.api.example.com/v1/x"),
        ("posts", ALLOW, "request:post api.example.com/v1/items"),
    ];
    let of = |count: usize| nearest(&rules[..count], "get https://api.example.com/v1/items");
    let name = |text: &str| Some(text.to_owned());
    assert_eq!(of(1), None);
    assert_eq!(of(2), name("path"));
    assert_eq!(of(3), name("host"));
    assert_eq!(of(5), name("both"));
}

#[test]
fn the_nearest_range_shares_the_most_leading_bits() {
    let rules = [
        ("far", ALLOW, "connect:tcp 10.1.0.0/16"),
        ("near", ALLOW, "connect:tcp 10.2.1.0/24"),
        ("nearer", ALLOW, "connect:tcp 10.2.3.128/25"),
        ("version 6", ALLOW, "connect:tcp 2001:db8:1::/48"),
    ];
    let of = |count: usize, text: &str| nearest(&rules[..count], text);
    let name = |text: &str| Some(text.to_owned());
    assert_eq!(of(1, "tcp 10.2.3.4:443"), None);
    assert_eq!(of(2, "tcp 10.2.3.4:443"), name("near"));
    assert_eq!(of(4, "tcp 10.2.3.4:443"), name("nearer"));
    assert_eq!(of(3, "tcp [2001:db8::1]:443"), None);
    assert_eq!(of(4, "tcp [2001:db8::1]:443"), name("version 6"));
    // HTTP rules cannot name IPv6 addresses.
    assert_eq!(of(4, "get https://[2001:db8::1]/"), name("version 6"));
}

#[test]
fn denies_and_allows_that_decide_must_go_first() {
    let rules = [
        ("allow", ALLOW, "connect:tcp **.example.com"),
        ("deny", DENY, "connect:tcp api.example.com"),
        ("deny all", DENY, "connect:tcp **.api.example.com"),
    ];
    let lost = |rules: &[(&str, Decision, &str)], text: &str| {
        let state = state(rules);
        let rules = ApplicableRules::live(&state, &Audience::default());
        let remedy = rules.remedy(&request(text));
        let lose: Vec<String> = remedy
            .lose
            .iter()
            .map(|(rule, _)| rule.rule.name.to_string())
            .collect();
        let add = remedy.add.map(|add| add.resource);
        (remedy.to, remedy.layers, lose, add)
    };
    let network = vec![Layer::Network];
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let to = "tcp api.example.com:443";
    assert_eq!(
        lost(&rules[..1], to),
        (DENY, network.clone(), names(&["allow"]), None)
    );
    assert_eq!(
        lost(&rules[..2], to),
        (ALLOW, network.clone(), names(&["deny"]), None)
    );
    let add = Some("api.example.com:443".to_owned());
    assert_eq!(
        lost(&rules[1..2], to),
        (ALLOW, network.clone(), names(&["deny"]), add.clone())
    );
    assert_eq!(lost(&[], to), (ALLOW, network, Vec::new(), add));
}
