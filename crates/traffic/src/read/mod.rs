//! Reads records in all known forms.
//!
//! The form is recognized by the content, not by the name of the file: gzip by its magic number, JSON Lines by
//! a first line that is a JSON object, a JSON document by its first character, and CSV otherwise.

mod audit;
mod error;
mod request;
mod sandbox_log;
mod table;

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value;

use super::aggregate::{Aggregator, TooManyRequests};
use super::file::{FORMAT_VERSION, TrafficHeader, TrafficLine};
use super::line::{Line, read_line};
use super::skipped::SkipReason;
use error::MAX_DOCUMENT;

pub use error::ReadError;

const GZIP: &[u8] = &[0x1f, 0x8b];

/// Reads records into an aggregation.
#[derive(Debug)]
pub struct RecordReader<'a> {
    aggregator: &'a mut Aggregator,
}

impl<'a> RecordReader<'a> {
    /// Creates a reader.
    pub fn new(aggregator: &'a mut Aggregator) -> Self {
        Self { aggregator }
    }

    /// Reads all records of one input, which may be compressed with gzip.
    ///
    /// # Errors
    /// The input cannot be read, or is in no known form. Single invalid records are counted instead.
    pub fn read(&mut self, input: impl Read) -> Result<(), ReadError> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        if input.fill_buf()?.starts_with(GZIP) {
            return self.read_text(BufReader::new(MultiGzDecoder::new(input)));
        }
        self.read_text(input)
    }

    /// Reads one page of the Audit Logs API: a list of events.
    ///
    /// # Errors
    /// Too many different requests.
    pub fn events(&mut self, events: &[Value]) -> Result<(), TooManyRequests> {
        for event in events {
            self.record(event)?;
        }
        Ok(())
    }

    fn read_text(&mut self, mut input: impl BufRead) -> Result<(), ReadError> {
        let mut line = Vec::new();
        // A byte order mark and empty lines may precede the first record.
        let first = loop {
            match read_line(&mut input, &mut line)? {
                Line::End => return Ok(()),
                Line::TooLong => {
                    self.aggregator.skip(SkipReason::TooLong);
                    return self.lines(input);
                }
                Line::Text => {
                    let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line);
                    let text = text.trim_ascii();
                    if !text.is_empty() {
                        break text.to_vec();
                    }
                }
            }
        };
        match first.first() {
            Some(b'{' | b'[') => match serde_json::from_slice::<Value>(&first) {
                Ok(value @ Value::Object(_)) => {
                    self.value(&value)?;
                    self.lines(input)
                }
                Ok(value) => Ok(self.value(&value)?),
                Err(error) if error.is_eof() => self.document(first, input),
                Err(_) => {
                    self.aggregator.skip(SkipReason::InvalidJson);
                    self.lines(input)
                }
            },
            Some(_) | None => table::read(self.aggregator, &first, input),
        }
    }

    fn lines(&mut self, mut input: impl BufRead) -> Result<(), ReadError> {
        let mut line = Vec::new();
        loop {
            match read_line(&mut input, &mut line)? {
                Line::End => return Ok(()),
                Line::TooLong => self.aggregator.skip(SkipReason::TooLong),
                Line::Text if line.trim_ascii().is_empty() => {}
                Line::Text => match serde_json::from_slice::<Value>(&line) {
                    Ok(value) => self.value(&value)?,
                    Err(_) => self.aggregator.skip(SkipReason::InvalidJson),
                },
            }
        }
    }

    /// A document that extends over several lines. The first line is `start`.
    fn document(&mut self, start: Vec<u8>, input: impl BufRead) -> Result<(), ReadError> {
        let mut text = start;
        text.push(b'\n');
        let limit = u64::try_from(MAX_DOCUMENT).unwrap_or(u64::MAX);
        input.take(limit + 1).read_to_end(&mut text)?;
        if text.len() > MAX_DOCUMENT {
            return Err(ReadError::TooLarge);
        }
        match serde_json::from_slice::<Value>(&text) {
            Ok(value) => Ok(self.value(&value)?),
            Err(_) => {
                self.aggregator.skip(SkipReason::InvalidJson);
                Ok(())
            }
        }
    }

    /// A record, a list of records, a page of the API, a log of a sandbox, or a line of a traffic file.
    fn value(&mut self, value: &Value) -> Result<(), TooManyRequests> {
        match value {
            Value::Array(records) => self.events(records),
            Value::Object(fields) if fields.contains_key("events") => match fields.get("events") {
                Some(Value::Array(events)) => self.events(events),
                Some(_) | None => {
                    self.aggregator.skip(SkipReason::InvalidRecord);
                    Ok(())
                }
            },
            Value::Object(fields)
                if fields.contains_key("blocked_hosts") || fields.contains_key("allowed_hosts") =>
            {
                sandbox_log::read(self.aggregator, fields)
            }
            Value::Object(fields)
                if fields.contains_key("formatVersion") || fields.contains_key("kind") =>
            {
                self.traffic_line(value)
            }
            Value::Object(_) => self.record(value),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.aggregator.skip(SkipReason::InvalidRecord);
                Ok(())
            }
        }
    }

    fn record(&mut self, value: &Value) -> Result<(), TooManyRequests> {
        match audit::read(value) {
            Ok(record) => {
                if let Some(event) = record.event
                    && !self.aggregator.is_new(event)
                {
                    self.aggregator.skip(SkipReason::Repeated);
                    return Ok(());
                }
                self.aggregator.add(record.observation)
            }
            Err(reason) => {
                self.aggregator.skip(reason);
                Ok(())
            }
        }
    }

    /// A line of an earlier traffic file, so that files can be merged.
    fn traffic_line(&mut self, value: &Value) -> Result<(), TooManyRequests> {
        match serde_json::from_value::<TrafficLine>(value.clone()) {
            Ok(TrafficLine::Header(TrafficHeader {
                format_version: FORMAT_VERSION,
                names: _,
                key_id: _,
                records: _,
                skipped,
            })) => {
                for (reason, count) in &skipped.0 {
                    self.aggregator.skip_many(*reason, *count);
                }
                Ok(())
            }
            Ok(TrafficLine::Row(row)) => match request::of_row(row) {
                Ok(observation) => self.aggregator.add(observation),
                Err(reason) => {
                    self.aggregator.skip(reason);
                    Ok(())
                }
            },
            Ok(TrafficLine::Header(_)) | Err(_) => {
                self.aggregator.skip(SkipReason::InvalidRecord);
                Ok(())
            }
        }
    }
}
