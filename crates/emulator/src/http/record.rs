//! Counts requests and writes the request log.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::fault_injection::FaultTrace;
use crate::fault::{Delivery, OperationName};
use crate::request_log::{LogEntry, RequestLog, milliseconds};
use crate::service::{EmulatedService, InvalidInput};

/// Counts the request and writes the log entry, if there is a log, before the answer is sent.
pub(super) async fn record<S: EmulatedService>(
    State(service): State<Arc<S>>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let operation = route.and_then(|route| S::operation(request.method(), route.as_str()));
    let arrival = service.common().faults.count_request(operation);
    let seq = arrival.seq;
    request.extensions_mut().insert(arrival);
    let Some(log) = &service.common().log else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let uri = parts.uri.clone();
    let headers = parts.headers.clone();
    let (body, response) = match to_bytes(body, S::BODY_LIMIT).await {
        Ok(bytes) => (
            bytes.clone(),
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await,
        ),
        Err(_) => (
            Bytes::new(),
            S::Refusal::from(InvalidInput::TooLarge).into_response(),
        ),
    };
    let untouched = || FaultTrace {
        served: Some(response.status()),
        ..FaultTrace::default()
    };
    let FaultTrace {
        struck,
        served,
        delivery,
    } = response
        .extensions()
        .get()
        .cloned()
        .unwrap_or_else(untouched);
    let status = match delivery {
        None | Some(Delivery::Truncated) => Some(response.status()),
        Some(Delivery::Reset | Delivery::Hang | Delivery::Crash) => None,
    };
    let entry = LogEntry {
        seq,
        method: method.as_str(),
        path: uri.path(),
        query: uri.query(),
        status: status.map(|status| status.as_u16()),
        body: if body.is_empty() {
            Value::Null
        } else {
            S::logged(uri.path(), &body)
        },
        content_type: headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok()),
        duration_ms: milliseconds(started.elapsed()),
        operation: operation.map(S::Operation::as_str),
        faults: &struck,
        served: served.map(|status| status.as_u16()),
    };
    write(log, &entry);
    response
}

fn write(log: &RequestLog, entry: &LogEntry<'_>) {
    if let Err(error) = log.write(entry) {
        tracing::warn!(%error, "a line of the request log is lost");
    }
}
