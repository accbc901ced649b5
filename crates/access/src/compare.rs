//! Compares rule sets: the requests that a change opens and closes, each with a witness and the
//! deciding rules.
//!
//! Textbook problem: the symmetric difference of two request sets. A request opens if it is in
//! A(after) and not in A(before), and closes in the opposite case, where A is the set of allowed
//! requests under deny-overrides. Both sides are indexed together, so that they have common cells,
//! and the Boolean formula is evaluated once for each cell, port class, method and HTTP path. No
//! difference in any of them proves that both rule sets allow the same requests. Comparing texts of
//! rules instead would report changes where a rule is merely split, renamed or moved.
//!
//! Two facts keep this fast. Only cells with a changed term are visited: in all others, both sides
//! match terms of the same meaning. And cells with the same terms on the same sides for an audience
//! share their rows. All audiences are compared in one walk; audience n has the sides 2n (before)
//! and 2n + 1 (after).
//!
//! Example: before, `**.example.com` is allowed; after, `ftp.example.com` is denied too. The cell
//! of `ftp.example.com` is allowed before and denied after: one row closes, with a request to port
//! 443 as witness. The cell of all other names has no changed term and is skipped.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::bits::BitSet;
use super::budget::{TooComplex, WalkStop};
use super::decide::{ExplainedDecision, reasons};
use super::difference::{AccessDifference, DifferenceRow, Direction};
use super::index::{InvalidResource, RuleIndex};
use super::overlap::NumberedRule;
use super::partition::{PartitionCell, RequestPartition, RequestTarget, TermsByPort};
use super::request::{AccessRequest, PortSet};
use super::segments::FixedMap;
use model::docker::{Decision, FileMode, Method, Rule, Transport};

/// Compares the requests that two rule sets allow. Reasons refer to rules by position in their set.
///
/// # Errors
/// The question exceeds the work budget.
pub fn compare(before: &[&Rule], after: &[&Rule]) -> Result<AccessDifference, TooComplex> {
    let mut comparison = Comparison::new(1);
    for (position, rule) in before.iter().enumerate() {
        comparison.add(position, rule, [0], []);
    }
    for (position, rule) in after.iter().enumerate() {
        comparison.add(position, rule, [], [0]);
    }
    Ok(comparison.run()?.differences.pop().unwrap_or_default())
}

/// Rules before and after a change, each with the audiences that it applies to. One walk compares
/// all audiences.
#[derive(Debug)]
pub struct Comparison<'r> {
    rules: Vec<NumberedRule<'r>>,
    audiences: usize,
}

/// The result of a comparison.
#[derive(Debug)]
pub struct ComparisonResult {
    /// What opens and closes, for each audience.
    pub differences: Vec<AccessDifference>,
    /// Resources that cannot be parsed and therefore match nothing.
    pub unreadable: Vec<InvalidResource>,
}

impl<'r> Comparison<'r> {
    /// Creates an empty comparison for this number of audiences.
    pub fn new(audiences: usize) -> Self {
        Self {
            rules: Vec::new(),
            audiences,
        }
    }

    /// Adds a rule that applies to the audiences `before` before the change and to the audiences
    /// `after` after it. Reasons refer to the rule by `position`.
    pub fn add(
        &mut self,
        position: usize,
        rule: &'r Rule,
        before: impl IntoIterator<Item = usize>,
        after: impl IntoIterator<Item = usize>,
    ) {
        let before = before.into_iter().map(|audience| 2 * audience);
        let sides: BitSet = before
            .chain(after.into_iter().map(|audience| 2 * audience + 1))
            .collect();
        self.rules.push(NumberedRule {
            number: position,
            rule,
            sides,
        });
    }

