//! What the client's user may choose.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Settings of an [`HttpClient`](super::HttpClient); [`Default`] is right for the public services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// How many requests may be under way at a time, over all hosts: 16.
    pub concurrency: NonZeroUsize,
    /// How long making a connection may take: 10 s.
    pub connect_timeout: Duration,
    /// How long one request may take, its answer included: 30 s.
    pub request_timeout: Duration,
    /// The longest answer that is read, in bytes: 16 MiB.
    pub longest_answer: usize,
    /// When a request is sent again.
    pub retry: RetryPolicy,
    /// The `User-Agent` header: `polwarden/VERSION`.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::MIN.saturating_add(15),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            longest_answer: 16 * 1024 * 1024,
            retry: RetryPolicy::default(),
            user_agent: concat!("polwarden/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// How often and how fast a request is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often after a fault (no connection, timeout, 5xx): 4.
    pub faults: usize,
    /// How often after a 429: 10. They are counted apart: a minute's limit says nothing about the server's health.
    pub rate_limits: usize,
    /// The first wait; each further one is twice as long, with jitter: 200 ms.
    pub first_wait: Duration,
    /// The longest wait of our own choosing: 5 s.
    pub longest_wait: Duration,
    /// The longest pause that a server may ask for; beyond it the request fails and says so: 5 min.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            faults: 4,
            rate_limits: 10,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(5),
            longest_pause: Duration::from_secs(300),
        }
    }
}
