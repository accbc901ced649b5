//! Pairs policies: by name, by declared alias, and by content if a policy would be deleted
//! otherwise.
//!
//! The names and aliases of manifests form a bipartite graph between desired and live policies, and
//! its connected components are independent. In nearly all of them, names decide. Where a name is
//! claimed by another manifest's alias (`a` was renamed to `b`, and a new `a` was declared), all
//! assignments of the component are tried, up to [`MOST_WAYS`], and the one with the fewest calls
//! is chosen. Renames in a cycle are allowed, but cost one call each for the temporary name.
//!
//! The remaining new policies may take over remaining live ones that would be deleted. This is an
//! assignment problem where the weight of a pair is the number of saved calls; it is solved by the
//! Kuhn-Munkres algorithm.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::pairing::{Pairing, rename_cycles};
use model::Name;
use model::docker::{DesiredPolicy, LiveContent, LivePolicy, PolicyContent};

/// Maximum number of assignments of one component to try. Beyond it, names decide.
const MOST_WAYS: usize = 4096;

/// Numbers of calls, by positions.
pub(crate) struct PairingCosts<'a> {
    /// The calls that turn a live policy into a desired one.
    pub update: &'a dyn Fn(usize, usize) -> usize,
    /// The calls that create a desired policy.
    pub create: &'a dyn Fn(usize) -> usize,
}

pub(crate) struct PairingInput<'a> {
    /// Sorted by name and id.
    pub live: &'a [&'a LivePolicy],
    /// Sorted by name.
    pub desired: &'a [&'a DesiredPolicy],
    /// Whether the profile can rename and delete policies.
    pub writes: bool,
    /// Whether unmanaged policies are deleted.
    pub prunes: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicyPairing {
    pub pairing: Pairing,
    /// The live policies in `pairing` that no manifest names: they would be deleted, and become new
    /// policies instead.
    pub taken_over: BTreeSet<usize>,
}

/// The temporary name of a policy that exchanges names with another one. It is derived from the
/// final name, so that a run after an interrupted one finds the policy again.
pub(crate) fn temporary_name(name: &Name) -> String {
    format!("{name} (polwarden is renaming it)")
}

/// Pairs policies.
///
/// A name takes precedence over aliases, with one exception: if another manifest's alias claims the
/// live policy of that name (a chain or an exchange of names), as many live policies as possible
/// are paired, with the fewest calls. A policy with `protect` is only paired by its name. An
/// unmanaged policy is taken over by a new one only if it would be deleted otherwise, both have the
/// same scope and mostly the same rules, and this saves calls.
pub(crate) fn pair_policies(
    policies: &PairingInput<'_>,
    costs: &PairingCosts<'_>,
) -> PolicyPairing {
    let links = NameLinks::new(policies);
    let mut pairs = Vec::new();
    for group in links.groups() {
        pairs.extend(links.pair(&group, policies, costs));
    }
    let declared = Pairing::from_pairs(pairs.clone(), policies.live.len(), policies.desired.len());
    let takeovers = if policies.prunes && policies.writes {
        reuse_deleted_policies(policies, &declared, costs)
    } else {
        Vec::new()
    };
    let taken_over = takeovers.iter().map(|(live, _)| *live).collect();
    pairs.extend(takeovers);
    PolicyPairing {
        pairing: Pairing::from_pairs(pairs, policies.live.len(), policies.desired.len()),
        taken_over,
    }
}

/// The live policies that each desired one names.
struct NameLinks<'a> {
    policies: &'a PairingInput<'a>,
    /// By desired policy: the live policy of the same name.
    own: Vec<Option<usize>>,
    old: Vec<Vec<usize>>,
}

impl<'a> NameLinks<'a> {
    fn new(policies: &'a PairingInput<'a>) -> Self {
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

    /// The connected components: desired policies that name the same live ones, directly or through
    /// others.
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
        policies: &PairingInput<'_>,
        costs: &PairingCosts<'_>,
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
        let mut search = PairingSearch {
            links: self,
            group,
            costs,
            best: None,
            cache: HashMap::new(),
        };
        search.search(&mut Vec::new());
        search.best.map_or(by_name, |(_, pairs)| pairs)
    }

    /// Pairs by names first, then by aliases.
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

    /// The live policies that a desired one may be paired with, its own name first.
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

/// The objective, smaller is better: number of pairs (more is better), calls, pairs that are not by
/// name.
type PairingScore = (Reverse<usize>, usize, usize);

/// Exhaustive search over the assignments of a component.
struct PairingSearch<'s> {
    links: &'s NameLinks<'s>,
    group: &'s [usize],
    costs: &'s PairingCosts<'s>,
    best: Option<(PairingScore, Vec<(usize, usize)>)>,
    cache: HashMap<(usize, usize), usize>,
}

impl PairingSearch<'_> {
    fn search(&mut self, made: &mut Vec<(Option<usize>, usize)>) {
        let Some(desired) = self.group.get(made.len()).copied() else {
            return self.evaluate(made);
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
                self.search(made);
                made.pop();
            }
        }
    }

    fn evaluate(&mut self, made: &[(Option<usize>, usize)]) {
        let pairs: Vec<(usize, usize)> = made
            .iter()
            .filter_map(|(live, desired)| Some(((*live)?, *desired)))
            .collect();
        let policies = self.links.policies;
        // A live policy that is not paired keeps its name, so no other policy can take it.
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

/// The cycles of renames, each as the final names of its policies. One policy of each cycle needs a
/// temporary name.
fn exchanges<'a>(policies: &PairingInput<'a>, pairs: &[(usize, usize)]) -> Vec<Vec<&'a Name>> {
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
    rename_cycles(&texts)
        .into_iter()
        .map(|ring| ring.into_iter().map(|at| names[at].1).collect())
        .collect()
}

/// Lets new policies take over live ones that would be deleted, so that the most calls are saved.
fn reuse_deleted_policies(
    policies: &PairingInput<'_>,
    declared: &Pairing,
    costs: &PairingCosts<'_>,
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
    // One extra column per row, because `kuhn_munkres` assigns a column to every row.
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

/// Whether a live policy is the declared one under another name: it has no unknown fields, the
/// scope is the same, and at least half of the rules are equal apart from their names.
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
        // A live policy without unknown fields gets those that the manifest lists.
        extensions: _,
        document: _,
    } = desired;
    if !unknown_scope_fields.is_empty() || !unknown_fields.is_empty() || scope != wanted_scope {
        return false;
    }
    match (content, wanted) {
        (LiveContent::Cedar(before), PolicyContent::Cedar(after)) => before == after,
        (LiveContent::Rules(before), PolicyContent::Rules(after)) => {
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
