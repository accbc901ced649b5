//! An endpoint with the credentials given for it, and one organization behind it.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use super::credentials::DockerCredentials;
use super::session::{SignInMethod, TokenSession};
use http::OrganizationName;
use http::json::DecodeError;
use http::{
    ApiError, ClientError, DatedAnswer, Endpoint, ErrorKind, HostClient, HttpCall, HttpClient,
};
use model::docker::Profile;

/// The default endpoint (contract: `servers`; `/v2` is appended by the connection).
pub const DEFAULT_ENDPOINT: &str = "https://hub.docker.com";
/// The variable with another endpoint, in the form of [`EndpointChoice`](http::EndpointChoice).
pub const ENDPOINT_VARIABLE: &str = "POLWARDEN_DOCKER_ENDPOINT";

const REFUSED_TOKEN: &str = "POLWARDEN_DOCKER_TOKEN is not accepted; it may have expired. Set a new one, or \
     DOCKER_HUB_IDENTIFIER and DOCKER_HUB_SECRET, which are renewed.";
const REFUSED_NEW_TOKEN: &str = "The service refuses a token that it has just given; check that its clock and the \
     endpoint are right.";

/// An endpoint, the credentials bound to it, and the connections to it. Clones share all of them, so that many targets
/// sign in once.
#[derive(Clone)]
pub struct DockerConnection(Arc<DockerConnectionInner>);

struct DockerConnectionInner {
    host: HostClient,
    session: TokenSession,
}

impl DockerConnection {
    /// How far the clock of the server is ahead, by its last answer.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        self.0.host.clock_offset()
    }

    /// Binds credentials to an endpoint. `/v2` is appended to the endpoint's path unless it ends with it. Nothing is
    /// sent yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(
        http: &HttpClient,
        endpoint: &Endpoint,
        credentials: DockerCredentials,
    ) -> Result<Self, ClientError> {
        let host = http.bind(endpoint.under("v2"))?;
        Ok(Self(Arc::new(DockerConnectionInner {
            host,
            session: TokenSession::new(credentials),
        })))
    }

    /// Where requests go, `/v2` included.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.host.endpoint()
    }

    pub(super) fn host(&self) -> &HostClient {
        &self.0.host
    }

    /// Sends a call with a token; a token that is refused is renewed once. A 401 says that the call was not applied, so
    /// this is safe for writes too.
    pub(super) async fn send(
        &self,
        call: &HttpCall,
        sign_in: SignInMethod,
    ) -> Result<DatedAnswer<Value>, ApiError> {
        let DockerConnectionInner { host, session } = &*self.0;
        let token = session.token(host, sign_in, None).await?;
        let error = match host.send_with_date(call, Some(&token.authorization)).await {
            Err(error) if error.status() == Some(401) => error,
            result => return result,
        };
        if !session.can_renew() {
            return Err(error.with_help(REFUSED_TOKEN));
        }
        let token = session.token(host, sign_in, Some(&token)).await?;
        host.send_with_date(call, Some(&token.authorization))
            .await
            .map_err(|error| match error.status() {
                Some(401) => error.with_help(REFUSED_NEW_TOKEN),
                _ => error,
            })
    }
}

/// What reader and writer have in common: paths, sending, and errors with a place.
#[derive(Clone)]
pub(super) struct DockerOrganizationClient {
    connection: DockerConnection,
    pub(super) organization: OrganizationName,
    pub(super) profile: Profile,
}

impl DockerOrganizationClient {
    pub(super) fn new(
        connection: &DockerConnection,
        organization: &OrganizationName,
        profile: Profile,
    ) -> Self {
        Self {
            connection: connection.clone(),
            organization: organization.clone(),
            profile,
        }
    }

    /// `/orgs/{org_name}` and what follows.
    pub(super) fn path(&self, rest: &[&str]) -> Vec<String> {
        ["orgs", self.organization.as_str()]
            .iter()
            .chain(rest)
            .map(ToString::to_string)
            .collect()
    }

    /// `/orgs/{org_name}/governance/policies` and what follows.
    pub(super) fn policies_path(&self, rest: &[&str]) -> Vec<String> {
        [
            self.path(&["governance", "policies"]),
            rest.iter().map(ToString::to_string).collect(),
        ]
        .concat()
    }

    /// The organization, for messages.
    pub(super) fn name(&self) -> String {
        format!("organization `{}`", self.organization)
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.connection.endpoint()
    }

    pub(super) async fn send(&self, call: &HttpCall) -> Result<Value, ApiError> {
        Ok(self.send_with_date(call).await?.what)
    }

    async fn send_with_date(&self, call: &HttpCall) -> Result<DatedAnswer<Value>, ApiError> {
        self.connection
            .send(call, SignInMethod::for_profile(self.profile))
            .await
    }

    /// Sends a call and understands its answer.
    pub(super) async fn ask<T>(
        &self,
        call: &HttpCall,
        decode: impl FnOnce(&Value) -> Result<T, DecodeError>,
    ) -> Result<T, ApiError> {
        Ok(self.ask_with_date(call, decode).await?.what)
    }

    /// Like [`ask`](Self::ask), with the date of the answer.
    pub(super) async fn ask_with_date<T>(
        &self,
        call: &HttpCall,
        decode: impl FnOnce(&Value) -> Result<T, DecodeError>,
    ) -> Result<DatedAnswer<T>, ApiError> {
        let DatedAnswer { what, date } = self.send_with_date(call).await?;
        let what = decode(&what).map_err(|error| self.failed(call, error.into()))?;
        Ok(DatedAnswer { what, date })
    }

    pub(super) fn failed(&self, call: &HttpCall, kind: ErrorKind) -> ApiError {
        self.connection.host().failed(call, kind)
    }
}
