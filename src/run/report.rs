//! What became of the calls of a plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::{ServiceError, StalePlan};
use super::journal::JournalError;
use super::object::ObjectDifference;
use crate::plan::{CallId, PlannedCall};
use http::ApiError;

/// What became of one call.
#[derive(Debug, Clone)]
pub enum CallOutcome {
    /// The server holds what it makes.
    Applied(Confirmation),
    /// It was applied, and what it replaced was not what the plan expected: another writer had been there just before.
    Overwrote(Box<ObjectDifference>),
    Failed(CallFailure),
    /// It was not made, since another call failed.
    Blocked {
        /// The call that failed.
        by: CallId,
    },
    /// It was not made, since the run was stopped.
    NotAttempted,
}

/// How it is known that a call was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The server said so.
    Answered,
    /// No usable answer came; it was read back.
    ReadBack,
}

/// Why a call failed.
#[derive(Debug, Clone)]
pub enum CallFailure {
    /// The server, or the way to it, refused it. It was not applied.
    Refused(ApiError),
    /// It may have been applied; nobody could tell.
    Unknown {
        /// Why there was no usable answer.
        error: ApiError,
        /// Why it could not be read back.
        read_back: ApiError,
    },
    /// Another writer left something else there. It was not applied, or was overtaken.
    Conflict {
        /// What the server said, if it said something.
        error: Option<ApiError>,
        /// What should have been there, and what is.
        difference: Box<ObjectDifference>,
    },
    /// What it is about was changed before its first call, which was not sent.
    Stale {
        /// In which way.
        stale: StalePlan,
        /// What should have been there, and what is.
        difference: Box<ObjectDifference>,
    },
    /// Where the archive goes was in an answer that did not come, or the archive is not at hand: it was not sent.
    NoUpload {
        pack: String,
        /// The tag of the version.
        tag: String,
    },
    /// What it touches could not be read again before its first call, which was not sent.
    NotChecked(ApiError),
    /// The call does not belong to the target's service.
    Service(ServiceError),
    /// The journal could not be written, so the call was not sent.
    Journal(Arc<JournalError>),
}

impl CallOutcome {
    /// Whether the server holds what the call makes, as far as is known.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_) | Self::Overwrote(_))
    }

    /// Whether the call may have been applied and nobody could tell.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(CallFailure::Unknown { .. }))
    }
}

/// How many calls came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallTally {
    /// Applied, those that overwrote another writer's change included.
    pub applied: usize,
    /// Of those, how many overwrote another writer's change.
    pub overwrote: usize,
    /// Failed, those of unknown fate included.
    pub failed: usize,
    /// Of those, how many may have been applied.
    pub unknown: usize,
    /// Not made, since another call failed.
    pub blocked: usize,
    /// Not made, since the run was stopped.
    pub not_attempted: usize,
}

impl CallTally {
    /// How many calls were not applied for sure.
    pub fn missing(&self) -> usize {
        self.failed + self.blocked + self.not_attempted
    }

    /// The sum of two.
    #[must_use]
    pub fn merged_with(self, other: Self) -> Self {
        let Self {
            applied,
            overwrote,
            failed,
            unknown,
            blocked,
            not_attempted,
        } = other;
        Self {
            applied: self.applied + applied,
            overwrote: self.overwrote + overwrote,
            failed: self.failed + failed,
            unknown: self.unknown + unknown,
            blocked: self.blocked + blocked,
            not_attempted: self.not_attempted + not_attempted,
        }
    }
}

/// What became of all calls of a target, in the order of their numbers.
#[derive(Debug, Default)]
pub struct CallReport {
    outcomes: Vec<(CallId, CallOutcome)>,
    cleaned: Vec<CleanedUpVersion>,
}

/// Something that this run began and did not finish, and so removed.
#[derive(Debug, Clone)]
pub struct CleanedUpVersion {
    /// The name of what it is a part of.
    pub name: String,
    /// The part, a version for example.
    pub part: String,
    /// Why it could not be deleted; nothing if it was.
    pub error: Option<String>,
}

