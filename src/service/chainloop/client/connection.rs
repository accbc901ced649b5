//! An endpoint with the credentials given for it, and one organization behind it.

use std::sync::Arc;

use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::Value;

use http::AccessTokenError;
use http::ConnectionError;
use http::OrganizationName;
use http::TokenVariable;
use http::{
    ApiError, Authorization, DatedAnswer, Endpoint, ErrorKind, HostClient, HttpCall, HttpClient,
};

/// The default endpoint.
pub const DEFAULT_ENDPOINT: &str = "https://api.app.chainloop.dev";
/// The variable with another endpoint, in the form of [`EndpointChoice`](http::EndpointChoice).
pub const ENDPOINT_VARIABLE: &str = "POLWARDEN_CHAINLOOP_ENDPOINT";
/// The variable with the access token.
pub const TOKEN_VARIABLE: &str = "CHAINLOOP_TOKEN";

/// Where the token is, and how the service calls it.
const TOKEN: TokenVariable = TokenVariable {
    variable: TOKEN_VARIABLE,
    scheme: "Bearer",
};

/// The query parameter that says whose documents are meant. Without it the service answers with what fits best, which
/// may be another owner's, so it goes with every read.
pub(super) const ORGANIZATION: &str = "organization_name";

const REFUSED_TOKEN: &str = "CHAINLOOP_TOKEN is not accepted; it may have expired, been revoked or belong to another organization. Set a new one.";

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
pub struct ChainloopConnection(Arc<ChainloopConnectionInner>);

struct ChainloopConnectionInner {
    host: HostClient,
    authorization: Authorization,
}

impl ChainloopConnection {
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
        Ok(Self(Arc::new(ChainloopConnectionInner {
            host,
            authorization,
        })))
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.host.endpoint()
    }

    pub(super) fn failed(&self, call: &HttpCall, kind: ErrorKind) -> ApiError {
        self.0.host.failed(call, kind)
    }

    pub(super) async fn send(&self, call: &HttpCall) -> Result<DatedAnswer<Value>, ApiError> {
        let ChainloopConnectionInner {
            host,
            authorization,
        } = &*self.0;
        let answer = host.send_with_date(call, Some(authorization)).await;
        answer.map_err(|error| {
            if error.status() == Some(401) {
                error.with_help(REFUSED_TOKEN)
            } else {
                error
            }
        })
    }
}

/// What reader and writer have in common: sending, and errors with a place.
#[derive(Clone)]
pub(super) struct ChainloopOrganizationClient {
    connection: ChainloopConnection,
    pub(super) organization: OrganizationName,
}

impl ChainloopOrganizationClient {
    pub(super) fn new(connection: &ChainloopConnection, organization: &OrganizationName) -> Self {
        Self {
            connection: connection.clone(),
            organization: organization.clone(),
        }
    }

    /// The call with the organization named.
    pub(super) fn of_organization(&self, call: HttpCall) -> HttpCall {
        call.with_usual_query(ORGANIZATION, self.organization.as_str())
    }

    pub(super) async fn send(&self, call: &HttpCall) -> Result<DatedAnswer<Value>, ApiError> {
        self.connection.send(call).await
    }

    pub(super) fn failed(&self, call: &HttpCall, kind: ErrorKind) -> ApiError {
        self.connection.failed(call, kind)
    }
}
