//! Invariant 2: no shorter list of calls that is safe after every call reaches the desired state, and the patches are
//! the smallest.
//!
//! Two oracles that do not know how the planner pairs rules and orders calls: a search through all states that the
//! service can be in ([`service`]), and a list of all pairings of a policy with all orders of their calls.
//!
//! A list may do anything that the service accepts, with three exceptions. It never changes a rule or policy that it
//! created, because its id is unknown until the answer. It never makes a policy organization-wide for a moment. It only deletes a
//! policy that no manifest declares: if the run were interrupted, nothing would explain what the policy contains.

mod service;

use std::collections::BTreeSet;

use model::Name;
use model::docker::{
    Decision, DesiredPolicy, DesiredRule, DockerLiveState, LiveContent, LivePolicy, LiveRule,
    PolicyContent, PolicyId, Profile, Resources, Rule, RuleAccess, RuleId, Scope,
};
use polwarden::plan::{Change, ChangedField};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, json};

use super::plan::{apply, plan_for, states, wanted};
use super::worlds::{World, document};
use service::{CONTENTS, Policy, State, shortest};

/// The number of calls beyond the fewest up to which a safe list is searched where a plan has a gap.
const EXTRA_CALLS: usize = 1;

fn make_rule(name: &str, decision: Decision, actions: &[&str], resources: &[&str]) -> Rule {
    let actions = actions.iter().map(|action| action.parse().unwrap());
    let resources = Resources::Plain(resources.iter().map(|text| (*text).to_owned()).collect());
    Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new(name).unwrap(),
        decision,
        access: RuleAccess::new(actions, resources).unwrap(),
    }
}

/// One policy, for everyone.
fn world(live: &[(Rule, bool)], desired: &[DesiredRule]) -> World {
    let rules = live
        .iter()
        .enumerate()
        .map(|(number, (rule, unknown))| LiveRule {
            id: RuleId::new(&format!("rule_{number}")),
            name: rule.name.to_string(),
            rule: Ok(rule.clone()),
            unknown_fields: if *unknown {
                [("expires_at".to_owned(), json!("2027-01-01"))]
                    .into_iter()
                    .collect()
            } else {
                Map::new()
            },
        });
    let policy = LivePolicy {
        id: PolicyId::new("pol_0"),
        name: "policy".to_owned(),
        scope: Scope::default(),
        unknown_scope_fields: Map::new(),
        content: LiveContent::Rules(rules.collect()),
        created_at: String::new(),
        updated_at: String::new(),
        unknown_fields: Map::new(),
    };
    let wanted = DesiredPolicy {
        extensions: model::docker::Extensions::default(),
        name: Name::new("policy").unwrap(),
        aliases: Vec::new(),
        protect: false,
        scope: Scope::default(),
        content: PolicyContent::Rules(desired.to_vec()),
        document: document(),
    };
    World {
        live: DockerLiveState {
            policies: vec![policy],
        },
        desired: vec![wanted],
    }
}

/// Asserts that the calls of a plan are safe, and that no shorter list of calls is.
fn assert_fewest(from: &State, goal: &State, profile: Profile) -> Result<(), TestCaseError> {
    let world = service::world(from, goal);
    let plan = plan_for(&world, profile);
    let says_why = || {
        format!(
            "{profile} {from:?} → {goal:?}: {:#?} {:?}",
            plan.calls, plan.notes
        )
    };
    // A live policy that no manifest declares may become a new one, which this model of the service does not know.
    prop_assume!(plan.unmanaged.iter().all(|other| other.becomes.is_none()));
    prop_assert_eq!(apply(&world, &plan).contents(), wanted(&world.desired));
    let has_gap = plan.gap_notes().next().is_some();
    if has_gap {
        let most = service::least(from, goal) + EXTRA_CALLS;
        prop_assert_eq!(
            shortest(from, goal, profile, most),
            None,
            "a gap: {}",
            says_why()
        );
        return Ok(());
    }
    for state in states(&world, &plan) {
        let now = service::allowed_by(&state);
        prop_assert!(
            service::is_safe(service::allowed(from), now, service::allowed(goal)),
            "unsafe: {}",
            says_why()
        );
    }
    if let Some(most) = plan.calls.len().checked_sub(1) {
        prop_assert_eq!(shortest(from, goal, profile, most), None, "{}", says_why());
    }
    Ok(())
}

