//! Audiences as formulas: for which combinations of groups something is the case.
//!
//! A policy applies to everyone, or to the members of some groups (teams, and profiles in the API
//! shape `seed`). A person is characterized by the set S of groups that they are a member of, and
//! any set is possible. For one request, let A be the union of the scopes of the matching allow
//! rules and D that of the matching deny rules. The request is allowed for S exactly if S meets A
//! and does not meet D, where a scope without groups meets every S. "Newly allowed" is therefore
//! a conjunction of a few conditions of the forms *S meets X* and *S avoids X*, which this module
//! expands to a disjunction of conjunctions of memberships (disjunctive normal form). No set of
//! groups is left out, and none is tried: the formula is exact for all of them.
//!
//! Example: everyone is allowed a host before and after, and a deny for team T is removed. The
//! request opens for S exactly if S meets {T}: members of T. If it is the allow that is added, and
//! T keeps its deny, it opens for S exactly if S avoids {T}: everyone except members of T.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::audience::Audience;
use super::bits::BitSet;
use model::docker::Scope;

/// The number that stands for everyone in a set of groups. Groups are numbered from 1.
pub(crate) const EVERYONE: usize = 0;

/// Maximum number of conjunctions in one formula. Longer ones would not be read.
const MOST_TERMS: usize = 64;

/// Numbers the teams and profiles that scopes name.
#[derive(Debug, Clone, Default)]
pub struct GroupTable {
    /// The names, in order; group n is the name at n - 1.
    names: Vec<String>,
    /// By lowercase name: UUIDs are compared without regard to case.
    numbers: BTreeMap<String, usize>,
}

/// One alternative of a formula: members of all of some groups who are in none of others.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Membership {
    /// Groups that they must be a member of. Teams by short name, if the target defines one, or by
    /// UUID; profiles of people as `profile:NAME`.
    pub all_of: BTreeSet<String>,
    /// Groups that they must not be a member of.
    pub none_of: BTreeSet<String>,
}

/// A set of people, as a disjunction of conjunctions. Empty for nobody; a single term without groups
/// is everyone.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct People(pub Vec<Membership>);

/// A formula would have more than 64 terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TooManyTerms {
    /// One of the terms: the formula is not empty.
    pub(crate) first: Term,
}

/// A term of a formula over numbered groups.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Term {
    pub(crate) all_of: SmallVec<[usize; 3]>,
    pub(crate) none_of: BitSet,
}

/// A formula over numbered groups in normalized form, so that equal formulas of the same shape
/// compare equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Formula(pub(crate) Vec<Term>);

impl GroupTable {
    /// Numbers the groups of these scopes.
    pub fn of<'s>(scopes: impl IntoIterator<Item = &'s Scope>) -> Self {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for Scope { teams, profiles } in scopes {
            let teams = teams.iter().map(|team| team.as_str().to_owned());
            for name in teams.chain(profiles.iter().map(|profile| format!("profile:{profile}"))) {
                names.entry(key(&name)).or_insert(name);
            }
        }
        let numbers = names.keys().cloned().zip(1..).collect();
        Self {
            names: names.into_values().collect(),
            numbers,
        }
    }

    /// The number of groups.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The groups of a scope; group 0, everyone, for a scope without groups.
    pub fn groups(&self, scope: &Scope) -> Vec<usize> {
        if scope.is_organization_wide() {
            return vec![EVERYONE];
        }
        let Scope { teams, profiles } = scope;
        self.numbers_of(
            teams.iter().map(|team| team.as_str().to_owned()),
            profiles.iter().cloned(),
        )
    }

    /// The groups that an audience is a member of; those that no scope names make no difference.
    pub(crate) fn members(&self, audience: &Audience) -> BitSet {
        let Audience { teams, profiles } = audience;
        self.numbers_of(teams.iter().cloned(), profiles.iter().cloned())
            .into_iter()
            .collect()
    }

    fn numbers_of(
        &self,
        teams: impl Iterator<Item = String>,
        profiles: impl Iterator<Item = String>,
    ) -> Vec<usize> {
        teams
            .chain(profiles.map(|profile| format!("profile:{profile}")))
            .filter_map(|name| self.numbers.get(&key(&name)).copied())
            .collect()
    }

    pub(crate) fn people(&self, formula: &Formula) -> People {
        let name = |group: usize| {
            let name = group.checked_sub(1).and_then(|at| self.names.get(at));
            name.cloned().unwrap_or_default()
        };
        let terms = formula.0.iter().map(|term| Membership {
            all_of: term.all_of.iter().copied().map(name).collect(),
            none_of: term.none_of.iter().map(name).collect(),
        });
        People(terms.collect())
    }
}

