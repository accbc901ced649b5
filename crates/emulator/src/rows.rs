//! What rows hold besides texts and numbers.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// A value as JSON text.
pub(super) fn text(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The value of a column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(column, Box::new(error)))
}

/// The moment that a column holds.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<jiff::Timestamp> {
    row.get_ref(column)?
        .as_str()?
        .parse()
        .map_err(|error: jiff::Error| unreadable(column, Box::new(error)))
}

fn unreadable(column: usize, error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
}
