//! The traffic file: JSON Lines, first a header, then one row for each group of equal attempts.

use std::io::{BufRead, Write};

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::kind::{RecordedDecision, TrafficKind};
use super::line::{Line, MAX_LINE, read_line};
use super::principal::NameForm;
use super::skipped::SkipCounts;

/// The version of the format.
pub const FORMAT_VERSION: u32 = 1;

/// The first line of a traffic file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficHeader {
    /// The version of the format: 1.
    pub format_version: u32,
    /// How the file contains the names of users.
    pub names: NameForm,
    /// Identifies the key of hashed names: equal names have equal hashes in files with the same key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The number of attempts in the rows.
    pub records: u64,
    /// The number of records that are not in the rows, by reason.
    pub skipped: SkipCounts,
}

/// Equal attempts of one day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficRow {
    /// `tcp`, `udp`, an HTTP method such as `get`, `read`, `write`, `mcp`, or `mount` for a path whose mode
    /// is not recorded.
    pub kind: TrafficKind,
    /// A host with its port (without, where the record has none), a URL, a path, or an MCP action and name.
    pub object: String,
    /// The user, as `hmac:` and 32 hex digits unless names are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The agent that ran in the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The day in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub day: Option<Date>,
    /// What was decided.
    pub decision: RecordedDecision,
    /// The number of attempts.
    pub count: u64,
    /// The time of the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub first_seen: Option<Timestamp>,
    /// The time of the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_seen: Option<Timestamp>,
}

/// One line of a traffic file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TrafficLine {
    /// The first line.
    Header(TrafficHeader),
    /// Any other line.
    Row(TrafficRow),
}

/// A traffic file cannot be read.
#[derive(Debug, Error)]
pub enum TrafficFileError {
    /// The file cannot be read.
    #[error("cannot read the traffic file")]
    Io(#[from] std::io::Error),
    /// The first line is not a header.
    #[error(
        "line 1 is not the header of a traffic file; create the file with `polwarden traffic import`"
    )]
    NoHeader,
    /// The file was written by another version.
    #[error("unsupported formatVersion {0}: this version reads 1")]
    Version(u64),
    /// A line is invalid.
    #[error("line {line}: {why}")]
    Line {
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

/// Reads a traffic file line by line.
#[derive(Debug)]
pub struct TrafficReader<R> {
    header: TrafficHeader,
    input: R,
    line: u64,
    text: Vec<u8>,
}

/// Writes a traffic file.
///
/// # Errors
/// The output cannot be written.
pub fn write_traffic(
    output: &mut dyn Write,
    header: &TrafficHeader,
    rows: &[TrafficRow],
) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, header)?;
    output.write_all(b"\n")?;
    for row in rows {
        serde_json::to_writer(&mut *output, row)?;
        output.write_all(b"\n")?;
    }
    Ok(())
}

impl<R: BufRead> TrafficReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// The first line is not a header of this version.
    pub fn new(mut input: R) -> Result<Self, TrafficFileError> {
        let mut text = Vec::new();
        next_line(&mut input, &mut text, 1)?;
        let value: serde_json::Value =
            serde_json::from_slice(&text).map_err(|_| TrafficFileError::NoHeader)?;
        let version = value
            .get("formatVersion")
            .and_then(serde_json::Value::as_u64);
        match version {
            Some(version) if version == u64::from(FORMAT_VERSION) => {}
            Some(version) => return Err(TrafficFileError::Version(version)),
            None => return Err(TrafficFileError::NoHeader),
        }
        let header = serde_json::from_value(value).map_err(|error| TrafficFileError::Line {
            line: 1,
            why: error.to_string(),
        })?;
        Ok(Self {
            header,
            input,
            line: 1,
            text,
        })
    }

    /// The header.
    pub fn header(&self) -> &TrafficHeader {
        &self.header
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next row; `None` at the end.
    ///
    /// # Errors
    /// The line is not a row, or cannot be read.
    pub fn next_row(&mut self) -> Result<Option<TrafficRow>, TrafficFileError> {
        self.line += 1;
        if !next_line(&mut self.input, &mut self.text, self.line)? {
            return Ok(None);
        }
        let row = serde_json::from_slice(&self.text).map_err(|error| TrafficFileError::Line {
            line: self.line,
            why: error.to_string(),
        })?;
        Ok(Some(row))
    }
}

/// Reads the next line. Returns whether there was one.
fn next_line(
    input: &mut impl BufRead,
    text: &mut Vec<u8>,
    line: u64,
) -> Result<bool, TrafficFileError> {
    match read_line(input, text)? {
        Line::Text => Ok(true),
        Line::End => Ok(false),
        Line::TooLong => Err(TrafficFileError::Line {
            line,
            why: format!("longer than {MAX_LINE} bytes"),
        }),
    }
}
