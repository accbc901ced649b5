//! Middleware of this service: answer headers and the token check.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access_tokens::token;
use crate::pulumi::app::PulumiApp;
use crate::pulumi::operation::PulumiOperationId;
use crate::pulumi::refusal::PulumiRefusal;
use crate::random;

/// Whether the caller sent a token. The token is optional for the registry's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Authenticated(pub(super) bool);

/// Adds a request id to server errors, and the configured warning to every answer.
pub(super) async fn mark(
    State(app): State<Arc<PulumiApp>>,
    request: Request,
    next: Next,
) -> Response {
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
    State(app): State<Arc<PulumiApp>>,
    route: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let is_known = token(headers, "token").is_some_and(|token| app.tokens.accepts(token));
    let is_open = PulumiOperationId::from_route(request.method(), route.as_str())
        .is_some_and(PulumiOperationId::is_open);
    let may_be_unknown = is_open && !headers.contains_key(AUTHORIZATION);
    if !is_known && !may_be_unknown {
        return PulumiRefusal::unauthorized().into_response();
    }
    request.extensions_mut().insert(Authenticated(is_known));
    next.run(request).await
}

/// Unknown paths answer with plain text.
pub(super) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

/// Unknown methods answer with plain text too.
pub(super) async fn no_such_operation() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n").into_response()
}
