//! Plans of 10, 100 and 1,000 policies of 100 rules, with a tenth of them changed: `cargo bench --bench access -- plan_of`.
//! Rules have 2 resources each, as most have, or 8, as wide ones. One more plan is for 50 teams, and one is of rules made
//! to explode.
//!
//! An organization contains 100 policies. 1,000 policies are therefore ten organizations, planned concurrently on all
//! cores, as the program plans its targets.

use std::collections::BTreeMap;
use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use manifest::config::{Provider, Unmanaged};
use model::Name;
use model::diag::{DocumentId, SourceMap};
use model::docker::{
    DesiredPolicy, DesiredRule, DockerLiveState, Layer, LiveContent, LivePolicy, LiveRule,
    PolicyContent, PolicyId, Profile, Resources, Rule, RuleAccess, RuleId, Scope, TeamId,
};
use polwarden::plan::{SourceRef, TargetInfo, TargetPlan};
use polwarden::service::docker::plan::{PolicyPlanRequest, plan_target};
use rayon::prelude::*;

use super::rules::{Kind, rule_set};

const RULES_A_POLICY: usize = 100;
const POLICIES_AN_ORGANIZATION: usize = 100;
const TEAMS: usize = 50;

/// The live and the desired state of one organization.
struct Organization {
    live: DockerLiveState,
    desired: Vec<DesiredPolicy>,
}

#[divan::bench(args = [10, 100, 1_000], sample_count = 10)]
fn plan_of_a_tenth_changed(bencher: Bencher<'_, '_>, policies: usize) {
    plan_of(bencher, policies, 2);
}

#[divan::bench(args = [10, 100, 1_000], sample_count = 3)]
fn plan_of_a_tenth_changed_of_wide_rules(bencher: Bencher<'_, '_>, policies: usize) {
    plan_of(bencher, policies, 8);
}

/// One organization whose policies apply to two of 50 teams each, and every tenth to everyone.
#[divan::bench(args = [10, 100], sample_count = 10)]
fn plan_of_a_tenth_changed_for_50_teams(bencher: Bencher<'_, '_>, policies: usize) {
    let mut organization = organization(policies, 2, 0);
    for policy in 0..policies {
        let scope = scope_of_policy(policy);
        organization.live.policies[policy].scope = scope.clone();
        organization.desired[policy].scope = scope;
    }
    bencher
        .counter(ItemsCount::new(policies * RULES_A_POLICY))
        .bench_local(|| black_box(plan(&organization)));
}

/// Policies of 250 new rules with 8 crossing wildcards each: the access and the order are bounded and partly not
/// analyzed. Run it under `/usr/bin/time -v` to see the memory.
#[divan::bench(args = [10, 100], sample_count = 1, sample_size = 1)]
fn plan_of_new_crossing_wildcards(bencher: Bencher<'_, '_>, policies: usize) {
    const RULES: usize = 250;
    let document = document();
    let mut rules = rule_set(Kind::Adversarial, policies * RULES * 3, 1)
        .into_iter()
        .filter(|rule| rule.access.layer() == Layer::Filesystem);
    let desired = (0..policies).filter_map(|policy| {
        let rules = rules.by_ref().take(RULES).enumerate();
        let rules = rules.map(|(index, rule)| DesiredRule {
            rule,
            aliases: Vec::new(),
            index,
        });
        Some(DesiredPolicy {
            extensions: model::docker::Extensions::default(),
            name: Name::new(&format!("policy {policy}")).ok()?,
            aliases: Vec::new(),
            scope: Scope::default(),
            content: PolicyContent::Rules(rules.collect()),
            protect: false,
            document,
        })
    });
    let organization = Organization {
        desired: desired.collect(),
        live: DockerLiveState::default(),
    };
    bencher
        .counter(ItemsCount::new(policies * RULES))
        .bench_local(|| black_box(plan(&organization)));
}

fn document() -> DocumentId {
    DocumentId {
        file: SourceMap::default().add("policies/all.yaml", ""),
        index: 0,
    }
}

fn scope_of_policy(policy: usize) -> Scope {
    if policy % 10 == 9 {
        return Scope::default();
    }
    let teams = [policy % TEAMS, (policy * 7 + 3) % TEAMS];
    Scope {
        teams: teams
            .map(|team| TeamId::new(&format!("team_{team}")))
            .into(),
        ..Scope::default()
    }
}

