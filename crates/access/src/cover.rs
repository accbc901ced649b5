//! Describes sets of atoms by few terms: inclusions and exceptions.
//!
//! Textbook problem: separate positive from negative examples by short conjunctions, as in learning
//! decision trees. An atom is the set of terms (resources) that match its requests. Given a term
//! `base`, the atoms that match it (the universe) and those among them that change (the good ones),
//! `cover` returns pairs of a conjunction of terms and a set of excluded terms. A request is covered
//! if it matches the conjunction and no excluded term, and exactly the good atoms are covered.
//!
//! If every atom is good, `base` alone describes them. Otherwise, terms that match no good atom
//! serve as exceptions (a greedy set cover). If they are not enough, the universe is split by the
//! term that separates good atoms from the others best, and both halves are described on their own.
//! Different atoms differ in some term, so that the recursion ends. Minimal descriptions are
//! NP-hard to find (set cover) and not required: any result is exact.
//!
//! Example: the base `**.example.com` has the atoms {base}, {base, ftp} and {base, www}, and all but
//! {base, ftp} are good: `**.example.com` except `ftp.example.com`. If only {base, www} is good,
//! nothing can be excepted for {base}: the split by `www` gives `**.example.com` and
//! `www.example.com`, which is the latter.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::{Budget, TooComplex};

/// The number of an atom.
pub(crate) type AtomId = usize;

/// Requests that match all terms of one of the inclusions and none of the excluded terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cover {
    /// A disjunction of conjunctions of terms.
    pub(crate) include: Vec<Vec<u32>>,
    pub(crate) exclude: BTreeSet<u32>,
    /// The covered atoms.
    pub(crate) atoms: Vec<AtomId>,
}

impl Cover {
    /// Whether the union of both covers exactly the atoms of both.
    pub(crate) fn is_compatible<'t>(
        &self,
        other: &Self,
        terms_of: &impl Fn(AtomId) -> &'t [u32],
    ) -> bool {
        let avoids = |atoms: &[AtomId], excluded: &BTreeSet<u32>| {
            excluded.is_empty()
                || atoms
                    .iter()
                    .all(|atom| terms_of(*atom).iter().all(|term| !excluded.contains(term)))
        };
        avoids(&self.atoms, &other.exclude) && avoids(&other.atoms, &self.exclude)
    }

    /// The union of two compatible covers.
    pub(crate) fn join(&mut self, other: Self) {
        let Self {
            include,
            exclude,
            atoms,
        } = other;
        self.include.extend(include);
        self.exclude.extend(exclude);
        self.atoms.extend(atoms);
    }
}

/// A part of the universe: the atoms that match all of `include` and none of `exclude`.
struct Part {
    include: Vec<u32>,
    exclude: BTreeSet<u32>,
    atoms: Vec<AtomId>,
}

/// How many good and other atoms of a part match a term.
#[derive(Clone, Copy, Default)]
struct Matches {
    good: usize,
    other: usize,
}

