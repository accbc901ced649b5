//! The implementation of the frame's `Service`.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::app::App;
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

    /// No body of this service contains credentials.
    fn logged(_: &str, body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap_or(Value::Null)
    }

    fn revoke_tokens(&self, headers: &HeaderMap) {
        self.tokens.revoke(token(headers, "bearer"));
    }

    fn interfere(&self, about: &PathNames, change: &Change) -> Result<bool, Refusal> {
        interfere(self, about, change)
    }
}
