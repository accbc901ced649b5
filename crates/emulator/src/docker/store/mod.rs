//! The state in SQLite: one transaction for each request.

mod founding;
mod records;

pub(super) use founding::found;
pub(super) use records::Records;

use super::super::error::EmulatorError;
use super::super::state::{Layout, State, StateLocation};

/// Files of this service have had no number of their own from the beginning.
const LAYOUT: Layout = Layout {
    service: "docker",
    application: 0,
    number: 1,
    tables: TABLES,
};

/// `place` orders lists by creation and never repeats, so that it can be a cursor.
const TABLES: &str = "
create table organizations (name text primary key) strict;
create table teams (
    id integer primary key autoincrement,
    organization text not null references organizations (name),
    uuid text not null,
    name text not null,
    unique (organization, uuid)
) strict;
create table policies (
    place integer primary key autoincrement,
    id text not null unique,
    organization text not null references organizations (name),
    name text not null,
    kind text not null,
    scope text not null,
    body text not null,
    created_at text not null,
    updated_at text not null,
    unique (organization, name)
) strict;
create index policies_in_order on policies (organization, place);
create table rules (
    place integer primary key autoincrement,
    policy text not null references policies (id) on delete cascade,
    id text not null unique,
    name text not null,
    body text not null
) strict;
create index rules_in_order on rules (policy, place);
";

/// The open state.
#[derive(Debug)]
pub(super) struct Store(State);

impl Store {
    /// Opens the state and makes the tables if it is new.
    pub(super) fn open(location: &StateLocation) -> Result<Self, EmulatorError> {
        State::open(location, &LAYOUT).map(Self)
    }

    /// Runs `work` on a state that does not change meanwhile.
    pub(super) fn read<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.0.read(|connection| work(&Records::new(connection)))
    }

    /// Runs `work` and keeps all that it wrote, or nothing if it fails.
    pub(super) fn write<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.0.write(|connection| work(&Records::new(connection)))
    }
}
