//! An endpoint with the token that was given for it.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use super::credentials::TOKEN;
use super::reader::Reader;
use super::target::Target;
use super::writer::Writer;
use http::ConnectionError;
use http::Organization;
use http::{ApiError, Authorization, Call, Dated, Endpoint, ErrorKind, HostClient, HttpClient};
use manifest::config::RawSchemaEncoding;

const REFUSED_TOKEN: &str = "CHAINLOOP_TOKEN is not accepted; it may have expired or been revoked, or be of another organization. Give a new one.";

/// An endpoint, the token bound to it, and the connections to it. Clones share all of them.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    host: HostClient,
    authorization: Authorization,
}

impl Connection {
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
        host.redactor().learn(token);
        let authorization = TOKEN.authorize(token)?;
        Ok(Self(Arc::new(Inner {
            host,
            authorization,
        })))
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.host.endpoint()
    }

    /// Reads an organization's policies and groups.
    pub fn reader(&self, organization: &Organization) -> Reader {
        Reader::new(Target::new(self.clone(), organization.clone()))
    }

    /// Changes an organization's policies; `encoding` says how a document's bytes are put into a request.
    pub fn writer(&self, organization: &Organization, encoding: RawSchemaEncoding) -> Writer {
        Writer::new(Target::new(self.clone(), organization.clone()), encoding)
    }

    pub(super) fn failed(&self, call: &Call, kind: ErrorKind) -> ApiError {
        self.0.host.failed(call, kind)
    }

    pub(super) async fn send(&self, call: &Call) -> Result<Dated<Value>, ApiError> {
        let Inner {
            host,
            authorization,
        } = &*self.0;
        let answer = host.send_dated(call, Some(authorization)).await;
        answer.map_err(|error| {
            if error.status() == Some(401) {
                error.with_help(REFUSED_TOKEN)
            } else {
                error
            }
        })
    }
}
