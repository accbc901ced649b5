//! The Docker AI Governance API on loopback, in its three published profiles.
//!
//! `docs/reference/emulator.md` describes what is served and the choices made where the contract is silent. A
//! request passes through `http` (middleware, faults, routes, bodies), `operations` (the eight
//! operations), `check` (validation) and `store` (SQLite).

mod app;
mod change;
mod check;
mod http;
mod interference;
mod layer;
mod objects;
mod operation;
mod operations;
mod options;
mod profile;
mod provision;
mod rate;
mod refusal;
mod seed;
mod service;
mod store;
mod tokens;

use std::sync::Arc;

pub use change::{
    DockerFault, DockerFaultKind, DockerInterference, DockerRequestClass, DockerRequestSelection,
    RuleChoice,
};
pub use operation::DockerOperationId;
pub use options::{DockerOptions, ServiceLimits};
pub use profile::{EmulatorProfile, UnknownEmulatorProfile};
pub use seed::{DockerOrganizationSeed, DockerSeed, PolicySeed, RuleSeed, TeamSeed};

use crate::error::EmulatorError;
use crate::running::{BoundListener, RunningEmulator};
use app::DockerApp;

/// Starts an emulator on the current runtime.
///
/// # Errors
/// The address is in use or not on loopback, the state or the request log cannot be opened, or the
/// seed repeats a name.
pub async fn start(options: DockerOptions) -> Result<RunningEmulator, EmulatorError> {
    let listening = BoundListener::bind(options.listen).await?;
    let app = Arc::new(DockerApp::open(options)?);
    Ok(RunningEmulator::serve(vec![(listening, http::router(app))]))
}
