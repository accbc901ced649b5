//! The services on loopback: an independent witness, built from the contracts alone.
//!
//! Client, planner and executor are tried against these servers, so the servers share no code with them: this module
//! uses the standard library and external crates only, not even `crate::model`. Where both sides need the same rule
//! (what a host may look like, which fields a profile has) it is written twice on purpose: a mistake on one side then
//! shows as a disagreement, instead of being made on both.
//!
//! What is common to all services stands here: serving on loopback, connections that can be broken on purpose, the
//! request log, random names. [`docker`] is the Docker AI Governance API; its items are re-exported.

pub mod docker;

mod random;
mod request_log;
mod running;
mod wire;

pub use docker::{
    Among, Chance, Change, EmulatorError, ErrorStatus, Fault, FaultError, FaultKind, Limits, Operation, Options,
    OrganizationSeed, PolicySeed, Probability, Profile, Range, RuleSeed, Seed, SeedError, Selection, StateLocation,
    TeamSeed, UnknownProfile, When, Which, WhichRule, start,
};
pub use running::Running;