impl From<ServiceError> for CallFailure {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl CallReport {
    pub(crate) fn new(
        mut outcomes: Vec<(CallId, CallOutcome)>,
        cleaned: Vec<CleanedUpVersion>,
    ) -> Self {
        outcomes.sort_by_key(|(id, _)| *id);
        Self { outcomes, cleaned }
    }

    /// The versions that were begun and not completed.
    pub fn cleaned_up(&self) -> &[CleanedUpVersion] {
        &self.cleaned
    }

    /// Each call with its outcome.
    pub fn outcomes(&self) -> &[(CallId, CallOutcome)] {
        &self.outcomes
    }

    /// How many calls came out how.
    pub fn tally(&self) -> CallTally {
        let mut tally = CallTally::default();
        for (_, outcome) in &self.outcomes {
            match outcome {
                CallOutcome::Applied(_) => tally.applied += 1,
                CallOutcome::Overwrote(_) => {
                    tally.applied += 1;
                    tally.overwrote += 1;
                }
                CallOutcome::Failed(_) => tally.failed += 1,
                CallOutcome::Blocked { .. } => tally.blocked += 1,
                CallOutcome::NotAttempted => tally.not_attempted += 1,
            }
            tally.unknown += usize::from(outcome.is_unknown());
        }
        tally
    }

    /// How many calls the server holds.
    pub fn applied(&self) -> usize {
        self.tally().applied
    }

    /// How many calls were not applied for sure.
    pub fn missing(&self) -> usize {
        self.tally().missing()
    }

    /// Whether a call failed since another writer had made something of the same name (409).
    pub fn has_conflict(&self) -> bool {
        let is_conflict = |error: &ApiError| error.status() == Some(409);
        self.outcomes.iter().any(|(_, outcome)| match outcome {
            CallOutcome::Failed(
                CallFailure::Refused(error)
                | CallFailure::Conflict {
                    error: Some(error), ..
                },
            ) => is_conflict(error),
            CallOutcome::Failed(
                CallFailure::Unknown { .. }
                | CallFailure::Conflict { error: None, .. }
                | CallFailure::Stale { .. }
                | CallFailure::NotChecked(_)
                | CallFailure::NoUpload { .. }
                | CallFailure::Service(_)
                | CallFailure::Journal(_),
            )
            | CallOutcome::Applied(_)
            | CallOutcome::Overwrote(_)
            | CallOutcome::Blocked { .. }
            | CallOutcome::NotAttempted => false,
        })
    }

    /// The calls of a plan that the server holds.
    pub fn applied_calls<'p>(&self, calls: &'p [PlannedCall]) -> Vec<&'p PlannedCall> {
        let applied: BTreeSet<CallId> = self
            .outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_applied())
            .map(|(id, _)| *id)
            .collect();
        calls
            .iter()
            .filter(|call| applied.contains(&call.id))
            .collect()
    }

    /// The calls of a plan after which nobody can say what the server should hold: another writer was there, or their
    /// fate is unknown.
    pub fn uncertain_calls<'p>(&self, calls: &'p [PlannedCall]) -> Vec<&'p PlannedCall> {
        let disputed = |outcome: &CallOutcome| match outcome {
            CallOutcome::Overwrote(_)
            | CallOutcome::Failed(
                CallFailure::Unknown { .. }
                | CallFailure::Conflict { .. }
                | CallFailure::Stale { .. }
                | CallFailure::NotChecked(_),
            ) => true,
            CallOutcome::Failed(
                CallFailure::Refused(_)
                | CallFailure::NoUpload { .. }
                | CallFailure::Service(_)
                | CallFailure::Journal(_),
            )
            | CallOutcome::Applied(_)
            | CallOutcome::Blocked { .. }
            | CallOutcome::NotAttempted => false,
        };
        let ids: BTreeSet<CallId> = self
            .outcomes
            .iter()
            .filter(|(_, outcome)| disputed(outcome))
            .map(|(id, _)| *id)
            .collect();
        calls.iter().filter(|call| ids.contains(&call.id)).collect()
    }
}
