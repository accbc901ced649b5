//! Reads a journal, however it ended.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::sync::Arc;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{
    CallAnswer, CallIntent, CallResult, EndedBy, FORMAT_VERSION, JournalRecord, RunEnd, RunKind,
    RunStart, UnsentCall, UnsentResult,
};
use super::upgrade::upgraded;
use super::writer::{Journal, JournalError, MAX_BYTES};
use crate::plan::{CallId, SentOperation};
use crate::run::counts::CallCounts;
use crate::run::object::{LiveObject, StateAfterWrite};
use crate::workspace::file::open_regular;

/// The content of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHistory {
    /// The metadata of the run.
    pub run: RunStart,
    /// The history of each target, by its name.
    pub targets: BTreeMap<String, TargetHistory>,
    /// The end of the run; `None` if it was interrupted.
    pub end: Option<RunEnd>,
    /// Number of unreadable lines: a truncated last line, or damage.
    pub unreadable: usize,
}

/// The history of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Happened")]
pub struct TargetHistory {
    /// The objects that the calls touch, as they were before.
    pub before: Vec<LiveObject>,
    /// The number of calls of the plan; `None` if the journal does not contain it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<usize>,
    /// The started calls, in the order of their intents.
    pub calls: Vec<RunCall>,
    /// The calls that were not sent, with the reason.
    pub not_sent: Vec<UnsentCall>,
}

/// A call whose desired state another client had made.
#[derive(Debug, Clone, Copy)]
pub struct AdoptedCall<'a> {
    pub call: CallId,
    /// The request, whether it was sent or not.
    pub send: &'a SentOperation,
    /// The state that the other client made.
    pub left: &'a StateAfterWrite,
}

/// A call of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RunCall")]
pub struct RunCall {
    /// The call, as it was last sent.
    pub intent: CallIntent,
    /// The outcome; `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<CallAnswer>,
}

