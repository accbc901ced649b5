//! One organization behind a connection.

use serde_json::Value;

use super::connection::Connection;
use http::Organization;
use http::{ApiError, Call, Dated, ErrorKind};

/// The query parameter that says whose documents are meant. Without it the service answers with what fits best, which
/// may be another owner's, so it goes with every read.
pub(super) const ORGANIZATION: &str = "organization_name";

/// What reader and writer have in common: sending, and errors with a place.
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

    /// The call with the organization named.
    pub(super) fn of_organization(&self, call: Call) -> Call {
        call.with_usual_query(ORGANIZATION, self.organization.as_str())
    }

    pub(super) async fn send(&self, call: &Call) -> Result<Dated<Value>, ApiError> {
        self.connection.send(call).await
    }

    pub(super) fn failed(&self, call: &Call, kind: ErrorKind) -> ApiError {
        self.connection.failed(call, kind)
    }
}
