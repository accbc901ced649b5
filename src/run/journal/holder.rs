//! Who has the lock of the journal folder.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run_id::RunId;

/// The run that uses the journal folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// Its process ID.
    pub process: u32,
    /// The host that it runs on.
    pub host: String,
    /// When it took the lock.
    pub since: Timestamp,
    /// Its run, once it makes calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            process,
            host,
            since,
            run,
        } = self;
        match run {
            Some(run) => write!(f, "run {run}, ")?,
            None => f.write_str("a run that has made no call yet, ")?,
        }
        write!(f, "process {process} on host {host}, since {since:.0}")
    }
}
