//! HTTP: what every request of every service passes through, from the outside in: deliver, record, disturb.

mod deliver;
mod disturb;
mod input;
mod record;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

use super::service::Service;

pub(super) use input::{At, BadInput, Form, RawBody, body};

/// Records the requests of a router, and makes the service worse than it is.
pub(super) fn observed<S: Service>(router: Router<Arc<S>>, service: &Arc<S>) -> Router<Arc<S>> {
    router
        .layer(from_fn_with_state(Arc::clone(service), disturb::disturb))
        .layer(from_fn_with_state(Arc::clone(service), record::record))
}

/// Lets the answers of a router go, or breaks their connections; it goes around everything else.
pub(super) fn delivered<S: Service>(router: Router<Arc<S>>, service: Arc<S>) -> Router {
    router.layer(from_fn(deliver::deliver)).with_state(service)
}
