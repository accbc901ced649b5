//! Everything that changes something.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::connection::{ChainloopConnection, ChainloopOrganizationClient};
use super::structured::structured;
use http::OrganizationName;
use http::operation::WriteRequest;
use http::{ApiError, DatedAnswer, ErrorKind, HttpCall};
use manifest::config::RawSchemaEncoding;
use model::chainloop::{DocumentBytes, PolicyName};

const JSON: &str = "application/json";

/// Changes the policies of one organization, one call at a time. [`ApiError::outcome`] says whether a failed call may
/// have been applied; after `Outcome::Unknown`, read back.
///
/// The service documents no precondition of a write. So read the policy just before, and look at its owner: a token
/// writes into the organization that it belongs to.
#[derive(Clone)]
pub struct ChainloopWriter {
    target: ChainloopOrganizationClient,
    encoding: RawSchemaEncoding,
}

impl ChainloopWriter {
    /// Changes an organization's policies; `encoding` says how a document's bytes are put into a request.
    pub fn new(
        connection: &ChainloopConnection,
        organization: &OrganizationName,
        encoding: RawSchemaEncoding,
    ) -> Self {
        Self {
            target: ChainloopOrganizationClient::new(connection, organization),
            encoding,
        }
    }

    /// Makes one writing request, as it is.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn call(&self, request: &WriteRequest) -> Result<Value, ApiError> {
        Ok(self
            .target
            .send(&request.call(self.target.organization.as_str(), JSON))
            .await?
            .what)
    }

    /// PolicyService_Create: a policy that is not there yet.
    ///
    /// # Errors
    /// The document cannot be sent, or the server refuses it.
    pub async fn create(
        &self,
        name: &PolicyName,
        bytes: &DocumentBytes,
    ) -> Result<DatedAnswer<()>, ApiError> {
        self.write("PolicyService_Create", Method::POST, name, bytes)
            .await
    }

    /// PolicyService_Update: another version of a policy.
    ///
    /// # Errors
    /// The document cannot be sent, or the server refuses it.
    pub async fn update(
        &self,
        name: &PolicyName,
        bytes: &DocumentBytes,
    ) -> Result<DatedAnswer<()>, ApiError> {
        self.write("PolicyService_Update", Method::PUT, name, bytes)
            .await
    }

    /// Both requests have the document twice: its fields, with the organization among them, and its bytes. What a
    /// version is are the bytes.
    async fn write(
        &self,
        operation: &'static str,
        method: Method,
        name: &PolicyName,
        bytes: &DocumentBytes,
    ) -> Result<DatedAnswer<()>, ApiError> {
        let path = ["v1", "policies"].map(str::to_owned).to_vec();
        let call = HttpCall::write(operation, format!("policy `{name}`"), method, path)
            .with_empty_answer();
        let not_sent = |why: String| self.target.failed(&call, ErrorKind::NotSent { why });
        let text = bytes
            .text()
            .ok_or_else(|| not_sent("the document is not UTF-8".to_owned()))?;
        let policy = structured(text, self.target.organization.as_str(), name).map_err(not_sent)?;
        let raw = match self.encoding {
            RawSchemaEncoding::Base64 => STANDARD.encode(bytes.as_slice()),
            RawSchemaEncoding::Text => text.to_owned(),
        };
        let call = call.with_body(JSON, &json!({"policy": policy, "raw_schema": raw}));
        Ok(self.target.send(&call).await?.map(|_| ()))
    }
}
