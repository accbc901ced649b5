//! Which live object is which declared one.

use std::collections::HashMap;

use crate::model::Name;
use crate::model::docker::{DesiredPolicy, DesiredRule, LivePolicy, LiveRule};

/// Live and desired objects side by side, as positions in their lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pairing {
    /// Pairs of live and desired.
    pub pairs: Vec<(usize, usize)>,
    /// Live ones that nothing declares.
    pub only_live: Vec<usize>,
    /// Desired ones that do not exist.
    pub only_desired: Vec<usize>,
}

/// Pairs policies: the same name first, then a declared alias.
pub(super) fn pair_policies(live: &[&LivePolicy], desired: &[&DesiredPolicy]) -> Pairing {
    let mut open = Open::new(live.len(), desired.len());
    let names = index(live.iter().map(|policy| policy.name.as_str()));
    open.pair_by(desired, |policy| std::slice::from_ref(&policy.name), &names);
    open.pair_by(desired, |policy| &policy.aliases, &names);
    open.finish()
}

/// Pairs the rules of a policy: the same name and content first (names may repeat in live state), then the same
/// name, a declared alias, and the same content under another name, which is a rename.
pub(super) fn pair_rules<'a>(live: &[&'a LiveRule], desired: &[&'a DesiredRule]) -> Pairing {
    let mut open = Open::new(live.len(), desired.len());
    let names = index(live.iter().map(|rule| rule.name.as_str()));
    open.pair_where(
        desired,
        |rule| names.get(rule.rule.name.as_str()),
        |live_index, rule| live[live_index].rule.as_ref().is_ok_and(|live| *live == rule.rule),
    );
    open.pair_by(desired, |rule| std::slice::from_ref(&rule.rule.name), &names);
    open.pair_by(desired, |rule| &rule.aliases, &names);
    let contents = index(live.iter().map(|rule| rule.rule.as_ref().ok().map(|rule| (rule.decision, &rule.access))));
    open.pair_where(desired, |rule| contents.get(&Some((rule.rule.decision, &rule.rule.access))), |_, _| true);
    open.finish()
}

fn index<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, Vec<usize>> {
    let mut positions: HashMap<K, Vec<usize>> = HashMap::new();
    for (position, key) in keys.enumerate() {
        positions.entry(key).or_default().push(position);
    }
    positions
}

struct Open {
    live: Vec<bool>,
    desired: Vec<bool>,
    pairs: Vec<(usize, usize)>,
}

impl Open {
    fn new(live: usize, desired: usize) -> Self {
        Self { live: vec![true; live], desired: vec![true; desired], pairs: Vec::new() }
    }

    fn pair_by<D>(&mut self, desired: &[&D], names: impl Fn(&D) -> &[Name], live: &HashMap<&str, Vec<usize>>) {
        for (desired_index, item) in desired.iter().enumerate() {
            for name in names(item) {
                self.take(desired_index, live.get(name.as_str()), |_| true);
            }
        }
    }

    fn pair_where<'a, 'm, D>(
        &mut self,
        desired: &[&'a D],
        candidates: impl Fn(&'a D) -> Option<&'m Vec<usize>>,
        fits: impl Fn(usize, &D) -> bool,
    ) {
        for (desired_index, item) in desired.iter().enumerate() {
            self.take(desired_index, candidates(item), |live_index| fits(live_index, item));
        }
    }

    fn take(&mut self, desired: usize, candidates: Option<&Vec<usize>>, fits: impl Fn(usize) -> bool) {
        if !self.desired[desired] {
            return;
        }
        let free = candidates.into_iter().flatten().find(|live| self.live[**live] && fits(**live));
        if let Some(&live) = free {
            self.live[live] = false;
            self.desired[desired] = false;
            self.pairs.push((live, desired));
        }
    }

    fn finish(mut self) -> Pairing {
        self.pairs.sort_by_key(|(_, desired)| *desired);
        let open = |flags: &[bool]| (0..flags.len()).filter(|position| flags[*position]).collect();
        Pairing { pairs: self.pairs, only_live: open(&self.live), only_desired: open(&self.desired) }
    }
}
