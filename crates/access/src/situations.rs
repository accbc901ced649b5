//! Which rules meet in one request: every combination of them that some request meets.

use std::collections::HashSet;

use super::bits::Bits;
use super::budget::Entangled;
use super::index::Index;
use super::meeting::Counted;
use super::regions::Region;
use super::request::Request;
use super::survey::Survey;
use model::docker::{Decision, Rule};

/// Rules, each with a number that the caller gives it.
#[derive(Debug, Default)]
pub struct Situations<'r> {
    rules: Vec<Counted<'r>>,
}

/// The rules that match some request, and one such request.
pub struct Situation<'s> {
    /// The numbers of the allow rules that match, sorted.
    pub allows: &'s [usize],
    /// The numbers of the deny rules that match, sorted.
    pub denies: &'s [usize],
    region: &'s Region<'s>,
}

impl Situation<'_> {
    /// One request that just these rules match.
    pub fn witness(&self) -> Option<Request> {
        self.region.witness()
    }
}

impl<'r> Situations<'r> {
    /// Adds a rule under a number.
    pub fn add(&mut self, number: usize, rule: &'r Rule) {
        self.rules.push(Counted {
            number,
            rule,
            sides: Bits::one(0),
        });
    }

    /// Visits every combination of rules that some request meets and that one of the `wanted` numbers is part of, each
    /// once. An HTTP request that no HTTP rule matches meets what its connection meets.
    ///
    /// # Errors
    /// The patterns cross each other in too many ways.
    pub fn visit(
        &self,
        wanted: &dyn Fn(usize) -> bool,
        visit: &mut dyn FnMut(&Situation<'_>),
    ) -> Result<(), Entangled> {
        let is_wanted = |counted: &&Counted<'_>| wanted(counted.number);
        let all = || self.rules.iter();
        let index = Index::around(
            all().filter(is_wanted),
            all().filter(|counted| !is_wanted(counted)),
        );
        let survey = Survey::new(&index);
        let wanted: Vec<bool> = (0..index.terms.len())
            .map(|term| numbers(&index, term).any(wanted))
            .collect();
        let wanted = |term: u32| wanted[term as usize];
        let mut told: HashSet<Vec<u32>> = HashSet::new();
        survey.regions(&wanted, &mut |region| {
            let mut terms = region.terms.to_vec();
            terms.sort_unstable();
            if terms.iter().any(|term| wanted(*term)) && !told.contains(&terms) {
                let allows = of(&index, Decision::Allow, &terms);
                let denies = of(&index, Decision::Deny, &terms);
                visit(&Situation {
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

/// The numbers of the rules with a decision that some terms belong to, sorted.
fn of(index: &Index, decision: Decision, terms: &[u32]) -> Vec<usize> {
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

fn numbers(index: &Index, term: usize) -> impl Iterator<Item = usize> {
    index.terms[term]
        .entries
        .iter()
        .map(|entry| index.entries[*entry as usize].rule as usize)
}
