//! Policies: by name, by a declared old name, and, where it would be deleted anyway, by what they hold.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::{Pairing, rings};
use model::Name;
use model::docker::{Content, DesiredPolicy, LiveContent, LivePolicy};

/// More ways than this to pair what shares names are not all looked at: names go first then.
const MOST_WAYS: usize = 4096;

/// How many calls a pair makes, and how many it makes to create a policy anew, by positions.
pub(crate) struct Costs<'a> {
    /// A live policy becomes a desired one.
    pub update: &'a dyn Fn(usize, usize) -> usize,
    /// A desired policy is made anew.
    pub create: &'a dyn Fn(usize) -> usize,
}

/// Both sides of a target, and what may be done to them.
pub(crate) struct Policies<'a> {
    /// What is live, sorted by name and id.
    pub live: &'a [&'a LivePolicy],
    /// What is wanted, sorted by name.
    pub desired: &'a [&'a DesiredPolicy],
    /// Whether the profile can rename and delete policies.
    pub writes: bool,
    /// Whether live policies that nobody declares are deleted.
    pub prunes: bool,
}

/// How policies are paired.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Paired {
    /// The pairs.
    pub pairing: Pairing,
    /// Of the pairs, live policies that no manifest names: they would be deleted, and become a new one.
    pub taken_over: BTreeSet<usize>,
}

/// The name that a policy has for a moment while it exchanges names with another. It follows from the name that it
/// gets, so that a run which follows one that was cut off finds it again.
pub(crate) fn temporary_name(name: &Name) -> String {
    format!("{name} (polwarden is renaming it)")
}

/// Pairs policies.
///
/// A manifest's name goes before the old names that it declares, with one exception: where the live policy of that name
/// is claimed by another manifest's old name (a chain or an exchange of names), as many live policies as possible are
/// paired, with the fewest calls. A policy with `protect` is always known by its name. A live policy that no manifest
/// names is taken over by a new one only if it would be deleted otherwise, if both have the same scope and mostly the
/// same rules, and if that makes fewer calls.
pub(crate) fn pair_policies(policies: &Policies<'_>, costs: &Costs<'_>) -> Paired {
    let links = Links::of(policies);
    let mut pairs = Vec::new();
    for group in links.groups() {
        pairs.extend(links.pair(&group, policies, costs));
    }
    let declared = Pairing::of(pairs.clone(), policies.live.len(), policies.desired.len());
    let takeovers = if policies.prunes && policies.writes {
        take_over(policies, &declared, costs)
    } else {
        Vec::new()
    };
    let taken_over = takeovers.iter().map(|(live, _)| *live).collect();
    pairs.extend(takeovers);
    Paired {
        pairing: Pairing::of(pairs, policies.live.len(), policies.desired.len()),
        taken_over,
    }
}

/// Which live policies each desired one names.
struct Links<'a> {
    policies: &'a Policies<'a>,
    /// By desired: the live policy of the same name, and those of its old names in the order of the manifest.
    own: Vec<Option<usize>>,
    old: Vec<Vec<usize>>,
}

impl<'a> Links<'a> {
    fn of(policies: &'a Policies<'a>) -> Self {
        let names: HashMap<&str, usize> = policies
            .live
            .iter()
            .enumerate()
            .rev()
            .map(|(index, live)| (live.name.as_str(), index))
            .collect();
        let own: Vec<Option<usize>> = policies
            .desired
            .iter()
            .map(|desired| names.get(desired.name.as_str()).copied())
            .collect();
        let old = policies.desired.iter().map(|desired| {
            let temporary = temporary_name(&desired.name);
            let names = desired
                .aliases
                .iter()
                .map(Name::as_str)
                .chain([temporary.as_str()])
                .map(|name| names.get(name));
            names.flatten().copied().collect()
        });
        let old = old.collect();
        Self { policies, own, old }
    }

