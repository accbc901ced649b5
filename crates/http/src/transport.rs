//! Creates the connections.

use std::time::Duration;

use reqwest::{Client, redirect};
use thiserror::Error;

use crate::endpoint::Endpoint;
use crate::options::HttpOptions;

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
