//! Invariant 2: no shorter list of calls reaches what is wanted, and the patches are the smallest.
//!
//! Two oracles, neither of which knows anything of pairings as the planner makes them: a search through all states that
//! the service can be in, and a list of all ways to make live rules into desired ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::Name;
use model::docker::{
    Decision, DesiredPolicy, DesiredRule, DockerLiveState, LiveContent, LivePolicy, LiveRule,
    PolicyContent, PolicyId, Profile, Resources, Rule, RuleAccess, RuleId, Scope,
};
use polwarden::plan::{Change, ChangedField, TargetPlan};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, json};

use super::plan::{apply, plan_for, wanted};
use super::worlds::{World, document};

fn make_rule(name: &str, decision: Decision, actions: &[&str], resources: &[&str]) -> Rule {
    let actions = actions.iter().map(|action| action.parse().unwrap());
    let resources = Resources::Plain(resources.iter().map(|text| (*text).to_owned()).collect());
    Rule {
        name: Name::new(name).unwrap(),
        decision,
        access: RuleAccess::new(actions, resources).unwrap(),
    }
}

/// One policy, for everybody.
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

/// How many calls close the difference. What the order of calls adds for safety says so, and does not count.
fn calls(plan: &TargetPlan) -> usize {
    let changes: usize = plan
        .changes
        .iter()
        .map(|policy| policy.children.len())
        .sum();
    if plan.calls.iter().all(|call| call.why.is_none()) {
        assert_eq!(
            plan.calls.len(),
            changes,
            "a call for each change: {:#?}",
            plan.calls
        );
    }
    changes
}

const NAMES: [&str; 4] = ["a", "b", "c", "for a moment"];
const CONTENTS: usize = 4;
const FILES: u8 = 4;

/// What each name stands for: nothing (0), or one of the contents; the last of them is about files.
type State = [u8; NAMES.len()];

fn content(name: &str, number: u8) -> Rule {
    match number {
        1 => make_rule(name, Decision::Allow, &["connect:tcp"], &["a.example.com"]),
        2 => make_rule(name, Decision::Deny, &["connect:tcp"], &["a.example.com"]),
        3 => make_rule(name, Decision::Allow, &["connect:tcp"], &["b.example.com"]),
        _ => make_rule(name, Decision::Allow, &["read"], &["/data"]),
    }
}

fn states(names: usize) -> Vec<State> {
    let numbers = 0..(CONTENTS + 1).pow(u32::try_from(names).unwrap());
    let states = numbers.map(|number| {
        let mut state = State::default();
        let mut rest = number;
        for slot in state.iter_mut().take(names) {
            *slot = u8::try_from(rest % (CONTENTS + 1)).unwrap();
            rest /= CONTENTS + 1;
        }
        state
    });
    states.filter(|state| is_possible(*state)).collect()
}

/// All rules of a policy have one domain.
fn is_possible(state: State) -> bool {
    let files = state.iter().filter(|content| **content == FILES).count();
    files == 0 || files == state.iter().filter(|content| **content != 0).count()
}

/// The states that one call of the service leads to.
fn steps(state: State, profile: Profile) -> Vec<State> {
    let mut found = Vec::new();
    for name in 0..NAMES.len() {
        let mut without = state;
        without[name] = 0;
        if state[name] != 0 {
            found.push(without);
        }
        // A new rule, or this rule under a name that is free without it.
        for new_name in (0..NAMES.len()).filter(|new| without[*new] == 0) {
            for content in 1..=FILES {
                let mut next = without;
                next[new_name] = content;
                let crosses = state[name] != 0 && (state[name] == FILES) != (content == FILES);
                let may_cross = profile == Profile::Current;
                if (state[name] != 0 || name == new_name) && (!crosses || may_cross) {
                    found.push(next);
                }
            }
        }
    }
    found.retain(|next| is_possible(*next));
    found
}

