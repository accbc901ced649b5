//! What only the requests of this service pass through: the headers of the answers, and the token check.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::super::super::random;
use super::super::app::App;
use super::super::rate::Quota;
use super::super::refusal::Refusal;

/// Gives every answer an id and the rate headers.
pub(super) async fn identify(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let id = random::base32(20);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(id) = id.ok().and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    let Quota {
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

/// Lets requests through that carry a good token; the others get the governance API's error.
pub(super) async fn require_token(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if has_token(&app, request.headers()) {
        next.run(request).await
    } else {
        Refusal::unauthenticated().into_response()
    }
}

/// The same for the Hub's own operations, with the Hub's error.
pub(super) async fn require_hub_token(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if has_token(&app, request.headers()) {
        next.run(request).await
    } else {
        Refusal::unauthenticated().into_hub_response()
    }
}

fn has_token(app: &App, headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    value.split_once(' ').is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && app.tokens.accepts(token.trim())
    })
}
