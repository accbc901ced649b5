//! The number of calls by outcome. Every call of a plan is counted exactly once.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::CallId;

/// The number of calls by outcome: `applied + adopted + failed + unknown + skipped` is the number of
/// calls of the plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallCounts {
    /// Applied by this run.
    pub applied: usize,
    /// Number of applied calls that replaced a change by another client.
    pub replaced: usize,
    /// Not needed: another client had already made the desired state.
    pub adopted: usize,
    /// Not applied because of an error or a conflict.
    pub failed: usize,
    /// The server did not answer and could not be read back: the call may have been applied.
    pub unknown: usize,
    /// Not sent because another call failed or the run was stopped.
    pub skipped: usize,
}

impl CallCounts {
    /// The number of calls.
    pub fn total(&self) -> usize {
        let Self {
            applied,
            replaced: _,
            adopted,
            failed,
            unknown,
            skipped,
        } = *self;
        applied + adopted + failed + unknown + skipped
    }

    /// The number of calls whose desired state was possibly not reached.
    pub fn missing(&self) -> usize {
        self.failed + self.unknown + self.skipped
    }
}

impl AddAssign for CallCounts {
    fn add_assign(&mut self, other: Self) {
        let Self {
            applied,
            replaced,
            adopted,
            failed,
            unknown,
            skipped,
        } = other;
        self.applied += applied;
        self.replaced += replaced;
        self.adopted += adopted;
        self.failed += failed;
        self.unknown += unknown;
        self.skipped += skipped;
    }
}

/// Why a call was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SkipReason {
    /// It depends on a call that failed, or changes the same object as that call.
    AfterFailure {
        /// The call that failed.
        call: CallId,
    },
    /// The run was stopped.
    Stopped,
    /// Another client changed the live state since it was read for the plan.
    PlanStale,
    /// An id that it needs is missing from the outcome of an earlier call.
    MissingId,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `replaced` is a part of `applied`, so that it is in no sum.
    #[test]
    fn totals_count_each_call_once() {
        let one = CallCounts {
            applied: 1,
            replaced: 2,
            adopted: 4,
            failed: 8,
            unknown: 16,
            skipped: 32,
        };
        assert_eq!(one.total(), 61);
        assert_eq!(one.missing(), 56);
        let mut sum = one;
        sum += one;
        let twice = CallCounts {
            applied: 2,
            replaced: 4,
            adopted: 8,
            failed: 16,
            unknown: 32,
            skipped: 64,
        };
        assert_eq!(sum, twice);
    }
}
