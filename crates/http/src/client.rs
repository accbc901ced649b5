//! Sends calls to one host, with bounded concurrency, retries and shared pauses.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answer::{self, DatedAnswer, Warnings};
use crate::call::{Authorization, HttpCall};
use crate::endpoint::Endpoint;
use crate::error::{ApiError, ErrorKind};
use crate::pace::{HostPace, Permission, RateLimitNotice};
use crate::pause;
use crate::redact::Redactor;
use crate::refusal;
use crate::retry::{AttemptFailure, RemainingAttempts, Retry};
use crate::transport::{ClientError, HttpOptions, build};
use crate::upload::{self, Upload};

/// The settings and the limit on concurrent requests, shared by all hosts. Clones share both.
#[derive(Clone)]
pub struct HttpClient {
    options: Arc<HttpOptions>,
    slots: Arc<Semaphore>,
    notify: Option<Arc<RateLimitObserver>>,
}

/// Receives the host and what its rate limit does to the run.
type RateLimitObserver = dyn Fn(&str, RateLimitNotice) + Send + Sync;

impl HttpClient {
    /// Creates a client with these settings. Performs no I/O.
    pub fn new(options: HttpOptions) -> Self {
        let slots = Arc::new(Semaphore::new(
            options.concurrency.get().min(Semaphore::MAX_PERMITS),
        ));
        Self {
            options: Arc::new(options),
            slots,
            notify: None,
        }
    }

    /// Calls `notify` when the rate limit of a host delays calls noticeably: once for each long
    /// pause, and once when requests to a host are slowed down.
    #[must_use]
    pub fn on_rate_limit(
        mut self,
        notify: impl Fn(&str, RateLimitNotice) + Send + Sync + 'static,
    ) -> Self {
        self.notify = Some(Arc::new(notify));
        self
    }

    /// Creates a client for one endpoint. Proxies of the environment are used, except for loopback.
    ///
    /// # Errors
    /// The TLS setup or a proxy variable is invalid.
    pub fn bind(&self, endpoint: Endpoint) -> Result<HostClient, ClientError> {
        let client = build(&self.options, &endpoint)?;
        Ok(HostClient(Arc::new(HostClientInner {
            http: self.clone(),
            client,
            host: endpoint.host(),
            endpoint,
            pace: HostPace::default(),
            redactor: Redactor::default(),
            warnings: Warnings::default(),
            clock_offset: Mutex::default(),
        })))
    }
}

/// Sends calls to one endpoint. Clones share connections, pace and known secrets.
#[derive(Clone)]
pub struct HostClient(Arc<HostClientInner>);

struct HostClientInner {
    http: HttpClient,
    client: Client,
    endpoint: Endpoint,
    host: String,
    pace: HostPace,
    redactor: Redactor,
    warnings: Warnings,
    /// How far the clock of the server was ahead at its last answer.
    clock_offset: Mutex<Option<SignedDuration>>,
}

impl HostClient {
    /// The endpoint that receives the calls.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// The redactor for texts of this host. Register every secret that is sent with it.
    pub fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// Returns and clears the warnings of the server; each text appears once.
    pub fn take_warnings(&self) -> Vec<String> {
        self.0.warnings.take()
    }

    /// How far the clock of the server is ahead of the clock of this machine, by its last answer with a
    /// date. Dates of HTTP have a resolution of one second.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        *self
            .0
            .clock_offset
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a call and returns the JSON of a 2xx response. Faults are retried where that is safe
    /// (see `Effect`). Pauses requested by the server apply to all calls to it.
    ///
    /// # Errors
    /// Anything except a 2xx response with JSON, after all retries.
    pub async fn send(
        &self,
        call: &HttpCall,
        authorization: Option<&Authorization>,
    ) -> Result<Value, ApiError> {
        Ok(self.send_with_date(call, authorization).await?.what)
    }