    /// # Errors
    /// The question exceeds the work budget.
    pub fn run(&self) -> Result<ComparisonResult, TooComplex> {
        let changes = |counted: &&NumberedRule<'_>| !counted.sides.unpaired().is_empty();
        let all = || self.rules.iter();
        let index = RuleIndex::for_changed(
            all().filter(changes),
            all().filter(|counted| !changes(counted)),
        );
        let differences = differences(&index, self.audiences)?;
        Ok(ComparisonResult {
            differences,
            unreadable: index.unreadable,
        })
    }
}

/// What opens and closes, for each audience.
fn differences(index: &RuleIndex, audiences: usize) -> Result<Vec<AccessDifference>, TooComplex> {
    let partition = RequestPartition::new(index);
    // A term only matters for audiences without a term of the same meaning on the other side.
    let mut sides: Vec<BitSet> = vec![BitSet::default(); index.terms.len()];
    for term in &index.terms {
        sides[term.meaning as usize].add(&term.sides);
    }
    let changed: Vec<BitSet> = sides.iter().map(BitSet::unpaired).collect();
    let changed = |term: u32| &changed[index.term_of(term).meaning as usize];
    let mut search = DifferenceSearch {
        partition: &partition,
        found: Vec::new(),
        known: FixedMap::default(),
    };
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); audiences];
    let mut told: HashSet<(usize, u32), FixedState> = HashSet::default();
    partition.cells(&|term| !changed(term).is_empty(), &mut |cell| {
        let mut affected = BitSet::default();
        for term in cell.terms {
            affected.add(changed(*term));
        }
        for audience in affected.iter() {
            let found = search.row_id(cell, audience)?;
            if told.insert((audience, found)) {
                rows[audience].push(found);
            }
        }
        Ok(())
    })?;
    Ok(rows
        .into_iter()
        .map(|families| search.difference(&families))
        .collect())
}

/// Whether a term applies to an audience before and after, as two bits.
const BEFORE: u8 = 1;
const AFTER: u8 = 2;

/// The sides on which some allow and some deny matches, before deny overrides allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct MatchingDecisions {
    allow: u8,
    deny: u8,
}

impl MatchingDecisions {
    /// The sides on which the request is allowed: deny overrides allow, and the default is deny.
    fn allowed(self) -> u8 {
        self.allow & !self.deny
    }
}

fn differs(allowed: u8) -> bool {
    allowed == BEFORE || allowed == AFTER
}

/// Matching terms, each with the sides on which it applies to one audience.
type MatchedTerms = SmallVec<[(u32, u8); 4]>;

struct DifferenceSearch<'s, 'i> {
    partition: &'s RequestPartition<'i>,
    /// The rows of cells, by the number in `known`.
    found: Vec<SmallVec<[Arc<DifferenceRow>; 1]>>,
    /// Cells with the same terms on the same sides have the same rows, computed once. The first
    /// such cell has the shortest witness.
    known: FixedMap<MatchedTerms, u32>,
}

impl DifferenceSearch<'_, '_> {
    /// The number of the rows of a cell for an audience, in `found`.
    fn row_id(&mut self, cell: &PartitionCell<'_>, audience: usize) -> Result<u32, WalkStop> {
        let met: MatchedTerms = cell
            .terms
            .iter()
            .map(|term| (*term, self.sides(*term, audience)))
            .filter(|(_, sides)| *sides > 0)
            .collect();
        if let Some(known) = self.known.get(&met) {
            return Ok(*known);
        }
        let terms: SmallVec<[u32; 8]> = met.iter().map(|(term, _)| *term).collect();
        let view = AudienceView {
            partition: self.partition,
            terms: &terms,
            audience,
        };
        let mut rows = Vec::new();
        if cell.is_path() {
            view.files(cell, &mut rows);
        } else {
            view.destination(cell, &mut rows)?;
        }
        let number = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        self.found.push(rows.into_iter().map(Arc::new).collect());
        self.known.insert(met, number);
        Ok(number)
    }

    fn sides(&self, term: u32, audience: usize) -> u8 {
        sides(&self.partition.index.term_of(term).sides, audience)
    }

