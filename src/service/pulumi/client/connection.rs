//! An endpoint with the credentials given for it, and one organization behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::Value;

use http::AccessTokenError;
use http::ConnectionError;
use http::OrganizationName;
use http::TokenVariable;
use http::json::DecodeError;
use http::{
    ApiError, Authorization, DatedAnswer, Endpoint, ErrorKind, HostClient, HttpCall, HttpClient,
    Upload,
};

/// The default endpoint.
pub const DEFAULT_ENDPOINT: &str = "https://api.pulumi.com";
/// The variable with another endpoint, in the form of [`EndpointChoice`](http::EndpointChoice).
pub const ENDPOINT_VARIABLE: &str = "POLWARDEN_PULUMI_ENDPOINT";
/// The variable with the access token.
pub const TOKEN_VARIABLE: &str = "PULUMI_ACCESS_TOKEN";

/// Where the token is, and how the service calls it.
const TOKEN: TokenVariable = TokenVariable {
    variable: TOKEN_VARIABLE,
    scheme: "token",
};

const REFUSED_TOKEN: &str =
    "PULUMI_ACCESS_TOKEN is not accepted; it may have expired or been deleted. Set a new one.";
/// What answers look like (contract: `Accept`).
const ACCEPT: &str = "application/vnd.pulumi+8";

/// Reads the token from the environment, given as a function. A variable that is empty counts as not set, and white
/// space around the value is dropped.
///
/// # Errors
/// It is not set, or cannot be sent. No error repeats the value.
pub fn token_from(
    environment: impl Fn(&str) -> Option<String>,
) -> Result<SecretString, AccessTokenError> {
    TOKEN.token_from(environment)
}

/// An endpoint, the token bound to it, and the connections to it. Clones share all of them.
#[derive(Clone)]
pub struct PulumiConnection(Arc<PulumiConnectionInner>);

struct PulumiConnectionInner {
    host: HostClient,
    authorization: Authorization,
    /// Whether the registry is below `/api/preview`. The two texts of the contract contradict each other.
    has_preview: AtomicBool,
}

impl PulumiConnection {
    /// How far the clock of the server is ahead, by its last answer.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        self.0.host.clock_offset()
    }

    /// Binds a token to an endpoint. Nothing is sent yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up, or the token cannot be sent.
    pub fn new(
        http: &HttpClient,
        endpoint: &Endpoint,
        token: &SecretString,
    ) -> Result<Self, ConnectionError> {
        let host = http.bind(endpoint.clone())?;
        host.redactor().add_secret(token);
        let authorization = TOKEN.authorize(token)?;
        Ok(Self(Arc::new(PulumiConnectionInner {
            host,
            authorization,
            has_preview: AtomicBool::new(false),
        })))
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.host.endpoint()
    }

    /// What the service warned of since this was asked last.
    pub fn take_warnings(&self) -> Vec<String> {
        self.0.host.take_warnings()
    }

    pub(super) fn failed(&self, call: &HttpCall, kind: ErrorKind) -> ApiError {
        self.0.host.failed(call, kind)
    }

    pub(super) async fn send(&self, call: HttpCall) -> Result<DatedAnswer<Value>, ApiError> {
        let PulumiConnectionInner {
            host,
            authorization,
            has_preview,
        } = &*self.0;
        let mut call = call.accepting(ACCEPT);
        let is_moved = has_preview.load(Ordering::Relaxed) && reroute(&mut call);
        let answer = host.send_with_date(&call, Some(authorization)).await;
        let answer = match answer {
            // No route at all, as no word of the service's own says: the other text of the contract has another one.
            Err(error) if is_unrouted(&error) && !is_moved && reroute(&mut call) => {
                let answer = host.send_with_date(&call, Some(authorization)).await;
                if !answer.as_ref().is_err_and(is_unrouted) {
                    has_preview.store(true, Ordering::Relaxed);
                }
                answer
            }
            answer => answer,
        };
        answer.map_err(|error| {
            if error.status() == Some(401) {
                error.with_help(REFUSED_TOKEN)
            } else {
                error
            }
        })
    }

    pub(super) async fn put(
        &self,
        call: &HttpCall,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), ApiError> {
        self.0.host.put_to_other_host(call, upload, bytes).await
    }
}

/// What reader and writer have in common: paths, sending, and errors with a place.
#[derive(Clone)]
pub(super) struct PulumiOrganizationClient {
    connection: PulumiConnection,
    pub(super) organization: OrganizationName,
}

impl PulumiOrganizationClient {
    pub(super) fn new(connection: &PulumiConnection, organization: &OrganizationName) -> Self {
        Self {
            connection: connection.clone(),
            organization: organization.clone(),
        }
    }

    /// `/api/orgs/{orgName}` and what follows.
    pub(super) fn path(&self, rest: &[&str]) -> Vec<String> {
        ["api", "orgs", self.organization.as_str()]
            .iter()
            .chain(rest)
            .map(ToString::to_string)
            .collect()
    }

    /// The organization, for messages.
    pub(super) fn name(&self) -> String {
        format!("organization `{}`", self.organization)
    }

    pub(super) async fn send(&self, call: HttpCall) -> Result<DatedAnswer<Value>, ApiError> {
        self.connection.send(call).await
    }

    /// Sends a call and understands its answer. `again` makes the same call once more, for messages.
    pub(super) async fn ask<T>(
        &self,
        call: impl Fn() -> HttpCall,
        decode: impl FnOnce(&Value) -> Result<T, DecodeError>,
    ) -> Result<T, ApiError> {
        let answer = self.send(call()).await?;
        decode(&answer).map_err(|error| self.failed(&call(), error.into()))
    }

    pub(super) fn failed(&self, call: &HttpCall, kind: ErrorKind) -> ApiError {
        self.connection.failed(call, kind)
    }

    pub(super) async fn put(
        &self,
        call: &HttpCall,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), ApiError> {
        self.connection.put(call, upload, bytes).await
    }
}

/// Moves a call of the registry below `/api/preview`. Returns whether it is one.
fn reroute(call: &mut HttpCall) -> bool {
    call.reroute(&["api", "registry"], &["api", "preview", "registry"])
}

/// A path that is not routed is answered in plain text (contract: errors).
fn is_unrouted(error: &ApiError) -> bool {
    match error.kind() {
        ErrorKind::Refused {
            status: 404,
            code: None,
            message,
            request_id: _,
        } => message
            .as_deref()
            .is_none_or(|message| message == "404 page not found"),
        ErrorKind::Refused { .. }
        | ErrorKind::Redirected { .. }
        | ErrorKind::Unreachable { .. }
        | ErrorKind::Certificate { .. }
        | ErrorKind::Tls { .. }
        | ErrorKind::TimedOut
        | ErrorKind::Interrupted { .. }
        | ErrorKind::NotJson { .. }
        | ErrorKind::TooLong { .. }
        | ErrorKind::Malformed { .. }
        | ErrorKind::Incomplete { .. }
        | ErrorKind::RateLimited { .. }
        | ErrorKind::NotSent { .. }
        | ErrorKind::WrongDigest { .. } => false,
    }
}
