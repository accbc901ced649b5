//! The implementation of the frame's `Service`.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::app::{App, digest};
use super::change::Change;
use super::operation::Operation;
use super::other_writer::interfere;
use super::refusal::Refusal;
use crate::access_tokens::token;
use crate::service::{Common, PathNames, Service};

impl Service for App {
    type Operation = Operation;
    type Change = Change;
    type Refusal = Refusal;

    /// The maximum size of an archive.
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

    /// No body of this service contains credentials. For an archive, the log contains length and
    /// digest.
    fn logged(path: &str, body: &[u8]) -> Value {
        if path.starts_with("/api/") {
            serde_json::from_slice(body).unwrap_or(Value::Null)
        } else {
            json!({"bytes": body.len(), "sha256": digest(body)})
        }
    }

    fn revoke_tokens(&self, headers: &HeaderMap) {
        self.tokens.revoke(token(headers, "token"));
    }

    fn interfere(&self, about: &PathNames, change: &Change) -> Result<bool, Refusal> {
        interfere(self, about, change)
    }
}
