//! Middleware of this service: answer headers and the token check.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access_tokens::token;
use crate::docker::app::DockerApp;
use crate::docker::rate::RateQuota;
use crate::docker::refusal::DockerRefusal;
use crate::random;

/// Adds a request id and the rate limit headers to every answer.
pub(super) async fn identify(
    State(app): State<Arc<DockerApp>>,
    request: Request,
    next: Next,
) -> Response {
    let id = random::base32(20);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(id) = id.ok().and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    let RateQuota {
        limit,
        remaining,
        reset,
    } = app.rate.count();
    headers.insert(
        HeaderName::from_static("x-ratelimit-limit"),
        HeaderValue::from(limit),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-remaining"),
        HeaderValue::from(remaining),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-reset"),
        HeaderValue::from(reset),
    );
    response
}

/// Rejects requests without a valid token, with the governance API's error.
pub(super) async fn require_token(
    State(app): State<Arc<DockerApp>>,
    request: Request,
    next: Next,
) -> Response {
    if has_token(&app, request.headers()) {
        next.run(request).await
    } else {
        DockerRefusal::unauthenticated().into_response()
    }
}

/// The same for Docker Hub's own operations, with Docker Hub's error.
pub(super) async fn require_hub_token(
    State(app): State<Arc<DockerApp>>,
    request: Request,
    next: Next,
) -> Response {
    if has_token(&app, request.headers()) {
        next.run(request).await
    } else {
        DockerRefusal::unauthenticated().into_hub_response()
    }
}

fn has_token(app: &DockerApp, headers: &HeaderMap) -> bool {
    token(headers, "bearer").is_some_and(|token| app.tokens.accepts(token))
}
