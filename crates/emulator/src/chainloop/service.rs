//! The implementation of the frame's `EmulatedService`.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::app::ChainloopApp;
use super::change::ChainloopInterference;
use super::interference::interfere;
use super::operation::ChainloopOperationId;
use super::refusal::ChainloopRefusal;
use crate::access_tokens::token;
use crate::service::{CommonParts, EmulatedService, PathNames};

impl EmulatedService for ChainloopApp {
    type Operation = ChainloopOperationId;
    type Change = ChainloopInterference;
    type Refusal = ChainloopRefusal;

    const BODY_LIMIT: usize = 4 * 1024 * 1024;

    fn common(&self) -> &CommonParts<ChainloopOperationId, ChainloopInterference> {
        &self.common
    }

    fn operation(method: &Method, route: &str) -> Option<ChainloopOperationId> {
        ChainloopOperationId::from_route(method, route)
    }

    fn injected_error(status: StatusCode, _: Option<ChainloopOperationId>) -> Response {
        ChainloopRefusal::injected_error(status).into_response()
    }

    /// No body of this service contains credentials.
    fn logged(_: &str, body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap_or(Value::Null)
    }

    fn revoke_tokens(&self, headers: &HeaderMap) {
        self.tokens.revoke(token(headers, "bearer"));
    }

    fn interfere(
        &self,
        about: &PathNames,
        change: &ChainloopInterference,
    ) -> Result<bool, ChainloopRefusal> {
        interfere(self, about, change)
    }
}
