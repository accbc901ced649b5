//! What became of the calls of a plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::counts::{CallCounts, SkipReason};
use super::error::{ServiceError, StalePlan};
use super::journal::JournalError;
use super::object::ObjectDifference;
use crate::plan::{CallId, PlannedCall};
use http::{ApiError, ErrorKind};

/// The outcome of one call.
#[derive(Debug, Clone)]
pub enum CallOutcome {
    /// This run made the call, and the server applied it.
    Applied(Confirmation),
    /// It was applied, and replaced a change that another client had made since the plan.
    Replaced(Box<ObjectDifference>),
    /// The server already had the desired state, made by another client.
    Adopted,
    /// It was not applied, or another client overwrote it.
    Failed(CallFailure),
    /// It may have been applied: there was no usable answer, and it could not be read back.
    Unknown {
        /// Why there was no usable answer.
        error: ApiError,
        /// Why it could not be read back.
        read_back: ApiError,
    },
    /// It was not sent.
    Skipped(SkipReason),
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
    /// Another client changed the object. The call was not applied, or its result was overwritten.
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

impl CallFailure {
    /// Whether the server's rate limit is used up for longer than the run waits.
    pub(crate) fn is_rate_limited(&self) -> bool {
        let error = match self {
            Self::Refused(error) | Self::NotChecked(error) => Some(error),
            Self::Conflict { error, .. } => error.as_ref(),
            Self::Stale { .. } | Self::NoUpload { .. } | Self::Service(_) | Self::Journal(_) => {
                None
            }
        };
        error.is_some_and(|error| matches!(error.kind(), ErrorKind::RateLimited { .. }))
    }
}

impl CallOutcome {
    /// Whether the server has the state that the call makes, as far as is known.
    pub fn is_in_place(&self) -> bool {
        match self {
            Self::Applied(_) | Self::Replaced(_) | Self::Adopted => true,
            Self::Failed(_) | Self::Unknown { .. } | Self::Skipped(_) => false,
        }
    }

    fn counts(&self) -> CallCounts {
        let mut counts = CallCounts::default();
        match self {
            Self::Applied(_) => counts.applied = 1,
            Self::Replaced(_) => {
                counts.applied = 1;
                counts.replaced = 1;
            }
            Self::Adopted => counts.adopted = 1,
            Self::Failed(_) => counts.failed = 1,
            Self::Unknown { .. } => counts.unknown = 1,
            Self::Skipped(_) => counts.skipped = 1,
        }
        counts
    }
}

/// What a user must do before the remaining calls can succeed. The order is that of urgency: the
/// summary of a run shows the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Apply again; that plans from the current live state.
    Again,
    /// Look at the plan first, because the outcome of a call is unknown.
    CheckOutcome,
    /// Resolve the error that was printed.
    ResolveError,
    /// Change what the server rejected.
    FixRequest,
    /// Sign in with valid credentials.
    SignIn,
    /// Grant the account a permission.
    GrantPermission,
}

/// The remedy for calls that were not applied; nothing if none is missing.
pub fn remedy<'a>(outcomes: impl IntoIterator<Item = &'a CallOutcome>) -> Option<Remedy> {
    outcomes
        .into_iter()
        .filter_map(|outcome| match outcome {
            CallOutcome::Applied(_) | CallOutcome::Replaced(_) | CallOutcome::Adopted => None,
            CallOutcome::Skipped(_) => Some(Remedy::Again),
            CallOutcome::Unknown { .. } => Some(Remedy::CheckOutcome),
            CallOutcome::Failed(failure) => Some(match failure {
                CallFailure::Refused(error) | CallFailure::NotChecked(error) => {
                    remedy_of_status(error.status())
                }
                CallFailure::Conflict { .. } | CallFailure::Stale { .. } => Remedy::Again,
                CallFailure::NoUpload { .. }
                | CallFailure::Service(_)
                | CallFailure::Journal(_) => Remedy::ResolveError,
            }),
        })
        .max()
}

fn remedy_of_status(status: Option<u16>) -> Remedy {
    match status {
        Some(401) => Remedy::SignIn,
        Some(403) => Remedy::GrantPermission,
        // What a call refers to is gone or taken, or the server is busy: a new plan accounts for that.
        Some(404 | 408 | 409 | 412 | 425 | 429) | None => Remedy::Again,
        Some(400..=499) => Remedy::FixRequest,
        Some(_) => Remedy::Again,
    }
}

