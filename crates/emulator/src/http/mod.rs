//! HTTP: the middleware that all services share. From the outside in: deliver, record, disturb.

mod fault_injection;
mod input;
mod record;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};

use crate::fault::Delivery;
use crate::service::EmulatedService;
use crate::wire::ClientConnection;
use fault_injection::FaultTrace;

pub(super) use input::{BodyFormat, PathParameters, RawBody, body, body_with_extras};

/// Adds the request log and the faults to a router.
pub(super) fn observed<S: EmulatedService>(
    router: Router<Arc<S>>,
    service: &Arc<S>,
) -> Router<Arc<S>> {
    router
        .layer(from_fn_with_state(
            Arc::clone(service),
            fault_injection::inject_faults,
        ))
        .layer(from_fn_with_state(Arc::clone(service), record::record))
}

/// The outermost layer: delivers the answers of a router, or breaks their connections.
pub(super) fn delivered<S: EmulatedService>(router: Router<Arc<S>>, service: Arc<S>) -> Router {
    router.layer(from_fn(deliver)).with_state(service)
}

/// Delivers the answer, or breaks the connection as the fault requires. This is the outermost
/// layer, so that the request is recorded before the client can notice the fault.
async fn deliver(
    ConnectInfo(connection): ConnectInfo<ClientConnection>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let delivery = response
        .extensions()
        .get()
        .and_then(|FaultTrace { delivery, .. }| *delivery);
    match delivery {
        None => response,
        Some(Delivery::Truncated) => truncate_body(response, connection).await,
        // An answer after a reset does not arrive.
        Some(Delivery::Reset) => {
            connection.reset();
            response
        }
        Some(Delivery::Hang) => {
            // If the client disconnects first, this future is dropped here.
            connection.switch().stopping().await;
            connection.reset();
            response
        }
        Some(Delivery::Crash) => {
            connection.switch().crash();
            response
        }
    }
}

/// The answer with its full length and half of its body.
async fn truncate_body(response: Response, connection: ClientConnection) -> Response {
    let (mut parts, body) = response.into_parts();
    // The body is in memory, so reading it cannot fail.
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(whole.len().max(1)));
    let first = stream::iter([Ok::<Bytes, axum::Error>(whole.slice(..whole.len() / 2))]);
    // Polling for more closes the connection once the first half is sent. An error here would abort
    // before any data is sent.
    let rest = stream::poll_fn(move |_| {
        connection.close_when_sent();
        std::task::Poll::Pending
    });
    Response::from_parts(parts, Body::from_stream(first.chain(rest)))
}
