//! What a pair of rules costs, and how alike the two are.

use std::collections::HashMap;
use std::hash::Hash;

use model::docker::{
    Action, DesiredRule, HttpResource, LiveRule, NonEmptySet, Resources, Rule, RuleAccess,
};

/// The most rules on a side for which the levels below hold: sums over all pairs must not reach into the next level.
/// It is a little more than a policy can hold.
pub(super) const LARGEST: usize = 255;

/// The most that one pair can be alike.
const MOST_ALIKE: usize = 1000;
/// The most fields that a patch can hold: name, decision, actions, resources.
const MOST_FIELDS: usize = 4;

// The levels of a weight, each so far above the last that it decides alone.
const ALIAS: u32 = 18;
const SAME_NAME: u32 = 26;
const SAME_CONTENT: u32 = 34;
const FEWER_FIELDS: u32 = 42;
const SAVED_CALL: u32 = 52;

/// What speaks for each pair of a live and a desired rule.
pub(super) struct Table<'a> {
    live: Vec<Side<'a>>,
    desired: Vec<Side<'a>>,
    weights: Vec<i64>,
}

/// A rule with its lists as numbers, so that tens of thousands of pairs are compared quickly.
struct Side<'a> {
    rule: &'a Rule,
    actions: usize,
    resources: usize,
    /// For a live rule, whether it holds fields that this version does not know.
    unknown: bool,
}

impl Side<'_> {
    fn same_content(&self, other: &Self) -> bool {
        self.rule.decision == other.rule.decision
            && self.actions == other.actions
            && self.resources == other.resources
    }

    /// How many fields the patch from one to the other holds.
    fn fields(&self, other: &Self) -> usize {
        usize::from(self.rule.name != other.rule.name)
            + usize::from(self.rule.decision != other.rule.decision)
            + usize::from(self.actions != other.actions)
            + usize::from(self.resources != other.resources)
    }
}

/// Equal lists get equal numbers.
#[derive(Default)]
struct Lists<'a> {
    actions: HashMap<Vec<Action>, usize>,
    resources: HashMap<List<'a>, usize>,
}