    fn difference(&self, families: &[u32]) -> AccessDifference {
        let mut rows: Vec<Arc<DifferenceRow>> = families
            .iter()
            .flat_map(|family| self.found[*family as usize].iter().cloned())
            .collect();
        // Equal rows are merged. The sort is stable, so the first one, with the shortest witness,
        // remains.
        rows.sort_by(|one, other| one.order(other));
        rows.dedup_by(|later, first| later.order(first).is_eq());
        AccessDifference { rows }
    }
}

fn sides(sides: &BitSet, audience: usize) -> u8 {
    (u8::from(sides.contains(2 * audience)) * BEFORE)
        | (u8::from(sides.contains(2 * audience + 1)) * AFTER)
}

/// One cell from the point of view of one audience.
struct AudienceView<'v, 'i> {
    partition: &'v RequestPartition<'i>,
    terms: &'v [u32],
    audience: usize,
}

impl AudienceView<'_, '_> {
    fn votes(&self, terms: impl IntoIterator<Item = u32>) -> MatchingDecisions {
        let mut votes = MatchingDecisions::default();
        for id in terms {
            let term = self.partition.index.term_of(id);
            match term.decision {
                Decision::Allow => votes.allow |= sides(&term.sides, self.audience),
                Decision::Deny => votes.deny |= sides(&term.sides, self.audience),
            }
        }
        votes
    }

    fn destination(
        &self,
        cell: &PartitionCell<'_>,
        rows: &mut Vec<DifferenceRow>,
    ) -> Result<(), WalkStop> {
        let mut made = None;
        let mut destination = || match made.get_or_insert_with(|| cell.subject()) {
            RequestTarget::Destination(destination) => Some(destination.clone()),
            RequestTarget::Path(_) => None,
        };
        for transport in Transport::ALL {
            let terms = self.partition.connections(self.terms, *transport);
            if terms.is_empty() {
                continue;
            }
            for (allowed, ports) in self.by_outcome(&terms) {
                let Some(port) = ports.witness() else {
                    continue;
                };
                let Some(destination) = destination() else {
                    continue;
                };
                let witness = AccessRequest::Connect {
                    transport: *transport,
                    destination,
                    port,
                };
                rows.push(self.row(
                    allowed,
                    Some(ports),
                    Vec::new(),
                    witness,
                    &terms.terms_at(Some(port)),
                ));
            }
        }
        let telling = |connection: &[u32]| self.votes(connection.iter().copied());
        for part in self.partition.http(self.terms, telling) {
            let Some(port) = part.ports.witness() else {
                continue;
            };
            let connection = telling(&part.connection);
            for path in self.partition.paths(&part.http)?.iter() {
                let http: Vec<u32> = part
                    .http
                    .iter()
                    .copied()
                    .filter(|term| self.partition.on_path(*term, path))
                    .collect();
                for (allowed, methods) in self.by_method(&http, connection) {
                    let Some(method) = methods.first().copied() else {
                        continue;
                    };
                    if !differs(allowed) || allowed == connection.allowed() {
                        continue;
                    }
                    let Some(destination) = destination() else {
                        continue;
                    };
                    let witness = AccessRequest::Http {
                        method,
                        destination,
                        port,
                        path: path.witness.clone(),
                    };
                    let requests =
                        |id: &u32| self.partition.index.term_of(*id).what.requests(method);
                    // Ports with the same decision may still have different deciding rules; use
                    // those of the witness's port.
                    let connection = self
                        .partition
                        .connections(self.terms, Transport::Tcp)
                        .terms_at(Some(port));
                    let deciding: Vec<u32> = connection
                        .into_iter()
                        .chain(http.iter().copied().filter(requests))
                        .collect();
                    rows.push(self.row(
                        allowed,
                        Some(part.ports.clone()),
                        methods,
                        witness,
                        &deciding,
                    ));
                }
            }
        }
        Ok(())
    }

