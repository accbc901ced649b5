//! The state in SQLite: one connection, one transaction for each request.

mod founding;
mod records;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

pub(super) use founding::found;
pub(super) use records::Records;

use super::options::{EmulatorError, StateLocation};

/// The number of the layout below; a file with another is refused.
const LAYOUT: i64 = 1;

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
pub(super) struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the state and makes the tables if it is new.
    pub(super) fn open(location: &StateLocation) -> Result<Self, EmulatorError> {
        let place = describe(location);
        let failed = |cause| EmulatorError::State { place: place.clone(), cause };
        let mut connection = match location {
            StateLocation::Memory => Connection::open_in_memory(),
            StateLocation::File(path) => {
                create_folder(path)?;
                Connection::open(path)
            }
        }
        .map_err(failed)?;
        let found = prepare(&mut connection).map_err(failed)?;
        if found != LAYOUT {
            return Err(EmulatorError::StateLayout { place, found, needed: LAYOUT });
        }
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Runs `work` on a state that does not change meanwhile.
    pub(super) fn read<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        work(&Records::new(&transaction))
    }

    /// Runs `work` and keeps all that it wrote, or nothing if it fails.
    pub(super) fn write<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&Records::new(&transaction))?;
        transaction.commit()?;
        Ok(result)
    }

    /// A thread that panicked held a transaction, which was rolled back: the connection is good.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How messages name the state.
pub(super) fn describe(location: &StateLocation) -> String {
    match location {
        StateLocation::Memory => "in memory".to_owned(),
        StateLocation::File(path) => path.display().to_string(),
    }
}

fn create_folder(path: &Path) -> Result<(), EmulatorError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|cause| EmulatorError::StateFolder { folder: folder.to_path_buf(), cause })
}

/// Sets the connection up and answers the layout's number.
///
/// With a write-ahead log and `synchronous = normal` a kill loses nothing that was answered; only a power cut can lose
/// the last writes, and never tears one.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("pragma user_version", (), |row| row.get(0))?;
    let tables: i64 = transaction.query_row("select count(*) from sqlite_schema", (), |row| row.get(0))?;
    if found != 0 || tables != 0 {
        return Ok(found);
    }
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    transaction.commit()?;
    Ok(LAYOUT)
}
