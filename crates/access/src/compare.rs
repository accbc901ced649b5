//! Compares rule sets: the requests that a change opens and closes and the denies that it removes
//! and adds, each with the people, a witness and the deciding rules.
//!
//! Textbook problem: the symmetric difference of two request sets. A request opens for some people
//! if it is in A(after) and not in A(before) for them, and closes in the opposite case, where A is
//! the set of allowed requests under deny-overrides. Both sides are indexed together, so that they
//! have common regions, and the formulas of `people` are evaluated once for each region. No
//! difference in any of them proves that both rule sets allow the same requests to the same people.
//! Comparing texts of rules instead would report changes where a rule is merely split, renamed or
//! moved.
//!
//! Two facts keep this fast. Only cells with a changed term are visited: in all others, both sides
//! match terms of the same meaning. And regions with the same terms (an *atom*) are evaluated once.
//! Side 2n is group n before the change and side 2n + 1 after it, where group 0 is everyone.
//!
//! Each changed term contributes to the formulas on its own, so that the rows name the rule that
//! causes a change: an added allow contributes where its groups are met, no deny matches after the
//! change, and the request was denied before; a removed deny contributes where an allow that stays
//! is met. `cover` then writes the atoms of one rule and one formula as patterns.
//!
//! Example: before, `**.example.com` is allowed; after, `ftp.example.com` is denied too. The region
//! of `ftp.example.com` is allowed before and denied after: one row closes, with a request to port
//! 443 as witness. The region of all other names has no changed term and is skipped.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::bits::BitSet;
use super::budget::TooComplex;
use super::cover::{AtomId, Cover, cover};
use super::decide::{ExplainedDecision, reasons};
use super::difference::{AccessDifference, AccessRow, NotListed, RowKind, no_groups};
use super::index::{InvalidResource, RuleIndex};
use super::overlap::NumberedRule;
use super::partition::RequestPartition;
use super::pattern_text::patterns;
use super::people::{EVERYONE, Formula, GroupTable, TooManyTerms, conjunction, meets};
use super::request::{AccessRequest, RequestPart};
use model::docker::{Decision, Rule};

/// Compares the requests that two rule sets allow to everyone. Reasons refer to rules by position in
/// their set, rows to the set that contains the rule.
pub fn compare(before: &[&Rule], after: &[&Rule]) -> AccessDifference {
    let mut comparison = Comparison::new();
    for (position, rule) in before.iter().enumerate() {
        comparison.add(position, rule, [EVERYONE], []);
    }
    for (position, rule) in after.iter().enumerate() {
        comparison.add(position, rule, [], [EVERYONE]);
    }
    comparison.run(&no_groups()).difference
}

/// Rules before and after a change, each with the groups that it applies to. One walk compares all
/// of them for all combinations of groups.
#[derive(Debug, Default)]
pub struct Comparison<'r> {
    rules: Vec<NumberedRule<'r>>,
}

/// The result of a comparison.
#[derive(Debug)]
pub struct ComparisonResult {
    /// What changes.
    pub difference: AccessDifference,
    /// Resources that cannot be parsed and therefore match nothing.
    pub unreadable: Vec<InvalidResource>,
}

impl<'r> Comparison<'r> {
    /// Creates an empty comparison.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule that applies to the groups `before` before the change and to the groups `after`
    /// after it; group 0 is everyone. Reasons refer to the rule by `position`.
    pub fn add(
        &mut self,
        position: usize,
        rule: &'r Rule,
        before: impl IntoIterator<Item = usize>,
        after: impl IntoIterator<Item = usize>,
    ) {
        let before = before.into_iter().map(|group| 2 * group);
        let sides: BitSet = before
            .chain(after.into_iter().map(|group| 2 * group + 1))
            .collect();
        self.rules.push(NumberedRule {
            number: position,
            rule,
            sides,
        });
    }

    /// Compares; `groups` names the groups of the rules. What exceeds the work budget is listed in
    /// the result.
    pub fn run(&self, groups: &GroupTable) -> ComparisonResult {
        let changes = |counted: &&NumberedRule<'_>| !counted.sides.unpaired().is_empty();
        let all = || self.rules.iter();
        let index = RuleIndex::for_changed(
            all().filter(changes),
            all().filter(|counted| !changes(counted)),
        );
        let difference = difference(&index, groups);
        ComparisonResult {
            difference,
            unreadable: index.unreadable,
        }
    }
}

/// The groups that a term applies to, and how that changes.
struct TermGroups {
    /// The groups of the term before and after.
    before: BitSet,
    after: BitSet,
    /// The groups that terms of the same meaning apply to only before, and only after.
    lost: BitSet,
    gained: BitSet,
}

