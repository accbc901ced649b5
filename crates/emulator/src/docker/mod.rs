//! The Docker AI Governance API on loopback, in its three published profiles.
//!
//! `docs/emulator.md` describes what is served and the choices made where the contract is silent. A
//! request passes through `http` (middleware, faults, routes, bodies), `operations` (the eight
//! operations), `check` (validation) and `store` (SQLite).

mod app;
mod change;
mod check;
mod founding;
mod http;
mod objects;
mod operation;
mod operations;
mod options;
mod other_writer;
mod profile;
mod rate;
mod refusal;
mod seed;
mod service;
mod store;
mod tokens;

use std::sync::Arc;

pub use change::{Among, Change, Fault, FaultKind, Selection, WhichRule};
pub use operation::Operation;
pub use options::{Limits, Options};
pub use profile::{Profile, UnknownProfile};
pub use seed::{OrganizationSeed, PolicySeed, RuleSeed, Seed, TeamSeed};

use crate::error::EmulatorError;
use crate::running::{Listening, Running};
use app::App;

/// Starts an emulator on the current runtime.
///
/// # Errors
/// The address is in use or not on loopback, the state or the request log cannot be opened, or the
/// seed repeats a name.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let listening = Listening::on(options.listen).await?;
    let app = Arc::new(App::open(options)?);
    Ok(Running::serve(vec![(listening, http::router(app))]))
}
