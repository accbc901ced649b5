//! Latency and faults. This middleware sees a request before the service does and the answer before
//! the client does. `deliver` breaks the connection afterwards, when the request has been recorded.

use std::sync::Arc;
use std::time::Duration;

use axum::RequestExt;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::fault::{Arrival, Delivery, Ending, FaultKind, When};
use crate::service::{PathNames, Service};
use crate::wire::Connection;

/// A gateway's error page with the content type of JSON.
const NO_JSON: &str = "<html><body>Please wait, or sign in again.</body></html>";

/// The effect of the faults on a request; an extension of its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Disturbed {
    /// The faults that applied.
    pub(super) struck: Vec<String>,
    /// The service's status, if the request reached it.
    pub(super) served: Option<StatusCode>,
    /// The delivery, if it is incomplete.
    pub(super) delivery: Option<Delivery>,
}

/// Adds latency and applies the request's faults.
pub(super) async fn disturb<S: Service>(
    State(service): State<Arc<S>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    mut request: Request,
    next: Next,
) -> Response {
    let common = service.common();
    if !common.latency.is_zero() {
        tokio::time::sleep(common.latency).await;
    }
    let Some(arrival) = request.extensions_mut().remove::<Arrival<S::Operation>>() else {
        return next.run(request).await;
    };
    let mut disturbed = Disturbed::default();
    let mut end = None;
    for (place, fault) in common.faults.of(&arrival) {
        let struck = match &fault.kind {
            FaultKind::Delay(wait) => wait_unless_stopped(*wait, &connection).await,
            FaultKind::RevokeTokens => {
                service.revoke_tokens(request.headers());
                true
            }
            FaultKind::OtherWriter(change) => {
                let about = about(&mut request).await;
                other_writer(&service, about, change.clone()).await
            }
            FaultKind::Answer { .. }
            | FaultKind::Reset(_)
            | FaultKind::Hang(_)
            | FaultKind::Crash(_)
            | FaultKind::Undecodable(_)
            | FaultKind::Truncated => {
                end = fault.kind.ending();
                true
            }
        };
        if struck {
            disturbed.struck.push(fault.to_string());
        } else {
            common.faults.spare(place);
        }
    }
    let mut response = match end {
        Some((When::Before, ending)) => {
            // A failing service has read the request. Answering before the end of the body would be
            // another fault.
            let _ = to_bytes(request.into_body(), S::BODY_LIMIT).await;
            spoil::<S>(
                ending,
                Response::default(),
                arrival.operation,
                &mut disturbed,
            )
        }
        Some((When::After, ending)) => {
            let response = next.run(request).await;
            disturbed.served = Some(response.status());
            spoil::<S>(ending, response, arrival.operation, &mut disturbed)
        }
        None => {
            let response = next.run(request).await;
            disturbed.served = Some(response.status());
            response
        }
    };
    response.extensions_mut().insert(disturbed);
    response
}

/// Waits, but not longer than the server runs.
async fn wait_unless_stopped(wait: Duration, connection: &Connection) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = connection.switch().stopping() => {}
    }
    true
}

/// The parameters in the request's path.
async fn about(request: &mut Request) -> PathNames {
    let parameters = request.extract_parts::<Path<PathNames>>().await;
    parameters
        .map(|Path(parameters)| parameters)
        .unwrap_or_default()
}

/// Whether there was something to change.
async fn other_writer<S: Service>(service: &Arc<S>, about: PathNames, change: S::Change) -> bool {
    let shown = change.to_string();
    match Arc::clone(service)
        .run(move |service| service.interfere(&about, &change))
        .await
    {
        Ok(changed) => changed,
        Err(refusal) => {
            tracing::debug!(?refusal, change = shown, "another writer was refused");
            false
        }
    }
}

/// Applies a fault to an answer.
fn spoil<S: Service>(
    ending: Ending,
    response: Response,
    operation: Option<S::Operation>,
    disturbed: &mut Disturbed,
) -> Response {
    match ending {
        Ending::Answer {
            status,
            retry_after,
        } => {
            let mut response = S::on_purpose(status.code(), operation);
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Ending::Undecodable => {
            let mut response = Response::new(Body::from(NO_JSON));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Ending::Broken(delivery) => {
            disturbed.delivery = Some(delivery);
            response
        }
    }
}
