//! One organization behind a connection, in one shape of the API.

use serde_json::Value;

use super::connection::Connection;
use super::session::SignIn;
use http::Organization;
use http::json::DecodeError;
use http::{ApiError, Call, Dated, Endpoint, ErrorKind};
use model::docker::Profile;

/// What reader and writer have in common: paths, sending, and errors with a place.
#[derive(Clone)]
pub(super) struct Target {
    connection: Connection,
    pub(super) organization: Organization,
    pub(super) profile: Profile,
}

impl Target {
    pub(super) fn new(
        connection: Connection,
        organization: Organization,
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

    pub(super) async fn send(&self, call: &Call) -> Result<Value, ApiError> {
        Ok(self.send_dated(call).await?.what)
    }

    async fn send_dated(&self, call: &Call) -> Result<Dated<Value>, ApiError> {
        self.connection.send(call, SignIn::of(self.profile)).await
    }

    /// Sends a call and understands its answer.
    pub(super) async fn ask<T>(
        &self,
        call: &Call,
        decode: impl FnOnce(&Value) -> Result<T, DecodeError>,
    ) -> Result<T, ApiError> {
        Ok(self.ask_dated(call, decode).await?.what)
    }

    /// Like [`ask`](Self::ask), with the date of the answer.
    pub(super) async fn ask_dated<T>(
        &self,
        call: &Call,
        decode: impl FnOnce(&Value) -> Result<T, DecodeError>,
    ) -> Result<Dated<T>, ApiError> {
        let Dated { what, date } = self.send_dated(call).await?;
        let what = decode(&what).map_err(|error| self.failed(call, error.into()))?;
        Ok(Dated { what, date })
    }

    pub(super) fn failed(&self, call: &Call, kind: ErrorKind) -> ApiError {
        self.connection.host().failed(call, kind)
    }
}
