//! The Docker AI Governance API on loopback, in the three published shapes.
//!
//! `docs/emulator.md` says what is served and how the contract's silences were filled. The way of a request:
//! `http` (middleware, faults, routes, bodies) → `operations` (what the eight operations do) → `check` (what content must
//! be like) → `store` (SQLite).

mod app;
mod check;
mod fault;
mod http;
mod objects;
mod operation;
mod operations;
mod options;
mod profile;
mod rate;
mod refusal;
mod seed;
mod store;
mod tokens;

use std::sync::Arc;

use tokio::net::TcpListener;

pub use fault::{
    Among, Chance, Change, ErrorStatus, Fault, FaultError, FaultKind, Probability, Range, Selection, When, Which,
    WhichRule,
};
pub use operation::Operation;
pub use options::{EmulatorError, Limits, Options, StateLocation};
pub use profile::{Profile, UnknownProfile};
pub use seed::{OrganizationSeed, PolicySeed, RuleSeed, Seed, SeedError, TeamSeed};

use super::running::Running;
use app::App;

/// Starts an emulator. It is served by the runtime that this is called in.
///
/// # Errors
/// The address is not on loopback or taken, the state or the request log cannot be opened, the seed repeats a name.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let address = options.listen;
    if !address.ip().is_loopback() {
        return Err(EmulatorError::NotLoopback { address });
    }
    let failed = |cause| EmulatorError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let app = Arc::new(App::open(options)?);
    Ok(Running::serve(listener, address, http::router(app)))
}
