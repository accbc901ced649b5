//! A model of the service in small integers, and a search through everything that a client may do with it.
//!
//! It shares no code with the planner: it has a decision function of its own, lists every call that the service accepts
//! in a state, and knows nothing of pairs of rules.

use std::collections::{BTreeSet, HashSet};

use model::Name;
use model::docker::{
    Decision, DesiredPolicy, DesiredRule, DockerLiveState, LiveContent, LivePolicy, LiveRule,
    PolicyContent, PolicyId, Profile, Resources, Rule, RuleAccess, RuleId, Scope, TeamId,
};
use serde_json::{Map, Value};

use crate::properties::oracle::Service;
use crate::properties::worlds::{World, document};

const NAME_COUNT: usize = 4;
/// The last name is in no manifest, so a call may always use it.
const NAMES: [&str; NAME_COUNT] = ["one", "two", "three", "for a moment"];
const POLICIES: [&str; 3] = ["alpha", "beta", "gamma"];
const TEAMS: [&str; 2] = ["t1", "t2"];
const HOSTS: [&str; 2] = ["a.example.com", "b.example.com"];
const PATHS: [&str; 2] = ["/data", "/etc"];

/// What a rule says: bits 0 and 1 are its resources (at least one), bit 2 denies, bit 3 is the domain of files.
/// Zero means that the name is free.
pub(super) type Content = u8;

const DENIES: Content = 4;
const FILES: Content = 8;
/// Marks a rule that the list of calls created. Its id is unknown until the answer, so a list cannot name it again, and
/// it must have its final content.
const CREATED: Content = 16;

pub(super) const CONTENTS: [Content; 12] = [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15];

/// A policy: its teams as bits (none is the whole organization), and a content for each name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Policy {
    pub(super) teams: u8,
    pub(super) rules: [Content; NAME_COUNT],
}

impl Policy {
    fn count(&self) -> usize {
        self.rules.iter().filter(|content| **content != 0).count()
    }

    fn domain(&self) -> Option<Content> {
        let content = self.rules.iter().find(|content| **content != 0)?;
        Some(content & FILES)
    }

    /// All rules of a policy have one domain.
    pub(super) fn is_possible(&self) -> bool {
        let all = self.rules.iter().filter(|content| **content != 0);
        let domains: BTreeSet<Content> = all.map(|content| content & FILES).collect();
        domains.len() <= 1
    }
}

/// The policies by name.
pub(super) type State = [Option<Policy>; 3];

/// The requests that a policy allows and denies: a bit for each of four sets of teams and four requests.
fn votes(policy: &Policy) -> (u16, u16) {
    let mut allows = 0;
    let mut denies = 0;
    for audience in 0..4_u8 {
        if policy.teams != 0 && policy.teams & audience == 0 {
            continue;
        }
        for content in policy.rules.iter().filter(|content| **content != 0) {
            let domain = if content & FILES == 0 { 0 } else { 2 };
            let bits = u16::from(content & 3) << (audience * 4 + domain);
            if content & DENIES == 0 {
                allows |= bits;
            } else {
                denies |= bits;
            }
        }
    }
    (allows, denies)
}

/// Who is allowed what, in the bits of [`votes`].
pub(super) fn allowed(state: &State) -> u16 {
    let all = state.iter().flatten().map(votes);
    let both = all.fold((0, 0), |sum, own| (sum.0 | own.0, sum.1 | own.1));
    both.0 & !both.1
}

/// What is decided alike before and after is decided so now.
pub(super) fn is_safe(before: u16, now: u16, after: u16) -> bool {
    (now ^ before) & !(before ^ after) == 0
}

