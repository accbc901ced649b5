//! An endpoint with the credentials that were given for it.

use std::sync::Arc;

use serde_json::Value;

use super::credentials::DockerCredentials;
use super::reader::DockerReader;
use super::session::{SignInMethod, TokenSession};
use super::target::DockerOrganizationClient;
use super::writer::DockerWriter;
use http::OrganizationName;
use http::{ApiError, ClientError, DatedAnswer, Endpoint, HostClient, HttpCall, HttpClient};
use model::docker::Profile;

const REFUSED_TOKEN: &str = "POLWARDEN_DOCKER_TOKEN is not accepted; it may have expired. Give a new one, or \
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

    /// Reads an organization's policies.
    pub fn reader(&self, organization: &OrganizationName, profile: Profile) -> DockerReader {
        DockerReader::new(DockerOrganizationClient::new(
            self.clone(),
            organization.clone(),
            profile,
        ))
    }

    /// Changes an organization's policies.
    pub fn writer(&self, organization: &OrganizationName, profile: Profile) -> DockerWriter {
        DockerWriter::new(DockerOrganizationClient::new(
            self.clone(),
            organization.clone(),
            profile,
        ))
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