/// The atoms that change in the same way because of the same rule, by the term of that rule.
type AtomsByTerm = BTreeMap<u32, Vec<AtomId>>;

/// Memory of an atom apart from its terms, as an estimate: its entry and its witness.
const BYTES_OF_AN_ATOM: usize = 200;

struct DifferenceSearch<'s> {
    index: &'s RuleIndex,
    terms: &'s [TermGroups],
    changed: &'s [bool],
    /// All visited sets of terms, each once; `None` for those without a change.
    atoms: IndexMap<Box<[u32]>, Option<AccessRequest>, FixedState>,
    /// The atoms that match a changed term.
    universe: HashMap<u32, Vec<AtomId>, FixedState>,
    formulas: IndexMap<Formula, (), FixedState>,
    rows: BTreeMap<(RowKind, u32, usize), AtomsByTerm>,
    not_listed: BTreeSet<(usize, NotListed)>,
}

/// Compares each part of all requests with a budget of its own, so that one part that exceeds its
/// budget does not affect the others.
fn difference(index: &RuleIndex, groups: &GroupTable) -> AccessDifference {
    let mut sides: Vec<BitSet> = vec![BitSet::default(); index.terms.len()];
    for term in &index.terms {
        sides[term.meaning as usize].add(&term.sides);
    }
    let terms: Vec<TermGroups> = index
        .terms
        .iter()
        .map(|term| {
            let (all_before, all_after) = sides[term.meaning as usize].halves();
            let (before, after) = term.sides.halves();
            TermGroups {
                lost: all_before.clone().without(&all_after),
                gained: all_after.without(&all_before),
                before,
                after,
            }
        })
        .collect();
    let changed: Vec<bool> = terms
        .iter()
        .map(|term| !term.lost.is_empty() || !term.gained.is_empty())
        .collect();
    let mut all = AccessDifference::default();
    for parts in parts_with_common_terms(index) {
        let mut search = DifferenceSearch {
            index,
            terms: &terms,
            changed: &changed,
            atoms: IndexMap::default(),
            universe: HashMap::default(),
            formulas: IndexMap::default(),
            rows: BTreeMap::new(),
            not_listed: BTreeSet::new(),
        };
        let partition = RequestPartition::new(index);
        let visited = parts
            .iter()
            .try_for_each(|part| search.visit(&partition, *part));
        let found = match visited {
            Ok(()) => search.into_rows(&partition, groups),
            Err(TooComplex) => AccessDifference {
                rows: Vec::new(),
                not_listed: parts
                    .iter()
                    .flat_map(|part| rules_of_part(index, *part, &changed))
                    .collect(),
            },
        };
        all.join(found);
    }
    all
}

/// All parts, grouped so that no term matches requests of two groups. A row of `**` concerns names
/// and addresses, or paths of all formats, and its exceptions may come from each of them.
fn parts_with_common_terms(index: &RuleIndex) -> Vec<Vec<RequestPart>> {
    let mut groups: Vec<Vec<RequestPart>> = Vec::new();
    for part in RequestPart::ALL {
        let is_common = match part {
            RequestPart::Names | RequestPart::Addresses => index.has_all_hosts,
            RequestPart::PosixPaths
            | RequestPart::HomePaths
            | RequestPart::WslPaths
            | RequestPart::WindowsPaths => index.has_all_paths,
        };
        let known = groups.iter_mut().find(|group| {
            is_common
                && group
                    .iter()
                    .any(|other| other.is_of_files() == part.is_of_files())
        });
        match known {
            Some(group) => group.push(part),
            None => groups.push(vec![part]),
        }
    }
    groups
}

/// The rules with a changed term in a part.
fn rules_of_part(
    index: &RuleIndex,
    part: RequestPart,
    changed: &[bool],
) -> Vec<(usize, NotListed)> {
    let terms = index.terms_of(part).into_iter();
    let terms = terms.filter(|term| changed[*term as usize]);
    let rules: BTreeSet<usize> = index
        .entries_of(terms)
        .map(|entry| entry.rule as usize)
        .collect();
    rules
        .into_iter()
        .map(|rule| (rule, NotListed::Requests))
        .collect()
}

