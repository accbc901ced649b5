//! The Docker AI Governance API on loopback, in the three published shapes.
//!
//! `docs/emulator.md` says what is served and how the contract's silences were filled. The way of a request:
//! `http` (middleware, faults, routes, bodies) → `operations` (what the eight operations do) → `check` (what content must
//! be like) → `store` (SQLite).

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

/// Starts an emulator. It is served by the runtime that this is called in.
///
/// # Errors
/// The address is not on loopback or taken, the state or the request log cannot be opened, the seed repeats a name.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let listening = Listening::on(options.listen).await?;
    let app = Arc::new(App::open(options)?);
    Ok(Running::serve(vec![(listening, http::router(app))]))
}
