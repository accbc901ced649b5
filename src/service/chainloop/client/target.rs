//! One organization behind a connection.

use serde_json::Value;

use super::connection::ChainloopConnection;
use http::OrganizationName;
use http::{ApiError, DatedAnswer, ErrorKind, HttpCall};

/// The query parameter that says whose documents are meant. Without it the service answers with what fits best, which
/// may be another owner's, so it goes with every read.
pub(super) const ORGANIZATION: &str = "organization_name";

/// What reader and writer have in common: sending, and errors with a place.
#[derive(Clone)]
pub(super) struct ChainloopOrganizationClient {
    connection: ChainloopConnection,
    pub(super) organization: OrganizationName,
}

impl ChainloopOrganizationClient {
    pub(super) fn new(connection: ChainloopConnection, organization: OrganizationName) -> Self {
        Self {
            connection,
            organization,
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
