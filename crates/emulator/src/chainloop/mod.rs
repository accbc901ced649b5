//! Chainloop's policies and policy groups on loopback.
//!
//! `docs/reference/emulator-chainloop.md` describes what is served and the choices made where the contract is silent. A
//! request passes through `http` (routes, bodies, tokens), `operations` (the operations), `check`
//! (validation of policies) and `store` (SQLite). `view` builds the answer about a document.

mod app;
mod builtin;
mod change;
mod check;
mod document;
mod http;
mod interference;
mod operation;
mod operations;
mod options;
mod refusal;
mod seed;
mod service;
mod store;
mod view;

use std::sync::Arc;

pub use change::{
    ChainloopFault, ChainloopFaultKind, ChainloopInterference, ChainloopRequestClass,
    ChainloopRequestSelection,
};
pub use operation::ChainloopOperationId;
pub use options::{ChainloopOptions, ErrorShape, RawSchema, Spelling, UnknownOptionValue};
pub use seed::{ChainloopOrganizationSeed, ChainloopSeed, DocumentSeed, VersionSeed};

use crate::error::EmulatorError;
use crate::running::{BoundListener, RunningEmulator};
use app::ChainloopApp;

/// Starts an emulator on the current runtime.
///
/// # Errors
/// The address is in use or not on loopback, the state or the request log cannot be opened, or the
/// seed is invalid.
pub async fn start(options: ChainloopOptions) -> Result<RunningEmulator, EmulatorError> {
    let listening = BoundListener::bind(options.listen).await?;
    let app = Arc::new(ChainloopApp::open(options)?);
    Ok(RunningEmulator::serve(vec![(listening, http::router(app))]))
}
