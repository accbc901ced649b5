//! How much work a question may cost.

use std::cell::Cell;

use thiserror::Error;

/// Work that every question may cost, in steps of some nanoseconds each.
const LEAST: usize = 1 << 22;
/// Work that each pattern may add: ordinary rules need a small part of it.
const EACH: usize = 1 << 8;

/// The wildcards of some rules cross each other in so many ways that the question is not answered.
///
/// To tell whether patterns such as `/*/a/*/b` cover each other is hard: each of n of them can double the kinds of
/// requests. The work is bounded by a fixed part and one for each pattern, so that nobody can stall a plan by a pull
/// request; what cannot be answered within it is an error, never a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the wildcards of these rules cross each other in too many ways to compare them; \
     use fewer `*` inside of labels and segments, and fewer `*` and `**` in the middle of paths"
)]
pub struct Entangled;

/// Why a walk ends before it has seen everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The question is answered.
    Answered,
    /// It costs too much.
    Entangled(Entangled),
}

impl From<Entangled> for Stop {
    fn from(entangled: Entangled) -> Self {
        Self::Entangled(entangled)
    }
}

/// The work that is left.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    /// For a question about so many patterns.
    pub(super) fn new(patterns: usize) -> Self {
        Self(Cell::new(
            patterns.saturating_mul(EACH).saturating_add(LEAST),
        ))
    }

    /// Takes some steps.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Entangled> {
        self.0
            .set(self.0.get().checked_sub(steps).ok_or(Entangled)?);
        Ok(())
    }
}
