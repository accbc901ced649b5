//! Bounds of access: what some people may never be allowed, what they may never be denied, and how far a change may
//! widen their access. One walk over all requests answers for all bounds and all audiences together.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::bits::Bits;
use super::budget::{Entangled, Stop};
use super::decide::{Reason, Verdict, reasons};
use super::gate::GateKind;
use super::index::Index;
use super::regions::Region;
use super::request::Request;
use super::request_pattern::RequestPattern;
use super::survey::Survey;
use model::docker::{Decision, Rule};

/// How many breaches of one bound are told: nobody reads more, and a hostile rule set could have millions.
const MOST: usize = 64;

/// The bound that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Bound {
    /// The gate that was added at this position.
    Gate(usize),
    /// Something opens outside of the patterns.
    Widening,
}

/// A set of requests that breaks a bound for some people, all decided by the same rules.
#[derive(Debug)]
pub(super) struct Breach {
    pub(super) bound: Bound,
    pub(super) audience: usize,
    /// One request of the set.
    pub(super) witness: Request,
    /// What is decided about it before, by the positions of the rules.
    pub(super) before: Verdict,
    /// What is decided about it after.
    pub(super) after: Verdict,
}

/// Rules before and after a change, each with the audiences that it counts for, and what they are held to.
#[derive(Debug)]
pub(super) struct Bounds {
    index: Index,
    audiences: usize,
    gates: Vec<(GateKind, Option<usize>)>,
    /// The sides of the patterns that what opens must lie within, if widening is bounded at all.
    widening: Option<Bits>,
    /// The side of the next pattern. The first ones are those of the audiences, two for each: before and after.
    next: usize,
}

impl Bounds {
    /// Bounds without rules, for so many audiences.
    pub(super) fn new(audiences: usize) -> Self {
        let next = 2 * audiences;
        Self {
            index: Index::default(),
            audiences,
            gates: Vec::new(),
            widening: None,
            next,
        }
    }

    /// Adds a rule that counts for some audiences, before the change or after it.
    pub(super) fn rule(&mut self, position: usize, rule: &Rule, after: bool, audiences: &[usize]) {
        let sides: Bits = audiences
            .iter()
            .map(|audience| 2 * audience + usize::from(after))
            .collect();
        self.index.add(position, rule, &sides);
    }

    /// Adds a gate for one audience, or for all. It has the next position.
    pub(super) fn gate(
        &mut self,
        kind: GateKind,
        pattern: &RequestPattern,
        audience: Option<usize>,
    ) {
        self.pattern(pattern);
        self.gates.push((kind, audience));
    }

    /// Bounds what may open; to be called after all gates are added.
    pub(super) fn within(&mut self, patterns: &[RequestPattern]) {
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
        // What a pattern is called never shows: its side is in no verdict.
        self.index
            .put(0, Arc::default(), pattern.parsed(), &Bits::one(side));
        side
    }

    /// The bounds that are broken. None is a proof that every request keeps to them.
    ///
    /// # Errors
    /// The patterns cross each other in too many ways.
    pub(super) fn breaches(&self) -> Result<Vec<Breach>, Entangled> {
        let survey = Survey::new(&self.index);
        let wanted = self.wanted();
        let mut search = Search {
            bounds: self,
            survey: &survey,
            found: Vec::new(),
            counts: HashMap::new(),
            told: BTreeSet::new(),
        };
        survey.regions(&|term| wanted[term as usize], &mut |region| {
            search.region(region)
        })?;
        Ok(search.found)
    }

    /// The terms that make a difference: patterns of gates; and where widening is bounded, rules that come or go.
    fn wanted(&self) -> Vec<bool> {
        let gates = Bits::below(2 * self.audiences + self.gates.len())
            .without(&Bits::below(2 * self.audiences));
        let people = Bits::below(2 * self.audiences);
        let mut sides: Vec<Bits> = vec![Bits::default(); self.index.terms.len()];
        for term in &self.index.terms {
            sides[term.meaning as usize].add(&term.sides);
        }
        let wanted = self.index.terms.iter().map(|term| {
            let all = &sides[term.meaning as usize];
            let of_a_gate = term.sides.iter().any(|side| gates.contains(side));
            let of_people = all
                .iter()
                .filter(|side| people.contains(*side))
                .collect::<Bits>();
            of_a_gate || (self.widening.is_some() && !of_people.unpaired().is_empty())
        });
        wanted.collect()
    }
}

struct Search<'s, 'i> {
    bounds: &'s Bounds,
    survey: &'s Survey<'i>,
    found: Vec<Breach>,
    counts: HashMap<Bound, usize>,
    /// Breaches that the same rules decide are one. The first that is met has the shortest witness.
    told: BTreeSet<(Bound, usize, Vec<Reason>, Vec<Reason>)>,
}

impl Search<'_, '_> {
    /// Holds one region against all bounds.
    fn region(&mut self, region: &Region<'_>) -> Result<(), Stop> {
        let terms = region.terms;
        self.survey.budget.spend(terms.len() + 1)?;
        let mut allow = Bits::default();
        let mut deny = Bits::default();
        for id in terms {
            let term = self.survey.index.term_of(*id);
            match term.decision {
                Decision::Allow => allow.add(&term.sides),
                Decision::Deny => deny.add(&term.sides),
            }
        }
        // The sides of patterns are only ever among the allows.
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
                self.tell(Bound::Gate(position), audience, region)?;
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
            self.tell(Bound::Widening, audience, region)?;
        }
        Ok(())
    }

    fn tell(&mut self, bound: Bound, audience: usize, region: &Region<'_>) -> Result<(), Stop> {
        let terms = region.terms;
        self.survey.budget.spend(terms.len() + 1)?;
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
            self.found.push(Breach {
                bound,
                audience,
                witness,
                before,
                after,
            });
        }
        Ok(())
    }

    /// What one side decides about a region.
    fn verdict(&self, terms: &[u32], side: usize) -> Verdict {
        let index = self.survey.index;
        let of = |decision: Decision| {
            let terms = terms.iter().copied().filter(|id| {
                let term = index.term_of(*id);
                term.decision == decision && term.sides.contains(side)
            });
            reasons(index.entries_of(terms))
        };
        let denies = of(Decision::Deny);
        if !denies.is_empty() {
            return Verdict {
                decision: Decision::Deny,
                reasons: denies,
            };
        }
        let allows = of(Decision::Allow);
        let decision = if allows.is_empty() {
            Decision::Deny
        } else {
            Decision::Allow
        };
        Verdict {
            decision,
            reasons: allows,
        }
    }
}