fn distances(from: State, profile: Profile) -> BTreeMap<State, usize> {
    let mut found = BTreeMap::from([(from, 0)]);
    let mut open = VecDeque::from([from]);
    while let Some(state) = open.pop_front() {
        let distance = found[&state] + 1;
        for next in steps(state, profile) {
            if let std::collections::btree_map::Entry::Vacant(entry) = found.entry(next) {
                entry.insert(distance);
                open.push_back(next);
            }
        }
    }
    found
}

fn rules(state: State) -> Vec<Rule> {
    NAMES
        .iter()
        .zip(state)
        .filter(|(_, number)| *number != 0)
        .map(|(name, number)| content(name, number))
        .collect()
}

/// Every pair of states of up to three rules, against a search through all states, with a name to spare.
#[test]
fn no_shorter_list_of_calls_exists() {
    for (profile, every) in [(Profile::Current, 1), (Profile::Intermediate, 5)] {
        let states = states(3);
        let mut seen = 0;
        for (number, from) in states.iter().enumerate() {
            let distances = distances(*from, profile);
            for to in states.iter().skip(number % every).step_by(every) {
                let live: Vec<(Rule, bool)> =
                    rules(*from).into_iter().map(|rule| (rule, false)).collect();
                let desired = rules(*to).into_iter().enumerate();
                let desired: Vec<DesiredRule> = desired
                    .map(|(index, rule)| DesiredRule {
                        rule,
                        aliases: Vec::new(),
                        index,
                    })
                    .collect();
                let world = world(&live, &desired);
                let plan = plan_for(&world, profile);
                assert_eq!(
                    calls(&plan),
                    distances[to],
                    "{profile} {from:?} → {to:?}: {:#?}",
                    plan.calls
                );
                assert_eq!(
                    apply(&world, &plan).contents(),
                    wanted(&world.desired),
                    "{from:?} → {to:?}"
                );
                seen += 1;
            }
        }
        assert!(seen * every >= 5000, "{seen}");
    }
}

/// A way to pair: how many calls, how few rules stay as they are, how many fields all patches hold.
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

/// Whether there is an order in which no call takes a name that another rule has.
fn can_be_ordered(live: &[(Rule, bool)], desired: &[DesiredRule], pairs: &[Option<usize>]) -> bool {
    let mut names: Vec<String> = live.iter().map(|(rule, _)| rule.name.to_string()).collect();
    for (index, _) in live
        .iter()
        .enumerate()
        .filter(|(index, _)| !pairs.contains(&Some(*index)))
    {
        names[index].clear();
    }
    let mut waiting: Vec<usize> = (0..desired.len()).collect();
    loop {
        let before = waiting.len();
        waiting.retain(|wanted| {
            let name = desired[*wanted].rule.name.to_string();
            let free = names
                .iter()
                .enumerate()
                .all(|(index, taken)| *taken != name || pairs[*wanted] == Some(index));
            if free {
                match pairs[*wanted] {
                    Some(index) => names[index] = name,
                    None => names.push(name),
                }
            }
            !free
        });
        if waiting.is_empty() || waiting.len() == before {
            return waiting.is_empty();
        }
    }
}

/// The price of the best of all ways.
fn best(live: &[(Rule, bool)], desired: &[DesiredRule]) -> Price {
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
    ways.retain(|way| can_be_ordered(live, desired, way));
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
    ways.iter().map(price).min().unwrap()
}

/// The fields of all updates of rules that a plan tells of.
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

    /// No way to pair makes fewer calls, and none that makes as few has smaller patches.
    #[test]
    fn patches_are_the_fewest_and_the_smallest((profile, live, desired) in policies()) {
        let plan = plan_for(&world(&live, &desired), profile);
        let (fewest, _, smallest) = best(&live, &desired);
        prop_assert_eq!(calls(&plan), fewest, "{:#?}", plan.calls);
        prop_assert_eq!(told_fields(&plan.changes), smallest, "{:#?}", plan.changes);
        // The second model of the service refuses a name that is taken.
        apply(&world(&live, &desired), &plan);
    }
}