    /// Like [`send`](Self::send), with the date of the response.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn send_with_date(
        &self,
        call: &HttpCall,
        authorization: Option<&Authorization>,
    ) -> Result<DatedAnswer<Value>, ApiError> {
        let inner = &*self.0;
        let url = match inner.endpoint.url(&call.path, &call.query) {
            Ok(url) => url,
            Err(error) => {
                let why = format!("a part of its path {error}");
                return Err(self.failed(call, ErrorKind::NotSent { why }));
            }
        };
        let mut attempts = RemainingAttempts::new(&inner.http.options.retry);
        loop {
            let slot = match inner.acquire_permit().await {
                Ok(slot) => slot,
                Err(kind) => return Err(self.failed(call, kind)),
            };
            let since = Instant::now();
            let outcome = inner.attempt(call, &url, authorization, since).await;
            drop(slot);
            let AttemptFailure { kind, retry } = match outcome {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let Some(wait) = attempts.next(retry, call.effect) else {
                return Err(self.failed(call, kind));
            };
            tracing::debug!(operation = call.operation, %kind, ?wait, "sending again");
            match retry {
                // The next attempt waits for the shared pace, like all other calls.
                Retry::Later(_) => inner.pace.refused(since, wait),
                _ => tokio::time::sleep(wait).await,
            }
        }
    }

    /// Uploads bytes to an address that this host returned, on another host: without a credential,
    /// and with exactly the requested headers. The body of the response is ignored.
    ///
    /// # Errors
    /// The address is not trusted, or the response is not 2xx. The upload may have succeeded
    /// nevertheless.
    pub async fn put_to_other_host(
        &self,
        call: &HttpCall,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), ApiError> {
        let HostClientInner {
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

    /// Creates the error of a failed call. External text in `kind` must already be redacted.
    pub fn failed(&self, call: &HttpCall, kind: ErrorKind) -> ApiError {
        ApiError::new(call, &self.0.host, kind, &self.0.redactor)
    }
}

impl HostClientInner {
    async fn attempt(
        &self,
        call: &HttpCall,
        url: &Url,
        authorization: Option<&Authorization>,
        since: Instant,
    ) -> Result<DatedAnswer<Value>, AttemptFailure> {
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
        let sent = request
            .send()
            .await
            .map_err(|error| answer::transport(&error, &self.redactor));
        self.log_request(call, url, since, sent.as_ref());
        let response = sent?;
        let asked = pause::requested_pause(response.headers(), Timestamp::now());
        if response.status() != StatusCode::TOO_MANY_REQUESTS {
            self.pace.accepted(since, asked);
        }
        let date = response
            .headers()
            .get(reqwest::header::DATE)
            .and_then(|date| pause::date(date.to_str().ok()?));
        if let Some(date) = date {
            let offset = date.duration_since(Timestamp::now());
            *self
                .clock_offset
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(offset);
        }
        self.warnings
            .record_warnings(response.headers(), &self.redactor);
        let limit = self.http.options.longest_answer;
        let what = answer::read(response, call.expects, asked, limit, &self.redactor).await?;
        Ok(DatedAnswer { what, date })
    }

    /// Logs a request. Bodies and headers are not logged because they may contain secrets.
    fn log_request(
        &self,
        call: &HttpCall,
        url: &Url,
        since: Instant,
        sent: Result<&reqwest::Response, &AttemptFailure>,
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
            Err(AttemptFailure { kind, retry: _ }) => {
                tracing::debug!(operation, method, path, ?took, why = %kind, "no answer");
            }
        }
    }

    /// Waits until a slot is free and the pace of the host allows another request.
    async fn acquire_permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ErrorKind> {
        loop {
            let closed = |_| ErrorKind::NotSent {
                why: "the client is shut down".to_owned(),
            };
            let slot = self.http.slots.acquire().await.map_err(closed)?;
            let (permission, notice) = self.pace.request(self.http.options.retry.max_wait);
            if let (Some(notice), Some(notify)) = (notice, &self.http.notify) {
                notify(&self.host, notice);
            }
            match permission {
                Permission::Granted => return Ok(slot),
                Permission::TooLong(wait) => return Err(ErrorKind::RateLimited { wait }),
                Permission::Wait(wait) => {
                    // Frees the slot for calls to other hosts.
                    drop(slot);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}
