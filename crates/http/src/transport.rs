//! The settings of the client, and the connections that are created with them.

use std::num::NonZeroUsize;
use std::time::Duration;

use reqwest::{Client, redirect};
use thiserror::Error;

use crate::endpoint::Endpoint;

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
    /// First wait; doubled for each further retry, with jitter. Default: 200 ms.
    pub first_wait: Duration,
    /// Maximum wait that the client chooses itself. Default: 5 s.
    pub longest_wait: Duration,
    /// Maximum time for which a server may accept nothing because of its rate limit. Calls fail if
    /// it asks for a longer pause. Default: 10 min.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            faults: 4,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(5),
            max_wait: Duration::from_secs(600),
        }
    }
}

/// The HTTP client could not be configured.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the HTTP client could not be set up: {0}; check the proxy variables and the machine's certificates"
)]
pub struct ClientError(String);

impl ClientError {
    pub(crate) fn new(error: reqwest::Error) -> Self {
        Self(error.without_url().to_string())
    }
}

/// Creates every connection of this crate, so that all have the same limits and TLS rules.
pub(crate) fn build(options: &HttpOptions, endpoint: &Endpoint) -> Result<Client, reqwest::Error> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread installed a provider first, which is fine.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    }
    let mut builder = Client::builder()
        .user_agent(&options.user_agent)
        .redirect(redirect::Policy::none())
        .referer(false)
        .https_only(endpoint.is_encrypted())
        .connect_timeout(options.connect_timeout)
        .timeout(options.request_timeout)
        .pool_max_idle_per_host(options.concurrency.get())
        // Shorter than the keep-alive time of servers: a write on a connection that the server is
        // closing would end with an unknown outcome.
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true);
    if endpoint.is_loopback() {
        // Plain http to `localhost` is trusted, so the name must not be resolved by DNS.
        let here = [
            ([127, 0, 0, 1], 0).into(),
            (std::net::Ipv6Addr::LOCALHOST, 0).into(),
        ];
        builder = builder.no_proxy().resolve_to_addrs("localhost", &here);
    }
    if !endpoint.is_encrypted() {
        // Without TLS no root certificates are needed. A machine without any can use the embedded
        // service.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}
