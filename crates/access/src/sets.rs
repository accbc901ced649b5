//! Sets of requests as values, with union, intersection and difference.
//!
//! A set is a Boolean formula in postfix notation whose variables are rule sets and patterns.
//! Building it is cheap. Questions such as emptiness or inclusion are satisfiability problems: is
//! the formula true in some region? All variables are indexed together, each on a side of its own,
//! and the formula is evaluated once for each region. This is exact and needs no explicit
//! complement or normal form. Either can be exponentially large for patterns.
//!
//! Example: `a.is_subset(&b)` tests the formula `a b -` in every region of a and b; a region in
//! which it is true has a request in a but not in b.

use std::sync::{Arc, OnceLock};

use super::bits::BitSet;
use super::budget::{TooComplex, WalkStop};
use super::index::RuleIndex;
use super::parsed::{ParsedResource, parse};
use super::partition::RequestPartition;
use super::request::AccessRequest;
use super::request_pattern::RequestPattern;
use model::docker::{Decision, Rule};

/// An exact set of requests.
///
/// Combining sets costs only memory. Each question walks over all regions of the combined rules and
/// patterns.
#[derive(Debug, Clone, Default)]
pub struct RequestSet {
    parts: Vec<Arc<AllowedResources>>,
    /// The formula in postfix notation; empty for the empty set.
    formula: Vec<FormulaToken>,
    index: OnceLock<Arc<RuleIndex>>,
}

/// The resources of a rule set, or the patterns of a union.
#[derive(Debug)]
struct AllowedResources(Vec<ParsedResource>);

#[derive(Debug, Clone, Copy)]
enum FormulaToken {
    Part(usize),
    Union,
    Intersection,
    Difference,
}

impl RequestSet {
    /// The requests that these rules allow together. Resources that cannot be parsed match nothing.
    pub fn allowed_by(rules: &[&Rule]) -> Self {
        let mut part = Vec::new();
        for rule in rules {
            parse(rule, |_, parsed| part.extend(parsed));
        }
        Self::from_resources(part)
    }

    /// The requests that at least one of these patterns matches.
    pub fn matching<'p>(patterns: impl IntoIterator<Item = &'p RequestPattern>) -> Self {
        let mut single = Vec::new();
        let mut set = Self::default();
        for pattern in patterns {
            if let [part] = pattern.parts() {
                single.push(part.clone());
                continue;
            }
            let mut parts = pattern.parts().iter();
            let Some(first) = parts.next() else {
                continue;
            };
            let conjunction = parts.fold(Self::from_resources(vec![first.clone()]), |all, part| {
                all.intersection(&Self::from_resources(vec![part.clone()]))
            });
            set = set.union(&conjunction);
        }
        if single.is_empty() && !set.formula.is_empty() {
            return set;
        }
        Self::from_resources(single).union(&set)
    }

    pub(crate) fn from_resources(part: Vec<ParsedResource>) -> Self {
        Self {
            parts: vec![Arc::new(AllowedResources(part))],
            formula: vec![FormulaToken::Part(0)],
            index: OnceLock::new(),
        }
    }

    /// The requests in this set or in the other.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.join(other, FormulaToken::Union)
    }

    /// The requests in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.join(other, FormulaToken::Intersection)
    }

    /// The requests in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.join(other, FormulaToken::Difference)
    }

    fn join(&self, other: &Self, step: FormulaToken) -> Self {
        match (self.formula.is_empty(), other.formula.is_empty(), step) {
            (true, true, _)
            | (true, false, FormulaToken::Intersection | FormulaToken::Difference)
            | (false, true, FormulaToken::Intersection) => {
                return Self::default();
            }
            (true, false, FormulaToken::Union | FormulaToken::Part(_)) => return other.clone(),
            (
                false,
                true,
                FormulaToken::Union | FormulaToken::Difference | FormulaToken::Part(_),
            ) => return self.clone(),
            (false, false, _) => {}
        }
        let mut parts = self.parts.clone();
        let mut formula = self.formula.clone();
        // Common variables are shared: a set minus itself costs no more than the set.
        let place = |parts: &mut Vec<Arc<AllowedResources>>, part: &Arc<AllowedResources>| {
            parts
                .iter()
                .position(|known| Arc::ptr_eq(known, part))
                .unwrap_or_else(|| {
                    parts.push(Arc::clone(part));
                    parts.len() - 1
                })
        };
        let places: Vec<usize> = other
            .parts
            .iter()
            .map(|part| place(&mut parts, part))
            .collect();
        formula.extend(other.formula.iter().map(|step| match step {
            FormulaToken::Part(part) => {
                FormulaToken::Part(places.get(*part).copied().unwrap_or(*part))
            }
            FormulaToken::Union | FormulaToken::Intersection | FormulaToken::Difference => *step,
        }));
        formula.push(step);
        Self {
            parts,
            formula,
            index: OnceLock::new(),
        }
    }

    /// Returns a request of the set; `None` if it is empty.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn witness(&self) -> Result<Option<AccessRequest>, TooComplex> {
        let index = self.index();
        let partition = RequestPartition::new(index);
        let mut witness = None;
        partition.regions(&|_| true, &mut |region| {
            if self.evaluate(index, region.terms.iter().copied()) {
                witness = region.witness();
                if witness.is_some() {
                    return Err(WalkStop::Answered);
                }
            }
            Ok(())
        })?;
        Ok(witness)
    }

    /// Whether no request is in the set.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn is_empty(&self) -> Result<bool, TooComplex> {
        Ok(self.witness()?.is_none())
    }

    /// Whether every request of this set is in the other.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn is_subset(&self, other: &Self) -> Result<bool, TooComplex> {
        self.difference(other).is_empty()
    }

    /// Whether both sets have the same requests.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn equals(&self, other: &Self) -> Result<bool, TooComplex> {
        self.difference(other)
            .union(&other.difference(self))
            .is_empty()
    }

    /// Whether a request is in the set.
    pub fn contains(&self, request: &AccessRequest) -> bool {
        let index = self.index();
        self.evaluate(index, index.matching(request).into_iter())
    }

    fn index(&self) -> &Arc<RuleIndex> {
        self.index.get_or_init(|| {
            let mut index = RuleIndex::default();
            for (number, part) in self.parts.iter().enumerate() {
                let side = BitSet::single(number);
                for parsed in &part.0 {
                    index.put(0, Arc::default(), parsed, &side);
                }
            }
            Arc::new(index)
        })
    }

    /// Evaluates the formula for requests that match exactly these terms.
    fn evaluate(&self, index: &RuleIndex, terms: impl Iterator<Item = u32>) -> bool {
        let mut allow = BitSet::default();
        let mut deny = BitSet::default();
        for id in terms {
            let term = index.term_of(id);
            match term.decision {
                Decision::Allow => allow.add(&term.sides),
                Decision::Deny => deny.add(&term.sides),
            }
        }
        let allowed = allow.without(&deny);
        let mut open: Vec<bool> = Vec::new();
        for step in &self.formula {
            let holds = match step {
                FormulaToken::Part(part) => allowed.contains(*part),
                FormulaToken::Union | FormulaToken::Intersection | FormulaToken::Difference => {
                    let right = open.pop().unwrap_or_default();
                    let left = open.pop().unwrap_or_default();
                    match step {
                        FormulaToken::Intersection => left && right,
                        FormulaToken::Difference => left && !right,
                        FormulaToken::Union | FormulaToken::Part(_) => left || right,
                    }
                }
            };
            open.push(holds);
        }
        open.pop().unwrap_or_default()
    }
}
