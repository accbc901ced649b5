//! Random organizations: live and desired state.

use model::Name;
use model::Opaque;
use model::diag::SourceMap;
use model::docker::{
    Action, Cedar, Decision, DesiredPolicy, DesiredRule, DockerLiveState, HttpResource,
    LiveContent, LivePolicy, LiveRule, PolicyContent, PolicyId, Profile, Resources, Rule,
    RuleAccess, RuleId, Scope, TeamId,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// A live organization, and what the repository wants of it.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) live: DockerLiveState,
    pub(super) desired: Vec<DesiredPolicy>,
}

/// Organizations of a few policies, with names and contents that often agree.
pub(super) fn worlds(profile: Profile) -> impl Strategy<Value = World> {
    let live = prop::collection::btree_map(select(POLICY_NAMES), live_policy(profile), 0..5);
    let desired = prop::collection::btree_map(select(POLICY_NAMES), desired_policy(profile), 0..5);
    (live, desired).prop_map(|(live, desired)| {
        let live = live
            .into_iter()
            .enumerate()
            .map(|(number, (name, policy))| LivePolicy {
                id: PolicyId::new(&format!("pol_{number}")),
                name: name.to_owned(),
                ..policy
            });
        let document = document();
        let desired = desired.into_iter().map(|(name, policy)| DesiredPolicy {
            name: Name::new(name).unwrap(),
            aliases: policy
                .aliases
                .into_iter()
                .filter(|alias| alias.as_str() != name)
                .collect(),
            document,
            ..policy
        });
        World {
            live: DockerLiveState {
                policies: live.collect(),
            },
            desired: desired.collect(),
        }
    })
}

const POLICY_NAMES: &[&str] = &["alpha", "beta", "gamma", "delta", "epsilon"];
const RULE_NAMES: &[&str] = &["one", "two", "three", "four", "five"];

pub(super) fn document() -> model::diag::DocumentId {
    let mut sources = SourceMap::default();
    model::diag::DocumentId {
        file: sources.add("policies/all.yaml", ""),
        index: 0,
    }
}

fn scope(profile: Profile) -> impl Strategy<Value = Scope> {
    let teams = subsequence(vec!["t1", "t2", "t3"], 0..=2);
    let profiles = subsequence(vec!["security"], 0..=1);
    (teams, profiles).prop_map(move |(teams, profiles)| Scope {
        teams: teams.into_iter().map(TeamId::new).collect(),
        profiles: profiles
            .into_iter()
            .filter(|_| profile.has_scope_profiles())
            .map(str::to_owned)
            .collect(),
    })
}

/// The access of a rule in one of the domains.
fn access(profile: Profile, network: bool) -> BoxedStrategy<RuleAccess> {
    let plain = |actions: Vec<&'static str>, resources: Vec<&'static str>| {
        (
            subsequence(actions.clone(), 1..=actions.len()),
            subsequence(resources.clone(), 1..=resources.len()),
        )
            .prop_map(|(actions, resources)| {
                let actions = actions
                    .into_iter()
                    .map(|action| action.parse::<Action>().unwrap());
                let resources = resources.into_iter().map(str::to_owned).collect();
                RuleAccess::new(actions, Resources::Plain(resources)).unwrap()
            })
            .boxed()
    };
    if !network {
        return plain(
            vec!["read", "write"],
            vec!["/data", "/data/**", "~/work", "/etc"],
        );
    }
    let hosts = plain(
        vec!["connect:tcp", "connect:udp"],
        vec!["a.example.com", "b.example.com", "10.0.0.0/8"],
    );
    if !profile.has_http_rules() {
        return hosts;
    }
    let http = subsequence(vec!["/", "/repos/**"], 1..=2).prop_map(|paths| {
        let target = |path: &str| HttpResource {
            host: "a.example.com".to_owned(),
            port: Some(443),
            path: path.to_owned(),
        };
        let resources = Resources::Http(paths.into_iter().map(target).collect());
        RuleAccess::new(["request:get".parse().unwrap()], resources).unwrap()
    });
    prop_oneof![3 => hosts, 1 => http].boxed()
}

