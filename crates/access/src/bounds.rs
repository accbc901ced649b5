//! Checks bounds of access: requests that must never or always be allowed, and limits for what a
//! change may open.
//!
//! Textbook problem: emptiness of Boolean combinations of request sets. With A for the allowed
//! requests after a change, A' for those before it and P for the requests of a pattern, the gate
//! `never P` requires that A ∩ P is empty, `always P` that P \ A is empty, and a limit P1 … Pn for
//! widening that (A \ A') \ (P1 ∪ … ∪ Pn) is empty. Patterns are added to the index like allow
//! rules, each on a side of its own, so that the regions distinguish them too. One walk then
//! evaluates all formulas in each region. Each formula is about people too: `people`
//! expands it over all combinations of groups. A region in which it is true for any combination is
//! a breach, and its witness is the evidence.
//!
//! Example: for the gate `never tcp **.example.com:22` and the rule "allow tcp `*.example.com`",
//! the region of `api.example.com` on port 22 matches both: a breach. On other ports only the rule
//! matches, and the gate does not apply.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::bits::BitSet;
use super::budget::{TooComplex, WalkStop};
use super::decide::{DecidingResource, ExplainedDecision, reasons};
use super::gate_kind::GateKind;
use super::index::RuleIndex;
use super::partition::RequestPartition;
use super::people::{EVERYONE, Formula, Term, TooManyTerms, conjunction, meets};
use super::reading::Reading;
use super::regions::RequestRegion;
use super::request::AccessRequest;
use super::request_pattern::RequestPattern;
use model::docker::{Decision, Rule};

/// Maximum number of breaches reported for one bound. More would not be read, and a hostile rule
/// set could cause millions.
const MOST: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Bound {
    /// The gate that was added as number n, counted from 0.
    Gate(usize),
    /// A request opens outside of the patterns given to `limit_widening`.
    Widening,
}

/// A set of requests that violates a bound for some people, all decided by the same rules.
#[derive(Debug)]
pub(crate) struct BoundViolation {
    pub(crate) bound: Bound,
    pub(crate) people: Formula,
    pub(crate) witness: AccessRequest,
    /// The verdict before the change, for members of the groups that the first term of `people`
    /// requires. Reasons refer to rules by the position given to `rule`.
    pub(crate) before: ExplainedDecision,
    pub(crate) after: ExplainedDecision,
}

/// Rules before and after a change, with the groups that each applies to, and the bounds.
#[derive(Debug)]
pub(crate) struct Bounds {
    index: RuleIndex,
    reading: Reading,
    /// Number of groups, including group 0, everyone.
    groups: usize,
    gates: Vec<BoundGate>,
    /// The patterns that limit widening; `None` if widening is not limited.
    widening: Option<Vec<PatternSides>>,
    /// The side of the next pattern. Sides 2n and 2n + 1 are group n before and after; those of
    /// patterns follow.
    next: usize,
}

/// The sides of the conjuncts of a pattern.
type PatternSides = Vec<usize>;

#[derive(Debug)]
struct BoundGate {
    kind: GateKind,
    /// The groups of the audience that it is limited to.
    members: Option<BitSet>,
    pattern: PatternSides,
}

impl Bounds {
    /// `groups` is the number of groups without everyone.
    pub(crate) fn new(groups: usize, reading: Reading) -> Self {
        let groups = groups + 1;
        Self {
            index: RuleIndex::default(),
            reading,
            groups,
            gates: Vec::new(),
            widening: None,
            next: 2 * groups,
        }
    }

    /// Adds a rule that applies to some groups, before or after the change.
    pub(crate) fn rule(&mut self, position: usize, rule: &Rule, after: bool, groups: &[usize]) {
        let sides: BitSet = groups
            .iter()
            .map(|group| 2 * group + usize::from(after))
            .collect();
        self.index.add_as(position, rule, &sides, self.reading);
    }

    /// Adds a gate for members of exactly some groups, or for everyone.
    pub(crate) fn gate(
        &mut self,
        kind: GateKind,
        pattern: &RequestPattern,
        members: Option<BitSet>,
    ) {
        let pattern = self.pattern(pattern);
        self.gates.push(BoundGate {
            kind,
            members,
            pattern,
        });
    }

