//! Decides whether and when a failed attempt is repeated.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::call::RequestEffect;
use crate::error::ErrorKind;
use crate::transport::RetryPolicy;

/// Whether another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// The result would be the same.
    Never,
    /// A temporary fault after which the request may have been applied: repeat reads only.
    Fault,
    /// A temporary fault before anything was sent.
    Unsent,
    /// The server requested a pause, possibly with its length.
    Later(Option<Duration>),
}

#[derive(Debug)]
pub(super) struct AttemptFailure {
    pub(super) kind: ErrorKind,
    pub(super) retry: Retry,
}

impl AttemptFailure {
    pub(super) fn last(kind: ErrorKind) -> Self {
        Self {
            kind,
            retry: Retry::Never,
        }
    }
}

/// The remaining attempts of a request.
pub(super) struct RemainingAttempts {
    faults: ExponentialBackoff,
    limits: ExponentialBackoff,
}

impl RemainingAttempts {
    pub(super) fn new(policy: &RetryPolicy) -> Self {
        let waits = ExponentialBuilder::default()
            .with_min_delay(policy.first_wait)
            .with_max_delay(policy.longest_wait)
            .with_jitter();
        Self {
            faults: waits.with_max_times(policy.faults).build(),
            // The pace of the host decides when to give up.
            limits: waits.without_max_times().build(),
        }
    }

    /// The wait before the next attempt, or `None` if the call has failed.
    pub(super) fn next(&mut self, retry: Retry, effect: RequestEffect) -> Option<Duration> {
        match (retry, effect) {
            (Retry::Never, _) | (Retry::Fault, RequestEffect::Write) => None,
            (Retry::Fault, RequestEffect::Read) | (Retry::Unsent, _) => self.faults.next(),
            (Retry::Later(Some(wait)), _) if !wait.is_zero() => Some(wait),
            (Retry::Later(_), _) => self.limits.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_repeated_only_when_it_surely_was_not_applied() {
        let policy = RetryPolicy::default();
        for (retry, read, write) in [
            (Retry::Never, false, false),
            (Retry::Fault, true, false),
            (Retry::Unsent, true, true),
            (Retry::Later(None), true, true),
        ] {
            assert_eq!(
                RemainingAttempts::new(&policy)
                    .next(retry, RequestEffect::Read)
                    .is_some(),
                read,
                "{retry:?}"
            );
            assert_eq!(
                RemainingAttempts::new(&policy)
                    .next(retry, RequestEffect::Write)
                    .is_some(),
                write,
                "{retry:?}"
            );
        }
    }

    #[test]
    fn attempts_are_bounded_and_waits_grow() {
        let policy = RetryPolicy {
            faults: 3,
            ..RetryPolicy::default()
        };
        let mut attempts = RemainingAttempts::new(&policy);
        let waits: Vec<_> =
            std::iter::from_fn(|| attempts.next(Retry::Fault, RequestEffect::Read)).collect();
        assert_eq!(waits.len(), 3);
        assert!(
            waits[0] >= policy.first_wait && waits[2] >= policy.first_wait * 4,
            "{waits:?}"
        );
        let asked = Duration::from_secs(7);
        for _ in 0..100 {
            assert_eq!(
                attempts.next(Retry::Later(Some(asked)), RequestEffect::Write),
                Some(asked)
            );
        }
        assert_eq!(attempts.next(Retry::Fault, RequestEffect::Read), None);
    }
}
