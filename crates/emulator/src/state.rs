//! The state of a service in SQLite: one connection, one transaction per request.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, Row, TransactionBehavior};
use serde::de::DeserializeOwned;

use crate::error::EmulatorError;

/// Where the state is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StateLocation {
    /// In memory: the state is lost when the emulator stops.
    #[default]
    Memory,
    /// An SQLite file, created with its folder if missing. It stays consistent if the process is
    /// killed at any time.
    File(PathBuf),
}

/// A service's marker type: its tables. Its queries are methods of [`Records`] with this type.
pub(crate) trait Tables {
    const LAYOUT: DatabaseLayout;
}

/// The tables of a service.
#[derive(Debug)]
pub(super) struct DatabaseLayout {
    /// The service's name in messages.
    pub(super) service: &'static str,
    /// SQLite's `application_id`, which distinguishes the files of the services.
    pub(super) application: i64,
    /// The version of the layout. A file with another version is refused.
    pub(super) number: i64,
    /// The statements that create the tables.
    pub(super) tables: &'static str,
}

/// The owner and the layout of a file. Both are 0 in a new one.
#[derive(Debug, Default, PartialEq, Eq)]
struct DatabaseHeader {
    application: i64,
    number: i64,
}

/// The open state of a service.
pub(crate) struct Store<T> {
    connection: Mutex<Connection>,
    tables: PhantomData<T>,
}

/// The records of a service within a transaction.
pub(crate) struct Records<'a, T> {
    pub(crate) connection: &'a Connection,
    tables: PhantomData<T>,
}

impl<T: Tables> Store<T> {
    /// Opens the state and creates the tables in a new one.
    pub(crate) fn open(location: &StateLocation) -> Result<Self, EmulatorError> {
        let place = describe(location);
        let failed = |cause| EmulatorError::State {
            place: place.clone(),
            cause,
        };
        let mut connection = match location {
            StateLocation::Memory => Connection::open_in_memory(),
            StateLocation::File(path) => {
                create_folder(path)?;
                Connection::open(path)
            }
        }
        .map_err(failed)?;
        let layout = T::LAYOUT;
        let DatabaseHeader {
            application,
            number,
        } = prepare(&mut connection, &layout).map_err(failed)?;
        if application != layout.application {
            return Err(EmulatorError::StateOfAnother {
                place,
                service: layout.service,
            });
        }
        if number != layout.number {
            return Err(EmulatorError::StateLayout {
                place,
                found: number,
                needed: layout.number,
            });
        }
        Ok(Self {
            connection: Mutex::new(connection),
            tables: PhantomData,
        })
    }

    /// Runs `work` in a read transaction.
    pub(crate) fn read<V, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Records<'_, T>) -> Result<V, E>,
    ) -> Result<V, E> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        work(&Records::new(&transaction))
    }

    /// Runs `work` in a transaction. An error rolls back everything.
    pub(crate) fn write<V, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Records<'_, T>) -> Result<V, E>,
    ) -> Result<V, E> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&Records::new(&transaction))?;
        transaction.commit()?;
        Ok(result)
    }

    /// A poisoned lock is fine: the transaction of the thread that panicked was rolled back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a, T> Records<'a, T> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            tables: PhantomData,
        }
    }

    /// Whether a query has any row.
    pub(crate) fn exists(&self, sql: &str, values: &[&str]) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(sql)?
            .exists(rusqlite::params_from_iter(values))
    }

    /// Runs a statement that returns no rows.
    pub(crate) fn execute(
        &self,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(sql)?
            .execute(values)
            .map(drop)
    }
}

/// The state's name in messages.
fn describe(location: &StateLocation) -> String {
    match location {
        StateLocation::Memory => "in memory".to_owned(),
        StateLocation::File(path) => path.display().to_string(),
    }
}

fn create_folder(path: &Path) -> Result<(), EmulatorError> {
    let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|cause| EmulatorError::StateFolder {
        folder: folder.to_path_buf(),
        cause,
    })
}

/// Configures the connection, creates the tables if there are none, and returns whose they are.
///
/// With a write-ahead log and `synchronous = normal`, killing the process loses nothing that was
/// answered. Only a power failure can lose the last writes, and it never leaves a partial one.
fn prepare(
    connection: &mut Connection,
    layout: &DatabaseLayout,
) -> rusqlite::Result<DatabaseHeader> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |pragma| transaction.query_row(pragma, (), |row| row.get::<_, i64>(0));
    let found = DatabaseHeader {
        application: number("pragma application_id")?,
        number: number("pragma user_version")?,
    };
    let tables: i64 =
        transaction.query_row("select count(*) from sqlite_schema", (), |row| row.get(0))?;
    if found != DatabaseHeader::default() || tables != 0 {
        return Ok(found);
    }
    transaction.execute_batch(layout.tables)?;
    transaction.pragma_update(None, "application_id", layout.application)?;
    transaction.pragma_update(None, "user_version", layout.number)?;
    transaction.commit()?;
    Ok(DatabaseHeader {
        application: layout.application,
        number: layout.number,
    })
}

/// Errors while creating the organizations of the options and the seed.
pub(crate) enum SeedFailure {
    State(rusqlite::Error),
    Random(getrandom::Error),
    Seed { place: String, why: String },
}

impl SeedFailure {
    /// Only a seed can violate a constraint.
    pub(crate) fn into_error(self, location: &StateLocation) -> EmulatorError {
        match self {
            Self::State(cause)
                if cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
            {
                EmulatorError::SeedRepeats { cause }
            }
            Self::State(cause) => EmulatorError::State {
                place: describe(location),
                cause,
            },
            Self::Random(error) => EmulatorError::Random(error),
            Self::Seed { place, why } => EmulatorError::SeedInvalid { place, why },
        }
    }
}

impl From<rusqlite::Error> for SeedFailure {
    fn from(error: rusqlite::Error) -> Self {
        Self::State(error)
    }
}

impl From<getrandom::Error> for SeedFailure {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}

/// A value as JSON text.
pub(super) fn text(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A column that contains JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(column, Box::new(error)))
}

/// A column that contains a timestamp.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<jiff::Timestamp> {
    row.get_ref(column)?
        .as_str()?
        .parse()
        .map_err(|error: jiff::Error| unreadable(column, Box::new(error)))
}

fn unreadable(column: usize, error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
}
