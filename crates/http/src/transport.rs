//! The settings of the client, and the connections that are created with them.

use std::io::Read as _;
use std::num::NonZeroUsize;
use std::time::Duration;

use reqwest::{Client, redirect};
use thiserror::Error;

use crate::cause::innermost;
use crate::endpoint::Endpoint;
use crate::proxy::ProxyVariableError;

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
pub enum ClientError {
    /// A proxy variable would be ignored.
    #[error("{0}")]
    Proxy(#[from] ProxyVariableError),
    /// The file with the trusted certificates cannot be used.
    #[error("SSL_CERT_FILE cannot be used: {0}; it must name a file with PEM certificates")]
    Certificates(String),
    /// The library refused the settings, or no certificates are trusted.
    #[error(
        "cannot set up the HTTP client: {0}; check the proxy variables and the trusted certificates (SSL_CERT_FILE)"
    )]
    Setup(String),
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        Self::Setup(innermost(&error.without_url()))
    }
}

/// Maximum size of the file with the trusted certificates. Files of whole systems have 250 KB.
const MAX_CERTIFICATES: u64 = 16 << 20;

/// Checks the file that replaces the trusted certificates of the system. Otherwise a wrong name would
/// look like a server that is not trusted.
fn check_certificate_file() -> Result<(), ClientError> {
    // macOS and Windows have their own stores, and do not read the variable.
    let is_read = !cfg!(any(target_os = "macos", windows));
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|_| is_read) else {
        return Ok(());
    };
    let wrong = |error: std::io::Error| ClientError::Certificates(error.kind().to_string());
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_CERTIFICATES).read_to_end(&mut text))
        .map_err(wrong)?;
    let mark = b"-----BEGIN ";
    if text.windows(mark.len()).any(|part| part == mark) {
        Ok(())
    } else {
        Err(ClientError::Certificates(
            "the file contains no PEM certificate".to_owned(),
        ))
    }
}

/// Creates every connection of this crate, so that all have the same limits and TLS rules.
pub(crate) fn build(options: &HttpOptions, endpoint: &Endpoint) -> Result<Client, ClientError> {
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
    } else {
        crate::proxy::check(|name| std::env::var(name))?;
    }
    if endpoint.is_encrypted() {
        check_certificate_file()?;
    }
    if !endpoint.is_encrypted() {
        // Without TLS no root certificates are needed. A machine without any can use the embedded
        // service.
        builder = builder.tls_certs_only([]);
    }
    Ok(builder.build()?)
}
