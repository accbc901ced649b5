//! Checks bounds of access: requests that must never or always be allowed, and limits for what a
//! change may open.
//!
//! Textbook problem: emptiness of Boolean combinations of request sets. With A for the allowed
//! requests after a change, A' for those before it and P for the requests of a pattern, the gate
//! `never P` requires that A ∩ P is empty, `always P` that P \ A is empty, and a limit P1 … Pn for
//! widening that (A \ A') \ (P1 ∪ … ∪ Pn) is empty. Patterns are added to the index like allow
//! rules, each on a side of its own, so that the regions distinguish them too. One walk then
//! evaluates all formulas for all audiences in each region; a region in which one is true is a
//! breach, and its witness is the evidence. Separate emptiness tests for each gate and audience
//! would repeat the same walk.
//!
//! Example: for the gate `never tcp **.example.com:22` and the rule "allow tcp `*.example.com`",
//! the region of `api.example.com` on port 22 matches both: a breach. On other ports only the rule
//! matches, and the gate does not apply.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::bits::BitSet;
use super::budget::{TooComplex, WalkStop};
use super::decide::{DecidingResource, ExplainedDecision, reasons};
use super::gate::GateKind;
use super::index::RuleIndex;
use super::partition::RequestPartition;
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

/// A set of requests that violates a bound for an audience, all decided by the same rules.
#[derive(Debug)]
pub(crate) struct BoundViolation {
    pub(crate) bound: Bound,
    pub(crate) audience: usize,
    pub(crate) witness: AccessRequest,
    /// The verdict before the change. Reasons refer to rules by the position given to `rule`.
    pub(crate) before: ExplainedDecision,
    pub(crate) after: ExplainedDecision,
}

/// Rules before and after a change, with the audiences that each applies to, and the bounds.
#[derive(Debug)]
pub(crate) struct Bounds {
    index: RuleIndex,
    audiences: usize,
    gates: Vec<(GateKind, Option<usize>)>,
    /// The sides of the patterns that limit widening; `None` if widening is not limited.
    widening: Option<BitSet>,
    /// The side of the next pattern. Sides 2n and 2n + 1 are audience n before and after; those of
    /// patterns follow.
    next: usize,
}

impl Bounds {
    pub(crate) fn new(audiences: usize) -> Self {
        let next = 2 * audiences;
        Self {
            index: RuleIndex::default(),
            audiences,
            gates: Vec::new(),
            widening: None,
            next,
        }
    }

    /// Adds a rule that applies to some audiences, before or after the change.
    pub(crate) fn rule(&mut self, position: usize, rule: &Rule, after: bool, audiences: &[usize]) {
        let sides: BitSet = audiences
            .iter()
            .map(|audience| 2 * audience + usize::from(after))
            .collect();
        self.index.add(position, rule, &sides);
    }

    /// Adds a gate for one audience, or for all.
    pub(crate) fn gate(
        &mut self,
        kind: GateKind,
        pattern: &RequestPattern,
        audience: Option<usize>,
    ) {
        self.pattern(pattern);
        self.gates.push((kind, audience));
    }

    /// Limits what may open to these patterns. Must be called after all gates are added, because
    /// the side of a gate follows from its number.
    pub(crate) fn limit_widening(&mut self, patterns: &[RequestPattern]) {
        self.widening = Some(
            patterns
                .iter()
                .map(|pattern| self.pattern(pattern))
                .collect(),
        );
    }

    fn pattern(&mut self, pattern: &RequestPattern) -> usize {
        let side = self.next;
        self.next += 1;
        // The text and position of a pattern are never shown: no verdict includes its side.
        self.index
            .put(0, Arc::default(), pattern.parsed(), &BitSet::single(side));
        side
    }

