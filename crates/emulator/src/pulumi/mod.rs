//! Pulumi Cloud's policy packs and policy groups on loopback.
//!
//! `docs/emulator.md` describes what is served and the choices made where the contract is silent. A
//! request passes through `http` (routes, bodies, tokens), `operations` (the operations), `check`
//! (validation) and `store` (SQLite). Archives are uploaded to a second address, as the real
//! service uses another host for them.

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
mod refusal;
mod seed;
mod service;
mod store;

use std::sync::Arc;

pub use change::{Among, Change, Fault, FaultKind, Selection, WhichPack, WhichVersion};
pub use operation::Operation;
pub use options::Options;
pub use seed::{
    AccountSeed, AddedSeed, GroupSeed, OrganizationSeed, PackSeed, PackVersionSeed,
    PolicyPackReference, Seed, StackSeed,
};

use crate::error::EmulatorError;
use crate::running::{Listening, Running};
use app::App;

/// Starts an emulator and its upload host on the current runtime.
///
/// # Errors
/// An address is in use or not on loopback, the state or the request log cannot be opened, or the
/// seed is invalid.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let api = Listening::on(options.listen).await?;
    let uploads = Listening::on(options.listen_uploads).await?;
    let app = Arc::new(App::open(options, uploads.address())?);
    Ok(Running::serve(vec![
        (api, http::api(&app)),
        (uploads, http::uploads(app)),
    ]))
}
