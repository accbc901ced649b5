//! What the frame asks of a service: the frame serves, records and breaks requests, the service answers them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinError;

use crate::error::EmulatorError;
use crate::fault::{Armed, Change, Fault, OperationName};
use crate::request_log::RequestLog;

/// The parameters in a request's path, by the names in its route.
pub(super) type PathNames = HashMap<String, String>;

/// A service, as the frame sees it.
pub(super) trait Service: Sized + Send + Sync + 'static {
    /// Its operations.
    type Operation: OperationName;
    /// What another writer can do.
    type Change: Change;
    /// How it refuses.
    type Refusal: IntoResponse + From<BadInput> + From<JoinError> + Debug + Send + 'static;

    /// The longest request body in bytes.
    const BODY_LIMIT: usize;

    /// What it has in common with the others.
    fn common(&self) -> &Common<Self::Operation, Self::Change>;

    /// The operation of a request, by its method and the route that it matched.
    fn operation(method: &Method, route: &str) -> Option<Self::Operation>;

    /// The error that a fault puts in the place of an answer.
    fn on_purpose(status: StatusCode, operation: Option<Self::Operation>) -> Response;

    /// What the request log keeps of a body that is not empty; it must hold no credentials.
    fn logged(path: &str, body: &[u8]) -> Value;

    /// Revokes all tokens, and the one in these headers.
    fn revoke_tokens(&self, headers: &HeaderMap);

    /// Makes another writer's change; answers whether there was anything to change. `about` is what the request is
    /// about.
    fn interfere(&self, about: &PathNames, change: &Self::Change) -> Result<bool, Self::Refusal>;

    /// Runs `operation`, which waits for SQLite, where waiting is allowed. It runs to its end even if the client goes.
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

/// What all services have.
pub(super) struct Common<O, C> {
    pub(super) latency: Duration,
    pub(super) faults: Armed<O, C>,
    pub(super) log: Option<RequestLog>,
}

impl<O: OperationName, C> Common<O, C> {
    /// Opens the request log, if there is to be one, and arms the faults.
    pub(super) fn open(
        latency: Duration,
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
            faults: Armed::new(faults),
            log,
        })
    }
}

/// Input that no service can read; each says so in its own way.
#[derive(Debug)]
pub(crate) enum BadInput {
    /// The body's media type is not this one.
    MediaType(&'static str),
    /// The body is longer than any may be.
    TooLarge,
    /// Something else is wrong.
    Malformed(String),
}