fn plan_of(bencher: Bencher<'_, '_>, policies: usize, resources: usize) {
    let mut left = policies;
    let mut organizations = Vec::new();
    while left > 0 {
        let own = left.min(POLICIES_AN_ORGANIZATION);
        organizations.push(organization(own, resources, organizations.len()));
        left -= own;
    }
    bencher
        .counter(ItemsCount::new(policies * RULES_A_POLICY))
        .bench_local(|| {
            organizations.par_iter().for_each(|organization| {
                black_box(plan(organization));
            });
        });
}

fn plan(organization: &Organization) -> TargetPlan {
    let target = TargetInfo {
        name: "bench".to_owned(),
        provider: Provider::Docker,
        organization: "bench".to_owned(),
        profile: Some(Profile::Current),
        endpoint: "embedded".to_owned(),
    };
    plan_target(&PolicyPlanRequest {
        target,
        desired: &organization.desired,
        live: &organization.live,
        unmanaged: Unmanaged::Report.into(),
        teams: &BTreeMap::new(),
        locate: &|_| SourceRef {
            file: "policies/all.yaml".to_owned(),
            line: 1,
        },
    })
}

fn organization(policies: usize, resources: usize, number: usize) -> Organization {
    let document = document();
    let seed = u64::try_from(number).unwrap_or_default() * 2 + 1;
    let mut before = connections(policies * RULES_A_POLICY, resources, seed);
    let mut after = connections(policies * RULES_A_POLICY, resources, seed + 1);
    let mut live = Vec::new();
    let mut desired = Vec::new();
    for policy in 0..policies {
        let old: Vec<Rule> = before.drain(..RULES_A_POLICY).collect();
        let new: Vec<Rule> = after.drain(..RULES_A_POLICY).collect();
        let name = format!("policy {policy}");
        let rules = old.iter().enumerate().map(|(rule, old)| LiveRule {
            id: RuleId::new(&format!("rule_{policy}_{rule}")),
            name: old.name.to_string(),
            rule: Ok(old.clone()),
            unknown_fields: serde_json::Map::new(),
        });
        live.push(LivePolicy {
            id: PolicyId::new(&format!("policy_{policy}")),
            name: name.clone(),
            scope: Scope::default(),
            unknown_scope_fields: serde_json::Map::new(),
            content: LiveContent::Rules(rules.collect()),
            created_at: String::new(),
            updated_at: String::new(),
            unknown_fields: serde_json::Map::new(),
        });
        // Every tenth rule says something else under the same name.
        let wanted = old
            .into_iter()
            .zip(new)
            .enumerate()
            .map(|(index, (old, new))| {
                let rule = if index % 10 == 0 {
                    Rule {
                        name: old.name,
                        ..new
                    }
                } else {
                    old
                };
                DesiredRule {
                    rule,
                    aliases: Vec::new(),
                    index,
                }
            });
        let Ok(name) = Name::new(&name) else { continue };
        desired.push(DesiredPolicy {
            extensions: model::docker::Extensions::default(),
            name,
            aliases: Vec::new(),
            scope: Scope::default(),
            content: PolicyContent::Rules(wanted.collect()),
            protect: false,
            document,
        });
    }
    Organization {
        live: DockerLiveState { policies: live },
        desired,
    }
}

/// Rules of the network domain, which is the one of a policy, with so many resources each.
fn connections(count: usize, resources: usize, seed: u64) -> Vec<Rule> {
    let rules = rule_set(Kind::Realistic, count * 2, seed);
    let rules = rules
        .into_iter()
        .filter(|rule| rule.access.layer() != Layer::Filesystem);
    let rules: Vec<Rule> = rules.filter_map(|rule| narrowed(rule, resources)).collect();
    rules.into_iter().cycle().take(count).collect()
}

/// The rule with the first of its resources.
fn narrowed(rule: Rule, resources: usize) -> Option<Rule> {
    let first = match rule.access.resources() {
        Resources::Plain(texts) => Resources::Plain(texts.into_iter().take(resources).collect()),
        Resources::Http(targets) => Resources::Http(targets.into_iter().take(resources).collect()),
    };
    let access = RuleAccess::new(rule.access.actions(), first).ok()?;
    Some(Rule { access, ..rule })
}
