//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use super::fault::Armed;
use super::options::{EmulatorError, Limits, Options};
use super::profile::Profile;
use super::rate::Rate;
use super::refusal::Refusal;
use super::store::{Store, found};
use super::tokens::Tokens;
use crate::emulator::request_log::RequestLog;

/// An emulator's parts.
pub(super) struct App {
    pub(super) profile: Profile,
    pub(super) limits: Limits,
    pub(super) latency: Duration,
    pub(super) store: Store,
    pub(super) tokens: Tokens,
    pub(super) rate: Rate,
    pub(super) faults: Armed,
    pub(super) log: Option<RequestLog>,
}

impl App {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: Options) -> Result<Self, EmulatorError> {
        let store = Store::open(&options.state)?;
        found(&store, &options)?;
        let Options {
            listen: _,
            profile,
            state: _,
            organizations: _,
            seed: _,
            secret,
            token_ttl,
            latency,
            request_log,
            limits,
            faults,
        } = options;
        let log = request_log
            .map(|path| RequestLog::open(&path).map_err(|cause| EmulatorError::RequestLog { path, cause }))
            .transpose()?;
        let (tokens, rate, faults) = (Tokens::new(secret, token_ttl), Rate::default(), Armed::new(faults));
        Ok(Self { profile, limits, latency, store, tokens, rate, faults, log })
    }

    /// Runs `operation`, which waits for SQLite, where waiting is allowed. It runs to its end even if the client goes.
    pub(super) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        operation: impl FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        tokio::task::spawn_blocking(move || operation(&self))
            .await
            .unwrap_or_else(|error| Err(Refusal::internal(&error)))
    }
}
