//! The request log: one JSON object a line for each answered request.
//!
//! It is evidence for tests and benches, so it must be safe to keep: it never holds the `Authorization` header, and
//! the body of a request is kept only where the service says that it holds no credentials.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// An open log, shared by all requests.
#[derive(Debug)]
pub(super) struct RequestLog {
    file: Mutex<File>,
}

/// A line of the log.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    /// The place in the order of arrival, from 1; lines stand in the order of the answers.
    pub(super) seq: u64,
    pub(super) method: &'a str,
    /// As it was sent, percent-encoding kept.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    /// Null where a fault keeps every answer from the client.
    pub(super) status: Option<u16>,
    /// The JSON body; null where there is none, `"[redacted]"` where it may hold credentials.
    pub(super) body: Value,
    pub(super) content_type: Option<&'a str>,
    /// Milliseconds from arrival to answer, latency included.
    pub(super) duration_ms: f64,
    /// The operation's name in the contract, null where the request is none.
    pub(super) operation: Option<&'a str>,
    /// The faults that struck the request, in the words of the command line.
    pub(super) faults: &'a [String],
    /// The status that the service itself gave, whatever the client gets to see; null if it did not see the request.
    pub(super) served: Option<u16>,
}

impl RequestLog {
    /// Opens `path` for appending and creates it if it is missing.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            file: Mutex::new(file),
        })
    }

    /// Appends a line in one write, so that a kill leaves no half line between others.
    pub(super) fn write(&self, entry: &Entry<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line)
    }
}

/// Milliseconds with three decimals.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
