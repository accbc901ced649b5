//! HTTP: what every request of every service passes through, from the outside in: deliver, record, disturb.

mod disturb;
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
use crate::service::Service;
use crate::wire::Connection;
use disturb::Disturbed;

pub(super) use input::{At, Form, RawBody, body};

/// Records the requests of a router, and makes the service worse than it is.
pub(super) fn observed<S: Service>(router: Router<Arc<S>>, service: &Arc<S>) -> Router<Arc<S>> {
    router
        .layer(from_fn_with_state(Arc::clone(service), disturb::disturb))
        .layer(from_fn_with_state(Arc::clone(service), record::record))
}

/// Lets the answers of a router go, or breaks their connections; it goes around everything else.
pub(super) fn delivered<S: Service>(router: Router<Arc<S>>, service: Arc<S>) -> Router {
    router.layer(from_fn(deliver)).with_state(service)
}

/// Lets the answer go, or breaks the connection as the request's fault says. It is outside of everything else, so that
/// a request is recorded before a client can notice anything.
async fn deliver(
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let delivery = response
        .extensions()
        .get()
        .and_then(|Disturbed { delivery, .. }| *delivery);
    match delivery {
        None => response,
        Some(Delivery::Truncated) => half(response, connection).await,
        // What is answered after a reset does not arrive.
        Some(Delivery::Reset) => {
            connection.reset();
            response
        }
        Some(Delivery::Hang) => {
            // Dropped here if the client gives up first.
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

/// The answer with the length of the whole, and half of the body.
async fn half(response: Response, connection: Connection) -> Response {
    let (mut parts, body) = response.into_parts();
    // Answers are made in memory, so reading one to its end cannot fail.
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(whole.len().max(1)));
    let first = stream::iter([Ok::<Bytes, axum::Error>(whole.slice(..whole.len() / 2))]);
    // Asked for more, it closes the connection as soon as the first half is sent: an error here would be noticed
    // before anything is.
    let rest = stream::poll_fn(move |_| {
        connection.close_when_sent();
        std::task::Poll::Pending
    });
    Response::from_parts(parts, Body::from_stream(first.chain(rest)))
}
