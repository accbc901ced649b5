//! The name of a run.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// When a run began, to the millisecond, and four random bytes: `20261122T093000123Z-1a2b3c4d`. Ids sort by time.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String")]
pub struct RunId(String);

/// The text is not a valid run id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid run id `{0}`; list runs with `polwarden runs`")]
pub struct RunIdError(String);

impl RunId {
    /// A new id.
    pub fn new(now: Timestamp) -> Self {
        let mut bytes = [0; 4];
        // Without randomness the time alone must do; a file of that name is never written over.
        getrandom::fill(&mut bytes).unwrap_or_default();
        Self(format!(
            "{}-{}",
            now.strftime("%Y%m%dT%H%M%S%3fZ"),
            HEXLOWER.encode(&bytes)
        ))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = RunIdError;
    fn from_str(text: &str) -> Result<Self, RunIdError> {
        // It becomes the name of a file.
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
            return Err(RunIdError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;
    fn try_from(text: String) -> Result<Self, RunIdError> {
        text.parse()
    }
}