/// Team ids are UUIDs, which are compared without regard to case; profiles are not.
fn key(name: &str) -> String {
    if name.starts_with("profile:") {
        name.to_owned()
    } else {
        name.to_ascii_lowercase()
    }
}

impl Membership {
    /// Whether members of exactly these groups are meant.
    pub fn includes(&self, groups: &BTreeSet<String>) -> bool {
        self.all_of.is_subset(groups) && self.none_of.is_disjoint(groups)
    }
}

impl People {
    /// Everyone in the organization.
    pub fn everyone() -> Self {
        Self(vec![Membership::default()])
    }

    /// Members of all groups of an audience.
    pub fn members_of(audience: &Audience) -> Self {
        let Audience { teams, profiles } = audience;
        let profiles = profiles.iter().map(|profile| format!("profile:{profile}"));
        Self(vec![Membership {
            all_of: teams.iter().cloned().chain(profiles).collect(),
            none_of: BTreeSet::new(),
        }])
    }

    /// Whether everyone is meant.
    pub fn is_everyone(&self) -> bool {
        self.0.contains(&Membership::default())
    }

    /// The groups that the terms name.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let terms = self.0.iter();
        terms.flat_map(|term| term.all_of.iter().chain(&term.none_of).map(String::as_str))
    }

    /// Whether members of exactly these groups are meant.
    pub fn includes(&self, groups: &BTreeSet<String>) -> bool {
        self.0.iter().any(|term| term.includes(groups))
    }

    /// The same people, with team ids replaced by short names. `names` maps each short name to a
    /// UUID.
    #[must_use]
    pub fn with_team_names(self, names: &BTreeMap<String, String>) -> Self {
        let named = |groups: BTreeSet<String>| {
            let named = groups.into_iter().map(|group| {
                names
                    .iter()
                    .find(|(_, uuid)| uuid.eq_ignore_ascii_case(&group))
                    .map_or(group, |(name, _)| name.clone())
            });
            named.collect()
        };
        let terms = self
            .0
            .into_iter()
            .map(|Membership { all_of, none_of }| Membership {
                all_of: named(all_of),
                none_of: named(none_of),
            });
        let mut terms: Vec<Membership> = terms.collect();
        terms.sort();
        Self(terms)
    }
}

/// Whether members of exactly these groups are met by a scope.
pub(crate) fn meets(groups: &BitSet, scope: &BitSet) -> bool {
    scope.contains(EVERYONE) || groups.iter().any(|group| scope.contains(group))
}

/// The people who meet each of `meets` and none of `avoids`, as terms appended to `terms`.
pub(crate) fn conjunction(
    meets: &[&BitSet],
    avoids: &[&BitSet],
    terms: &mut Vec<Term>,
) -> Result<(), TooManyTerms> {
    let mut none_of = BitSet::default();
    for avoided in avoids {
        none_of.add(avoided);
    }
    if none_of.contains(EVERYONE) {
        return Ok(());
    }
    let mut chosen: Vec<SmallVec<[usize; 3]>> = vec![SmallVec::new()];
    for met in meets {
        if met.contains(EVERYONE) {
            continue;
        }
        let mut longer = Vec::new();
        for group in met.iter().filter(|group| !none_of.contains(*group)) {
            for groups in &chosen {
                let mut groups = groups.clone();
                if !groups.contains(&group) {
                    groups.push(group);
                    groups.sort_unstable();
                }
                longer.push(groups);
            }
        }
        // The alternatives that only repeat others are removed at the end, so that the limit here
        // is larger than the limit of the result.
        if longer.len() > MOST_TERMS * MOST_TERMS {
            let all_of = longer.swap_remove(0);
            return Err(TooManyTerms {
                first: Term { all_of, none_of },
            });
        }
        chosen = longer;
    }
    terms.extend(chosen.into_iter().map(|all_of| Term {
        all_of,
        none_of: none_of.clone(),
    }));
    Ok(())
}

impl Term {
    /// Whether everyone in `other` is in this term.
    fn absorbs(&self, other: &Self) -> bool {
        self.all_of.iter().all(|group| other.all_of.contains(group))
            && self.none_of.is_subset(&other.none_of)
    }
}