fn rule(profile: Profile, network: bool) -> impl Strategy<Value = Rule> {
    let decision = prop_oneof![Just(Decision::Allow), Just(Decision::Deny)];
    (select(RULE_NAMES), decision, access(profile, network)).prop_map(|(name, decision, access)| {
        Rule {
            extensions: model::docker::Extensions::default(),
            name: Name::new(name).unwrap(),
            decision,
            access,
        }
    })
}

fn cedar() -> impl Strategy<Value = Cedar> {
    select(vec![
        "permit(principal, action, resource);\n",
        "forbid(principal, action, resource);\n",
    ])
    .prop_map(|text| Cedar {
        text: text.to_owned(),
        schema_url: "https://schemas.example.com/mcp/v0".to_owned(),
    })
}

fn desired_policy(profile: Profile) -> impl Strategy<Value = DesiredPolicy> {
    let rules = |network| {
        prop::collection::vec(rule(profile, network), 0..5).prop_map(|rules| {
            let mut rules: Vec<Rule> = rules;
            rules.sort_by(|a, b| a.name.cmp(&b.name));
            rules.dedup_by(|a, b| a.name == b.name);
            let desired = |(index, rule)| DesiredRule {
                rule,
                aliases: Vec::new(),
                index,
            };
            PolicyContent::Rules(rules.into_iter().enumerate().map(desired).collect())
        })
    };
    let cedar_weight = u32::from(profile.has_cedar());
    let content = prop_oneof![4 => rules(true), 2 => rules(false), cedar_weight => cedar().prop_map(PolicyContent::Cedar)];
    (
        scope(profile),
        content,
        subsequence(POLICY_NAMES.to_vec(), 0..=1),
    )
        .prop_map(|(scope, content, aliases)| DesiredPolicy {
            extensions: model::docker::Extensions::default(),
            name: Name::new("set by the caller").unwrap(),
            aliases: aliases
                .into_iter()
                .map(|alias| Name::new(alias).unwrap())
                .collect(),
            protect: false,
            scope,
            content,
            document: document(),
        })
}

fn live_rule(profile: Profile, network: bool) -> impl Strategy<Value = LiveRule> {
    let unknown = prop::bool::weighted(0.1);
    (rule(profile, network), unknown).prop_map(|(rule, unknown)| LiveRule {
        id: RuleId::new("set by the caller"),
        name: rule.name.to_string(),
        rule: Ok(rule),
        unknown_fields: if unknown { fields() } else { Map::new() },
    })
}

fn fields() -> Map<String, Value> {
    [("expires_at".to_owned(), json!("2027-01-01"))]
        .into_iter()
        .collect()
}

fn live_policy(profile: Profile) -> impl Strategy<Value = LivePolicy> {
    let rules = move |network| {
        prop::collection::vec(live_rule(profile, network), 0..5).prop_map(move |mut rules| {
            if profile != Profile::Seed {
                rules.sort_by(|a, b| a.name.cmp(&b.name));
                rules.dedup_by(|a, b| a.name == b.name);
            }
            for (number, rule) in rules.iter_mut().enumerate() {
                rule.id = RuleId::new(&format!("rule_{number}"));
            }
            LiveContent::Rules(rules)
        })
    };
    let cedar_weight = u32::from(profile.has_cedar());
    let opaque = Opaque {
        why: "is of the unknown type `rego_v1`".to_owned(),
        raw: json!({ "rego_v1": {} }),
    };
    let content = prop_oneof![
        6 => rules(true),
        3 => rules(false),
        cedar_weight => cedar().prop_map(LiveContent::Cedar),
        1 => Just(LiveContent::Opaque(opaque)),
    ];
    (scope(profile), content).prop_map(|(scope, content)| LivePolicy {
        id: PolicyId::new("set by the caller"),
        name: String::new(),
        scope,
        unknown_scope_fields: Map::new(),
        content,
        created_at: "2026-04-22T00:00:00Z".to_owned(),
        updated_at: "2026-04-22T00:00:00Z".to_owned(),
        unknown_fields: Map::new(),
    })
}
