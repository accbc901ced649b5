//! Enumerates the combinations of rules that match some request together.
//!
//! In textbook terms, these are the nonempty atoms of the Boolean algebra that the request sets of
//! the rules generate. n rules could have 2^n combinations; only those with a request exist, and
//! they are found by walking the request partition instead of testing every subset. The planner
//! needs them because every decision depends only on the combination that a request belongs to.
//!
//! Example: the rules 1 (`*.example.com`), 2 (`api.example.com`) and 3 (`example.org`) have the atoms
//! {1}, {1, 2} and {3}. {2} alone matches no request, and neither does {1, 3}.

use std::collections::HashSet;

use super::bits::BitSet;
use super::budget::TooComplex;
use super::index::RuleIndex;
use super::overlap::NumberedRule;
use super::partition::RequestPartition;
use super::regions::RequestRegion;
use super::request::AccessRequest;
use model::docker::{Decision, Rule};

/// Rules, each with a number chosen by the caller.
#[derive(Debug, Default)]
pub struct AtomFinder<'r> {
    rules: Vec<NumberedRule<'r>>,
}

/// The rules that match one request, with that request.
pub struct Atom<'s> {
    /// The numbers of the matching allow rules, sorted.
    pub allows: &'s [usize],
    /// The numbers of the matching deny rules, sorted.
    pub denies: &'s [usize],
    region: &'s RequestRegion<'s>,
}

impl Atom<'_> {
    /// One request that exactly these rules match.
    pub fn witness(&self) -> Option<AccessRequest> {
        self.region.witness()
    }
}

impl<'r> AtomFinder<'r> {
    /// Adds a rule under a number.
    pub fn add(&mut self, number: usize, rule: &'r Rule) {
        self.rules.push(NumberedRule {
            number,
            rule,
            sides: BitSet::single(0),
        });
    }

    /// Visits every combination of rules that match some request together and include a `wanted`
    /// rule, each once. An HTTP request that no HTTP rule matches has the combination of its
    /// connection.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn visit(
        &self,
        wanted: &dyn Fn(usize) -> bool,
        visit: &mut dyn FnMut(&Atom<'_>),
    ) -> Result<(), TooComplex> {
        let is_wanted = |counted: &&NumberedRule<'_>| wanted(counted.number);
        let all = || self.rules.iter();
        let index = RuleIndex::for_changed(
            all().filter(is_wanted),
            all().filter(|counted| !is_wanted(counted)),
        );
        let partition = RequestPartition::new(&index);
        let wanted: Vec<bool> = (0..index.terms.len())
            .map(|term| numbers(&index, term).any(wanted))
            .collect();
        let wanted = |term: u32| wanted[term as usize];
        let mut told: HashSet<Vec<u32>> = HashSet::new();
        partition.regions(&wanted, &mut |region| {
            let mut terms = region.terms.to_vec();
            terms.sort_unstable();
            if terms.iter().any(|term| wanted(*term)) && !told.contains(&terms) {
                let allows = rules_with_decision(&index, Decision::Allow, &terms);
                let denies = rules_with_decision(&index, Decision::Deny, &terms);
                visit(&Atom {
                    allows: &allows,
                    denies: &denies,
                    region,
                });
                told.insert(terms);
            }
            Ok(())
        })
    }
}

/// The numbers of the rules of some terms with this decision, sorted.
fn rules_with_decision(index: &RuleIndex, decision: Decision, terms: &[u32]) -> Vec<usize> {
    let those = terms
        .iter()
        .filter(|term| index.term_of(**term).decision == decision);
    let mut numbers: Vec<usize> = those
        .flat_map(|term| numbers(index, *term as usize))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn numbers(index: &RuleIndex, term: usize) -> impl Iterator<Item = usize> {
    index.terms[term]
        .entries
        .iter()
        .map(|entry| index.entries[*entry as usize].rule as usize)
}
