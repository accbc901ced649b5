//! What all requests share.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::error::EmulatorError;
use super::super::service::{Common, PathNames, Service};
use super::change::Change;
use super::operation::Operation;
use super::options::{Limits, Options};
use super::other_writer::interfere;
use super::profile::Profile;
use super::rate::Rate;
use super::refusal::Refusal;
use super::store::{Store, found};
use super::tokens::Tokens;

/// An emulator's parts.
pub(super) struct App {
    pub(super) profile: Profile,
    pub(super) limits: Limits,
    pub(super) store: Store,
    pub(super) tokens: Tokens,
    pub(super) rate: Rate,
    common: Common<Operation, Change>,
}

impl App {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: Options) -> Result<Self, EmulatorError> {
        let store = Store::open(&options.state)?;
        found(&store, &options)?;
        let Options {
            listen: _,
            profile,
            state: _,
            organizations: _,
            seed: _,
            secret,
            token_ttl,
            latency,
            request_log,
            limits,
            faults,
        } = options;
        let common = Common::open(latency, faults, request_log)?;
        Ok(Self {
            profile,
            limits,
            store,
            tokens: Tokens::new(secret, token_ttl),
            rate: Rate::default(),
            common,
        })
    }
}

impl Service for App {
    type Operation = Operation;
    type Change = Change;
    type Refusal = Refusal;

    /// Ten times a full policy.
    const BODY_LIMIT: usize = 4 * 1024 * 1024;

    fn common(&self) -> &Common<Operation, Change> {
        &self.common
    }

    fn operation(method: &Method, route: &str) -> Option<Operation> {
        Operation::of(method, route)
    }

    fn on_purpose(status: StatusCode, operation: Option<Operation>) -> Response {
        let refusal = Refusal::on_purpose(status);
        let of_the_hub = matches!(operation, Some(Operation::ListGroups | Operation::SignIn));
        if of_the_hub {
            refusal.into_hub_response()
        } else {
            refusal.into_response()
        }
    }

    /// Only bodies below `/v2/orgs/` are known to hold no credentials.
    fn logged(path: &str, body: &[u8]) -> Value {
        if path.starts_with("/v2/orgs/") {
            serde_json::from_slice(body).unwrap_or(Value::Null)
        } else {
            json!("[redacted]")
        }
    }

    fn revoke_tokens(&self, _: &HeaderMap) {
        self.tokens.revoke();
    }

    fn interfere(&self, about: &PathNames, change: &Change) -> Result<bool, Refusal> {
        interfere(self, about, change)
    }
}
