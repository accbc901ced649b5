//! The implementation of the frame's `EmulatedService`.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::app::{PulumiApp, digest};
use super::change::PulumiInterference;
use super::interference::interfere;
use super::operation::PulumiOperationId;
use super::refusal::PulumiRefusal;
use crate::access_tokens::token;
use crate::service::{CommonParts, EmulatedService, PathNames};

impl EmulatedService for PulumiApp {
    type Operation = PulumiOperationId;
    type Change = PulumiInterference;
    type Refusal = PulumiRefusal;

    /// The maximum size of an archive.
    const BODY_LIMIT: usize = 64 * 1024 * 1024;

    fn common(&self) -> &CommonParts<PulumiOperationId, PulumiInterference> {
        &self.common
    }

    fn operation(method: &Method, route: &str) -> Option<PulumiOperationId> {
        PulumiOperationId::from_route(method, route)
    }

    fn injected_error(status: StatusCode, operation: Option<PulumiOperationId>) -> Response {
        let refusal = PulumiRefusal::injected_error(status);
        let of_uploads = operation.is_some_and(PulumiOperationId::is_of_uploads);
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

    fn interfere(
        &self,
        about: &PathNames,
        change: &PulumiInterference,
    ) -> Result<bool, PulumiRefusal> {
        interfere(self, about, change)
    }
}
