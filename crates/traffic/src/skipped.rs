//! Records that are not part of the traffic, counted by reason.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a record is not part of the traffic.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum SkipReason {
    /// The beginning, the end or another event of a session.
    Session,
    /// A sandbox received its policies.
    PolicySync,
    /// A policy was changed.
    PolicyAction,
    /// A command or tool was executed.
    Execution,
    /// A detection of personal data.
    PiiDetection,
    /// A score.
    ScoreReport,
    /// A record of a category that is not a decision about a request.
    OtherCategory,
    /// An action type that this version does not know.
    UnknownActionType,
    /// The record does not say which request was attempted.
    NoRequest,
    /// The host, URL, path or name is invalid.
    InvalidRequest,
    /// The line or value is not JSON.
    InvalidJson,
    /// The record has fields of unexpected types.
    InvalidRecord,
    /// The line has more than 1 MiB.
    TooLong,
    /// The file is still being written (`.tmp`).
    UnfinishedFile,
    /// The same event was already read.
    Repeated,
}

/// The number of records by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SkipCounts(pub BTreeMap<SkipReason, u64>);

impl SkipReason {
    /// A few words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Session => "events of sessions",
            Self::PolicySync => "policy downloads",
            Self::PolicyAction => "policy changes",
            Self::Execution => "executions",
            Self::PiiDetection => "detections of personal data",
            Self::ScoreReport => "score reports",
            Self::OtherCategory => "records of other categories",
            Self::UnknownActionType => "unknown action types",
            Self::NoRequest => "records without a request",
            Self::InvalidRequest => "invalid hosts, URLs, paths or names",
            Self::InvalidJson => "lines that are not JSON",
            Self::InvalidRecord => "records with fields of unexpected types",
            Self::TooLong => "records longer than 1 MiB",
            Self::UnfinishedFile => "unfinished files",
            Self::Repeated => "repeated events",
        }
    }
}

impl SkipCounts {
    /// Counts records.
    pub fn add(&mut self, reason: SkipReason, count: u64) {
        let known = self.0.entry(reason).or_default();
        *known = known.saturating_add(count);
    }

    /// The number of all skipped records.
    pub fn total(&self) -> u64 {
        self.0
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Adds all counts of another set.
    pub fn join(&mut self, other: &Self) {
        for (reason, count) in &other.0 {
            self.add(*reason, *count);
        }
    }
}
