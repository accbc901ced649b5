//! Sends calls: in turn, with patience, to one host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::{Client, Url, redirect};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::answer;
use super::call::{Authorization, Call};
use super::dated::Dated;
use super::endpoint::Endpoint;
use super::error::{ApiError, ErrorKind};
use super::options::HttpOptions;
use super::pause::{self, Pause};
use super::redact::Redactor;
use super::refusal;
use super::retry::{Attempts, Failure, Retry};
use super::upload::{self, Upload};
use super::warnings::Warnings;

/// Why no client could be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the HTTP client could not be set up: {0}; check the proxy variables and the machine's certificates"
)]
pub struct ClientError(String);

/// The settings and the one bound on concurrency that all hosts share. Clones share the bound.
#[derive(Clone)]
pub struct HttpClient {
    options: Arc<HttpOptions>,
    slots: Arc<Semaphore>,
}

impl HttpClient {
    /// Takes the settings. Nothing is sent or looked up yet.
    pub fn new(options: HttpOptions) -> Self {
        let slots = Arc::new(Semaphore::new(
            options.concurrency.get().min(Semaphore::MAX_PERMITS),
        ));
        Self {
            options: Arc::new(options),
            slots,
        }
    }

    /// A client for one endpoint. Proxies of the environment are used, except for this machine.
    ///
    /// # Errors
    /// The TLS set-up or a proxy variable is unusable.
    pub fn bind(&self, endpoint: Endpoint) -> Result<HostClient, ClientError> {
        let client = build(&self.options, &endpoint)
            .map_err(|error| ClientError(error.without_url().to_string()))?;
        let http = self.clone();
        let host = endpoint.host();
        let pause = Pause::default();
        let redactor = Redactor::default();
        let warnings = Warnings::default();
        Ok(HostClient(Arc::new(Inner {
            http,
            client,
            endpoint,
            host,
            pause,
            redactor,
            warnings,
        })))
    }
}

