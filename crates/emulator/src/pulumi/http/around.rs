//! Middleware of this service: answer headers and the token check.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access_tokens::token;
use crate::pulumi::app::App;
use crate::pulumi::operation::Operation;
use crate::pulumi::refusal::Refusal;
use crate::random;

/// Whether the caller sent a token. The token is optional for the registry's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known(pub(super) bool);

/// Adds a request id to server errors, and the configured warning to every answer.
pub(super) async fn mark(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status().is_server_error()
        && let Some(id) = random::uuid()
            .ok()
            .and_then(|id| HeaderValue::from_str(&id).ok())
    {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-pulumi-request-id"), id);
    }
    if let Some(warning) = &app.warning {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-pulumi-warning"), warning.clone());
    }
    response
}

/// Rejects requests without a valid token, except where the token is optional.
pub(super) async fn require_token(
    State(app): State<Arc<App>>,
    route: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let is_known = token(headers, "token").is_some_and(|token| app.tokens.accepts(token));
    let is_open = Operation::of(request.method(), route.as_str()).is_some_and(Operation::is_open);
    let may_be_unknown = is_open && !headers.contains_key(AUTHORIZATION);
    if !is_known && !may_be_unknown {
        return Refusal::unauthorized().into_response();
    }
    request.extensions_mut().insert(Known(is_known));
    next.run(request).await
}

/// Unknown paths answer with plain text.
pub(super) async fn not_here() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

/// Unknown methods answer with plain text too.
pub(super) async fn no_such_operation() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n").into_response()
}
