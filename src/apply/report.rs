//! What became of the calls of a plan.

use crate::plan::{Call, CallId};
use crate::provider::http::{ApiError, Outcome};

/// What became of one call.
#[derive(Debug)]
pub enum CallOutcome {
    /// The server confirmed it.
    Applied,
    /// It failed; the error says whether it may have been applied all the same.
    Failed(ApiError),
    /// It was not made, since an earlier one failed.
    NotAttempted,
}

/// What became of all calls of a target, in the order of their numbers.
#[derive(Debug, Default)]
pub struct Report {
    outcomes: Vec<(CallId, CallOutcome)>,
}

impl Report {
    pub(super) fn new(mut outcomes: Vec<(CallId, CallOutcome)>) -> Self {
        outcomes.sort_by_key(|(id, _)| *id);
        Self { outcomes }
    }

    /// Each call with its outcome.
    pub fn outcomes(&self) -> &[(CallId, CallOutcome)] {
        &self.outcomes
    }

    /// How many calls the server confirmed.
    pub fn applied(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, CallOutcome::Applied)).count()
    }

    /// How many calls were not confirmed.
    pub fn missing(&self) -> usize {
        self.outcomes.len() - self.applied()
    }

    /// Whether a failed call may have been applied all the same.
    pub fn is_uncertain(&self) -> bool {
        self.outcomes.iter().any(|(_, outcome)| match outcome {
            CallOutcome::Failed(error) => error.outcome() == Outcome::Unknown,
            CallOutcome::Applied | CallOutcome::NotAttempted => false,
        })
    }

    /// The calls of a plan that the server confirmed.
    pub fn applied_calls<'p>(&self, calls: &'p [Call]) -> Vec<&'p Call> {
        let applied = |call: &Call| {
            self.outcomes.iter().any(|(id, outcome)| *id == call.id && matches!(outcome, CallOutcome::Applied))
        };
        calls.iter().filter(|call| applied(call)).collect()
    }
}
