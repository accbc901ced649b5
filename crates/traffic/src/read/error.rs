//! The errors of reading records.

use std::io;

use thiserror::Error;

use crate::aggregate::TooManyRequests;

/// The maximum size of a JSON document that is not JSON Lines.
pub(super) const MAX_DOCUMENT: usize = 64 << 20;

/// The columns that are read; others are ignored.
pub(super) const COLUMNS: &[&str] = &[
    "time",
    "kind",
    "host",
    "port",
    "method",
    "path",
    "principal",
    "agent",
    "decision",
    "count",
];

/// Records cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The input cannot be read, or is not valid gzip.
    #[error("cannot read the records")]
    Io(#[from] io::Error),
    /// Too many different requests.
    #[error(transparent)]
    TooMany(#[from] TooManyRequests),
    /// A JSON document that is not JSON Lines is too large.
    #[error("a JSON document of more than {MAX_DOCUMENT} bytes; convert it to JSON Lines")]
    TooLarge,
    /// The first line is neither JSON nor a known CSV header.
    #[error(
        "unknown format: expected JSON Lines, the output of `sbx policy log --json`, or CSV with a header \
         that names some of {columns}", columns = COLUMNS.join(", ")
    )]
    UnknownFormat,
    /// The CSV is malformed.
    #[error("invalid CSV in record {record}: {why}")]
    Csv {
        /// The number of the record, from 1, without the header.
        record: u64,
        /// What is wrong.
        why: String,
    },
}