    /// Limits what may open to these patterns.
    pub(crate) fn limit_widening(&mut self, patterns: &[RequestPattern]) {
        let patterns = patterns.iter().map(|pattern| self.pattern(pattern));
        self.widening = Some(patterns.collect());
    }

    fn pattern(&mut self, pattern: &RequestPattern) -> PatternSides {
        let mut sides = PatternSides::new();
        for part in pattern.parts() {
            let side = self.next;
            self.next += 1;
            // The text and position of a pattern are never shown: no verdict includes its side.
            let part = self.reading.of(part);
            self.index
                .put(0, Arc::default(), &part, &BitSet::single(side));
            sides.push(side);
        }
        sides
    }

    /// Returns the violated bounds. An empty result proves that no request violates one, for any
    /// combination of groups.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub(crate) fn breaches(&self) -> Result<Vec<BoundViolation>, TooComplex> {
        let partition = RequestPartition::new(&self.index);
        let wanted = self.terms_to_visit();
        let mut search = ViolationSearch {
            bounds: self,
            partition: &partition,
            found: Vec::new(),
            counts: HashMap::new(),
            known: BTreeSet::new(),
        };
        partition.regions(&|term| wanted[term as usize], &mut |region| {
            search.region(region)
        })?;
        Ok(search.found)
    }

    /// The terms whose regions must be visited: patterns of gates, and, if widening is limited,
    /// rules that are added or removed for some group.
    fn terms_to_visit(&self) -> Vec<bool> {
        let gates: BitSet = self
            .gates
            .iter()
            .flat_map(|gate| gate.pattern.iter().copied())
            .collect();
        let people = BitSet::below(2 * self.groups);
        let mut sides: Vec<BitSet> = vec![BitSet::default(); self.index.terms.len()];
        for term in &self.index.terms {
            sides[term.meaning as usize].add(&term.sides);
        }
        let wanted = self.index.terms.iter().map(|term| {
            let all = &sides[term.meaning as usize];
            let of_a_gate = term.sides.iter().any(|side| gates.contains(side));
            let of_people = all
                .iter()
                .filter(|side| people.contains(*side))
                .collect::<BitSet>();
            of_a_gate || (self.widening.is_some() && !of_people.unpaired().is_empty())
        });
        wanted.collect()
    }
}

/// The groups of the allow and deny rules that match a region, before and after the change.
struct RegionGroups {
    allows: [BitSet; 2],
    denies: [BitSet; 2],
}

const BEFORE: usize = 0;
const AFTER: usize = 1;

impl RegionGroups {
    /// Whether members of exactly these groups are allowed.
    fn allowed(&self, side: usize, members: &BitSet) -> bool {
        meets(members, &self.allows[side]) && !meets(members, &self.denies[side])
    }

    /// Those who are allowed after the change.
    fn allowed_after(&self) -> Result<Formula, TooManyTerms> {
        let mut terms = Vec::new();
        conjunction(&[&self.allows[AFTER]], &[&self.denies[AFTER]], &mut terms)?;
        Formula::of(terms)
    }

    /// Those who are denied after the change: who meet a deny, or meet no allow.
    fn denied_after(&self) -> Result<Formula, TooManyTerms> {
        let mut terms = Vec::new();
        conjunction(&[&self.denies[AFTER]], &[], &mut terms)?;
        conjunction(&[], &[&self.allows[AFTER]], &mut terms)?;
        Formula::of(terms)
    }

    /// Those who are allowed after the change and were denied before.
    fn opened(&self) -> Result<Formula, TooManyTerms> {
        let [allows_before, allows_after] = &self.allows;
        let [denies_before, denies_after] = &self.denies;
        let mut terms = Vec::new();
        conjunction(&[allows_after], &[denies_after, allows_before], &mut terms)?;
        conjunction(&[allows_after, denies_before], &[denies_after], &mut terms)?;
        Formula::of(terms)
    }
}

