//! Docker Hub's rate limit, counted per minute.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Requests per minute in the headers: far more than the emulator can serve, so no request is
/// refused.
const LIMIT: u64 = 1_000_000;

/// The values of `X-RateLimit-Limit`, `-Remaining` and `-Reset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateQuota {
    /// Requests per minute.
    pub(super) limit: u64,
    /// Requests left in this minute.
    pub(super) remaining: u64,
    /// The start of the next minute in seconds since the epoch.
    pub(super) reset: u64,
}

/// The requests of the current minute.
#[derive(Debug, Default)]
pub(super) struct RateLimiter(Mutex<RateWindow>);

#[derive(Debug, Default)]
struct RateWindow {
    minute: u64,
    used: u64,
}

impl RateLimiter {
    /// Counts a request that is answered now.
    pub(super) fn count(&self) -> RateQuota {
        self.count_at(u64::try_from(Timestamp::now().as_second()).unwrap_or(0))
    }

    fn count_at(&self, second: u64) -> RateQuota {
        let minute = second / 60;
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.minute != minute {
            *window = RateWindow { minute, used: 0 };
        }
        window.used += 1;
        RateQuota {
            limit: LIMIT,
            remaining: LIMIT.saturating_sub(window.used).max(1),
            reset: (minute + 1) * 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_counts_down_and_the_next_begins_anew() {
        let rate = RateLimiter::default();
        let remaining = |second| rate.count_at(second).remaining;
        assert_eq!(
            (remaining(60), remaining(119), remaining(120)),
            (LIMIT - 1, LIMIT - 2, LIMIT - 1)
        );
        assert_eq!(rate.count_at(121).reset, 180);
    }
}