    /// The desired policies that name the same live ones, directly or through others.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut group_of: HashMap<usize, usize> = HashMap::new();
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for desired in 0..self.own.len() {
            let named: Vec<usize> = self.own[desired]
                .iter()
                .chain(&self.old[desired])
                .copied()
                .collect();
            let met: BTreeSet<usize> = named
                .iter()
                .filter_map(|live| group_of.get(live).copied())
                .collect();
            let mut members: Vec<usize> = met
                .iter()
                .filter_map(|group| groups.remove(group))
                .flatten()
                .collect();
            members.push(desired);
            members.sort_unstable();
            if !met.is_empty() {
                group_of
                    .values_mut()
                    .filter(|group| met.contains(group))
                    .for_each(|group| *group = desired);
            }
            group_of.extend(named.into_iter().map(|live| (live, desired)));
            groups.insert(desired, members);
        }
        groups.into_values().collect()
    }

    fn pair(
        &self,
        group: &[usize],
        policies: &Policies<'_>,
        costs: &Costs<'_>,
    ) -> Vec<(usize, usize)> {
        let by_name = self.by_name(group);
        let ways: usize = group
            .iter()
            .map(|desired| 2 + self.old[*desired].len())
            .try_fold(1_usize, usize::checked_mul)
            .unwrap_or(usize::MAX);
        let contested = group.iter().any(|desired| {
            self.old[*desired]
                .iter()
                .any(|live| self.is_declared(*live))
        });
        if !contested || !policies.writes || ways > MOST_WAYS {
            return by_name;
        }
        let mut search = Search {
            links: self,
            group,
            costs,
            best: None,
            cache: HashMap::new(),
        };
        search.go(&mut Vec::new());
        search.best.map_or(by_name, |(_, pairs)| pairs)
    }

    /// Names first, then old names.
    fn by_name(&self, group: &[usize]) -> Vec<(usize, usize)> {
        let mut pairs: Vec<(usize, usize)> = group
            .iter()
            .filter_map(|desired| Some((self.own[*desired]?, *desired)))
            .collect();
        let mut taken: BTreeSet<usize> = pairs.iter().map(|(live, _)| *live).collect();
        for desired in group.iter().filter(|desired| self.own[**desired].is_none()) {
            let free = self.old[*desired]
                .iter()
                .copied()
                .find(|live| !taken.contains(live));
            if let Some(live) = free {
                taken.insert(live);
                pairs.push((live, *desired));
            }
        }
        pairs
    }

    fn is_declared(&self, live: usize) -> bool {
        self.own.contains(&Some(live))
    }

    /// The live policies that a desired one may be, its own name first.
    fn choices(&self, desired: usize) -> Vec<usize> {
        let movable = |live: &usize| {
            let holder = self.own.iter().position(|own| *own == Some(*live));
            let protected = holder.is_some_and(|holder| self.policies.desired[holder].protect);
            let opaque = matches!(self.policies.live[*live].content, LiveContent::Opaque(_));
            holder.is_none() || (!protected && !opaque)
        };
        self.own[desired]
            .into_iter()
            .chain(self.old[desired].iter().copied().filter(movable))
            .collect()
    }
}

/// What speaks for a way to pair a group; the smallest is best: live policies left alone, calls, pairs that are not by
/// name, then the order of the search.
type Merit = (Reverse<usize>, usize, usize);

/// Looks at all ways to pair a group.
struct Search<'s> {
    links: &'s Links<'s>,
    group: &'s [usize],
    costs: &'s Costs<'s>,
    best: Option<(Merit, Vec<(usize, usize)>)>,
    cache: HashMap<(usize, usize), usize>,
}

impl Search<'_> {
    fn go(&mut self, made: &mut Vec<(Option<usize>, usize)>) {
        let Some(desired) = self.group.get(made.len()).copied() else {
            return self.judge(made);
        };
        let choices = self
            .links
            .choices(desired)
            .into_iter()
            .map(Some)
            .chain([None]);
        for choice in choices.collect::<Vec<_>>() {
            if choice.is_none() || made.iter().all(|(taken, _)| *taken != choice) {
                made.push((choice, desired));
                self.go(made);
                made.pop();
            }
        }
    }

    fn judge(&mut self, made: &[(Option<usize>, usize)]) {
        let pairs: Vec<(usize, usize)> = made
            .iter()
            .filter_map(|(live, desired)| Some(((*live)?, *desired)))
            .collect();
        let policies = self.links.policies;
        // A live policy that stays as it is keeps its name, which nobody else can have then.
        let keeps = |live: &usize| !pairs.iter().any(|(paired, _)| paired == live);
        if self
            .group
            .iter()
            .filter_map(|desired| self.links.own[*desired])
            .any(|live| keeps(&live))
        {
            return;
        }
        let exchanges = exchanges(policies, &pairs);
        let known = |name: &str| {
            policies.live.iter().any(|live| live.name == name)
                || policies
                    .desired
                    .iter()
                    .any(|desired| desired.name.as_str() == name)
        };
        if exchanges
            .iter()
            .flatten()
            .any(|name| known(&temporary_name(name)))
        {
            return;
        }
        let mut calls = exchanges.len();
        for (live, desired) in made {
            calls += match live {
                Some(live) => *self
                    .cache
                    .entry((*live, *desired))
                    .or_insert_with(|| (self.costs.update)(*live, *desired)),
                None => (self.costs.create)(*desired),
            };
        }
        let renamed = pairs
            .iter()
            .filter(|(live, desired)| self.links.own[*desired] != Some(*live))
            .count();
        let merit = (Reverse(pairs.len()), calls, renamed);
        if self.best.as_ref().is_none_or(|(best, _)| merit < *best) {
            self.best = Some((merit, pairs));
        }
    }
}