struct ViolationSearch<'s, 'i> {
    bounds: &'s Bounds,
    partition: &'s RequestPartition<'i>,
    found: Vec<BoundViolation>,
    counts: HashMap<Bound, usize>,
    /// Breaches for the same people with the same deciding rules are reported once. The first has
    /// the shortest witness.
    known: BTreeSet<(Bound, Formula, Vec<DecidingResource>, Vec<DecidingResource>)>,
}

impl ViolationSearch<'_, '_> {
    /// Checks all bounds in one region.
    fn region(&mut self, region: &RequestRegion<'_>) -> Result<(), WalkStop> {
        let bounds = self.bounds;
        let people = BitSet::below(2 * bounds.groups);
        self.partition.budget.spend(region.terms.len() + 1)?;
        let mut allow = BitSet::default();
        let mut deny = BitSet::default();
        for id in region.terms {
            let term = self.partition.index.term_of(*id);
            match term.decision {
                Decision::Allow => allow.add(&term.sides),
                Decision::Deny => deny.add(&term.sides),
            }
        }
        let halves = |sides: &BitSet| {
            let (before, after) = sides.intersection(&people).halves();
            [before, after]
        };
        let groups = RegionGroups {
            allows: halves(&allow),
            denies: halves(&deny),
        };
        // Patterns are never denied, so their sides are among the allows.
        let matches = |pattern: &PatternSides| pattern.iter().all(|side| allow.contains(*side));
        for (position, gate) in bounds.gates.iter().enumerate() {
            if !matches(&gate.pattern) {
                continue;
            }
            let broken = match &gate.members {
                Some(members) => {
                    let allowed = groups.allowed(AFTER, members);
                    let broken = match gate.kind {
                        GateKind::Never => allowed,
                        GateKind::Always => !allowed,
                    };
                    let term = Term {
                        all_of: members.iter().collect(),
                        none_of: BitSet::default(),
                    };
                    Ok(Formula(if broken { vec![term] } else { Vec::new() }))
                }
                None => match gate.kind {
                    GateKind::Never => groups.allowed_after(),
                    GateKind::Always => groups.denied_after(),
                },
            };
            self.add_violation(Bound::Gate(position), broken, region)?;
        }
        match &bounds.widening {
            Some(within) if !within.iter().any(matches) => {
                self.add_violation(Bound::Widening, groups.opened(), region)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn add_violation(
        &mut self,
        bound: Bound,
        people: Result<Formula, TooManyTerms>,
        region: &RequestRegion<'_>,
    ) -> Result<(), WalkStop> {
        // A formula that is too long to list is not empty: the bound is violated, and a
        // representative is reported.
        let people = people.unwrap_or_else(|TooManyTerms { first }| Formula(vec![first]));
        if people.is_nobody() {
            return Ok(());
        }
        let terms = region.terms;
        self.partition.budget.spend(terms.len() + 1)?;
        let count = self.counts.entry(bound).or_default();
        if *count >= MOST {
            return Ok(());
        }
        let representative = people.representative();
        let before = self.verdict(terms, &representative, BEFORE);
        let after = self.verdict(terms, &representative, AFTER);
        if self.known.insert((
            bound,
            people.clone(),
            before.reasons.clone(),
            after.reasons.clone(),
        )) && let Some(witness) = region.witness()
        {
            *self.counts.entry(bound).or_default() += 1;
            self.found.push(BoundViolation {
                bound,
                people,
                witness,
                before,
                after,
            });
        }
        Ok(())
    }

    fn verdict(&self, terms: &[u32], members: &BitSet, side: usize) -> ExplainedDecision {
        let index = self.partition.index;
        let matching = |decision: Decision| {
            let terms = terms.iter().copied().filter(|id| {
                let term = index.term_of(*id);
                let applies = |group: usize| term.sides.contains(2 * group + side);
                term.decision == decision && (applies(EVERYONE) || members.iter().any(applies))
            });
            reasons(index.entries_of(terms))
        };
        ExplainedDecision::of(matching(Decision::Allow), matching(Decision::Deny))
    }
}
