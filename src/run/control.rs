//! How a plan is run, and how a run is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How a plan is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSettings {
    /// How many calls may be under way at a time: 16.
    pub at_once: usize,
    /// How often a call is made again that surely was not applied though no usable answer came: 4.
    pub repeats: usize,
    /// The first wait before that; each further one is twice as long: 200 ms.
    pub first_wait: Duration,
    /// How long a reading counts as "just before" the first call of a policy; after that the policy is read again: 1 s.
    pub fresh: Duration,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            at_once: 16,
            repeats: 4,
            first_wait: Duration::from_millis(200),
            fresh: Duration::from_secs(1),
        }
    }
}

/// A wish that a run stops: calls under way are finished, and no other is begun. Clones are the same wish.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Asks for it.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked for it.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
