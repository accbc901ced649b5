//! Differences between two rule sets, as exact rows.

use std::collections::HashMap;

use super::decide::ExplainedDecision;
use super::people::{GroupTable, People};
use super::request::AccessRequest;

/// What changes for the requests of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKind {
    /// Denied before, allowed after.
    Opens,
    /// Allowed before, denied after.
    Closes,
    /// Denied by a rule before and by no rule after, whether or not a rule allows it.
    WeakensGuard,
    /// Denied by no rule before and by a rule after, whether or not a rule allowed it.
    StrengthensGuard,
}

impl RowKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Opens,
        Self::Closes,
        Self::WeakensGuard,
        Self::StrengthensGuard,
    ];
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

/// A set of requests that change in the same way for the same people, because of one rule.
///
/// The set is the union of `what` without the union of `except`. Every request of it changes for
/// exactly `people` because of the rule, and nothing else is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRow {
    /// What changes.
    pub kind: RowKind,
    /// The rule that causes it, by position: the allow or deny rule that is added, removed or
    /// changed.
    pub rule: usize,
    /// The people for whom it changes.
    pub people: People,
    /// Patterns of requests, in the syntax of gates.
    pub what: Vec<String>,
    /// Patterns of requests that are not part of the set.
    pub except: Vec<String>,
    /// One request of the set, as evidence.
    pub witness: AccessRequest,
    /// The verdict before the change about the witness, for members of exactly the groups that the
    /// first term of `people` requires. Reasons refer to rules by position.
    pub before: ExplainedDecision,
    /// The verdict after the change.
    pub after: ExplainedDecision,
}

/// All access changes between two rule sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessDifference {
    /// The changes; empty of opening and closing rows if and only if both sides allow the same
    /// requests to the same people, provided that `not_listed` is empty.
    pub rows: Vec<AccessRow>,
    /// Rules whose effect cannot be listed exactly, by position, with the reason.
    pub not_listed: Vec<(usize, NotListed)>,
}

/// Why an effect of a rule is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotListed {
    /// The people concerned are a disjunction of more than 64 combinations of groups.
    People,
    /// The requests concerned cannot be written as patterns within the work budget.
    Requests,
}

impl AccessDifference {
    /// Adds the changes of a disjoint set of requests. Rows about the same rule and people become
    /// one: patterns of one set match nothing in the other.
    pub(crate) fn join(&mut self, other: Self) {
        let Self { rows, not_listed } = other;
        // Rows of the same set must stay apart, because an exception of one may be part of another:
        // each earlier row takes at most one.
        let mut earlier: HashMap<(RowKind, usize, People), usize> = self
            .rows
            .iter()
            .enumerate()
            .map(|(position, row)| ((row.kind, row.rule, row.people.clone()), position))
            .collect();
        for row in rows {
            let known = earlier.remove(&(row.kind, row.rule, row.people.clone()));
            match known.and_then(|position| self.rows.get_mut(position)) {
                Some(known) => {
                    known.what.extend(row.what);
                    known.except.extend(row.except);
                }
                None => self.rows.push(row),
            }
        }
        self.not_listed.extend(not_listed);
        self.not_listed.sort_unstable();
        self.not_listed.dedup();
    }

    /// The overall effect on what is allowed. Guards do not count.
    pub fn effect(&self) -> AccessEffect {
        let any = |kind| self.rows.iter().any(|row| row.kind == kind);
        match (any(RowKind::Opens), any(RowKind::Closes)) {
            (false, false) => AccessEffect::Neutral,
            (true, false) => AccessEffect::Widening,
            (false, true) => AccessEffect::Narrowing,
            (true, true) => AccessEffect::Mixed,
        }
    }
}

/// The groups of a comparison without scopes.
pub(crate) fn no_groups() -> GroupTable {
    GroupTable::default()
}