/// All policies of up to two rules without teams.
fn small_policies() -> Vec<Policy> {
    let mut found = vec![Policy::default()];
    for name in 0..2 {
        for policy in found.clone() {
            found.extend(CONTENTS.map(|content| {
                let mut more = policy;
                more.rules[name] = content;
                more
            }));
        }
    }
    found.retain(Policy::is_possible);
    found
}

/// Every pair of states of one policy of up to two rules, against a search through everything that a client may do.
#[test]
fn no_shorter_list_of_calls_exists() {
    for (profile, every) in [(Profile::Current, 1), (Profile::Intermediate, 5)] {
        let policies = small_policies();
        let mut seen = 0;
        for (number, from) in policies.iter().enumerate() {
            for to in policies.iter().skip(number % every).step_by(every) {
                let from = [Some(*from), None, None];
                let to = [Some(*to), None, None];
                assert_fewest(&from, &to, profile).unwrap();
                seen += 1;
            }
        }
        assert!(seen * every >= 5000, "{seen}");
    }
}

fn any_policy(rules: usize) -> impl Strategy<Value = Policy> {
    let rule = prop::option::weighted(0.7, (any::<bool>(), 1..=3_u8));
    let teams = prop_oneof![3 => Just(0_u8), 1 => 0..4_u8];
    let rules = prop::collection::vec(rule, rules);
    (teams, any::<bool>(), rules).prop_map(|(teams, files, rules)| {
        let mut policy = Policy {
            teams,
            ..Policy::default()
        };
        for (slot, rule) in policy.rules.iter_mut().zip(rules) {
            if let Some((denies, resources)) = rule {
                *slot = resources | u8::from(denies) << 2 | u8::from(files) << 3;
            }
        }
        policy
    })
}

/// States of up to three policies of up to three rules.
fn any_state() -> impl Strategy<Value = State> {
    let some = |weight: f64, rules: usize| prop::option::weighted(weight, any_policy(rules));
    let second = some(0.7, 2);
    (some(0.9, 3), second, some(0.3, 1)).prop_map(|(first, second, third)| [first, second, third])
}

/// Several policies with teams against the same search. Many of them change their domain. The cases are the same in
/// every run.
#[test]
fn no_shorter_list_of_calls_exists_for_several_policies() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..crate::properties::cases(1024).cases {
        let from = any_state().new_tree(&mut runner).unwrap().current();
        let to = any_state().new_tree(&mut runner).unwrap().current();
        match assert_fewest(&from, &to, Profile::Current) {
            Ok(()) | Err(TestCaseError::Reject(_)) => {}
            Err(failed) => panic!("{failed}"),
        }
    }
}

/// A policy that changes its domain hands its access to another one, which hands its own to a new one.
#[test]
fn access_is_handed_on_across_domains_with_the_fewest_calls() {
    let policy = |teams: u8, name: usize, content: u8| {
        let mut policy = Policy {
            teams,
            ..Policy::default()
        };
        policy.rules[name] = content;
        Some(policy)
    };
    let from = [policy(0, 1, 10), policy(1, 1, 3), None];
    for beta in 0..4 {
        for gamma in 0..4 {
            let goal = [policy(0, 2, 5), policy(beta, 0, 10), policy(gamma, 0, 3)];
            assert_fewest(&from, &goal, Profile::Current).unwrap();
        }
    }
}

/// The cost of a pairing: the number of calls, of unchanged rules, and of patched fields.
type Price = (usize, std::cmp::Reverse<usize>, usize);

fn fields(from: &Rule, to: &Rule) -> usize {
    let from = json!(from);
    let to = json!(to);
    ["name", "decision", "actions", "resources"]
        .iter()
        .filter(|field| from[**field] != to[**field])
        .count()
}

