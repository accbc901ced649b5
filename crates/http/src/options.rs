//! Settings of the client.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Settings of an [`HttpClient`](crate::HttpClient). [`Default`] suits the public services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// Maximum number of concurrent requests to all hosts. Default: 16.
    pub concurrency: NonZeroUsize,
    /// Timeout for establishing a connection. Default: 10 s.
    pub connect_timeout: Duration,
    /// Timeout for one request including its response. Default: 30 s.
    pub request_timeout: Duration,
    /// Maximum size of a response in bytes. Default: 16 MiB.
    pub longest_answer: usize,
    /// When requests are repeated.
    pub retry: RetryPolicy,
    /// The `User-Agent` header. Default: `polwarden/VERSION`.
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

/// How often and when failed requests are repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Maximum retries after faults (no connection, timeout, 5xx). Default: 4.
    pub faults: usize,
    /// Maximum retries after a 429. Default: 10. They are counted separately because a rate limit
    /// says nothing about the health of the server.
    pub rate_limits: usize,
    /// First wait; doubled for each further retry, with jitter. Default: 200 ms.
    pub first_wait: Duration,
    /// Maximum wait that the client chooses itself. Default: 5 s.
    pub longest_wait: Duration,
    /// Maximum pause that a server may request. A longer one fails the call. Default: 5 min.
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
