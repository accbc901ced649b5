//! Limits the work of one question.

use std::cell::Cell;

use thiserror::Error;

/// Steps that every question may use. One step takes a few nanoseconds.
const LEAST: usize = 1 << 22;
/// Additional steps for each pattern. Ordinary rules use a small part of them.
const EACH: usize = 1 << 8;
/// Bytes that one question may keep for sets of patterns, as estimated by their sizes.
const MOST_BYTES: usize = 192 << 20;

/// The question was not answered because it exceeds the work budget.
///
/// Deciding whether a union of patterns such as `/*/a/*/b` covers another pattern is an inclusion
/// problem of NFAs, which is PSPACE-complete in general: each of n patterns can double the number
/// of regions. The budget is a constant plus an amount for each pattern. It ensures that a pull
/// request cannot stall a plan. A question that exceeds it is an error, never a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the wildcards of these rules cross each other in too many ways to compare them; \
     use fewer `*` inside of labels and segments, and fewer `*` and `**` in the middle of paths"
)]
pub struct TooComplex;

/// Why a walk ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkStop {
    /// The caller has its answer and needs no further regions.
    Answered,
    /// The budget is exhausted.
    TooComplex(TooComplex),
}

impl From<TooComplex> for WalkStop {
    fn from(too_complex: TooComplex) -> Self {
        Self::TooComplex(too_complex)
    }
}

/// The remaining steps and bytes. `Cell`s, because all parts of a walk share one budget.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: Cell<usize>,
    bytes: Cell<usize>,
}

impl Budget {
    /// The budget of a question about `patterns` patterns.
    pub(crate) fn new(patterns: usize) -> Self {
        Self {
            steps: Cell::new(patterns.saturating_mul(EACH).saturating_add(LEAST)),
            bytes: Cell::new(MOST_BYTES),
        }
    }

    /// Deducts `steps`; fails if fewer are left.
    pub(crate) fn spend(&self, steps: usize) -> Result<(), TooComplex> {
        self.steps
            .set(self.steps.get().checked_sub(steps).ok_or(TooComplex)?);
        Ok(())
    }

    /// Deducts memory that is kept until the question is answered; fails if less is left.
    pub(crate) fn keep(&self, bytes: usize) -> Result<(), TooComplex> {
        self.bytes
            .set(self.bytes.get().checked_sub(bytes).ok_or(TooComplex)?);
        Ok(())
    }
}
