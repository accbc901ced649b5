//! Chainloop's policies and policy groups on loopback.
//!
//! `docs/emulator.md` describes what is served and the choices made where the contract is silent. A
//! request passes through `http` (routes, bodies, tokens), `operations` (the operations), `check`
//! (validation of policies) and `store` (SQLite). `view` builds the answer about a document.

mod app;
mod builtin;
mod change;
mod check;
mod document;
mod http;
mod operation;
mod operations;
mod options;
mod other_writer;
mod refusal;
mod seed;
mod service;
mod store;
mod view;

use std::sync::Arc;

pub use change::{Among, Change, Fault, FaultKind, Selection};
pub use operation::Operation;
pub use options::{ErrorShape, Options, RawSchema, Spelling, UnknownWord};
pub use seed::{DocumentSeed, OrganizationSeed, Seed, VersionSeed};

use crate::error::EmulatorError;
use crate::running::{Listening, Running};
use app::App;

/// Starts an emulator on the current runtime.
///
/// # Errors
/// The address is in use or not on loopback, the state or the request log cannot be opened, or the
/// seed is invalid.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let listening = Listening::on(options.listen).await?;
    let app = Arc::new(App::open(options)?);
    Ok(Running::serve(vec![(listening, http::router(app))]))
}
