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

use super::bits::Bits;
use super::budget::{Entangled, Stop};
use super::index::Index;
use super::parsed::{Parsed, parse};
use super::request::Request;
use super::request_pattern::RequestPattern;
use super::survey::Survey;
use model::docker::{Decision, Rule};

/// An exact set of requests.
///
/// Combining sets costs only memory. Each question walks over all regions of the combined rules and
/// patterns.
#[derive(Debug, Clone, Default)]
pub struct RequestSet {
    parts: Vec<Arc<Part>>,
    /// The formula in postfix notation; empty for the empty set.
    formula: Vec<Step>,
    index: OnceLock<Arc<Index>>,
}

/// The resources of a rule set, or the patterns of a union.
#[derive(Debug)]
struct Part(Vec<Parsed>);

#[derive(Debug, Clone, Copy)]
enum Step {
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
        Self::of(part)
    }

    /// The requests that at least one of these patterns matches.
    pub fn matching<'p>(patterns: impl IntoIterator<Item = &'p RequestPattern>) -> Self {
        Self::of(
            patterns
                .into_iter()
                .map(|pattern| pattern.parsed().clone())
                .collect(),
        )
    }

    fn of(part: Vec<Parsed>) -> Self {
        Self {
            parts: vec![Arc::new(Part(part))],
            formula: vec![Step::Part(0)],
            index: OnceLock::new(),
        }
    }

    /// The requests in this set or in the other.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.join(other, Step::Union)
    }

    /// The requests in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.join(other, Step::Intersection)
    }

    /// The requests in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.join(other, Step::Difference)
    }

    fn join(&self, other: &Self, step: Step) -> Self {
        match (self.formula.is_empty(), other.formula.is_empty(), step) {
            (true, true, _)
            | (true, false, Step::Intersection | Step::Difference)
            | (false, true, Step::Intersection) => {
                return Self::default();
            }
            (true, false, Step::Union | Step::Part(_)) => return other.clone(),
            (false, true, Step::Union | Step::Difference | Step::Part(_)) => return self.clone(),
            (false, false, _) => {}
        }
        let mut parts = self.parts.clone();
        let mut formula = self.formula.clone();
        // Common variables are shared: a set minus itself costs no more than the set.
        let place = |parts: &mut Vec<Arc<Part>>, part: &Arc<Part>| {
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
            Step::Part(part) => Step::Part(places.get(*part).copied().unwrap_or(*part)),
            Step::Union | Step::Intersection | Step::Difference => *step,
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
    pub fn witness(&self) -> Result<Option<Request>, Entangled> {
        let index = self.index();
        let survey = Survey::new(index);
        let mut witness = None;
        survey.regions(&|_| true, &mut |region| {
            if self.holds(index, region.terms.iter().copied()) {
                witness = region.witness();
                if witness.is_some() {
                    return Err(Stop::Answered);
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
    pub fn is_empty(&self) -> Result<bool, Entangled> {
        Ok(self.witness()?.is_none())
    }

    /// Whether every request of this set is in the other.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn is_subset(&self, other: &Self) -> Result<bool, Entangled> {
        self.difference(other).is_empty()
    }

    /// Whether both sets have the same requests.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn equals(&self, other: &Self) -> Result<bool, Entangled> {
        self.difference(other)
            .union(&other.difference(self))
            .is_empty()
    }

    /// Whether a request is in the set.
    pub fn contains(&self, request: &Request) -> bool {
        let index = self.index();
        self.holds(index, index.matching(request).into_iter())
    }

    fn index(&self) -> &Arc<Index> {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            for (number, part) in self.parts.iter().enumerate() {
                let side = Bits::one(number);
                for parsed in &part.0 {
                    index.put(0, Arc::default(), parsed, &side);
                }
            }
            Arc::new(index)
        })
    }

    /// Evaluates the formula for requests that match exactly these terms.
    fn holds(&self, index: &Index, terms: impl Iterator<Item = u32>) -> bool {
        let mut allow = Bits::default();
        let mut deny = Bits::default();
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
                Step::Part(part) => allowed.contains(*part),
                Step::Union | Step::Intersection | Step::Difference => {
                    let right = open.pop().unwrap_or_default();
                    let left = open.pop().unwrap_or_default();
                    match step {
                        Step::Intersection => left && right,
                        Step::Difference => left && !right,
                        Step::Union | Step::Part(_) => left || right,
                    }
                }
            };
            open.push(holds);
        }
        open.pop().unwrap_or_default()
    }
}
