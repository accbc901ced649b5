//! The implementation of the frame's `Service`.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::app::App;
use super::change::Change;
use super::operation::Operation;
use super::other_writer::interfere;
use super::refusal::Refusal;
use crate::service::{Common, PathNames, Service};

impl Service for App {
    type Operation = Operation;
    type Change = Change;
    type Refusal = Refusal;

    /// Ten times the maximum policy size.
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

    /// Only bodies below `/v2/orgs/` are known to contain no credentials.
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