fn may_become(live: &(Rule, bool), desired: &DesiredRule) -> bool {
    let same = live.0.decision == desired.rule.decision && live.0.access == desired.rule.access;
    !live.1 || same || live.0.name == desired.rule.name || desired.aliases.contains(&live.0.name)
}

/// What one call does: the live rule that it changes or deletes, and the desired rule that it makes.
type Call = (Option<usize>, Option<usize>);

/// Whether there is an order in which no call takes a name that another rule has, and in which every request is decided
/// after every call as before or after all of them. Tries all sets of calls.
fn has_safe_order(live: &[(Rule, bool)], desired: &[DesiredRule], pairs: &[Option<usize>]) -> bool {
    let paired = pairs.iter().enumerate().map(|(to, from)| (*from, Some(to)));
    let deleted = (0..live.len()).filter(|from| !pairs.contains(&Some(*from)));
    let is_equal =
        |call: &Call| matches!(call, (Some(from), Some(to)) if live[*from].0 == desired[*to].rule);
    let all: Vec<Call> = paired
        .chain(deleted.map(|from| (Some(from), None)))
        .collect();
    let calls: Vec<Call> = all.iter().copied().filter(|call| !is_equal(call)).collect();
    let rules = |made: usize| -> Vec<&Rule> {
        let equal = all
            .iter()
            .filter(|call| is_equal(call))
            .filter_map(|call| Some(&live[call.0?].0));
        let changed = calls.iter().enumerate().filter_map(|(at, (from, to))| {
            if made >> at & 1 == 1 {
                Some(&desired[(*to)?].rule)
            } else {
                Some(&live[(*from)?].0)
            }
        });
        equal.chain(changed).collect()
    };
    let last = (1 << calls.len()) - 1;
    let before = allowed(&rules(0));
    let after = allowed(&rules(last));
    let mut reached = vec![false; last + 1];
    reached[0] = true;
    for made in 0..last {
        for (at, (from, to)) in calls.iter().enumerate() {
            let next = made | 1 << at;
            if !reached[made] || next == made {
                continue;
            }
            // A rule that keeps its name takes none.
            let old = from.map(|from| &live[from].0.name);
            let name = to
                .map(|to| &desired[to].rule.name)
                .filter(|name| old != Some(*name));
            let holders = rules(next)
                .into_iter()
                .filter(|rule| Some(&rule.name) == name);
            if holders.count() <= 1 && service::is_safe(before, allowed(&rules(next)), after) {
                reached[next] = true;
            }
        }
    }
    reached[last]
}

/// The requests that are allowed, as bits: both transports to both hosts.
fn allowed(rules: &[&Rule]) -> u16 {
    let mut votes = [0_u16; 2];
    for rule in rules {
        let json = json!(rule);
        let has = |field: &str, text: &str| json[field].as_array().unwrap().contains(&json!(text));
        for (bit, (action, host)) in [
            ("connect:tcp", "a.example.com"),
            ("connect:tcp", "b.example.com"),
            ("connect:udp", "a.example.com"),
            ("connect:udp", "b.example.com"),
        ]
        .into_iter()
        .enumerate()
        {
            if has("actions", action) && has("resources", host) {
                votes[usize::from(rule.decision == Decision::Deny)] |= 1 << bit;
            }
        }
    }
    votes[0] & !votes[1]
}

