//! What every request passes through, from the outside in: deliver, identify, record, disturb, and the token check.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::app::App;
use super::super::fault::Delivery;
use super::super::operation::Operation;
use super::super::rate::Quota;
use super::super::refusal::Refusal;
use super::BODY_LIMIT;
use super::disturb::Disturbed;
use crate::emulator::random;
use crate::emulator::request_log::{Entry, RequestLog, milliseconds};

/// Gives every answer an id and the rate headers.
pub(super) async fn identify(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = random::base32(20);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(id) = id.ok().and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    let Quota { limit, remaining, reset } = app.rate.count();
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(limit));
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(remaining));
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset));
    response
}

/// Counts the request, and writes the request log, if there is one, before the answer leaves.
pub(super) async fn record(
    State(app): State<Arc<App>>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let operation = route.and_then(|route| Operation::of(request.method(), route.as_str()));
    let arrival = app.faults.arrive(operation);
    let seq = arrival.seq;
    request.extensions_mut().insert(arrival);
    let Some(log) = &app.log else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let (method, uri, headers) = (parts.method.clone(), parts.uri.clone(), parts.headers.clone());
    let (body, response) = match to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => (bytes.clone(), next.run(Request::from_parts(parts, Body::from(bytes))).await),
        Err(_) => (Bytes::new(), Refusal::too_large().into_response()),
    };
    let untouched = || Disturbed { served: Some(response.status()), ..Disturbed::default() };
    let Disturbed { struck, served, delivery } = response.extensions().get().cloned().unwrap_or_else(untouched);
    let status = match delivery {
        None | Some(Delivery::Truncated) => Some(response.status()),
        Some(Delivery::Reset | Delivery::Hang | Delivery::Crash) => None,
    };
    let entry = Entry {
        seq,
        method: method.as_str(),
        path: uri.path(),
        query: uri.query(),
        status: status.map(|status| status.as_u16()),
        body: recorded_body(uri.path(), &body),
        content_type: headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()),
        duration_ms: milliseconds(started.elapsed()),
        operation: operation.map(Operation::as_str),
        faults: &struck,
        served: served.map(|status| status.as_u16()),
    };
    write(log, &entry);
    response
}

fn write(log: &RequestLog, entry: &Entry<'_>) {
    if let Err(error) = log.write(entry) {
        tracing::warn!(%error, "a line of the request log is lost");
    }
}

/// Only bodies below `/v2/orgs/` are known to hold no credentials.
fn recorded_body(path: &str, body: &[u8]) -> Value {
    if body.is_empty() {
        Value::Null
    } else if path.starts_with("/v2/orgs/") {
        serde_json::from_slice(body).unwrap_or(Value::Null)
    } else {
        json!("[redacted]")
    }
}

/// Lets requests through that carry a good token; the others get the governance API's error.
pub(super) async fn require_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if has_token(&app, request.headers()) {
        next.run(request).await
    } else {
        Refusal::unauthenticated().into_response()
    }
}

/// The same for the Hub's own operations, with the Hub's error.
pub(super) async fn require_hub_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if has_token(&app, request.headers()) {
        next.run(request).await
    } else {
        Refusal::unauthenticated().into_hub_response()
    }
}

fn has_token(app: &App, headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return false };
    value
        .split_once(' ')
        .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && app.tokens.accepts(token.trim()))
}