/// What one call makes of a policy, or of none. A policy that the goal has is never deleted: it would lose its id. A
/// policy that the goal does not have is only deleted. A policy that the list creates (`is_new`) keeps its teams, because
/// its id is unknown until the answer.
fn calls(
    slot: Option<Policy>,
    goal: Option<Policy>,
    is_new: bool,
    profile: Profile,
) -> Vec<Option<Policy>> {
    let Some(policy) = slot else {
        let Some(goal) = goal else {
            return Vec::new();
        };
        return vec![Some(Policy {
            teams: goal.teams,
            ..Policy::default()
        })];
    };
    let Some(goal) = goal else {
        return vec![None];
    };
    let mut found = Vec::new();
    let is_final = |teams: u8| goal.teams == teams;
    let teams = (0..4_u8).filter(|teams| !is_new && *teams != policy.teams);
    let teams = teams.filter(|teams| *teams != 0 || is_final(0));
    for other in teams {
        let mut next = policy;
        next.teams = other;
        found.push(Some(next));
    }
    for name in 0..NAME_COUNT {
        let old = policy.rules[name];
        let mut without = policy;
        without.rules[name] = 0;
        let is_possible =
            |content: Content| without.domain().is_none_or(|own| own == content & FILES);
        if old == 0 {
            let content = goal.rules[name];
            if content != 0 && is_possible(content) {
                without.rules[name] = content | CREATED;
                found.push(Some(without));
            }
            continue;
        }
        if old & CREATED != 0 {
            continue;
        }
        found.push(Some(without));
        for new_name in (0..NAME_COUNT).filter(|new| without.rules[*new] == 0) {
            for content in CONTENTS {
                let mut next = without;
                next.rules[new_name] = content;
                let crosses = (old ^ content) & FILES != 0;
                if is_possible(content)
                    && (!crosses || profile == Profile::Current)
                    && next != policy
                {
                    found.push(Some(next));
                }
            }
        }
    }
    found
}

/// No list of calls is shorter: a call changes one policy, and takes at most one rule away and adds at most one.
pub(super) fn least(state: &State, goal: &State) -> usize {
    let policies = state.iter().zip(goal);
    policies.map(|(from, to)| least_of(*from, *to)).sum()
}

fn least_of(from: Option<Policy>, to: Option<Policy>) -> usize {
    let (from, to) = match (from, to) {
        (None, None) => return 0,
        (Some(_), None) => return 1,
        (None, Some(to)) => return 1 + to.count(),
        (Some(from), Some(to)) => (from, to),
    };
    let scope = usize::from(from.teams != to.teams);
    if let (Some(own), Some(other)) = (from.domain(), to.domain())
        && own != other
    {
        return scope + from.count() + to.count() - 1;
    }
    let pairs = from.rules.iter().map(|content| content & !CREATED);
    let pairs = pairs.zip(to.rules);
    let differing: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
    let goes = differing.iter().filter(|(from, _)| *from != 0).count();
    let comes = differing.iter().filter(|(_, to)| *to != 0).count();
    scope + goes.max(comes)
}

/// The length of the shortest list of calls that is safe after every call, if it has at most `most` calls. Breadth
/// first; states from which the goal is too far are left out.
pub(super) fn shortest(from: &State, goal: &State, profile: Profile, most: usize) -> Option<usize> {
    let before = allowed(from);
    let after = allowed(goal);
    let mut level = vec![*from];
    let mut seen = HashSet::from([*from]);
    for length in 0..=most {
        if level.iter().any(|state| least(state, goal) == 0) {
            return Some(length);
        }
        let mut next_level = Vec::new();
        for state in &level {
            for at in 0..state.len() {
                let mut others = *state;
                others[at] = None;
                let mut rest = *goal;
                rest[at] = None;
                let left = most.checked_sub(length + 1 + least(&others, &rest));
                for policy in calls(state[at], goal[at], from[at].is_none(), profile) {
                    let mut next = others;
                    next[at] = policy;
                    if left.is_some_and(|left| least_of(policy, goal[at]) <= left)
                        && is_safe(before, allowed(&next), after)
                        && seen.insert(next)
                    {
                        next_level.push(next);
                    }
                }
            }
        }
        level = next_level;
    }
    None
}