/// The resources of a rule by the field that they are sent in.
#[derive(PartialEq, Eq, Hash)]
enum List<'a> {
    Plain(&'a NonEmptySet<String>),
    Http(&'a NonEmptySet<HttpResource>),
}

impl<'a> Lists<'a> {
    fn side(&mut self, rule: &'a Rule, unknown: bool) -> Side<'a> {
        let list = match &rule.access {
            RuleAccess::Network { resources, .. } | RuleAccess::Filesystem { resources, .. } => {
                List::Plain(resources)
            }
            RuleAccess::Http { resources, .. } => List::Http(resources),
        };
        Side {
            rule,
            actions: numbered(&mut self.actions, rule.access.actions()),
            resources: numbered(&mut self.resources, list),
            unknown,
        }
    }
}

fn numbered<K: Hash + Eq>(numbers: &mut HashMap<K, usize>, key: K) -> usize {
    let next = numbers.len();
    *numbers.entry(key).or_insert(next)
}

impl<'a> Table<'a> {
    /// Weighs all pairs.
    pub(super) fn new(live: &[(&'a LiveRule, &'a Rule)], desired: &[&'a DesiredRule]) -> Self {
        let mut lists = Lists::default();
        let live_sides: Vec<Side<'a>> = live
            .iter()
            .map(|(live, rule)| lists.side(rule, !live.unknown_fields.is_empty()))
            .collect();
        let desired_sides: Vec<Side<'a>> = desired
            .iter()
            .map(|item| lists.side(&item.rule, false))
            .collect();
        let shared = shared(&live_sides, &desired_sides);
        let mut weights = Vec::with_capacity(live.len() * desired.len());
        for (live_index, one) in live_sides.iter().enumerate() {
            for (desired_index, other) in desired_sides.iter().enumerate() {
                let shared = shared[live_index * desired.len() + desired_index];
                weights.push(weight(one, other, desired[desired_index], shared));
            }
        }
        Self {
            live: live_sides,
            desired: desired_sides,
            weights,
        }
    }

    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    pub(super) fn desired(&self) -> usize {
        self.desired.len()
    }

    pub(super) fn live_name(&self, live: usize) -> &'a str {
        self.live[live].rule.name.as_str()
    }

    pub(super) fn desired_name(&self, desired: usize) -> &'a str {
        self.desired[desired].rule.name.as_str()
    }

    /// Whether the two may be paired at all.
    pub(super) fn fits(&self, live: usize, desired: usize) -> bool {
        self.weight(live, desired) > 0
    }

    /// Whether any two may be paired.
    pub(super) fn fits_all(&self) -> bool {
        self.weights.iter().all(|weight| *weight > 0)
    }

    /// Whether a person would expect the pair: their contents are equal, or the live name is a declared old one.
    pub(super) fn is_expected(&self, live: usize, desired: usize) -> bool {
        self.weight(live, desired) & (1 << SAME_CONTENT | 1 << ALIAS) != 0
    }

    /// What speaks for the pair; nothing, where the two may not be paired.
    pub(super) fn weight(&self, live: usize, desired: usize) -> i64 {
        self.weights[live * self.desired.len() + desired]
    }
}

/// A live rule with fields that this version does not know is never made into a rule that has nothing to do with it:
/// what those fields say would go along, unseen.
fn weight(live: &Side<'_>, desired: &Side<'_>, item: &DesiredRule, shared: usize) -> i64 {
    let same_name = live.rule.name == desired.rule.name;
    let same_content = live.same_content(desired);
    let alias = item.aliases.contains(&live.rule.name);
    if live.unknown && !same_name && !same_content && !alias {
        return 0;
    }
    let level = |holds: bool, level: u32| i64::from(holds) << level;
    let saved = MOST_FIELDS.saturating_sub(live.fields(desired));
    level(true, SAVED_CALL)
        + (number(saved) << FEWER_FIELDS)
        + level(same_content, SAME_CONTENT)
        + level(same_name, SAME_NAME)
        + level(alias, ALIAS)
        + number(alike(live.rule, desired.rule, shared).min(MOST_ALIKE))
}

/// How alike two rules are: above all by their resources, then by layer and decision, then by how their names begin.
fn alike(live: &Rule, desired: &Rule, shared: usize) -> usize {
    let all = live.access.resource_count() + desired.access.resource_count();
    let resources = (2 * shared * 900).checked_div(all).unwrap_or_default();
    let layer = if live.access.layer() == desired.access.layer() {
        40
    } else {
        0
    };
    let decision = if live.decision == desired.decision {
        40
    } else {
        0
    };
    let begins = live
        .name
        .as_str()
        .chars()
        .zip(desired.name.as_str().chars())
        .take_while(|(a, b)| a == b)
        .count();
    resources + layer + decision + begins.min(20)
}

/// How many resources each live rule shares with each desired one, row by row. Only resources that occur on both
/// sides are looked at, so that lists of strangers cost nothing.
fn shared(live: &[Side<'_>], desired: &[Side<'_>]) -> Vec<usize> {
    let mut holders: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, side) in desired.iter().enumerate() {
        for text in texts(&side.rule.access) {
            holders.entry(text).or_default().push(index);
        }
    }
    let mut shared = vec![0; live.len() * desired.len()];
    for (index, side) in live.iter().enumerate() {
        for text in texts(&side.rule.access) {
            for holder in holders.get(&text).into_iter().flatten() {
                shared[index * desired.len() + holder] += 1;
            }
        }
    }
    shared
}

/// The resources as texts; those of HTTP rules and hosts of network rules look different, and are.
fn texts(access: &RuleAccess) -> Vec<String> {
    match access.resources() {
        Resources::Plain(texts) => texts,
        Resources::Http(targets) => targets.iter().map(ToString::to_string).collect(),
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or_default()
}