/// What became of all calls of a target, in the order of their numbers.
#[derive(Debug, Default)]
pub struct CallReport {
    outcomes: Vec<(CallId, CallOutcome)>,
    cleaned: Vec<CleanedUpVersion>,
    stale: Vec<StalePlan>,
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
        Self {
            outcomes,
            cleaned,
            stale: Vec::new(),
        }
    }

    pub(crate) fn with_stale(self, stale: Vec<StalePlan>) -> Self {
        Self { stale, ..self }
    }

    /// What another client changed between the plan and the first call. No call was sent then.
    pub fn stale(&self) -> &[StalePlan] {
        &self.stale
    }

    /// The versions that were begun and not completed.
    pub fn cleaned_up(&self) -> &[CleanedUpVersion] {
        &self.cleaned
    }

    /// Each call with its outcome.
    pub fn outcomes(&self) -> &[(CallId, CallOutcome)] {
        &self.outcomes
    }

    /// The number of calls by outcome.
    pub fn counts(&self) -> CallCounts {
        let mut counts = CallCounts::default();
        for (_, outcome) in &self.outcomes {
            counts += outcome.counts();
        }
        counts
    }

    /// Whether a call failed because another client created an object with the same name (409).
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
                CallFailure::Conflict { error: None, .. }
                | CallFailure::Stale { .. }
                | CallFailure::NotChecked(_)
                | CallFailure::NoUpload { .. }
                | CallFailure::Service(_)
                | CallFailure::Journal(_),
            )
            | CallOutcome::Applied(_)
            | CallOutcome::Replaced(_)
            | CallOutcome::Adopted
            | CallOutcome::Unknown { .. }
            | CallOutcome::Skipped(_) => false,
        })
    }

    /// The calls of a plan whose state the server has: applied by this run, or adopted.
    pub fn calls_in_place<'p>(&self, calls: &'p [PlannedCall]) -> Vec<&'p PlannedCall> {
        let in_place: BTreeSet<CallId> = self
            .outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_in_place())
            .map(|(id, _)| *id)
            .collect();
        calls
            .iter()
            .filter(|call| in_place.contains(&call.id))
            .collect()
    }

    /// The calls after which the expected state is not known: another client was there, or the outcome is
    /// unknown.
    pub fn uncertain_calls<'p>(&self, calls: &'p [PlannedCall]) -> Vec<&'p PlannedCall> {
        let disputed = |outcome: &CallOutcome| match outcome {
            CallOutcome::Replaced(_)
            | CallOutcome::Unknown { .. }
            | CallOutcome::Failed(
                CallFailure::Conflict { .. }
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
            | CallOutcome::Adopted
            | CallOutcome::Skipped(_) => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn no_upload() -> CallOutcome {
        CallOutcome::Failed(CallFailure::NoUpload {
            pack: "p".to_owned(),
            tag: "1".to_owned(),
        })
    }

    fn report() -> CallReport {
        let outcomes = vec![
            (CallId(4), CallOutcome::Skipped(SkipReason::Stopped)),
            (CallId(2), CallOutcome::Adopted),
            (CallId(1), CallOutcome::Applied(Confirmation::ReadBack)),
            (CallId(3), no_upload()),
        ];
        CallReport::new(outcomes, Vec::new())
    }

    /// Every call is counted once, in the order of the numbers.
    #[test]
    fn calls_are_counted_by_outcome() {
        let report = report();
        let expected = CallCounts {
            applied: 1,
            replaced: 0,
            adopted: 1,
            failed: 1,
            unknown: 0,
            skipped: 1,
        };
        assert_eq!(report.counts(), expected);
        let ids: Vec<u32> = report.outcomes().iter().map(|(id, _)| id.0).collect();
        assert_eq!(ids, [1, 2, 3, 4]);
        let in_place: Vec<bool> = report
            .outcomes()
            .iter()
            .map(|(_, outcome)| outcome.is_in_place())
            .collect();
        assert_eq!(in_place, [true, true, false, false]);
        assert!(!report.has_conflict());
        assert!(report.stale().is_empty());
    }

    #[test]
    fn the_most_urgent_remedy_is_named() {
        let applied = CallOutcome::Applied(Confirmation::Answered);
        let skipped = CallOutcome::Skipped(SkipReason::Stopped);
        let failed = no_upload();
        assert_eq!(remedy([]), None);
        assert_eq!(remedy([&applied, &CallOutcome::Adopted]), None);
        assert_eq!(remedy([&applied, &skipped]), Some(Remedy::Again));
        assert_eq!(remedy([&failed, &skipped]), Some(Remedy::ResolveError));
        assert!(
            !CallFailure::NoUpload {
                pack: String::new(),
                tag: String::new()
            }
            .is_rate_limited()
        );
    }

    /// Applying again cannot succeed after a request that the server rejects for what it is.
    #[test]
    fn the_remedy_depends_on_the_status() {
        for (status, expected) in [
            (None, Remedy::Again),
            (Some(400), Remedy::FixRequest),
            (Some(401), Remedy::SignIn),
            (Some(403), Remedy::GrantPermission),
            (Some(404), Remedy::Again),
            (Some(405), Remedy::FixRequest),
            (Some(409), Remedy::Again),
            (Some(412), Remedy::Again),
            (Some(413), Remedy::FixRequest),
            (Some(422), Remedy::FixRequest),
            (Some(429), Remedy::Again),
            (Some(499), Remedy::FixRequest),
            (Some(500), Remedy::Again),
            (Some(503), Remedy::Again),
        ] {
            assert_eq!(remedy_of_status(status), expected, "{status:?}");
        }
    }
}