impl DifferenceSearch<'_> {
    fn visit(
        &mut self,
        partition: &RequestPartition<'_>,
        part: RequestPart,
    ) -> Result<(), TooComplex> {
        let changed = self.changed;
        let mut terms = Vec::new();
        partition.regions_of(part, &|term| changed[term as usize], &mut |region| {
            if !region.terms.iter().any(|term| changed[*term as usize]) {
                return Ok(());
            }
            terms.clear();
            terms.extend_from_slice(region.terms);
            terms.sort_unstable();
            if self.atoms.contains_key(terms.as_slice()) {
                return Ok(());
            }
            partition.budget.spend(terms.len())?;
            partition
                .budget
                .keep(size_of_val(terms.as_slice()) + BYTES_OF_AN_ATOM)?;
            self.atom(&terms, &|| region.witness());
            Ok(())
        })
    }

    /// Evaluates the formulas of one atom.
    fn atom(&mut self, terms: &[u32], witness: &dyn Fn() -> Option<AccessRequest>) {
        let id = self.atoms.len();
        let mut contributions = Vec::new();
        self.contributions(terms, &mut contributions);
        let mut has_change = false;
        for (position, (kind, term, formula)) in contributions.iter().enumerate() {
            let rule = self.rule_of(*term);
            let formula = match formula {
                Ok(formula) if formula.is_nobody() => continue,
                Ok(formula) => formula,
                Err(TooManyTerms { first: _ }) => {
                    self.not_listed.insert((rule as usize, NotListed::People));
                    continue;
                }
            };
            // What another rule does for more people is said once, about that rule.
            let repeats = contributions
                .iter()
                .enumerate()
                .any(|(other_position, other)| {
                    let (other_kind, _, other_formula) = other;
                    other_position != position
                        && other_kind == kind
                        && other_formula
                            .as_ref()
                            .is_ok_and(|other| other.absorbs(formula) && !formula.absorbs(other))
                });
            if repeats {
                continue;
            }
            has_change = true;
            let number = match self.formulas.get_index_of(formula) {
                Some(number) => number,
                None => self.formulas.insert_full(formula.clone(), ()).0,
            };
            let atoms = self
                .rows
                .entry((*kind, rule, number))
                .or_default()
                .entry(*term)
                .or_default();
            if atoms.last() != Some(&id) {
                atoms.push(id);
            }
        }
        for term in terms.iter().filter(|term| self.changed[**term as usize]) {
            self.universe.entry(*term).or_default().push(id);
        }
        let witness = if has_change { witness() } else { None };
        self.atoms.insert(terms.into(), witness);
    }

    /// For each changed term, the people who are affected, for requests that match exactly `terms`.
    fn contributions(
        &self,
        terms: &[u32],
        found: &mut Vec<(RowKind, u32, Result<Formula, TooManyTerms>)>,
    ) {
        let mut allows_before = BitSet::default();
        let mut allows_after = BitSet::default();
        let mut denies_before = BitSet::default();
        let mut denies_after = BitSet::default();
        // The groups of allow rules that apply before and after.
        let mut kept = BitSet::default();
        for id in terms {
            let term = &self.terms[*id as usize];
            match self.index.term_of(*id).decision {
                Decision::Allow => {
                    allows_before.add(&term.before);
                    allows_after.add(&term.after);
                    kept.add(&term.after.clone().without(&term.gained));
                }
                Decision::Deny => {
                    denies_before.add(&term.before);
                    denies_after.add(&term.after);
                }
            }
        }
        let added = |allow: &BitSet, allows: [&BitSet; 2], denies: [&BitSet; 2]| {
            let [before, _] = allows;
            let [denied_before, denied_after] = denies;
            let mut terms = Vec::new();
            conjunction(&[allow], &[denied_after, before], &mut terms)?;
            conjunction(&[allow, denied_before], &[denied_after], &mut terms)?;
            Formula::of(terms)
        };
        let released = |deny: &BitSet, denied_after: &BitSet, allowed: Option<&BitSet>| {
            let mut terms = Vec::new();
            let mut meets = vec![deny];
            meets.extend(allowed);
            conjunction(&meets, &[denied_after], &mut terms)?;
            Formula::of(terms)
        };
        for id in terms {
            if !self.changed[*id as usize] {
                continue;
            }
            let term = &self.terms[*id as usize];
            let own = |groups: &BitSet, side: &BitSet| groups.intersection(side);
            match self.index.term_of(*id).decision {
                Decision::Allow => {
                    let gained = own(&term.gained, &term.after);
                    if !gained.is_empty() {
                        let allows = [&allows_before, &allows_after];
                        let denies = [&denies_before, &denies_after];
                        found.push((RowKind::Opens, *id, added(&gained, allows, denies)));
                    }
                    let lost = own(&term.lost, &term.before);
                    if !lost.is_empty() {
                        let allows = [&allows_after, &allows_before];
                        let denies = [&denies_after, &denies_before];
                        found.push((RowKind::Closes, *id, added(&lost, allows, denies)));
                    }
                }
                Decision::Deny => {
                    let lost = own(&term.lost, &term.before);
                    if !lost.is_empty() {
                        let opens = released(&lost, &denies_after, Some(&kept));
                        found.push((RowKind::Opens, *id, opens));
                        let weakens = released(&lost, &denies_after, None);
                        found.push((RowKind::WeakensGuard, *id, weakens));
                    }
                    let gained = own(&term.gained, &term.after);
                    if !gained.is_empty() {
                        let closes = released(&gained, &denies_before, Some(&kept));
                        found.push((RowKind::Closes, *id, closes));
                        let strengthens = released(&gained, &denies_before, None);
                        found.push((RowKind::StrengthensGuard, *id, strengthens));
                    }
                }
            }
        }
    }

    /// The first rule with the meaning of a term.
    fn rule_of(&self, term: u32) -> u32 {
        let entries = self.index.term_of(term).entries.iter();
        let rules = entries.map(|entry| self.index.entries[*entry as usize].rule);
        rules.min().unwrap_or_default()
    }

    /// Writes the atoms of each rule and formula as patterns.
    fn into_rows(
        mut self,
        partition: &RequestPartition<'_>,
        groups: &GroupTable,
    ) -> AccessDifference {
        let mut rows = Vec::new();
        for ((kind, rule, formula), by_term) in std::mem::take(&mut self.rows) {
            let Some((formula, ())) = self.formulas.get_index(formula) else {
                continue;
            };
            let formula = &formula.clone();
            let written = self.covers(partition, &by_term).and_then(|covers| {
                let rows = covers
                    .iter()
                    .map(|cover| self.row(kind, rule, formula, cover, groups));
                rows.collect::<Option<Vec<AccessRow>>>()
            });
            match written {
                Some(written) => rows.extend(written),
                None => {
                    self.not_listed.insert((rule as usize, NotListed::Requests));
                }
            }
        }
        AccessDifference {
            rows,
            not_listed: self.not_listed.into_iter().collect(),
        }
    }

    /// Unions of patterns without exceptions that cover exactly these atoms.
    fn covers(
        &self,
        partition: &RequestPartition<'_>,
        by_term: &AtomsByTerm,
    ) -> Option<Vec<Cover>> {
        // Widest terms first: a narrower resource of the same rule adds nothing to them.
        let mut bases: Vec<(&u32, &Vec<AtomId>)> = by_term.iter().collect();
        bases.sort_by_key(|(term, atoms)| (std::cmp::Reverse(atoms.len()), **term));
        let mut covered: BTreeSet<AtomId> = BTreeSet::new();
        let mut covers: Vec<Cover> = Vec::new();
        let terms_of = |atom: AtomId| {
            self.atoms
                .get_index(atom)
                .map_or(&[][..], |(terms, _)| terms)
        };
        for (term, good) in bases {
            if good.iter().any(|atom| !covered.contains(atom)) {
                let universe = self.universe.get(term).map_or(&[][..], Vec::as_slice);
                let own = cover(*term, universe, good, &terms_of, &partition.budget).ok()?;
                for cover in own {
                    covered.extend(cover.atoms.iter().copied());
                    match covers
                        .iter_mut()
                        .find(|known| known.is_compatible(&cover, &terms_of))
                    {
                        Some(known) => known.join(cover),
                        None => covers.push(cover),
                    }
                }
            }
        }
        Some(covers)
    }

    fn row(
        &self,
        kind: RowKind,
        rule: u32,
        formula: &Formula,
        cover: &Cover,
        groups: &GroupTable,
    ) -> Option<AccessRow> {
        let mut what: Vec<String> = Vec::new();
        for include in &cover.include {
            what.extend(patterns(self.index, include)?);
        }
        let mut except: Vec<String> = Vec::new();
        for exclude in &cover.exclude {
            except.extend(patterns(self.index, &[*exclude])?);
        }
        for texts in [&mut what, &mut except] {
            let mut known = BTreeSet::new();
            texts.retain(|text| known.insert(text.clone()));
        }
        let first = cover.atoms.iter().min()?;
        let (terms, witness) = self.atoms.get_index(*first)?;
        let representative = formula.representative();
        Some(AccessRow {
            kind,
            rule: rule as usize,
            people: groups.people(formula),
            what,
            except,
            witness: witness.clone()?,
            before: self.verdict(terms, &representative, |term| &term.before),
            after: self.verdict(terms, &representative, |term| &term.after),
        })
    }

    fn verdict(
        &self,
        terms: &[u32],
        person: &BitSet,
        side: impl Fn(&TermGroups) -> &BitSet,
    ) -> ExplainedDecision {
        let of = |decision: Decision| {
            let terms = terms.iter().copied().filter(|id| {
                self.index.term_of(*id).decision == decision
                    && meets(person, side(&self.terms[*id as usize]))
            });
            reasons(self.index.entries_of(terms))
        };
        ExplainedDecision::of(of(Decision::Allow), of(Decision::Deny))
    }
}
