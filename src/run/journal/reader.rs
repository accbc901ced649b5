//! Reads a journal, however it ended.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::sync::Arc;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{
    CallAnswer, CallIntent, CallResult, EndedBy, FORMAT_VERSION, JournalRecord, RunEnd, RunKind,
    RunStart,
};
use super::writer::{JournalError, MAX_BYTES};
use crate::plan::CallId;
use crate::run::object::{LiveObject, StateAfterWrite};

/// What a journal tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHistory {
    /// Which run it was.
    pub run: RunStart,
    /// What happened at each target, by its name.
    pub targets: BTreeMap<String, TargetHistory>,
    /// How it ended; nothing if it was cut off.
    pub end: Option<RunEnd>,
    /// How many lines could not be read: one that was cut off while it was written, or damage.
    pub unreadable: usize,
}

/// What happened at a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Happened")]
pub struct TargetHistory {
    /// What the calls touched, as it was before.
    pub before: Vec<LiveObject>,
    /// The calls that were begun, in the order in which they were first sent.
    pub calls: Vec<RunCall>,
}

/// A call of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RunCall")]
pub struct RunCall {
    /// The call, as it was last sent.
    pub intent: CallIntent,
    /// What became of it; nothing if nobody knows yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<CallAnswer>,
}

impl RunHistory {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no journal, or is of a later version.
    pub fn read(path: &Utf8Path) -> Result<Self, JournalError> {
        let failed = |cause: io::Error| JournalError::Read {
            path: path.to_owned(),
            cause: Arc::new(cause),
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(JournalError::TooLong {
                path: path.to_owned(),
            });
        }
        Self::parse(&bytes, path)
    }

    /// Reads the bytes of a journal. Every whole line counts; those that are torn or damaged are left out and counted.
    ///
    /// # Errors
    /// It does not begin as a journal does, or is of a later version.
    pub fn parse(bytes: &[u8], path: &Utf8Path) -> Result<Self, JournalError> {
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let (run, format) = head(lines.next().unwrap_or_default(), path)?;
        let targets = run
            .targets
            .iter()
            .map(|target| (target.name.clone(), TargetHistory::default()))
            .collect();
        let mut history = Self {
            run,
            targets,
            end: None,
            unreadable: 0,
        };
        for line in lines {
            match record(line, format) {
                Ok(record) => history.take(record),
                Err(_) => history.unreadable += 1,
            }
        }
        Ok(history)
    }

    /// Whether something may still be under way that nobody has looked at.
    pub fn is_unfinished(&self) -> bool {
        self.end.is_none()
    }

    /// The calls whose fate is open, target by target.
    pub fn open_calls(&self) -> impl Iterator<Item = (&str, &RunCall)> {
        self.targets.iter().flat_map(|(name, target)| {
            target
                .calls
                .iter()
                .filter(|made| made.answer.is_none())
                .map(move |made| (name.as_str(), made))
        })
    }

    /// How many calls were applied, were not, and are unknown.
    pub fn counts(&self) -> CallCounts {
        if let (RunKind::Call(_), end) = (&self.run.kind, &self.end) {
            return match end {
                // A later run that finds it cut off cannot tell either.
                Some(RunEnd {
                    by: EndedBy::Run,
                    applied,
                    not_applied,
                    unknown,
                    time: _,
                }) => CallCounts {
                    applied: *applied,
                    not_applied: *not_applied,
                    unknown: *unknown,
                },
                Some(_) | None => CallCounts {
                    applied: 0,
                    not_applied: 0,
                    unknown: 1,
                },
            };
        }
        let mut counts = CallCounts::default();
        for made in self.targets.values().flat_map(|target| &target.calls) {
            match made.answer.as_ref().map(|answer| &answer.result) {
                Some(CallResult::Applied(_)) => counts.applied += 1,
                Some(CallResult::NotApplied) => counts.not_applied += 1,
                Some(CallResult::Unknown) | None => counts.unknown += 1,
            }
        }
        counts
    }

    fn take(&mut self, record: JournalRecord) {
        match record {
            // A second head would be another run's: what follows is kept apart by its calls' numbers no more.
            JournalRecord::Run(_) => self.unreadable += 1,
            JournalRecord::Before { target, objects } => {
                let target = self.targets.entry(target).or_default();
                target.before.extend(objects);
            }
            JournalRecord::Intent(intent) => {
                self.end = None;
                let target = self.targets.entry(intent.target.clone()).or_default();
                match target.find(intent.call) {
                    Some(made) => {
                        *made = RunCall {
                            intent: *intent,
                            answer: None,
                        }
                    }
                    None => target.calls.push(RunCall {
                        intent: *intent,
                        answer: None,
                    }),
                }
            }
            JournalRecord::Answer(answer) => {
                let target = self.targets.entry(answer.target.clone()).or_default();
                if let Some(made) = target.find(answer.call) {
                    made.answer = Some(*answer);
                }
            }
            JournalRecord::End(end) => self.end = Some(end),
        }
    }
}

/// How many calls came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AuditResult")]
pub struct CallCounts {
    /// Applied.
    pub applied: usize,
    /// Not applied: refused, blocked, or never begun.
    pub not_applied: usize,
    /// Nobody could tell.
    pub unknown: usize,
}

impl TargetHistory {
    fn find(&mut self, call: CallId) -> Option<&mut RunCall> {
        self.calls.iter_mut().find(|made| made.intent.call == call)
    }
}

impl RunCall {
    /// What the call left at the server, if it was applied.
    pub fn state_after(&self) -> Option<&StateAfterWrite> {
        match &self.answer.as_ref()?.result {
            CallResult::Applied(left) => Some(left),
            CallResult::NotApplied | CallResult::Unknown => None,
        }
    }
}

/// A further line, of a journal of this version.
fn record(line: &[u8], format: u32) -> Result<JournalRecord, serde_json::Error> {
    if format > 1 {
        return serde_json::from_slice(line);
    }
    serde_json::from_value(super::first_version::upgraded(serde_json::from_slice(
        line,
    )?))
}

/// The first line. Its version comes first: a later version may write the rest otherwise.
fn head(line: &[u8], path: &Utf8Path) -> Result<(RunStart, u32), JournalError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct JournalVersion {
        format_version: u32,
    }
    let no_journal = |_| JournalError::NoJournal {
        path: path.to_owned(),
    };
    let JournalVersion { format_version } = serde_json::from_slice(line).map_err(no_journal)?;
    if format_version > FORMAT_VERSION {
        return Err(JournalError::Later {
            path: path.to_owned(),
            found: format_version,
            known: FORMAT_VERSION,
        });
    }
    match serde_json::from_slice(line).map_err(no_journal)? {
        JournalRecord::Run(run) => Ok((*run, format_version)),
        JournalRecord::Before { .. }
        | JournalRecord::Intent(_)
        | JournalRecord::Answer(_)
        | JournalRecord::End(_) => Err(JournalError::NoJournal {
            path: path.to_owned(),
        }),
    }
}