/// The rings of renames, each as the names that its policies get. One policy of each ring gets a temporary name first.
fn exchanges<'a>(policies: &Policies<'a>, pairs: &[(usize, usize)]) -> Vec<Vec<&'a Name>> {
    let names: Vec<(&'a str, &'a Name)> = pairs
        .iter()
        .map(|(live, desired)| {
            (
                policies.live[*live].name.as_str(),
                &policies.desired[*desired].name,
            )
        })
        .filter(|(from, to)| *from != to.as_str())
        .collect();
    let texts: Vec<(&str, &str)> = names
        .iter()
        .map(|(from, to)| (*from, to.as_str()))
        .collect();
    rings(&texts)
        .into_iter()
        .map(|ring| ring.into_iter().map(|at| names[at].1).collect())
        .collect()
}

/// New policies that are made from live ones which would be deleted, so that the calls saved are the most.
fn take_over(
    policies: &Policies<'_>,
    declared: &Pairing,
    costs: &Costs<'_>,
) -> Vec<(usize, usize)> {
    let saved = |(desired, live): (usize, usize)| -> i64 {
        let live = declared.only_live[live];
        let desired = declared.only_desired[desired];
        if !is_the_same(policies.live[live], policies.desired[desired]) {
            return 0;
        }
        let without = 1 + (costs.create)(desired);
        i64::try_from(without.saturating_sub((costs.update)(live, desired))).unwrap_or_default()
    };
    let rows = declared.only_desired.len();
    let columns = declared.only_live.len();
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    // A column for each row that takes none, as no row may be without.
    let table = Matrix::from_fn(rows, columns + rows, |(row, column)| {
        if column < columns {
            saved((row, column))
        } else {
            0
        }
    });
    let (_, chosen) = kuhn_munkres(&table);
    let chosen = chosen
        .into_iter()
        .enumerate()
        .filter(|(row, column)| table[(*row, *column)] > 0);
    chosen
        .map(|(row, column)| (declared.only_live[column], declared.only_desired[row]))
        .collect()
}

/// Whether a live policy is a declared one under another name, as far as one can see: nothing of it is unknown, both
/// reach the same people, and at least half of the rules are there on both sides, whatever they are called.
fn is_the_same(live: &LivePolicy, desired: &DesiredPolicy) -> bool {
    let LivePolicy {
        id: _,
        name: _,
        scope,
        unknown_scope_fields,
        content,
        created_at: _,
        updated_at: _,
        unknown_fields,
    } = live;
    let DesiredPolicy {
        name: _,
        aliases: _,
        protect: _,
        scope: wanted_scope,
        content: wanted,
        document: _,
    } = desired;
    if !unknown_scope_fields.is_empty() || !unknown_fields.is_empty() || scope != wanted_scope {
        return false;
    }
    match (content, wanted) {
        (LiveContent::Cedar(before), Content::Cedar(after)) => before == after,
        (LiveContent::Rules(before), Content::Rules(after)) => {
            if before
                .iter()
                .any(|rule| rule.rule.is_err() || !rule.unknown_fields.is_empty())
            {
                return false;
            }
            if 2 * before.len().min(after.len()) < before.len().max(after.len()) {
                return false;
            }
            let mut left: HashMap<_, usize> = HashMap::new();
            for rule in before.iter().filter_map(|rule| rule.rule.as_ref().ok()) {
                *left.entry(rule.meaning()).or_default() += 1;
            }
            let found = after
                .iter()
                .filter(|item| match left.get_mut(&item.rule.meaning()) {
                    Some(count) if *count > 0 => {
                        *count -= 1;
                        true
                    }
                    Some(_) | None => false,
                });
            let found = found.count();
            found > 0 && 2 * found >= before.len().max(after.len())
        }
        (LiveContent::Rules(_) | LiveContent::Cedar(_) | LiveContent::Opaque(_), _) => false,
    }
}
