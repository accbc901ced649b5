//! An endpoint with the token that was given for it.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use super::credentials::TOKEN;
use super::reader::ChainloopReader;
use super::target::ChainloopOrganizationClient;
use super::writer::ChainloopWriter;
use http::ConnectionError;
use http::OrganizationName;
use http::{
    ApiError, Authorization, DatedAnswer, Endpoint, ErrorKind, HostClient, HttpCall, HttpClient,
};
use manifest::config::RawSchemaEncoding;

const REFUSED_TOKEN: &str = "CHAINLOOP_TOKEN is not accepted; it may have expired or been revoked, or be of another organization. Give a new one.";

/// An endpoint, the token bound to it, and the connections to it. Clones share all of them.
#[derive(Clone)]
pub struct ChainloopConnection(Arc<ChainloopConnectionInner>);

struct ChainloopConnectionInner {
    host: HostClient,
    authorization: Authorization,
}

impl ChainloopConnection {
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

    /// Reads an organization's policies and groups.
    pub fn reader(&self, organization: &OrganizationName) -> ChainloopReader {
        ChainloopReader::new(ChainloopOrganizationClient::new(
            self.clone(),
            organization.clone(),
        ))
    }

    /// Changes an organization's policies; `encoding` says how a document's bytes are put into a request.
    pub fn writer(
        &self,
        organization: &OrganizationName,
        encoding: RawSchemaEncoding,
    ) -> ChainloopWriter {
        ChainloopWriter::new(
            ChainloopOrganizationClient::new(self.clone(), organization.clone()),
            encoding,
        )
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
