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

use crate::fault::{
    Access, ArrivedRequest, Delivery, FaultKind, FaultTiming, OperationName, RequestEnding,
};
use crate::service::{EmulatedService, PathNames};
use crate::wire::ClientConnection;

/// A gateway's error page with the content type of JSON.
const NO_JSON: &str = "<html><body>Please wait, or sign in again.</body></html>";

/// The effect of the faults on a request; an extension of its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct FaultTrace {
    /// The faults that applied.
    pub(super) struck: Vec<String>,
    /// The service's status, if the request reached it.
    pub(super) served: Option<StatusCode>,
    /// The delivery, if it is incomplete.
    pub(super) delivery: Option<Delivery>,
}

/// Adds latency and applies the request's faults.
pub(super) async fn inject_faults<S: EmulatedService>(
    State(service): State<Arc<S>>,
    ConnectInfo(connection): ConnectInfo<ClientConnection>,
    mut request: Request,
    next: Next,
) -> Response {
    let common = service.common();
    if !common.latency.is_zero() {
        tokio::time::sleep(common.latency).await;
    }
    if common.rate.as_ref().is_some_and(|rate| !rate.accepts()) {
        let arrival = request
            .extensions_mut()
            .remove::<ArrivedRequest<S::Operation>>();
        let _ = to_bytes(request.into_body(), S::BODY_LIMIT).await;
        let operation = arrival.and_then(|arrival| arrival.operation);
        let mut response = S::injected_error(StatusCode::TOO_MANY_REQUESTS, operation);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(1));
        return response;
    }
    let Some(arrival) = request
        .extensions_mut()
        .remove::<ArrivedRequest<S::Operation>>()
    else {
        return next.run(request).await;
    };
    if arrival.operation.map(OperationName::access) == Some(Access::Write) {
        connection.switch().count_write();
    }
    let mut disturbed = FaultTrace::default();
    let mut end = None;
    for (place, fault) in common.faults.faults_of(&arrival) {
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
            common.faults.undo_strike(place);
        }
    }
    let mut response = match end {
        Some((FaultTiming::Before, ending)) => {
            // A failing service has read the request. Answering before the end of the body would be
            // another fault.
            let _ = to_bytes(request.into_body(), S::BODY_LIMIT).await;
            apply_ending::<S>(
                ending,
                Response::default(),
                arrival.operation,
                &mut disturbed,
            )
        }
        Some((FaultTiming::After, ending)) => {
            let response = next.run(request).await;
            disturbed.served = Some(response.status());
            apply_ending::<S>(ending, response, arrival.operation, &mut disturbed)
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
async fn wait_unless_stopped(wait: Duration, connection: &ClientConnection) -> bool {
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
async fn other_writer<S: EmulatedService>(
    service: &Arc<S>,
    about: PathNames,
    change: S::Change,
) -> bool {
    let shown = change.to_string();
    match Arc::clone(service)
        .run(move |service| service.interfere(&about, &change))
        .await
    {
        Ok(changed) => changed,
        Err(refusal) => {
            tracing::debug!(
                ?refusal,
                change = shown,
                "the change of another client was refused"
            );
            false
        }
    }
}

/// Applies a fault to an answer.
fn apply_ending<S: EmulatedService>(
    ending: RequestEnding,
    response: Response,
    operation: Option<S::Operation>,
    disturbed: &mut FaultTrace,
) -> Response {
    match ending {
        RequestEnding::Answer {
            status,
            retry_after,
        } => {
            let mut response = S::injected_error(status.code(), operation);
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        RequestEnding::Undecodable => {
            let mut response = Response::new(Body::from(NO_JSON));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        RequestEnding::Broken(delivery) => {
            disturbed.delivery = Some(delivery);
            response
        }
    }
}
