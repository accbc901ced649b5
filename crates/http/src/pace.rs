//! The pace of requests to one host, shared by all calls to it.
//!
//! The client does not know how many requests a server accepts, only that one was refused. This is
//! the problem that TCP solves with congestion control, and it is solved in the same way: a refusal
//! sets the rate to the rate that the server accepted so far, every accepted request raises it a
//! little, and the next refusal lowers it again. Before the first refusal the rate is unlimited.
//!
//! Example: a server accepts 5 requests per second. Of 16 requests, 5 are accepted and 11 refused
//! with `Retry-After: 1`. All calls wait for one second; from then on a request is sent every 200 ms
//! until a refusal shows that this is too fast.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Below this interval requests are not delayed.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
/// Interval if a server accepted nothing between two refusals, doubled each time.
const FIRST_INTERVAL: Duration = Duration::from_millis(50);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// Every accepted request shortens the interval by this fraction.
const FASTER: u32 = 128;
/// Pauses from this length on are announced.
const ANNOUNCED: Duration = Duration::from_secs(5);
/// Stands for a pause that a clock cannot represent.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a server's rate limit does to the run, for display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimitNotice {
    /// Nothing is sent for this time.
    Paused(Duration),
    /// Requests are sent at this interval.
    Slowed(Duration),
}

/// When the next request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Now.
    Granted,
    /// Ask again after this time.
    Wait(Duration),
    /// The server refuses for longer than the limit: it asked for this pause.
    TooLong(Duration),
}

/// The shared pace of one host.
#[derive(Default)]
pub(super) struct HostPace(Mutex<Option<Pace>>);

impl HostPace {
    fn lock(&self) -> MutexGuard<'_, Option<Pace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks to send a request. `longest` limits the time for which the server may refuse.
    pub(super) fn request(&self, longest: Duration) -> (Permission, Option<RateLimitNotice>) {
        let now = Instant::now();
        self.lock()
            .get_or_insert_with(|| Pace::new(now))
            .request(now, longest)
    }

    /// The server refused a request that was sent at `sent`, and asked to wait.
    pub(super) fn refused(&self, sent: Instant, wait: Duration) {
        let now = Instant::now();
        self.lock()
            .get_or_insert_with(|| Pace::new(now))
            .refused(now, sent, wait);
    }

    /// The server answered a request that was sent at `sent`, and may have asked to wait before the
    /// next one.
    pub(super) fn accepted(&self, sent: Instant, wait: Option<Duration>) {
        let now = Instant::now();
        self.lock()
            .get_or_insert_with(|| Pace::new(now))
            .accepted(now, sent, wait);
    }
}