/// The price of the best of all ways that have a safe order, if there is one.
fn best(live: &[(Rule, bool)], desired: &[DesiredRule]) -> Option<Price> {
    let mut ways: Vec<Vec<Option<usize>>> = vec![Vec::new()];
    for wanted in desired {
        ways = ways
            .into_iter()
            .flat_map(|way| {
                let choices: Vec<Option<usize>> = (0..live.len())
                    .filter(|index| {
                        !way.contains(&Some(*index)) && may_become(&live[*index], wanted)
                    })
                    .map(Some)
                    .chain([None])
                    .collect();
                choices
                    .into_iter()
                    .map(move |choice| [way.as_slice(), &[choice]].concat())
            })
            .collect();
    }
    ways.retain(|way| has_safe_order(live, desired, way));
    let price = |way: &Vec<Option<usize>>| {
        let pairs: Vec<usize> = way
            .iter()
            .zip(desired)
            .filter_map(|(index, wanted)| Some(fields(&live[(*index)?].0, &wanted.rule)))
            .collect();
        let patches = pairs.iter().filter(|fields| **fields > 0).count();
        let calls = patches + live.len() + desired.len() - 2 * pairs.len();
        (
            calls,
            std::cmp::Reverse(pairs.len() - patches),
            pairs.iter().sum(),
        )
    };
    ways.iter().map(price).min()
}

/// The fields of all updates of rules that a plan reports.
fn told_fields(changes: &[Change]) -> usize {
    let rules = changes.iter().flat_map(|policy| &policy.children);
    rules
        .filter(|rule| serde_json::to_value(rule.kind).unwrap() == "update")
        .map(|rule| {
            rule.fields
                .iter()
                .map(|field| field.field)
                .collect::<BTreeSet<ChangedField>>()
                .len()
        })
        .sum()
}

const RULE_NAMES: &[&str] = &["one", "two", "three", "four", "five"];

fn any_rule() -> impl Strategy<Value = Rule> {
    let decision = prop_oneof![Just(Decision::Allow), Just(Decision::Deny)];
    let actions = subsequence(vec!["connect:tcp", "connect:udp"], 1..=2);
    let resources = subsequence(vec!["a.example.com", "b.example.com"], 1..=2);
    (select(RULE_NAMES), decision, actions, resources).prop_map(
        |(name, decision, actions, resources)| make_rule(name, decision, &actions, &resources),
    )
}

/// Up to four live and four desired rules.
fn policies() -> impl Strategy<Value = (Profile, Vec<(Rule, bool)>, Vec<DesiredRule>)> {
    let live = prop::collection::vec((any_rule(), prop::bool::weighted(0.2)), 0..=4);
    let alias = prop::option::weighted(0.3, select(RULE_NAMES));
    let desired = prop::collection::vec((any_rule(), alias), 0..=4);
    (select(Profile::ALL), live, desired).prop_map(|(profile, mut live, desired)| {
        if profile != Profile::Seed {
            let mut names = BTreeSet::new();
            live.retain(|(rule, _)| names.insert(rule.name.clone()));
        }
        let mut names = BTreeSet::new();
        let desired = desired
            .into_iter()
            .filter(|(rule, _)| names.insert(rule.name.clone()))
            .enumerate();
        let desired = desired.map(|(index, (rule, alias))| {
            let aliases = alias
                .into_iter()
                .filter(|alias| *alias != rule.name.as_str());
            DesiredRule {
                aliases: aliases.map(|alias| Name::new(alias).unwrap()).collect(),
                rule,
                index,
            }
        });
        (profile, live, desired.collect())
    })
}

proptest! {
    #![proptest_config(crate::properties::cases(1024))]

    /// No way to pair that has a safe order makes fewer calls, and none that makes as few has smaller patches.
    #[test]
    fn patches_are_the_fewest_and_the_smallest((profile, live, desired) in policies()) {
        let plan = plan_for(&world(&live, &desired), profile);
        if let Some((fewest, _, smallest)) = best(&live, &desired) {
            prop_assert!(plan.calls.len() <= fewest, "{fewest}: {:#?}", plan.calls);
            // A call that has a reason is one half of a change, which the pairs do not know.
            if plan.calls.iter().all(|call| call.why.is_none()) {
                prop_assert_eq!(plan.calls.len(), fewest, "{:#?}", plan.calls);
                prop_assert_eq!(told_fields(&plan.changes), smallest, "{:#?}", plan.changes);
            }
        }
        // The second model of the service refuses a name that is taken.
        apply(&world(&live, &desired), &plan);
    }
}
