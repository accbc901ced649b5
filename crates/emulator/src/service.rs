//! The interface between the frame and a service. The frame serves, records and breaks requests;
//! the service answers them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinError;

use crate::error::EmulatorError;
use crate::fault::{ActiveFaults, Fault, Interference, OperationName};
use crate::rate::EnforcedRate;
use crate::request_log::RequestLog;

/// The parameters in a request's path, by their names in the route.
pub(super) type PathNames = HashMap<String, String>;

pub(super) trait EmulatedService: Sized + Send + Sync + 'static {
    type Operation: OperationName;
    /// The changes that another client can make.
    type Change: Interference;
    /// An error answer.
    type Refusal: IntoResponse + From<InvalidInput> + From<JoinError> + Debug + Send + 'static;

    /// The maximum size of a request body in bytes.
    const BODY_LIMIT: usize;

    /// The parts that all services have.
    fn common(&self) -> &CommonParts<Self::Operation, Self::Change>;

    /// The operation of a request, by its method and the route that it matched.
    fn operation(method: &Method, route: &str) -> Option<Self::Operation>;

    /// The error that a fault returns instead of an answer.
    fn injected_error(status: StatusCode, operation: Option<Self::Operation>) -> Response;

    /// The request log's entry for a body that is not empty. It must not contain credentials.
    fn logged(path: &str, body: &[u8]) -> Value;

    /// Revokes all tokens, including the one in `headers`.
    fn revoke_tokens(&self, headers: &HeaderMap);

    /// Makes a change as another client. Returns false if there was nothing to change. `about`
    /// contains the path parameters of the request.
    fn interfere(&self, about: &PathNames, change: &Self::Change) -> Result<bool, Self::Refusal>;

    /// Runs `operation`, which blocks on SQLite, on a thread for blocking work. It completes even
    /// if the client disconnects.
    fn run<T: Send + 'static>(
        self: Arc<Self>,
        operation: impl FnOnce(&Self) -> Result<T, Self::Refusal> + Send + 'static,
    ) -> impl Future<Output = Result<T, Self::Refusal>> + Send {
        async move {
            tokio::task::spawn_blocking(move || operation(&self))
                .await
                .unwrap_or_else(|error| Err(error.into()))
        }
    }
}

/// The parts that all services have.
pub(super) struct CommonParts<O, C> {
    pub(super) latency: Duration,
    pub(super) rate: Option<EnforcedRate>,
    pub(super) faults: ActiveFaults<O, C>,
    pub(super) log: Option<RequestLog>,
}

impl<O: OperationName, C> CommonParts<O, C> {
    /// Opens the request log, if any, and arms the faults.
    pub(super) fn open(
        latency: Duration,
        requests_per_second: Option<NonZeroU32>,
        faults: Vec<Fault<O, C>>,
        request_log: Option<PathBuf>,
    ) -> Result<Self, EmulatorError> {
        let log = request_log
            .map(|path| {
                RequestLog::open(&path).map_err(|cause| EmulatorError::RequestLog { path, cause })
            })
            .transpose()?;
        Ok(Self {
            latency,
            rate: requests_per_second.map(EnforcedRate::new),
            faults: ActiveFaults::new(faults),
            log,
        })
    }
}

/// Invalid input. Each service reports it in its own format.
#[derive(Debug)]
pub(crate) enum InvalidInput {
    /// The body has another media type than this one.
    MediaType(&'static str),
    /// The body exceeds `BODY_LIMIT`.
    TooLarge,
    /// Any other reason.
    Malformed(String),
}
