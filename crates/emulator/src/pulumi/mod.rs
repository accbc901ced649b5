//! Pulumi Cloud's policy packs and policy groups on loopback.
//!
//! `docs/reference/emulator-pulumi.md` describes what is served and the choices made where the contract is silent. A
//! request passes through `http` (routes, bodies, tokens), `operations` (the operations), `check`
//! (validation) and `store` (SQLite). Archives are uploaded to a second address, as the real
//! service uses another host for them.

mod app;
mod change;
mod check;
mod http;
mod interference;
mod lookup;
mod objects;
mod operation;
mod operations;
mod options;
mod provision;
mod refusal;
mod seed;
mod service;
mod store;

use std::sync::Arc;

pub use change::{
    PackChoice, PulumiFault, PulumiFaultKind, PulumiInterference, PulumiRequestClass,
    PulumiRequestSelection, VersionChoice,
};
pub use operation::PulumiOperationId;
pub use options::PulumiOptions;
pub use seed::{
    AccountSeed, AddedPackSeed, GroupPackSeed, GroupSeed, PackSeed, PackVersionSeed,
    PulumiOrganizationSeed, PulumiSeed, StackSeed,
};

use crate::error::EmulatorError;
use crate::running::{BoundListener, RunningEmulator};
use app::PulumiApp;

/// Starts an emulator and its upload host on the current runtime.
///
/// # Errors
/// An address is in use or not on loopback, the state or the request log cannot be opened, or the
/// seed is invalid.
pub async fn start(options: PulumiOptions) -> Result<RunningEmulator, EmulatorError> {
    let api = BoundListener::bind(options.listen).await?;
    let uploads = BoundListener::bind(options.listen_uploads).await?;
    let app = Arc::new(PulumiApp::open(options, uploads.address())?);
    Ok(RunningEmulator::serve(vec![
        (api, http::api(&app)),
        (uploads, http::uploads(app)),
    ]))
}