impl RunHistory {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, is not a journal, or has a later format.
    pub fn read(path: &Utf8Path) -> Result<Self, JournalError> {
        let failed = |cause: io::Error| JournalError::Read {
            path: path.to_owned(),
            cause: Arc::new(cause),
        };
        let too_long = || JournalError::TooLong {
            path: path.to_owned(),
        };
        let file = open_regular(path.as_std_path()).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > MAX_BYTES {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        // The file may grow while it is read.
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_long());
        }
        Self::parse(&bytes, path)
    }

    /// What a run has recorded so far, even if the disk is full.
    ///
    /// # Errors
    /// The journal was not created by this run.
    pub fn of(journal: &Journal) -> Result<Self, JournalError> {
        Self::parse(&journal.recorded(), journal.path())
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
        if format < 3 {
            history.split_older_counts();
        }
        Ok(history)
    }

    /// Whether the journal has no end, so calls may have an unknown outcome.
    pub fn is_unfinished(&self) -> bool {
        self.end.is_none()
    }

    /// The calls with unknown outcome, target by target.
    pub fn open_calls(&self) -> impl Iterator<Item = (&str, &RunCall)> {
        self.targets.iter().flat_map(|(name, target)| {
            target
                .calls
                .iter()
                .filter(|made| made.answer.is_none())
                .map(move |made| (name.as_str(), made))
        })
    }

    /// The calls by outcome, as recorded in the journal. A call without an outcome is unknown.
    pub fn counts(&self) -> CallCounts {
        match (&self.run.kind, &self.end) {
            (RunKind::Apply | RunKind::Rollback(_), None) => self.recorded_counts(),
            (RunKind::Call(_), Some(end)) if end.by == EndedBy::Run => end.calls,
            // A later run that finds it interrupted cannot tell either.
            (RunKind::Call(_), _) => CallCounts {
                unknown: 1,
                ..CallCounts::default()
            },
            (RunKind::Apply | RunKind::Rollback(_), Some(end)) => end.calls,
        }
    }

    /// The calls by outcome, from their own lines. Calls of the plan without a line were not started.
    pub(crate) fn recorded_counts(&self) -> CallCounts {
        let mut counts = CallCounts::default();
        for target in self.targets.values() {
            counts += target.counts();
        }
        counts
    }

    /// Formats 1 and 2 counted failed calls, calls that replaced a change, and skipped calls together.
    fn split_older_counts(&mut self) {
        let recorded = self.recorded_counts();
        if let Some(RunEnd { calls, .. }) = &mut self.end {
            calls.failed = recorded.failed.min(calls.skipped);
            calls.skipped -= calls.failed;
            calls.replaced = recorded.replaced.min(calls.applied);
        }
    }

    fn take(&mut self, record: JournalRecord) {
        match record {
            // A second head would be another run's: what follows is kept apart by its calls' numbers no more.
            JournalRecord::Run(_) => self.unreadable += 1,
            JournalRecord::Before {
                target,
                calls,
                objects,
            } => {
                let target = self.targets.entry(target).or_default();
                target.planned = calls;
                target.before.extend(objects);
            }
            JournalRecord::NotSent(unsent) => {
                let target = self.targets.entry(unsent.target.clone()).or_default();
                // Its intent may have been written ahead of time.
                let is_canceled =
                    |made: &RunCall| made.intent.call == unsent.call && made.answer.is_none();
                target.calls.retain(|made| !is_canceled(made));
                target.not_sent.push(*unsent);
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

impl TargetHistory {
    fn find(&mut self, call: CallId) -> Option<&mut RunCall> {
        self.calls.iter_mut().find(|made| made.intent.call == call)
    }

    /// The calls that this run did not make because another client had made the desired state.
    pub fn adopted(&self) -> impl Iterator<Item = AdoptedCall<'_>> {
        let sent = self
            .calls
            .iter()
            .filter_map(|made| match &made.answer.as_ref()?.result {
                CallResult::Adopted(left) => Some(AdoptedCall {
                    call: made.intent.call,
                    send: &made.intent.send,
                    left,
                }),
                CallResult::Applied(_) | CallResult::Failed | CallResult::Unknown => None,
            });
        let not_sent = self
            .not_sent
            .iter()
            .filter_map(|unsent| match &unsent.result {
                UnsentResult::Adopted { send, left } => Some(AdoptedCall {
                    call: unsent.call,
                    send,
                    left,
                }),
                UnsentResult::Failed { .. } | UnsentResult::Skipped(_) => None,
            });
        sent.chain(not_sent)
    }

    /// The calls of the plan by outcome. Calls that remove an incomplete version at the end of a run
    /// have numbers above those of the plan and are not counted.
    fn counts(&self) -> CallCounts {
        let is_planned = |call: CallId| {
            self.planned
                .is_none_or(|planned| call.0 as usize <= planned)
        };
        let mut counts = CallCounts::default();
        for made in self
            .calls
            .iter()
            .filter(|made| is_planned(made.intent.call))
        {
            let replaced = made
                .answer
                .as_ref()
                .is_some_and(|answer| answer.other_writer.is_some());
            match made.answer.as_ref().map(|answer| &answer.result) {
                Some(CallResult::Applied(_)) => {
                    counts.applied += 1;
                    counts.replaced += usize::from(replaced);
                }
                Some(CallResult::Adopted(_)) => counts.adopted += 1,
                Some(CallResult::Failed) => counts.failed += 1,
                Some(CallResult::Unknown) | None => counts.unknown += 1,
            }
        }
        for unsent in &self.not_sent {
            match unsent.result {
                UnsentResult::Adopted { .. } => counts.adopted += 1,
                UnsentResult::Failed { .. } => counts.failed += 1,
                UnsentResult::Skipped(_) => counts.skipped += 1,
            }
        }
        let planned = self.planned.unwrap_or_default();
        counts.skipped += planned.saturating_sub(counts.total());
        counts
    }
}

impl RunCall {
    /// The result of the call on the server, if this run applied it.
    pub fn state_after(&self) -> Option<&StateAfterWrite> {
        match &self.answer.as_ref()?.result {
            CallResult::Applied(left) => Some(left),
            CallResult::Adopted(_) | CallResult::Failed | CallResult::Unknown => None,
        }
    }
}

/// A line after the first one, in the current format.
fn record(line: &[u8], format: u32) -> Result<JournalRecord, serde_json::Error> {
    if format >= FORMAT_VERSION {
        return serde_json::from_slice(line);
    }
    serde_json::from_value(upgraded(serde_json::from_slice(line)?, format))
}

/// The first line. Its version is read first, because a later version may have another format.
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
        | JournalRecord::NotSent(_)
        | JournalRecord::End(_) => Err(JournalError::NoJournal {
            path: path.to_owned(),
        }),
    }
}
