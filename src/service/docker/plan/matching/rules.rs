//! Pairs the live rules of a policy with the desired ones: equal rules first, then the optimal
//! assignment of the others.
//!
//! Pairing equal rules first is safe, because an equal pair needs no call and no other pair is
//! cheaper. It also keeps the cubic algorithm of [`assign`](super::assign) small: in a usual change,
//! nearly all rules are equal.

use std::collections::HashMap;

use super::assign::best;
use super::pairing::Pairing;
use super::similarity::SimilarityTable;
use model::docker::{DesiredRule, LiveRule, Rule};

/// Pairs the rules of a policy.
///
/// Equal rules are paired first, as they need no call. The others are paired by [`best`]: every
/// pair is one update instead of a creation and a deletion, so the number of calls is minimal;
/// among these assignments, the patches are the smallest, counted in fields. Then equal content, an
/// equal name, an alias and similarity decide. Renames never form a cycle, even if names repeat.
/// Rules that could not be decoded are paired with the rule that is declared by their name.
///
/// Both lists must be sorted by name and id, so that the result does not depend on the order of the
/// input.
pub(crate) fn pair_rules(live: &[&LiveRule], desired: &[&DesiredRule]) -> Pairing {
    let mut open = UnpairedRules::new(live.len(), desired.len());
    open.pair_equal(live, desired);
    open.pair_undecoded(live, desired);
    let free_live: Vec<(usize, &LiveRule, &Rule)> = open
        .free_live()
        .filter_map(|index| Some((index, live[index], live[index].rule.as_ref().ok()?)))
        .collect();
    let free_desired: Vec<usize> = open.free_desired().collect();
    let left: Vec<(&LiveRule, &Rule)> = free_live
        .iter()
        .map(|(_, live, rule)| (*live, *rule))
        .collect();
    let wanted: Vec<&DesiredRule> = free_desired.iter().map(|index| desired[*index]).collect();
    for (live, desired) in best(&SimilarityTable::new(&left, &wanted)) {
        open.pair(free_live[live].0, free_desired[desired]);
    }
    Pairing::from_pairs(open.pairs, live.len(), desired.len())
}

/// The single pair with the smallest patch, if any two rules may be paired.
pub(crate) fn nearest(live: &[&LiveRule], desired: &[&DesiredRule]) -> Option<(usize, usize)> {
    let left: Option<Vec<(&LiveRule, &Rule)>> = live
        .iter()
        .map(|live| Some((*live, live.rule.as_ref().ok()?)))
        .collect();
    let table = SimilarityTable::new(&left?, desired);
    let pairs =
        (0..live.len()).flat_map(|live| (0..desired.len()).map(move |desired| (live, desired)));
    // Reversed, because `max_by_key` returns the last maximum and the first one is needed.
    pairs
        .filter(|(live, desired)| table.can_pair(*live, *desired))
        .rev()
        .max_by_key(|(live, desired)| table.weight(*live, *desired))
}

/// How well each live rule fits each desired one, row by row. The sum over the pairs of a pairing
/// is greater if it has more pairs, then if its patches have fewer fields, then if its pairs are
/// more similar. 0 means that the two may not be paired.
pub(crate) fn pair_weights(live: &[(&LiveRule, &Rule)], desired: &[&DesiredRule]) -> Vec<i64> {
    let table = SimilarityTable::new(live, desired);
    let pairs =
        (0..live.len()).flat_map(|live| (0..desired.len()).map(move |desired| (live, desired)));
    pairs
        .map(|(live, desired)| table.weight(live, desired))
        .collect()
}

struct UnpairedRules {
    live: Vec<bool>,
    desired: Vec<bool>,
    pairs: Vec<(usize, usize)>,
}

impl UnpairedRules {
    fn new(live: usize, desired: usize) -> Self {
        Self {
            live: vec![true; live],
            desired: vec![true; desired],
            pairs: Vec::new(),
        }
    }

    fn free_live(&self) -> impl Iterator<Item = usize> {
        (0..self.live.len()).filter(|index| self.live[*index])
    }

    fn free_desired(&self) -> impl Iterator<Item = usize> {
        (0..self.desired.len()).filter(|index| self.desired[*index])
    }

    fn pair(&mut self, live: usize, desired: usize) {
        self.live[live] = false;
        self.desired[desired] = false;
        self.pairs.push((live, desired));
    }

    /// Pairs equal rules. Among several equal ones, those with unknown settings come first: they cannot
    /// become other rules.
    fn pair_equal(&mut self, live: &[&LiveRule], desired: &[&DesiredRule]) {
        let mut names: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, rule) in live.iter().enumerate() {
            names.entry(rule.name.as_str()).or_default().push(index);
        }
        for same in names.values_mut() {
            same.sort_by_key(|index| live[*index].unknown_fields.is_empty());
        }
        for (index, wanted) in desired.iter().enumerate() {
            let named = names.get(wanted.rule.name.as_str()).into_iter().flatten();
            let equal = |live_index: &&usize| {
                self.live[**live_index] && live[**live_index].is(&wanted.rule)
            };
            if let Some(live_index) = named.copied().find(|live_index| equal(&live_index)) {
                self.pair(live_index, index);
            }
        }
    }

    /// A rule that could not be decoded can be neither patched nor deleted. It is paired with the
    /// rule that is declared by its name or alias, unless another live rule has that rule's name.
    fn pair_undecoded(&mut self, live: &[&LiveRule], desired: &[&DesiredRule]) {
        let opaque: Vec<usize> = self
            .free_live()
            .filter(|index| live[*index].rule.is_err())
            .collect();
        for index in opaque {
            let name = live[index].name.as_str();
            let taken = |wanted: &DesiredRule| {
                live.iter().enumerate().any(|(other, rule)| {
                    self.live[other]
                        && rule.name == wanted.rule.name.as_str()
                        && (rule.rule.is_ok() || other != index)
                })
            };
            let by_name = |at: &usize| {
                desired[*at].rule.name.as_str() == name
                    && !live.iter().enumerate().any(|(other, rule)| {
                        self.live[other] && rule.name == name && rule.rule.is_ok()
                    })
            };
            let by_alias = |at: &usize| {
                desired[*at]
                    .aliases
                    .iter()
                    .any(|alias| alias.as_str() == name)
                    && !taken(desired[*at])
            };
            let found = self
                .free_desired()
                .find(by_name)
                .or_else(|| self.free_desired().find(by_alias));
            if let Some(found) = found {
                self.pair(index, found);
            }
        }
    }
}
