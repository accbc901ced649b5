//! An enforced rate limit: requests per second of the whole service.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The requests of the current second.
#[derive(Debug)]
pub(crate) struct EnforcedRate {
    per_second: NonZeroU32,
    start: Instant,
    window: Mutex<SecondWindow>,
}

#[derive(Debug, Default)]
struct SecondWindow {
    second: u64,
    used: u32,
}

impl EnforcedRate {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            start: Instant::now(),
            window: Mutex::default(),
        }
    }

    /// Whether a request that arrives now is accepted.
    pub(crate) fn accepts(&self) -> bool {
        self.accepts_in(self.start.elapsed().as_secs())
    }

    fn accepts_in(&self, second: u64) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second != second {
            *window = SecondWindow { second, used: 0 };
        }
        let accepted = window.used < self.per_second.get();
        window.used += u32::from(accepted);
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_has_its_own_requests() {
        let rate = EnforcedRate::new(NonZeroU32::new(2).unwrap());
        let accepted: Vec<bool> = [0, 0, 0, 1, 1, 1, 5]
            .into_iter()
            .map(|second| rate.accepts_in(second))
            .collect();
        assert_eq!(accepted, [true, true, false, true, true, false, true]);
    }
}
