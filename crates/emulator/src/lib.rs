//! The services on loopback: an independent witness, built from the contracts alone.
//!
//! Client, planner and executor are tried against these servers, so the servers share no code with them: this module
//! uses the standard library and external crates only, not even `model`. Where both sides need the same rule
//! (what a host may look like, which fields a profile has) it is written twice on purpose: a mistake on one side then
//! shows as a disagreement, instead of being made on both.
//!
//! What is common to all services stands here, the frame: serving on loopback, connections that can be broken on
//! purpose, faults, the request log, the state, random names. A service fills it in (`service`) and has a folder of its
//! own. [`docker`] is the Docker AI Governance API, whose items are re-exported; [`pulumi`] is Pulumi Cloud's policy packs,
//! [`chainloop`] Chainloop's policies.

pub mod chainloop;
pub mod docker;
pub mod fault;
pub mod pulumi;

mod access_tokens;
mod error;
mod http;
mod random;
mod request_log;
mod running;
mod service;
mod state;
mod wire;

pub use docker::{
    Among, Change, Fault, FaultKind, Limits, Operation, Options, OrganizationSeed, PolicySeed,
    Profile, RuleSeed, Seed, Selection, TeamSeed, UnknownProfile, WhichRule, start,
};
pub use error::{EmulatorError, SeedError};
pub use fault::{Chance, ErrorStatus, FaultError, Probability, Range, When, Which};
pub use running::Running;
pub use state::StateLocation;
