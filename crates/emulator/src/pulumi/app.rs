//! What all requests share.

use std::net::SocketAddr;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::access_tokens::AccessTokens;
use super::super::error::EmulatorError;
use super::super::service::{Common, PathNames, Service};
use super::change::Change;
use super::operation::Operation;
use super::options::Options;
use super::other_writer::interfere;
use super::refusal::Refusal;
use super::store::{Store, found};

/// An emulator's parts.
pub(super) struct App {
    pub(super) store: Store,
    pub(super) tokens: AccessTokens,
    pub(super) any_stack: bool,
    pub(super) page_size: usize,
    pub(super) warning: Option<HeaderValue>,
    /// Where archives go.
    uploads: SocketAddr,
    common: Common<Operation, Change>,
}

impl App {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: Options, uploads: SocketAddr) -> Result<Self, EmulatorError> {
        let store = Store::open(&options.state)?;
        found(&store, &options)?;
        let Options {
            listen: _,
            listen_uploads: _,
            state: _,
            organizations: _,
            seed: _,
            any_stack,
            token,
            page_size,
            warning,
            latency,
            request_log,
            faults,
        } = options;
        // A text that cannot stand in a header has its strange characters replaced.
        let plain = |text: String| text.replace(|c: char| !(' '..='~').contains(&c), "?");
        let warning = warning
            .map(plain)
            .and_then(|text| HeaderValue::from_str(&text).ok());
        let common = Common::open(latency, faults, request_log)?;
        let tokens = AccessTokens::new(token);
        Ok(Self {
            store,
            tokens,
            any_stack,
            page_size: page_size.max(1),
            warning,
            uploads,
            common,
        })
    }

    /// Where the archive of a ticket is.
    pub(super) fn archive_url(&self, ticket: &str) -> String {
        format!("http://{}/policypacks/{ticket}", self.uploads)
    }
}

/// The token of `Authorization: token TOKEN`.
pub(super) fn token_of(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("token").then(|| token.trim())
}

/// A content's SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

impl Service for App {
    type Operation = Operation;
    type Change = Change;
    type Refusal = Refusal;

    /// The longest archive.
    const BODY_LIMIT: usize = 64 * 1024 * 1024;

    fn common(&self) -> &Common<Operation, Change> {
        &self.common
    }

    fn operation(method: &Method, route: &str) -> Option<Operation> {
        Operation::of(method, route)
    }

    fn on_purpose(status: StatusCode, operation: Option<Operation>) -> Response {
        let refusal = Refusal::on_purpose(status);
        let of_uploads = operation.is_some_and(Operation::is_of_uploads);
        if of_uploads {
            refusal.into_upload_response()
        } else {
            refusal.into_response()
        }
    }

    /// No body of this service holds credentials. Of an archive, length and digest are kept.
    fn logged(path: &str, body: &[u8]) -> Value {
        if path.starts_with("/api/") {
            serde_json::from_slice(body).unwrap_or(Value::Null)
        } else {
            json!({"bytes": body.len(), "sha256": digest(body)})
        }
    }

    fn revoke_tokens(&self, headers: &HeaderMap) {
        self.tokens.revoke(token_of(headers));
    }

    fn interfere(&self, about: &PathNames, change: &Change) -> Result<bool, Refusal> {
        interfere(self, about, change)
    }
}
