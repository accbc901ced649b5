//! Counts equal attempts.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use thiserror::Error;

use super::file::{FORMAT_VERSION, TrafficHeader, TrafficRow};
use super::kind::{RecordedDecision, TrafficKind};
use super::principal::{NameForm, PrincipalKey};
use super::skipped::{SkipCounts, SkipReason};

/// The maximum number of different rows: about 1 GB of memory.
const MOST_ROWS: usize = 5_000_000;

/// The traffic has more different requests than can be aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "more than {MOST_ROWS} different requests; import fewer files at a time, for example one week"
)]
pub struct TooManyRequests;

/// One attempt, or several equal ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) kind: TrafficKind,
    /// In the spelling of `explain`.
    pub(crate) object: String,
    pub(crate) principal: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) first_seen: Option<Timestamp>,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) decision: RecordedDecision,
    pub(crate) count: u64,
}

/// What rows are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct RowKey {
    day: Option<Date>,
    kind: TrafficKind,
    object: Box<str>,
    principal: Option<u32>,
    agent: Option<u32>,
    decision: RecordedDecision,
}

#[derive(Debug, Clone, Copy)]
struct RowTotals {
    count: u64,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

/// Names, each stored once.
#[derive(Debug, Default)]
struct NameTable {
    numbers: HashMap<String, u32>,
}

/// Aggregates attempts by kind, object, principal, agent, day and decision.
#[derive(Debug)]
pub struct Aggregator {
    /// `None` if names are kept.
    key: Option<PrincipalKey>,
    principals: NameTable,
    agents: NameTable,
    rows: HashMap<RowKey, RowTotals>,
    seen: HashSet<u128>,
    skipped: SkipCounts,
    records: u64,
}

impl NameTable {
    fn number(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(name).or_insert(next)
    }

    fn names(&self) -> BTreeMap<u32, &str> {
        let pairs = self.numbers.iter();
        pairs
            .map(|(name, number)| (*number, name.as_str()))
            .collect()
    }
}

impl Aggregator {
    /// Creates an empty aggregation that hashes the names of users with `key`, or keeps them.
    pub fn new(key: Option<PrincipalKey>) -> Self {
        Self {
            key,
            principals: NameTable::default(),
            agents: NameTable::default(),
            rows: HashMap::new(),
            seen: HashSet::new(),
            skipped: SkipCounts::default(),
            records: 0,
        }
    }

    /// Counts a record that is not part of the traffic.
    pub fn skip(&mut self, reason: SkipReason) {
        self.skip_many(reason, 1);
    }

    pub(crate) fn skip_many(&mut self, reason: SkipReason, count: u64) {
        self.skipped.add(reason, count);
    }

    /// Whether an event is new. Local files and the service contain the same events.
    pub(crate) fn is_new(&mut self, event: u128) -> bool {
        self.seen.insert(event)
    }

    /// The records that were not part of the traffic.
    pub fn skipped(&self) -> &SkipCounts {
        &self.skipped
    }

    /// The number of attempts.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The number of different rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn add(&mut self, observation: Observation) -> Result<(), TooManyRequests> {
        let Observation {
            kind,
            object,
            principal,
            agent,
            first_seen,
            last_seen,
            decision,
            count,
        } = observation;
        let principal = principal.map(|name| match &self.key {
            Some(key) => key.hash(&name),
            None => name,
        });
        let key = RowKey {
            day: last_seen.or(first_seen).map(day_of),
            kind,
            object: object.into_boxed_str(),
            principal: principal.map(|name| self.principals.number(name)),
            agent: agent.map(|name| self.agents.number(name)),
            decision,
        };
        self.records = self.records.saturating_add(count);
        if self.rows.len() >= MOST_ROWS && !self.rows.contains_key(&key) {
            return Err(TooManyRequests);
        }
        let totals = self.rows.entry(key).or_insert(RowTotals {
            count: 0,
            first_seen,
            last_seen,
        });
        totals.count = totals.count.saturating_add(count);
        totals.first_seen = earlier(totals.first_seen, first_seen);
        totals.last_seen = totals.last_seen.max(last_seen);
        Ok(())
    }

    /// The header and the rows of the traffic file, sorted by day and request.
    pub fn finish(self) -> (TrafficHeader, Vec<TrafficRow>) {
        let principals = self.principals.names();
        let agents = self.agents.names();
        let mut rows: Vec<(RowKey, RowTotals)> = self.rows.into_iter().collect();
        let name = |names: &BTreeMap<u32, &str>, number: Option<u32>| {
            number.and_then(|number| names.get(&number).map(|name| (*name).to_owned()))
        };
        // Numbers of names depend on the order of the files, names do not.
        rows.sort_by_cached_key(|(key, _)| {
            let RowKey {
                day,
                kind,
                object,
                principal,
                agent,
                decision,
            } = key;
            let principal = name(&principals, *principal);
            let agent = name(&agents, *agent);
            (*day, *kind, object.clone(), principal, agent, *decision)
        });
        let rows: Vec<TrafficRow> = rows
            .into_iter()
            .map(|(key, totals)| TrafficRow {
                kind: key.kind,
                object: key.object.into(),
                principal: name(&principals, key.principal),
                agent: name(&agents, key.agent),
                day: key.day,
                decision: key.decision,
                count: totals.count,
                first_seen: totals.first_seen,
                last_seen: totals.last_seen,
            })
            .collect();
        let header = TrafficHeader {
            format_version: FORMAT_VERSION,
            names: match &self.key {
                Some(_) => NameForm::Hashed,
                None => NameForm::Kept,
            },
            key_id: self.key.as_ref().map(PrincipalKey::id),
            records: self.records,
            skipped: self.skipped,
        };
        (header, rows)
    }
}

/// Days are those of UTC, so that a file does not depend on the time zone of the machine.
fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The earlier of two times; an unknown time says nothing.
pub(crate) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