    /// The ports of each outcome in which the two sides differ.
    fn by_outcome(&self, terms: &TermsByPort) -> SmallVec<[(u8, PortSet); 2]> {
        let everywhere = self.votes(terms.everywhere.iter().copied());
        let elsewhere = everywhere.allowed();
        let mut only: SmallVec<[(u8, BTreeSet<u16>); 2]> = SmallVec::new();
        let mut but = BTreeSet::new();
        for (port, here) in &terms.at {
            let here = self.votes(here.iter().copied());
            let here = MatchingDecisions {
                allow: here.allow | everywhere.allow,
                deny: here.deny | everywhere.deny,
            }
            .allowed();
            if here == elsewhere {
                continue;
            }
            if differs(elsewhere) {
                but.insert(*port);
            }
            if differs(here) {
                match only.iter_mut().find(|(outcome, _)| *outcome == here) {
                    Some((_, ports)) => drop(ports.insert(*port)),
                    None => only.push((here, BTreeSet::from([*port]))),
                }
            }
        }
        let only = only
            .into_iter()
            .map(|(outcome, ports)| (outcome, PortSet::Only(ports)));
        only.chain(differs(elsewhere).then_some((elsewhere, PortSet::AllBut(but))))
            .collect()
    }

    /// The methods with an HTTP term, by outcome.
    fn by_method(&self, http: &[u32], connection: MatchingDecisions) -> BTreeMap<u8, Vec<Method>> {
        let mut outcomes: BTreeMap<u8, Vec<Method>> = BTreeMap::new();
        for method in Method::ALL {
            let terms = http
                .iter()
                .copied()
                .filter(|id| self.partition.index.term_of(*id).what.requests(*method));
            let mut terms = terms.peekable();
            if terms.peek().is_some() {
                let votes = self.votes(terms);
                let votes = MatchingDecisions {
                    allow: votes.allow | connection.allow,
                    deny: votes.deny | connection.deny,
                };
                outcomes.entry(votes.allowed()).or_default().push(*method);
            }
        }
        outcomes
    }

    fn files(&self, cell: &PartitionCell<'_>, rows: &mut Vec<DifferenceRow>) {
        for mode in FileMode::ALL {
            let mounts = |id: &u32| self.partition.index.term_of(*id).what.mounts(*mode);
            let terms: Vec<u32> = self.terms.iter().copied().filter(mounts).collect();
            let allowed = self.votes(terms.iter().copied()).allowed();
            if differs(allowed)
                && let RequestTarget::Path(path) = cell.subject()
            {
                let witness = AccessRequest::File { mode: *mode, path };
                rows.push(self.row(allowed, None, Vec::new(), witness, &terms));
            }
        }
    }

    /// A row whose witness is decided by these terms.
    fn row(
        &self,
        allowed: u8,
        ports: Option<PortSet>,
        methods: Vec<Method>,
        witness: AccessRequest,
        terms: &[u32],
    ) -> DifferenceRow {
        let before = self.verdict(terms, BEFORE);
        let after = self.verdict(terms, AFTER);
        let (direction, denied, granted) = match allowed {
            AFTER => (Direction::Opens, &before, &after),
            _ => (Direction::Closes, &after, &before),
        };
        debug_assert_eq!(
            (denied.decision, granted.decision),
            (Decision::Deny, Decision::Allow),
            "{witness}"
        );
        let deciding = denied.reasons.first().or(granted.reasons.first());
        let resource =
            deciding.map_or_else(|| Arc::from(""), |reason| Arc::clone(&reason.resource));
        DifferenceRow {
            direction,
            resource,
            ports,
            methods,
            witness,
            before,
            after,
        }
    }

    fn verdict(&self, terms: &[u32], side: u8) -> ExplainedDecision {
        let index = self.partition.index;
        let matching = |decision: Decision| {
            let terms = terms.iter().copied().filter(move |id| {
                let term = index.term_of(*id);
                term.decision == decision && sides(&term.sides, self.audience) & side > 0
            });
            reasons(index.entries_of(terms))
        };
        ExplainedDecision::deny_overrides(matching)
    }
}
