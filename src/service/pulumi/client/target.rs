//! One organization behind a connection.

use serde_json::Value;

use super::connection::Connection;
use http::Organization;
use http::json::DecodeError;
use http::{ApiError, Call, Dated, ErrorKind, Upload};

/// What reader and writer have in common: paths, sending, and errors with a place.
#[derive(Clone)]
pub(super) struct Target {
    connection: Connection,
    pub(super) organization: Organization,
}

impl Target {
    pub(super) fn new(connection: Connection, organization: Organization) -> Self {
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

    pub(super) async fn send(&self, call: Call) -> Result<Dated<Value>, ApiError> {
        self.connection.send(call).await
    }

    /// Sends a call and understands its answer. `again` makes the same call once more, for messages.
    pub(super) async fn ask<T>(
        &self,
        call: impl Fn() -> Call,
        decode: impl FnOnce(&Value) -> Result<T, DecodeError>,
    ) -> Result<T, ApiError> {
        let answer = self.send(call()).await?;
        decode(&answer).map_err(|error| self.failed(&call(), error.into()))
    }

    pub(super) fn failed(&self, call: &Call, kind: ErrorKind) -> ApiError {
        self.connection.failed(call, kind)
    }

    pub(super) async fn put(
        &self,
        call: &Call,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), ApiError> {
        self.connection.put(call, upload, bytes).await
    }
}
