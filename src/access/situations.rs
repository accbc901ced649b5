//! Which rules meet in one request: every combination of them that some request meets.

use std::collections::HashSet;

use super::bits::Bits;
use super::budget::{Entangled, Stop};
use super::index::Index;
use super::ports::Ports;
use super::request::Request;
use super::survey::{Cell, Subject, Survey};
use crate::model::docker::{Decision, FileMode, Method, Rule, Transport};

/// Rules, each with a number that the caller gives it.
#[derive(Debug, Default)]
pub struct Situations {
    index: Index,
}

/// The rules that match some request, and one such request.
pub struct Situation<'s> {
    /// The numbers of the allow rules that match, sorted.
    pub allows: &'s [usize],
    /// The numbers of the deny rules that match, sorted.
    pub denies: &'s [usize],
    make: &'s dyn Fn() -> Option<Request>,
}

impl Situation<'_> {
    /// One request that just these rules match.
    pub fn witness(&self) -> Option<Request> {
        (self.make)()
    }
}

/// What is told of situations.
type Visit<'v> = dyn FnMut(&Situation<'_>) + 'v;

impl Situations {
    /// Adds a rule under a number.
    pub fn add(&mut self, number: usize, rule: &Rule) {
        self.index.add(number, rule, &Bits::one(0));
    }

    /// Visits every combination of rules that some request meets and that one of the `wanted` numbers is part of, each
    /// once. An HTTP request that no HTTP rule matches meets what its connection meets.
    ///
    /// # Errors
    /// The patterns cross each other in too many ways.
    pub fn visit(&self, wanted: &dyn Fn(usize) -> bool, visit: &mut Visit<'_>) -> Result<(), Entangled> {
        let survey = Survey::new(&self.index);
        let wanted: Vec<bool> = (0..self.index.terms.len()).map(|term| self.numbers(term).any(wanted)).collect();
        let wanted = |term: u32| wanted[term as usize];
        let mut teller = Teller { situations: self, wanted: &wanted, visit, told: HashSet::new() };
        survey.cells(&wanted, &mut |cell| {
            if cell.is_path() {
                teller.files(cell);
                Ok(())
            } else {
                teller.destination(&survey, cell)
            }
        })
    }

    fn numbers(&self, term: usize) -> impl Iterator<Item = usize> {
        let entries = self.index.terms[term].entries.iter();
        entries.map(|entry| self.index.entries[*entry as usize].rule as usize)
    }
}

struct Teller<'t> {
    situations: &'t Situations,
    wanted: &'t dyn Fn(u32) -> bool,
    visit: &'t mut Visit<'t>,
    told: HashSet<Vec<u32>>,
}

impl Teller<'_> {
    fn tell(&mut self, mut terms: Vec<u32>, make: &dyn Fn() -> Option<Request>) {
        terms.sort_unstable();
        if !terms.iter().any(|term| (self.wanted)(*term)) || self.told.contains(&terms) {
            return;
        }
        let of = |decision: Decision| {
            let those = terms.iter().filter(|term| self.situations.index.term_of(**term).decision == decision);
            let mut numbers: Vec<usize> = those.flat_map(|term| self.situations.numbers(*term as usize)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let (allows, denies) = (of(Decision::Allow), of(Decision::Deny));
        (self.visit)(&Situation { allows: &allows, denies: &denies, make });
        self.told.insert(terms);
    }

    fn destination(&mut self, survey: &Survey<'_>, cell: &Cell<'_>) -> Result<(), Stop> {
        let destination = || match cell.subject() {
            Subject::Destination(destination) => Some(destination),
            Subject::Path(_) => None,
        };
        for transport in Transport::ALL {
            let split = survey.connections(cell.terms, *transport);
            let written = split.at.keys().copied().collect();
            for port in split.at.keys().copied().chain(Ports::AllBut(written).witness()) {
                let make = || Some(Request::Connect { transport: *transport, destination: destination()?, port });
                self.tell(split.on(Some(port)), &make);
            }
        }
        for part in survey.http(cell.terms, <[u32]>::to_vec) {
            let Some(port) = part.ports.witness() else { continue };
            for path in survey.paths(&part.http)?.iter() {
                let http: Vec<u32> = part.http.iter().copied().filter(|term| survey.on_path(*term, path)).collect();
                for method in Method::ALL {
                    let requests = |term: &u32| self.situations.index.term_of(*term).what.requests(*method);
                    let mut terms: Vec<u32> = http.iter().copied().filter(requests).collect();
                    if !terms.is_empty() {
                        terms.extend(&part.connection);
                        let path = || path.witness.clone();
                        let make =
                            || Some(Request::Http { method: *method, destination: destination()?, port, path: path() });
                        self.tell(terms, &make);
                    }
                }
            }
        }
        Ok(())
    }

    fn files(&mut self, cell: &Cell<'_>) {
        for mode in FileMode::ALL {
            let mounts = |term: &u32| self.situations.index.term_of(*term).what.mounts(*mode);
            let make = || match cell.subject() {
                Subject::Path(path) => Some(Request::File { mode: *mode, path }),
                Subject::Destination(_) => None,
            };
            self.tell(cell.terms.iter().copied().filter(mounts).collect(), &make);
        }
    }
}
