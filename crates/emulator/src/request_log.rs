//! The request log: one JSON object per line for each answered request.
//!
//! Tests and benchmarks read it and CI may store it, so it must not contain secrets: it never
//! contains the `Authorization` header, and it contains a request body only where the service knows
//! that the body has no credentials.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

#[derive(Debug)]
pub(super) struct RequestLog {
    file: Mutex<File>,
}

#[derive(Debug, Serialize)]
pub(super) struct LogEntry<'a> {
    /// The position in the order of arrival, from 1. Lines are in the order of the answers.
    pub(super) seq: u64,
    pub(super) method: &'a str,
    /// The path as sent, still percent-encoded.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    /// Null if a fault keeps the answer from the client.
    pub(super) status: Option<u16>,
    /// The JSON body: null if there is none, `"[redacted]"` if it may contain credentials.
    pub(super) body: Value,
    pub(super) content_type: Option<&'a str>,
    /// Milliseconds from arrival to answer, including latency.
    pub(super) duration_ms: f64,
    /// The operation's name in the contract, or null if the request matches no operation.
    pub(super) operation: Option<&'a str>,
    /// The faults that applied to the request, in the grammar of `--fault`.
    pub(super) faults: &'a [String],
    /// The status that the service returned, whatever the client received. Null if the request did
    /// not reach the service.
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

    /// Appends a line in one write, so that a killed process never leaves a partial line between
    /// others.
    pub(super) fn write(&self, entry: &LogEntry<'_>) -> io::Result<()> {
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
