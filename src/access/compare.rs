//! How two rule sets differ: what opens, what closes, each with a witness and the rules that decide it.

use std::collections::BTreeMap;

use super::decide::{Reason, RuleSet, Verdict};
use super::index::Index;
use super::ports::Ports;
use super::regions::{Region, regions};
use super::request::Request;
use crate::model::docker::{Decision, Method, Rule};

/// Which way access moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Denied before, allowed after.
    Opens,
    /// Allowed before, denied after.
    Closes,
}

/// What a change does to access, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing opens and nothing closes, for any request: that is a proof.
    Neutral,
    /// Something opens, nothing closes.
    Widening,
    /// Something closes, nothing opens.
    Narrowing,
    /// Both.
    Mixed,
}

/// A set of requests that opens or closes by the same rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which way.
    pub direction: Direction,
    /// The resource that makes the difference, as written: of the deny that comes or goes, else of the allow.
    pub resource: String,
    /// The ports, for connections and HTTP requests.
    pub ports: Option<Ports>,
    /// The methods, for HTTP requests.
    pub methods: Vec<Method>,
    /// One request of the set.
    pub witness: Request,
    /// What is decided about it before, by positions in the rules before.
    pub before: Verdict,
    /// What is decided about it after, by positions in the rules after.
    pub after: Verdict,
}

/// All that opens or closes between two rule sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// One row for each set; empty exactly if the two allow the same requests.
    pub rows: Vec<Row>,
}

impl Difference {
    /// What the change does, taken together.
    pub fn effect(&self) -> Effect {
        let any = |direction| self.rows.iter().any(|row| row.direction == direction);
        match (any(Direction::Opens), any(Direction::Closes)) {
            (false, false) => Effect::Neutral,
            (true, false) => Effect::Widening,
            (false, true) => Effect::Narrowing,
            (true, true) => Effect::Mixed,
        }
    }
}

const BEFORE: u8 = 1;
const AFTER: u8 = 2;

/// Compares what two rule sets allow.
pub fn compare(before: &[&Rule], after: &[&Rule]) -> Difference {
    let index = Index::new(&[before, after]);
    let differing = regions(&index, |allowed| allowed == BEFORE || allowed == AFTER);
    let (old, new) = (RuleSet::new(before), RuleSet::new(after));
    let mut rows: BTreeMap<Key, Row> = BTreeMap::new();
    for region in differing {
        let row = row(region, &old, &new);
        // The first region of a set is the one with the shortest witness.
        rows.entry(key(&row)).or_insert(row);
    }
    Difference { rows: rows.into_values().collect() }
}

/// Regions with the same key are one row.
type Key = (Direction, String, u8, Option<Ports>, Vec<Method>, Vec<Reason>, Vec<Reason>);

fn key(row: &Row) -> Key {
    let Row { direction, resource, ports, methods, witness, before, after } = row;
    let kind = match witness {
        Request::Connect { transport, .. } => *transport as u8,
        Request::Http { .. } => 2,
        Request::File { mode, .. } => 3 + *mode as u8,
    };
    let reasons = |verdict: &Verdict| verdict.reasons.clone();
    (*direction, resource.clone(), kind, ports.clone(), methods.clone(), reasons(before), reasons(after))
}

fn row(region: Region, old: &RuleSet, new: &RuleSet) -> Row {
    let Region { allowed, ports, methods, witness } = region;
    let (before, after) = (old.decide(&witness), new.decide(&witness));
    let direction = if allowed == AFTER { Direction::Opens } else { Direction::Closes };
    let denied = match direction {
        Direction::Opens => &before,
        Direction::Closes => &after,
    };
    let granted = match direction {
        Direction::Opens => &after,
        Direction::Closes => &before,
    };
    debug_assert_eq!((denied.decision, granted.decision), (Decision::Deny, Decision::Allow), "{witness}");
    let deciding = denied.reasons.first().or(granted.reasons.first());
    let resource = deciding.map(|reason| reason.resource.clone()).unwrap_or_default();
    Row { direction, resource, ports, methods, witness, before, after }
}