#[derive(Debug)]
struct Pace {
    /// Time between two requests. Zero until the server refuses one.
    interval: Duration,
    /// When the next request may be sent at this interval.
    next: Instant,
    /// End of the requested pause.
    paused_until: Instant,
    /// The end of the pause that was announced last.
    announced_until: Instant,
    /// Start of the measurement of what the server accepts, and the answers since then.
    since: Instant,
    answers: u32,
    /// The first refusal after the last accepted request.
    refused_since: Option<Instant>,
    /// The first refusal of all, until it was announced that requests are slowed down.
    slowed_since: Option<Instant>,
    slowed_announced: bool,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self {
            interval: Duration::ZERO,
            next: now,
            paused_until: now,
            announced_until: now,
            since: now,
            answers: 0,
            refused_since: None,
            slowed_since: None,
            slowed_announced: false,
        }
    }

    fn request(
        &mut self,
        now: Instant,
        longest: Duration,
    ) -> (Permission, Option<RateLimitNotice>) {
        let pause = self.paused_until.saturating_duration_since(now);
        if pause.is_zero() {
            return (self.take_turn(now), self.slowed(now));
        }
        let refused = self
            .refused_since
            .map(|since| now.saturating_duration_since(since))
            .unwrap_or_default();
        if refused.saturating_add(pause) > longest {
            return (Permission::TooLong(pause), None);
        }
        let is_new = self.paused_until > self.announced_until;
        let notice = (is_new && pause >= ANNOUNCED).then_some(RateLimitNotice::Paused(pause));
        if notice.is_some() {
            self.announced_until = self.paused_until;
        }
        (Permission::Wait(pause), notice.or_else(|| self.slowed(now)))
    }

    fn take_turn(&mut self, now: Instant) -> Permission {
        let wait = self.next.saturating_duration_since(now);
        if !wait.is_zero() {
            return Permission::Wait(wait);
        }
        self.next = later(now, self.interval);
        Permission::Granted
    }

    /// Announces once that requests are slowed down, after the run has noticed it for a while.
    fn slowed(&mut self, now: Instant) -> Option<RateLimitNotice> {
        let since = self.slowed_since?;
        let long = now.saturating_duration_since(since) >= ANNOUNCED;
        if self.slowed_announced || !long || self.interval < SHORTEST_INTERVAL {
            return None;
        }
        self.slowed_announced = true;
        Some(RateLimitNotice::Slowed(self.interval))
    }

    fn accepted(&mut self, now: Instant, sent: Instant, wait: Option<Duration>) {
        self.refused_since = None;
        if let Some(wait) = wait {
            self.pause(now, wait);
        }
        if sent < self.since {
            return;
        }
        self.answers = self.answers.saturating_add(1);
        self.interval -= self.interval / FASTER;
        if self.interval < SHORTEST_INTERVAL {
            self.interval = Duration::ZERO;
        }
    }

    fn refused(&mut self, now: Instant, sent: Instant, wait: Duration) {
        self.refused_since.get_or_insert(now);
        self.slowed_since.get_or_insert(now);
        self.pause(now, wait);
        // Requests that were sent before the last measurement ended say nothing about the new pace.
        if sent < self.since {
            return;
        }
        self.interval = self.interval_after_refusal(now, wait);
        self.since = self.paused_until;
        self.next = self.paused_until;
        self.answers = 0;
    }

    fn interval_after_refusal(&self, now: Instant, wait: Duration) -> Duration {
        let doubled = self.interval.saturating_mul(2);
        let interval = if self.answers == 0 {
            doubled.max(FIRST_INTERVAL)
        } else {
            let took = now
                .saturating_duration_since(self.since)
                .saturating_add(wait);
            let measured = took / self.answers;
            // A pause in whole seconds is longer than necessary where the rate nearly fits.
            match self.interval.is_zero() {
                true => measured,
                false => measured.clamp(self.interval, doubled),
            }
        };
        interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
    }

    /// Pauses all calls for `wait` from now. A longer active pause is kept.
    fn pause(&mut self, now: Instant, wait: Duration) {
        self.paused_until = self.paused_until.max(later(now, wait));
    }
}

fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now + FOREVER)
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use super::*;

    const LONGEST: Duration = Duration::from_secs(600);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A rate limit as servers implement them.
    #[derive(Debug, Clone, Copy)]
    enum Limit {
        /// So many requests in each window of this length.
        Window(u32, Duration),
        /// A bucket with this capacity. After each interval, one token is added.
        Bucket(u32, Duration),
    }

    impl Limit {
        fn each(self) -> Duration {
            match self {
                Self::Window(count, length) => length / count,
                Self::Bucket(_, interval) => interval,
            }
        }
    }

    struct Server {
        limit: Limit,
        start: Instant,
        window: u32,
        used: u32,
        tokens: f64,
        filled: Instant,
    }

    impl Server {
        fn new(limit: Limit, start: Instant) -> Self {
            let tokens = match limit {
                Limit::Window(..) => 0.0,
                Limit::Bucket(size, _) => f64::from(size),
            };
            Self {
                limit,
                start,
                window: 0,
                used: 0,
                tokens,
                filled: start,
            }
        }

        /// `None` if the request is accepted; else the `Retry-After` in whole seconds.
        fn answer(&mut self, now: Instant) -> Option<Duration> {
            let whole = |wait: Duration| Duration::from_secs(wait.as_secs_f64().ceil() as u64);
            match self.limit {
                Limit::Window(count, length) => {
                    let window = ((now - self.start).as_nanos() / length.as_nanos()) as u32;
                    if window != self.window {
                        self.window = window;
                        self.used = 0;
                    }
                    if self.used < count {
                        self.used += 1;
                        return None;
                    }
                    Some(whole(self.start + length * (window + 1) - now))
                }
                Limit::Bucket(size, interval) => {
                    let added = (now - self.filled).as_secs_f64() / interval.as_secs_f64();
                    self.tokens = (self.tokens + added).min(f64::from(size));
                    self.filled = now;
                    if self.tokens >= 1.0 {
                        self.tokens -= 1.0;
                        return None;
                    }
                    Some(whole(interval.mul_f64(1.0 - self.tokens)))
                }
            }
        }
    }

    struct Outcome {
        took: Duration,
        refusals: usize,
    }

    /// Sends `calls` with `workers` at a time, in simulated time, each until it is accepted.
    fn run(limit: Limit, calls: usize, workers: usize) -> Outcome {
        let start = Instant::now();
        let latency = Duration::from_millis(20);
        let mut server = Server::new(limit, start);
        let mut pace = Pace::new(start);
        // What each worker does next, earliest first: it asks to send, or its answer arrives.
        let mut events = BinaryHeap::new();
        for worker in 0..workers.min(calls) {
            events.push(std::cmp::Reverse((start, worker, None)));
        }
        let mut waiting = calls - workers.min(calls);
        let mut refusals = 0;
        let mut end = start;
        while let Some(std::cmp::Reverse((now, worker, sent))) = events.pop() {
            let Some((sent, refused)) = sent else {
                match pace.request(now, LONGEST).0 {
                    Permission::Granted => {
                        let refused = server.answer(now + latency / 2);
                        let answer = Some((now, refused));
                        events.push(std::cmp::Reverse((now + latency, worker, answer)));
                    }
                    Permission::Wait(wait) => {
                        events.push(std::cmp::Reverse((now + wait, worker, None)));
                    }
                    Permission::TooLong(wait) => panic!("gave up: {wait:?}"),
                }
                continue;
            };
            match refused {
                Some(wait) => {
                    refusals += 1;
                    pace.refused(now, sent, wait);
                    events.push(std::cmp::Reverse((now, worker, None)));
                }
                None => {
                    pace.accepted(now, sent, None);
                    end = now;
                    if waiting > 0 {
                        waiting -= 1;
                        events.push(std::cmp::Reverse((now, worker, None)));
                    }
                }
            }
        }
        let took = end - start;
        Outcome { took, refusals }
    }

    #[test]
    fn all_calls_are_accepted_near_the_limit_with_few_refusals() {
        for limit in [
            Limit::Window(5, seconds(1.0)),
            Limit::Window(180, seconds(60.0)),
            Limit::Bucket(10, seconds(0.2)),
            Limit::Bucket(1, seconds(0.5)),
            Limit::Bucket(50, seconds(0.02)),
        ] {
            for workers in [1, 4, 16, 64] {
                let calls = 1000;
                let Outcome { took, refusals } = run(limit, calls, workers);
                let least = limit.each() * 1000;
                assert!(
                    took < least.mul_f64(1.7) + seconds(60.0),
                    "{limit:?}, {workers} at a time: {took:?} instead of {least:?}"
                );
                assert!(
                    refusals < calls / 10 + workers,
                    "{limit:?}, {workers} at a time: {refusals} refusals"
                );
            }
        }
    }

    #[test]
    fn without_a_refusal_nothing_waits() {
        let Outcome { took, refusals } = run(Limit::Bucket(1000, seconds(1.0)), 1000, 10);
        assert_eq!((took, refusals), (Duration::from_millis(2000), 0));
    }

    #[test]
    fn a_pause_only_grows() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.accepted(start, start, Some(seconds(60.0)));
        pace.accepted(start, start, Some(seconds(1.0)));
        assert_eq!(
            pace.request(start, LONGEST),
            (
                Permission::Wait(seconds(60.0)),
                Some(RateLimitNotice::Paused(seconds(60.0)))
            )
        );
        // It is announced once.
        assert_eq!(
            pace.request(start, LONGEST),
            (Permission::Wait(seconds(60.0)), None)
        );
        pace.accepted(start, start, Some(Duration::MAX));
        assert!(matches!(
            pace.request(start, LONGEST).0,
            Permission::TooLong(_)
        ));
    }

    #[test]
    fn a_server_that_accepts_nothing_is_given_up_after_the_limit() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut now = start;
        let refused = loop {
            match pace.request(now, LONGEST).0 {
                Permission::Granted => pace.refused(now, now, seconds(7.0)),
                Permission::Wait(wait) => now += wait,
                Permission::TooLong(_) => break now - start,
            }
        };
        assert!(
            refused > LONGEST - seconds(70.0) && refused <= LONGEST,
            "{refused:?}"
        );
    }

    #[test]
    fn a_slow_pace_is_announced_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.refused(start, start, seconds(1.0));
        let mut notices = Vec::new();
        let mut now = start;
        for _ in 0..1000 {
            let (permission, notice) = pace.request(now, LONGEST);
            notices.extend(notice);
            if permission == Permission::Granted {
                pace.refused(now, now, seconds(0.5));
                pace.accepted(now, now, None);
            }
            now += seconds(0.1);
        }
        assert!(
            matches!(notices.as_slice(), [RateLimitNotice::Slowed(_)]),
            "{notices:?}"
        );
    }
}
