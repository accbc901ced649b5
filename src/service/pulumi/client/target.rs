//! One organization behind a connection.

use serde_json::Value;

use super::connection::PulumiConnection;
use http::OrganizationName;
use http::json::DecodeError;
use http::{ApiError, DatedAnswer, ErrorKind, HttpCall, Upload};

/// What reader and writer have in common: paths, sending, and errors with a place.
#[derive(Clone)]
pub(super) struct PulumiOrganizationClient {
    connection: PulumiConnection,
    pub(super) organization: OrganizationName,
}

impl PulumiOrganizationClient {
    pub(super) fn new(connection: PulumiConnection, organization: OrganizationName) -> Self {
        Self {
            connection,
            organization,
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
