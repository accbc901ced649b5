//! How a plan is run, and how a run is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How a plan is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSettings {
    /// Maximum number of concurrent calls: 16.
    pub at_once: usize,
    /// Maximum number of retries of a call that was certainly not applied: 4.
    pub repeats: usize,
    /// Wait before the first retry; it doubles with each further retry: 200 ms.
    pub first_wait: Duration,
    /// Maximum age of a reading before the first call of a policy. An older policy is read again: 1 s.
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

/// A request to stop a run: calls in progress are finished, and no other call starts. Clones share the request.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Requests the stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