    /// Returns the violated bounds. An empty result proves that no request violates one.
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
            told: BTreeSet::new(),
        };
        partition.regions(&|term| wanted[term as usize], &mut |region| {
            search.region(region)
        })?;
        Ok(search.found)
    }

    /// The terms whose regions must be visited: patterns of gates, and, if widening is limited,
    /// rules that are added or removed for some audience.
    fn terms_to_visit(&self) -> Vec<bool> {
        let people = 0..2 * self.audiences;
        let gates = people.end..people.end + self.gates.len();
        let mut sides: Vec<BitSet> = vec![BitSet::default(); self.index.terms.len()];
        for term in &self.index.terms {
            sides[term.meaning as usize].add(&term.sides);
        }
        let wanted = self.index.terms.iter().map(|term| {
            let all = &sides[term.meaning as usize];
            let of_a_gate = term.sides.iter().any(|side| gates.contains(&side));
            let of_people = all
                .iter()
                .filter(|side| people.contains(side))
                .collect::<BitSet>();
            of_a_gate || (self.widening.is_some() && !of_people.unpaired().is_empty())
        });
        wanted.collect()
    }
}

struct ViolationSearch<'s, 'i> {
    bounds: &'s Bounds,
    partition: &'s RequestPartition<'i>,
    found: Vec<BoundViolation>,
    counts: HashMap<Bound, usize>,
    /// Breaches with the same deciding rules are reported once. The first has the shortest witness.
    told: BTreeSet<(Bound, usize, Vec<DecidingResource>, Vec<DecidingResource>)>,
}

impl ViolationSearch<'_, '_> {
    /// Checks all bounds in one region.
    fn region(&mut self, region: &RequestRegion<'_>) -> Result<(), WalkStop> {
        let terms = region.terms;
        self.partition.budget.spend(terms.len() + 1)?;
        let mut allow = BitSet::default();
        let mut deny = BitSet::default();
        for id in terms {
            let term = self.partition.index.term_of(*id);
            match term.decision {
                Decision::Allow => allow.add(&term.sides),
                Decision::Deny => deny.add(&term.sides),
            }
        }
        // Patterns are never denied, so their sides can only be among the allows.
        let allowed = allow.clone().without(&deny);
        let bounds = self.bounds;
        let before = |audience: usize| allowed.contains(2 * audience);
        let after = |audience: usize| allowed.contains(2 * audience + 1);
        for (position, (kind, only)) in bounds.gates.iter().enumerate() {
            if !allow.contains(2 * bounds.audiences + position) {
                continue;
            }
            let broken = |audience: &usize| match kind {
                GateKind::Never => after(*audience),
                GateKind::Always => !after(*audience),
            };
            let people = only.map_or(0..bounds.audiences, |only| only..only + 1);
            for audience in people.filter(broken) {
                self.add_violation(Bound::Gate(position), audience, region)?;
            }
        }
        let Some(within) = &bounds.widening else {
            return Ok(());
        };
        if within.iter().any(|side| allow.contains(side)) {
            return Ok(());
        }
        for audience in
            (0..bounds.audiences).filter(|audience| !before(*audience) && after(*audience))
        {
            self.add_violation(Bound::Widening, audience, region)?;
        }
        Ok(())
    }

    fn add_violation(
        &mut self,
        bound: Bound,
        audience: usize,
        region: &RequestRegion<'_>,
    ) -> Result<(), WalkStop> {
        let terms = region.terms;
        self.partition.budget.spend(terms.len() + 1)?;
        let count = self.counts.entry(bound).or_default();
        if *count >= MOST {
            return Ok(());
        }
        let before = self.verdict(terms, 2 * audience);
        let after = self.verdict(terms, 2 * audience + 1);
        if self.told.insert((
            bound,
            audience,
            before.reasons.clone(),
            after.reasons.clone(),
        )) && let Some(witness) = region.witness()
        {
            *self.counts.entry(bound).or_default() += 1;
            self.found.push(BoundViolation {
                bound,
                audience,
                witness,
                before,
                after,
            });
        }
        Ok(())
    }

    fn verdict(&self, terms: &[u32], side: usize) -> ExplainedDecision {
        let index = self.partition.index;
        let matching = |decision: Decision| {
            let terms = terms.iter().copied().filter(|id| {
                let term = index.term_of(*id);
                term.decision == decision && term.sides.contains(side)
            });
            reasons(index.entries_of(terms))
        };
        ExplainedDecision::deny_overrides(matching)
    }
}
