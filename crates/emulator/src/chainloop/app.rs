//! What all requests share.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::super::access_tokens::AccessTokens;
use super::super::error::EmulatorError;
use super::super::service::{Common, PathNames, Service};
use super::change::Change;
use super::operation::Operation;
use super::options::{ErrorShape, Options, RawSchema, Spelling};
use super::other_writer::interfere;
use super::refusal::Refusal;
use super::store::{Store, found};

/// An emulator's parts.
pub(super) struct App {
    pub(super) store: Store,
    pub(super) tokens: AccessTokens,
    pub(super) spelling: Spelling,
    pub(super) raw_schema: RawSchema,
    pub(super) errors: ErrorShape,
    common: Common<Operation, Change>,
}

impl App {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: Options) -> Result<Self, EmulatorError> {
        let store = Store::open(&options.state)?;
        found(&store, &options)?;
        let Options {
            listen: _,
            state: _,
            organizations: _,
            seed: _,
            token,
            spelling,
            raw_schema,
            errors,
            latency,
            request_log,
            faults,
        } = options;
        let common = Common::open(latency, faults, request_log)?;
        Ok(Self {
            store,
            tokens: AccessTokens::new(token),
            spelling,
            raw_schema,
            errors,
            common,
        })
    }
}

/// The token of `Authorization: Bearer TOKEN`.
pub(super) fn token_of(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Service for App {
    type Operation = Operation;
    type Change = Change;
    type Refusal = Refusal;

    const BODY_LIMIT: usize = 4 * 1024 * 1024;

    fn common(&self) -> &Common<Operation, Change> {
        &self.common
    }

    fn operation(method: &Method, route: &str) -> Option<Operation> {
        Operation::of(method, route)
    }

    fn on_purpose(status: StatusCode, _: Option<Operation>) -> Response {
        Refusal::on_purpose(status).into_response()
    }

    /// No body of this service holds credentials.
    fn logged(_: &str, body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap_or(Value::Null)
    }

    fn revoke_tokens(&self, headers: &HeaderMap) {
        self.tokens.revoke(token_of(headers));
    }

    fn interfere(&self, about: &PathNames, change: &Change) -> Result<bool, Refusal> {
        interfere(self, about, change)
    }
}