/// A term that two others imply together and that absorbs at least one of them.
///
/// This is the consensus step of Quine and McCluskey: if one term requires group g and the other
/// one avoids it, everyone who satisfies all their other conditions is in one of them. Example:
/// "members of T" and "everyone except members of T" give everyone, which absorbs both.
fn consensus(terms: &[Term]) -> Option<Term> {
    for requires in terms {
        for avoids in terms {
            let mut opposed = requires
                .all_of
                .iter()
                .filter(|group| avoids.none_of.contains(**group));
            let (Some(group), None) = (opposed.next(), opposed.next()) else {
                continue;
            };
            let mut all_of = requires.all_of.clone();
            all_of.retain(|own| own != group);
            all_of.extend(avoids.all_of.iter().copied());
            all_of.sort_unstable();
            all_of.dedup();
            let mut none_of = avoids.none_of.clone().without(&BitSet::single(*group));
            none_of.add(&requires.none_of);
            let found = Term { all_of, none_of };
            let contradicts = found.all_of.iter().any(|own| found.none_of.contains(*own));
            if !contradicts && (found.absorbs(requires) || found.absorbs(avoids)) {
                return Some(found);
            }
        }
    }
    None
}

impl Formula {
    /// Normalizes a disjunction: terms that others absorb are removed, and terms that need fewer
    /// conditions together are merged.
    pub(crate) fn of(mut terms: Vec<Term>) -> Result<Self, TooManyTerms> {
        if terms.len() > 1 {
            terms.sort();
            terms.dedup();
            let all = std::mem::take(&mut terms);
            for (at, term) in all.iter().enumerate() {
                let mut others = all.iter().enumerate().filter(|(other, _)| *other != at);
                if !others.any(|(_, other)| other.absorbs(term)) {
                    terms.push(term.clone());
                }
            }
            // Each step removes at least one condition, so that the loop ends.
            while let Some(found) = consensus(&terms) {
                terms.retain(|term| !found.absorbs(term));
                terms.push(found);
            }
            terms.sort();
        }
        if terms.len() > MOST_TERMS {
            let first = terms.swap_remove(0);
            return Err(TooManyTerms { first });
        }
        Ok(Self(terms))
    }

    pub(crate) fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each term of `other` is absorbed by a term of this formula.
    pub(crate) fn absorbs(&self, other: &Self) -> bool {
        let absorbed = |term: &Term| self.0.iter().any(|own| own.absorbs(term));
        other.0.iter().all(absorbed)
    }

    /// The smallest set of groups in the first term, as a representative of the people.
    pub(crate) fn representative(&self) -> BitSet {
        self.0
            .first()
            .map(|term| term.all_of.iter().copied().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(groups: &[usize]) -> BitSet {
        groups.iter().copied().collect()
    }

    /// All sets of four groups, by brute force over the definition.
    #[test]
    fn conjunctions_agree_with_brute_force() {
        let scopes: Vec<BitSet> = (0..32_usize)
            .map(|bits| (0..5).filter(|group| bits >> group & 1 == 1).collect())
            .collect();
        for one in &scopes {
            for two in &scopes {
                for avoided in &scopes {
                    let mut terms = Vec::new();
                    conjunction(&[one, two], &[avoided], &mut terms).unwrap();
                    let formula = Formula::of(terms).unwrap();
                    for person in 0..16_usize {
                        let groups: BitSet = (1..5)
                            .filter(|group| person >> (group - 1) & 1 == 1)
                            .collect();
                        let expected =
                            meets(&groups, one) && meets(&groups, two) && !meets(&groups, avoided);
                        let found = formula.0.iter().any(|term| {
                            term.all_of.iter().all(|group| groups.contains(*group))
                                && term.none_of.iter().all(|group| !groups.contains(group))
                        });
                        assert_eq!(found, expected, "{one:?} {two:?} {avoided:?} {groups:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn terms_that_others_absorb_are_removed() {
        let mut terms = Vec::new();
        conjunction(&[&set(&[1, 2]), &set(&[1])], &[&set(&[3])], &mut terms).unwrap();
        let formula = Formula::of(terms).unwrap();
        assert_eq!(formula.0.len(), 1);
        assert_eq!(formula.0[0].all_of.as_slice(), [1]);
    }

    #[test]
    fn more_terms_than_anyone_reads_are_refused() {
        let many: BitSet = (1..=65).collect();
        let mut terms = Vec::new();
        conjunction(&[&many], &[], &mut terms).unwrap();
        assert!(Formula::of(terms).is_err());
    }

    #[test]
    fn uuids_of_teams_ignore_case_and_profiles_do_not() {
        let mut upper = Scope::default();
        upper.profiles.insert("Staff".to_owned());
        let mut lower = Scope::default();
        lower.profiles.insert("staff".to_owned());
        let table = GroupTable::of([&upper, &lower]);
        assert_ne!(table.groups(&upper), table.groups(&lower));
        assert_eq!(table.groups(&Scope::default()), [EVERYONE]);
    }
}
