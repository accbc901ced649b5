//! The last step of an answer: it leaves, unless a fault wants otherwise.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};

use super::super::fault::Delivery;
use super::super::wire::Connection;
use super::disturb::Disturbed;

/// Lets the answer go, or breaks the connection as the request's fault says. It is outside of everything else, so that
/// a request is recorded before a client can notice anything.
pub(super) async fn deliver(
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
