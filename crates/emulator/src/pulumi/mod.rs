//! Pulumi Cloud's policy packs and policy groups on loopback.
//!
//! `docs/emulator.md` says what is served and how the contract's silences were filled. The way of a request:
//! `http` (routes, bodies, tokens) → `operations` (what the operations do) → `check` (what content must be like) →
//! `store` (SQLite). Archives go to a second address, as they go to another host at the real service.

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

/// Starts an emulator, with its upload host. It is served by the runtime that this is called in.
///
/// # Errors
/// An address is not on loopback or taken, the state or the request log cannot be opened, the seed cannot be used.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let api = Listening::on(options.listen).await?;
    let uploads = Listening::on(options.listen_uploads).await?;
    let app = Arc::new(App::open(options, uploads.address())?);
    Ok(Running::serve(vec![
        (api, http::api(&app)),
        (uploads, http::uploads(app)),
    ]))
}