/// Describes the `good` atoms among those of the `universe`, which all match `base`. Both lists are
/// sorted.
///
/// # Errors
/// The description exceeds the work budget.
pub(crate) fn cover<'t>(
    base: u32,
    universe: &[AtomId],
    good: &[AtomId],
    terms_of: &impl Fn(AtomId) -> &'t [u32],
    budget: &Budget,
) -> Result<Vec<Cover>, TooComplex> {
    let is_good = |atom: &AtomId| good.binary_search(atom).is_ok();
    let mut covers = Vec::new();
    let mut parts = vec![Part {
        include: vec![base],
        exclude: BTreeSet::new(),
        atoms: universe.to_vec(),
    }];
    while let Some(part) = parts.pop() {
        let (wanted, others): (Vec<AtomId>, Vec<AtomId>) =
            part.atoms.iter().copied().partition(is_good);
        if wanted.is_empty() {
            continue;
        }
        if others.is_empty() {
            covers.push(finished(part, wanted));
            continue;
        }
        let mut matches: BTreeMap<u32, Matches> = BTreeMap::new();
        for atom in &part.atoms {
            let terms = terms_of(*atom);
            budget.spend(4 * terms.len())?;
            for term in terms {
                let found = matches.entry(*term).or_default();
                if is_good(atom) {
                    found.good += 1;
                } else {
                    found.other += 1;
                }
            }
        }
        if let Some(exceptions) = exceptions(&others, &matches, terms_of) {
            let mut part = part;
            part.exclude.extend(exceptions);
            covers.push(finished(part, wanted));
            continue;
        }
        let Some(split) = best_split(&matches, wanted.len(), others.len()) else {
            // Unreachable: atoms are different sets of terms.
            return Err(TooComplex);
        };
        let (with, without): (Vec<AtomId>, Vec<AtomId>) = part
            .atoms
            .iter()
            .copied()
            .partition(|atom| terms_of(*atom).binary_search(&split).is_ok());
        let mut include = part.include.clone();
        include.push(split);
        let mut exclude = part.exclude.clone();
        exclude.insert(split);
        parts.push(Part {
            include: part.include,
            exclude,
            atoms: without,
        });
        parts.push(Part {
            include,
            exclude: part.exclude,
            atoms: with,
        });
    }
    // An exclusion that came from a split is only needed if a different atom of the universe matches
    // the conjunction.
    for cover in &mut covers {
        prune(cover, universe, terms_of);
    }
    Ok(covers)
}

fn finished(part: Part, atoms: Vec<AtomId>) -> Cover {
    Cover {
        include: vec![part.include],
        exclude: part.exclude,
        atoms,
    }
}

/// Terms that match all `others` together and no good atom; `None` if there are none.
fn exceptions<'t>(
    others: &[AtomId],
    matches: &BTreeMap<u32, Matches>,
    terms_of: &impl Fn(AtomId) -> &'t [u32],
) -> Option<BTreeSet<u32>> {
    let usable = |term: &u32| matches.get(term).is_some_and(|found| found.good == 0);
    let has_one = |atom: &AtomId| terms_of(*atom).iter().any(usable);
    if !others.iter().all(has_one) {
        return None;
    }
    let mut chosen = BTreeSet::new();
    // Greedy: the term that matches most of the atoms. Atoms are visited in order, so that a wide
    // term is chosen before those that it covers.
    for atom in others {
        let terms = terms_of(*atom);
        if terms.iter().any(|term| chosen.contains(term)) {
            continue;
        }
        let widest = terms
            .iter()
            .filter(|term| usable(term))
            .max_by_key(|term| {
                let other = matches.get(term).map_or(0, |found| found.other);
                (other, std::cmp::Reverse(**term))
            })?;
        chosen.insert(*widest);
    }
    Some(chosen)
}

/// The term that separates the good atoms from the others best.
fn best_split(matches: &BTreeMap<u32, Matches>, good: usize, others: usize) -> Option<u32> {
    let total = good + others;
    let score = |found: &Matches| {
        // The difference of the two shares, scaled to integers.
        (found.good * others).abs_diff(found.other * good)
    };
    matches
        .iter()
        .filter(|(_, found)| (1..total).contains(&(found.good + found.other)))
        .max_by_key(|(term, found)| (score(found), std::cmp::Reverse(**term)))
        .map(|(term, _)| *term)
}

/// Removes exclusions without effect.
fn prune<'t>(cover: &mut Cover, universe: &[AtomId], terms_of: &impl Fn(AtomId) -> &'t [u32]) {
    if cover.exclude.is_empty() {
        return;
    }
    let Some(include) = cover.include.first() else {
        return;
    };
    let covered: BTreeSet<AtomId> = cover.atoms.iter().copied().collect();
    let unwanted: Vec<&[u32]> = universe
        .iter()
        .filter(|atom| !covered.contains(atom))
        .map(|atom| terms_of(*atom))
        .filter(|terms| include.iter().all(|term| terms.binary_search(term).is_ok()))
        .collect();
    let all = std::mem::take(&mut cover.exclude);
    let mut kept = all.clone();
    for candidate in &all {
        kept.remove(candidate);
        let still_excluded = |terms: &&[u32]| terms.iter().any(|term| kept.contains(term));
        if !unwanted.iter().all(|terms| still_excluded(terms)) {
            kept.insert(*candidate);
        }
    }
    cover.exclude = kept;
}