fn rule(name: &str, content: Content) -> Rule {
    let (action, texts) = if content & FILES == 0 {
        ("connect:tcp", HOSTS)
    } else {
        ("read", PATHS)
    };
    let texts = texts.into_iter().enumerate();
    let texts = texts.filter(|(bit, _)| content >> bit & 1 == 1);
    let resources = Resources::Plain(texts.map(|(_, text)| text.to_owned()).collect());
    Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new(name).unwrap(),
        decision: if content & DENIES == 0 {
            Decision::Allow
        } else {
            Decision::Deny
        },
        access: RuleAccess::new([action.parse().unwrap()], resources).unwrap(),
    }
}

fn rules(policy: &Policy) -> Vec<Rule> {
    let all = NAMES.iter().zip(policy.rules);
    all.filter(|(_, content)| *content != 0)
        .map(|(name, content)| rule(name, content))
        .collect()
}

fn scope(teams: u8) -> Scope {
    let named = TEAMS.iter().enumerate();
    Scope {
        teams: named
            .filter(|(bit, _)| teams >> bit & 1 == 1)
            .map(|(_, team)| TeamId::new(team))
            .collect(),
        ..Scope::default()
    }
}

/// The same states in the planner's terms.
pub(super) fn world(from: &State, goal: &State) -> World {
    let policies = || POLICIES.iter().enumerate();
    let live = policies().filter_map(|(at, name)| {
        let policy = from[at]?;
        let rules = rules(&policy).into_iter().enumerate();
        let rules = rules.map(|(number, rule)| LiveRule {
            id: RuleId::new(&format!("rule_{number}")),
            name: rule.name.to_string(),
            rule: Ok(rule),
            unknown_fields: Map::new(),
        });
        Some(LivePolicy {
            id: PolicyId::new(&format!("pol_{at}")),
            name: (*name).to_owned(),
            scope: scope(policy.teams),
            unknown_scope_fields: Map::new(),
            content: LiveContent::Rules(rules.collect()),
            created_at: String::new(),
            updated_at: String::new(),
            unknown_fields: Map::new(),
        })
    });
    let desired = policies().filter_map(|(at, name)| {
        let policy = goal[at]?;
        let rules = rules(&policy).into_iter().enumerate();
        let rules = rules.map(|(index, rule)| DesiredRule {
            rule,
            aliases: Vec::new(),
            index,
        });
        Some(DesiredPolicy {
            extensions: model::docker::Extensions::default(),
            name: Name::new(name).unwrap(),
            aliases: Vec::new(),
            protect: false,
            scope: scope(policy.teams),
            content: PolicyContent::Rules(rules.collect()),
            document: document(),
        })
    });
    World {
        live: DockerLiveState {
            policies: live.collect(),
        },
        desired: desired.collect(),
    }
}

/// Who is allowed what in a state of the second model of the service, which may have other names.
pub(super) fn allowed_by(service: &Service) -> u16 {
    let texts = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut allows = 0;
    let mut denies = 0;
    for policy in service.policies.values() {
        let teams = texts(&policy["teams"]);
        for audience in 0..4_u8 {
            let is_member = |bit: usize| audience >> bit & 1 == 1;
            let reached = teams.is_empty()
                || TEAMS
                    .iter()
                    .enumerate()
                    .any(|(bit, team)| is_member(bit) && teams.contains(&(*team).to_owned()));
            for rule in policy["rules"].as_object().unwrap().values() {
                let requests = texts(&rule["resources"]);
                let bits = HOSTS.iter().chain(&PATHS).enumerate();
                let bits: u16 = bits
                    .filter(|(_, text)| reached && requests.contains(&(**text).to_owned()))
                    .map(|(bit, _)| 1 << (usize::from(audience) * 4 + bit))
                    .sum();
                if rule["decision"] == "allow" {
                    allows |= bits;
                } else {
                    denies |= bits;
                }
            }
        }
    }
    allows & !denies
}
