//! The output of `sbx policy log --json` (contract: docker/AUDIT): aggregated, network only, without users.

use jiff::Timestamp;
use model::docker::Transport;
use serde_json::{Map, Value};

use super::request::connection;
use crate::aggregate::{Aggregator, Observation, TooManyRequests};
use crate::kind::RecordedDecision;
use crate::skipped::SkipReason;

pub(super) fn read(
    aggregator: &mut Aggregator,
    log: &Map<String, Value>,
) -> Result<(), TooManyRequests> {
    let lists = [
        ("blocked_hosts", RecordedDecision::Deny),
        ("allowed_hosts", RecordedDecision::Allow),
    ];
    for (field, decision) in lists {
        match log.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Array(entries)) => {
                for entry in entries {
                    match observation(entry, decision) {
                        Ok(observation) => aggregator.add(observation)?,
                        Err(reason) => aggregator.skip(reason),
                    }
                }
            }
            Some(_) => aggregator.skip(SkipReason::InvalidRecord),
        }
    }
    Ok(())
}

fn observation(entry: &Value, decision: RecordedDecision) -> Result<Observation, SkipReason> {
    let entry = entry.as_object().ok_or(SkipReason::InvalidRecord)?;
    let host = entry.get("host").ok_or(SkipReason::NoRequest)?;
    let host = host.as_str().ok_or(SkipReason::InvalidRecord)?;
    // The proxy types of the log are all for TCP.
    let (kind, object) = connection(Transport::Tcp, host)?;
    let count = match entry.get("count_since") {
        None | Some(Value::Null) => 1,
        Some(count) => count.as_u64().ok_or(SkipReason::InvalidRecord)?,
    };
    Ok(Observation {
        kind,
        object,
        principal: None,
        agent: None,
        first_seen: time(entry, "since")?,
        last_seen: time(entry, "last_seen")?,
        decision,
        count,
    })
}

fn time(entry: &Map<String, Value>, field: &str) -> Result<Option<Timestamp>, SkipReason> {
    match entry.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let time = text.parse().map_err(|_| SkipReason::InvalidRecord)?;
            Ok(Some(time))
        }
        Some(_) => Err(SkipReason::InvalidRecord),
    }
}
