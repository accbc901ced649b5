//! The implementation of the frame's `EmulatedService`.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::app::DockerApp;
use super::change::DockerInterference;
use super::interference::interfere;
use super::operation::DockerOperationId;
use super::refusal::DockerRefusal;
use crate::service::{CommonParts, EmulatedService, PathNames};

impl EmulatedService for DockerApp {
    type Operation = DockerOperationId;
    type Change = DockerInterference;
    type Refusal = DockerRefusal;

    /// Ten times the maximum policy size.
    const BODY_LIMIT: usize = 4 * 1024 * 1024;

    fn common(&self) -> &CommonParts<DockerOperationId, DockerInterference> {
        &self.common
    }

    fn operation(method: &Method, route: &str) -> Option<DockerOperationId> {
        DockerOperationId::from_route(method, route)
    }

    fn injected_error(status: StatusCode, operation: Option<DockerOperationId>) -> Response {
        let refusal = DockerRefusal::injected_error(status);
        let of_the_hub = matches!(
            operation,
            Some(DockerOperationId::ListGroups | DockerOperationId::SignIn)
        );
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

    fn interfere(
        &self,
        about: &PathNames,
        change: &DockerInterference,
    ) -> Result<bool, DockerRefusal> {
        interfere(self, about, change)
    }
}
