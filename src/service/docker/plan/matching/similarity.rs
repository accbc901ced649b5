//! Weights of pairs of rules for the assignment problem.
//!
//! The criteria have an order of priority: saved calls, fewer patched fields, equal content, equal
//! name, declared alias, similarity. A sum of weights must compare like a tuple of these criteria,
//! so each criterion has its own range of bits in an `i64`, wide enough for the largest sum over
//! all pairs. Example: 255 pairs with a similarity of up to 1000 add up to at most 255,000, which
//! fits in 18 bits, so the next criterion begins at bit 18.

use std::collections::HashMap;

use serde_json::{Map, Value};

use model::docker::{DesiredRule, LiveRule, Resources, Rule, RuleAccess, RuleMeaning, RuleValue};

/// Maximum number of rules on one side for which the sums fit into their ranges. A policy may have
/// slightly fewer.
pub(super) const LARGEST: usize = 255;

const MOST_ALIKE: usize = 1000;

// The first bit of each criterion.
const ALIAS: u32 = width(MOST_ALIKE);
const SAME_NAME: u32 = ALIAS + width(1);
const SAME_CONTENT: u32 = SAME_NAME + width(1);
const FEWER_FIELDS: u32 = SAME_CONTENT + width(1);
const SAVED_CALL: u32 = FEWER_FIELDS + width(Rule::FIELDS);
const _: () = assert!(
    SAVED_CALL + width(1) < i64::BITS,
    "the sum of all weights must fit"
);

/// The number of bits of the largest sum, if one pair adds at most `most`.
const fn width(most: usize) -> u32 {
    usize::BITS - (most * LARGEST).leading_zeros()
}

/// The weights of all pairs of a live and a desired rule.
pub(super) struct SimilarityTable<'a> {
    live: Vec<NumberedValues<'a>>,
    desired: Vec<NumberedValues<'a>>,
    weights: Vec<i64>,
}

/// A rule with its values interned, so that tens of thousands of pairs are compared quickly.
struct NumberedValues<'a> {
    rule: &'a Rule,
    values: [RuleValue<'a>; Rule::FIELDS],
    /// Equal values have equal numbers.
    numbers: [usize; Rule::FIELDS],
    /// The fields of a live rule that this version does not know.
    unknown: Option<&'a Map<String, Value>>,
}

impl NumberedValues<'_> {
    /// The fields that a patch from this live rule to a desired one contains.
    fn differing(&self, desired: &Self) -> impl Iterator<Item = &RuleValue<'_>> {
        let numbers = self.numbers.iter().zip(desired.numbers);
        let values = self.values.iter().zip(numbers);
        values
            .filter(|(value, (number, other))| match (value, self.unknown) {
                // The desired rule lists some of the unknown fields, or none.
                (RuleValue::Extensions(_), Some(unknown)) => {
                    !desired.rule.extensions.are_in(unknown)
                }
                (_, _) => *number != other,
            })
            .map(|(value, _)| value)
    }

    /// Whether the rules differ at most in their names and in settings that this version does not know.
    fn same_content(&self, other: &Self) -> bool {
        self.differing(other)
            .all(|value| matches!(value, RuleValue::Name(_) | RuleValue::Extensions(_)))
    }
}

/// Interns the values of fields.
#[derive(Default)]
struct ValueNumbers<'a>(HashMap<RuleValue<'a>, usize>);

impl<'a> ValueNumbers<'a> {
    fn number_values(
        &mut self,
        rule: &'a Rule,
        unknown: Option<&'a Map<String, Value>>,
    ) -> NumberedValues<'a> {
        let values = rule.fields();
        let numbers = values.clone().map(|value| {
            let next = self.0.len();
            *self.0.entry(value).or_insert(next)
        });
        NumberedValues {
            rule,
            values,
            numbers,
            unknown,
        }
    }
}

impl<'a> SimilarityTable<'a> {
    pub(super) fn new(live: &[(&'a LiveRule, &'a Rule)], desired: &[&'a DesiredRule]) -> Self {
        let mut numbers = ValueNumbers::default();
        let live_sides: Vec<NumberedValues<'a>> = live
            .iter()
            .map(|(live, rule)| numbers.number_values(rule, Some(&live.unknown_fields)))
            .collect();
        let desired_sides: Vec<NumberedValues<'a>> = desired
            .iter()
            .map(|item| numbers.number_values(&item.rule, None))
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

    pub(super) fn can_pair(&self, live: usize, desired: usize) -> bool {
        self.weight(live, desired) > 0
    }

    pub(super) fn all_can_pair(&self) -> bool {
        self.weights.iter().all(|weight| *weight > 0)
    }

    /// Whether the contents are equal, or the live name is a declared alias.
    pub(super) fn is_expected(&self, live: usize, desired: usize) -> bool {
        self.weight(live, desired) & (1 << SAME_CONTENT | 1 << ALIAS) != 0
    }

    /// Zero if the two may not be paired.
    pub(super) fn weight(&self, live: usize, desired: usize) -> i64 {
        self.weights[live * self.desired.len() + desired]
    }
}

/// The weight of a pair. A live rule with unknown fields is not paired with an unrelated rule: an
/// update would keep these fields without showing them.
fn weight(
    live: &NumberedValues<'_>,
    desired: &NumberedValues<'_>,
    item: &DesiredRule,
    shared: usize,
) -> i64 {
    let same_name = live.rule.name == desired.rule.name;
    let same_content = live.same_content(desired);
    let alias = item.aliases.contains(&live.rule.name);
    let has_unknown = live.unknown.is_some_and(|unknown| !unknown.is_empty());
    if has_unknown && !same_name && !same_content && !alias {
        return 0;
    }
    let level = |holds: bool, level: u32| i64::from(holds) << level;
    let saved = Rule::FIELDS.saturating_sub(live.differing(desired).count());
    level(true, SAVED_CALL)
        + (number(saved) << FEWER_FIELDS)
        + level(same_content, SAME_CONTENT)
        + level(same_name, SAME_NAME)
        + level(alias, ALIAS)
        + number(similarity(live.rule, desired.rule, shared).min(MOST_ALIKE))
}

/// The similarity of two rules, at most [`MOST_ALIKE`]: mostly by shared resources, then by layer
/// and decision, then by the common prefix of their names.
fn similarity(live: &Rule, desired: &Rule, shared: usize) -> usize {
    let RuleMeaning { decision, access } = live.meaning();
    let RuleMeaning {
        decision: wanted_decision,
        access: wanted,
    } = desired.meaning();
    let all = access.resource_count() + wanted.resource_count();
    let resources = (2 * shared * 900).checked_div(all).unwrap_or_default();
    let layer = if access.layer() == wanted.layer() {
        40
    } else {
        0
    };
    let decision = if decision == wanted_decision { 40 } else { 0 };
    let begins = live
        .name
        .as_str()
        .chars()
        .zip(desired.name.as_str().chars())
        .take_while(|(a, b)| a == b)
        .count();
    resources + layer + decision + begins.min(20)
}

/// The number of resources that each live rule shares with each desired one, row by row. An index
/// by resource avoids comparing rules that have nothing in common.
fn shared(live: &[NumberedValues<'_>], desired: &[NumberedValues<'_>]) -> Vec<usize> {
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

/// The resources as strings. Those of HTTP rules contain a path, so they differ from the hosts of
/// network rules.
fn texts(access: &RuleAccess) -> Vec<String> {
    match access.resources() {
        Resources::Plain(texts) => texts,
        Resources::Http(targets) => targets.iter().map(ToString::to_string).collect(),
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or_default()
}
