//! Differences between two rule sets.

use std::cmp::Ordering;
use std::sync::Arc;

use super::decide::ExplainedDecision;
use super::request::{AccessRequest, PortSet};
use model::docker::Method;

/// The direction of an access change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Denied before, allowed after.
    Opens,
    /// Allowed before, denied after.
    Closes,
}

/// The overall effect of a change on access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessEffect {
    /// No request opens or closes. This is proven for all requests.
    Neutral,
    /// Some requests open, none closes.
    Widening,
    /// Some requests close, none opens.
    Narrowing,
    /// Some requests open and others close.
    Mixed,
}

/// A set of requests that opens or closes because of the same rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceRow {
    /// Whether the requests open or close.
    pub direction: Direction,
    /// The resource that causes the change, as written: of the added or removed deny, otherwise of
    /// the allow.
    pub resource: Arc<str>,
    /// The ports, for connections and HTTP requests; `None` for paths.
    pub ports: Option<PortSet>,
    /// The methods, for HTTP requests; otherwise empty.
    pub methods: Vec<Method>,
    /// One request of the set, as evidence.
    pub witness: AccessRequest,
    /// The verdict before the change. Reasons refer to rules before it by position.
    pub before: ExplainedDecision,
    /// The verdict after the change. Reasons refer to rules after it by position.
    pub after: ExplainedDecision,
}

/// All access changes between two rule sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessDifference {
    /// The changes; empty if and only if both sides allow the same requests. Audiences share equal
    /// rows.
    pub rows: Vec<Arc<DifferenceRow>>,
}

impl AccessDifference {
    /// The overall effect.
    pub fn effect(&self) -> AccessEffect {
        let any = |direction| self.rows.iter().any(|row| row.direction == direction);
        match (any(Direction::Opens), any(Direction::Closes)) {
            (false, false) => AccessEffect::Neutral,
            (true, false) => AccessEffect::Widening,
            (false, true) => AccessEffect::Narrowing,
            (true, true) => AccessEffect::Mixed,
        }
    }
}

impl DifferenceRow {
    /// The order of rows. It ignores witnesses: rows that differ only in the witness are
    /// duplicates.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let key = |row: &Self| {
            let kind = match &row.witness {
                AccessRequest::Connect { transport, .. } => *transport as u8,
                AccessRequest::Http { .. } => 2,
                AccessRequest::File { mode, .. } => 3 + *mode as u8,
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