/// The only place where a connection's rules are made.
pub(super) fn build(options: &HttpOptions, endpoint: &Endpoint) -> Result<Client, reqwest::Error> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker; then there is a provider, which is all that is wanted.
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
        // Below what servers keep: a write on a connection that is just being closed ends with an unknown outcome.
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true);
    if endpoint.is_loopback() {
        // `localhost` must not be looked up elsewhere: it is trusted with plain http.
        let here = [
            ([127, 0, 0, 1], 0).into(),
            (std::net::Ipv6Addr::LOCALHOST, 0).into(),
        ];
        builder = builder.no_proxy().resolve_to_addrs("localhost", &here);
    }
    if !endpoint.is_encrypted() {
        // Without TLS no roots are needed: a machine without certificates can use the embedded service.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// Sends calls to one endpoint. Clones share connections, pauses and what is known to be secret.
#[derive(Clone)]
pub struct HostClient(Arc<Inner>);

struct Inner {
    http: HttpClient,
    client: Client,
    endpoint: Endpoint,
    host: String,
    pause: Pause,
    redactor: Redactor,
    warnings: Warnings,
}

impl HostClient {
    /// Where calls go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// Cleans this host's texts; teach it every secret that is sent.
    pub fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// What the server warned of since this was asked last, each text once.
    pub fn take_warnings(&self) -> Vec<String> {
        self.0.warnings.take()
    }

    /// Sends a call and gives the JSON of a 2xx answer. Faults are retried where that is safe (see
    /// [`Effect`](super::Effect)), pauses that the server asked for are kept by all calls to it.
    ///
    /// # Errors
    /// Everything else than a 2xx answer in JSON, after the retries.
    pub async fn send(
        &self,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Value, ApiError> {
        Ok(self.send_dated(call, authorization).await?.what)
    }

    /// Like [`send`](Self::send), with the date of the answer.
    ///
    /// # Errors
    /// As for `send`.
    pub async fn send_dated(
        &self,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Dated<Value>, ApiError> {
        let inner = &*self.0;
        let url = match inner.endpoint.url(&call.path, &call.query) {
            Ok(url) => url,
            Err(error) => {
                let why = format!("a part of its path {error}");
                return Err(self.failed(call, ErrorKind::NotSent { why }));
            }
        };
        let mut attempts = Attempts::new(&inner.http.options.retry);
        loop {
            let Failure { kind, retry } = match inner.attempt(call, &url, authorization).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let Some(wait) = attempts.next(retry, call.effect) else {
                return Err(self.failed(call, kind));
            };
            tracing::debug!(operation = call.operation, %kind, ?wait, "sending again");
            match retry {
                // The next attempt waits for the shared pause, as all other calls do.
                Retry::Later(_) => inner.pause.extend(wait),
                _ => tokio::time::sleep(wait).await,
            }
        }
    }

    /// Puts bytes to where this host said, which is another host: without any credential, and with exactly the headers
    /// that were asked for. A 2xx answer is all that is wanted of it.
    ///
    /// # Errors
    /// The place cannot be trusted, or the answer is no 2xx. What was put may be there after all.
    pub async fn put_elsewhere(
        &self,
        call: &Call,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), ApiError> {
        let Inner {
            http,
            endpoint,
            redactor,
            ..
        } = &*self.0;
        let checked = upload::check(upload, endpoint).map_err(|why| {
            ApiError::new(
                call,
                &upload.host(),
                ErrorKind::NotSent {
                    why: why.to_string(),
                },
                redactor,
            )
        })?;
        let failed = |kind| ApiError::new(call, &checked.host, kind, redactor);
        let _slot = http.slots.acquire().await.map_err(|_| {
            failed(ErrorKind::NotSent {
                why: "the client is shut down".to_owned(),
            })
        })?;
        upload::put(&http.options, checked.clone(), bytes, redactor)
            .await
            .map_err(failed)
    }

    /// The error that a call failed at this host. Texts from outside in `kind` must be cleaned already.
    pub fn failed(&self, call: &Call, kind: ErrorKind) -> ApiError {
        ApiError::new(call, &self.0.host, kind, &self.0.redactor)
    }
}

impl Inner {
    async fn attempt(
        &self,
        call: &Call,
        url: &Url,
        authorization: Option<&Authorization>,
    ) -> Result<Dated<Value>, Failure> {
        let _slot = self.turn().await?;
        let mut request = self.client.request(call.method.clone(), url.clone());
        request = request.header(reqwest::header::ACCEPT, call.accept);
        if let Some(Authorization(value)) = authorization {
            request = request.header(reqwest::header::AUTHORIZATION, value);
        }
        if let Some(body) = &call.body {
            request = request
                .header(reqwest::header::CONTENT_TYPE, body.media_type)
                .body(body.bytes.clone());
        }
        let since = Instant::now();
        let sent = request
            .send()
            .await
            .map_err(|error| answer::transport(&error, &self.redactor));
        self.tell(call, url, since, sent.as_ref());
        let response = sent?;
        let asked = pause::asked(response.headers(), Timestamp::now());
        if let Some(wait) = asked {
            self.pause.extend(wait);
        }
        let date = response
            .headers()
            .get(reqwest::header::DATE)
            .and_then(|date| pause::date(date.to_str().ok()?));
        self.warnings.hear(response.headers(), &self.redactor);
        let limit = self.http.options.longest_answer;
        let what = answer::read(response, call.expects, asked, limit, &self.redactor).await?;
        Ok(Dated { what, date })
    }

    /// Tells of a request, for whoever asked to be told. What was sent besides is nobody's business: a body or a header
    /// may hold a secret.
    fn tell(
        &self,
        call: &Call,
        url: &Url,
        since: Instant,
        sent: Result<&reqwest::Response, &Failure>,
    ) {
        let operation = call.operation;
        let method = call.method.as_str();
        let path = self.redactor.clean(url.path());
        let took = since.elapsed();
        match sent {
            Ok(response) => {
                let id = refusal::request_id(response.headers(), &self.redactor);
                let status = response.status().as_u16();
                let id = id.as_deref().unwrap_or("none");
                tracing::debug!(
                    operation,
                    method,
                    path,
                    status,
                    ?took,
                    request_id = id,
                    "answered"
                );
            }
            Err(Failure { kind, retry: _ }) => {
                tracing::debug!(operation, method, path, ?took, why = %kind, "no answer");
            }
        }
    }

    /// Waits for a free slot outside of any pause.
    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
        loop {
            let closed = |_| {
                Failure::last(ErrorKind::NotSent {
                    why: "the client is shut down".to_owned(),
                })
            };
            let slot = self.http.slots.acquire().await.map_err(closed)?;
            let wait = self.pause.remaining();
            if wait.is_zero() {
                return Ok(slot);
            }
            if wait > self.http.options.retry.longest_pause {
                return Err(Failure::last(ErrorKind::RateLimited { wait }));
            }
            // Calls to other hosts may use the slot meanwhile.
            drop(slot);
            tokio::time::sleep(wait).await;
        }
    }
}
