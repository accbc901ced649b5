//! One organization behind a connection, in one shape of the API.

use serde_json::Value;

use super::connection::DockerConnection;
use super::session::SignInMethod;
use http::OrganizationName;
use http::json::DecodeError;
use http::{ApiError, DatedAnswer, Endpoint, ErrorKind, HttpCall};
use model::docker::Profile;

/// What reader and writer have in common: paths, sending, and errors with a place.
#[derive(Clone)]
pub(super) struct DockerOrganizationClient {
    connection: DockerConnection,
    pub(super) organization: OrganizationName,
    pub(super) profile: Profile,
}

impl DockerOrganizationClient {
    pub(super) fn new(
        connection: DockerConnection,
        organization: OrganizationName,
        profile: Profile,
    ) -> Self {
        Self {
            connection,
            organization,
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
