//! What opens and closes between two rule sets.

use std::cmp::Ordering;
use std::sync::Arc;

use super::decide::Verdict;
use super::ports::Ports;
use super::request::Request;
use model::docker::Method;

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
    pub resource: Arc<str>,
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
    /// One row for each set; empty exactly if the two allow the same requests. Audiences share what they have in
    /// common.
    pub rows: Vec<Arc<Row>>,
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

impl Row {
    /// Rows are told apart and put in order by all but their witness.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |row: &Self| {
            let kind = match &row.witness {
                Request::Connect { transport, .. } => *transport as u8,
                Request::Http { .. } => 2,
                Request::File { mode, .. } => 3 + *mode as u8,
            };
            (row.direction, kind)
        };
        let one = key(self);
        let two = key(other);
        (
            one.0,
            &self.resource,
            one.1,
            &self.ports,
            &self.methods,
            &self.before.reasons,
            &self.after.reasons,
        )
            .cmp(&(
                two.0,
                &other.resource,
                two.1,
                &other.ports,
                &other.methods,
                &other.before.reasons,
                &other.after.reasons,
            ))
    }
}
