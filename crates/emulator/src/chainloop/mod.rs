//! Chainloop's policies and policy groups on loopback.
//!
//! `docs/emulator.md` says what is served and how the contract's silences were filled. The way of a request: `http`
//! (routes, bodies, tokens) → `operations` (what the operations do) → `check` (what a policy must be like) → `store`
//! (SQLite). `view` is what an answer says about a document.

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

/// Starts an emulator. It is served by the runtime that this is called in.
///
/// # Errors
/// The address is not on loopback or taken, the state or the request log cannot be opened, the seed cannot be used.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let listening = Listening::on(options.listen).await?;
    let app = Arc::new(App::open(options)?);
    Ok(Running::serve(vec![(listening, http::router(app))]))
}
