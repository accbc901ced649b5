//! The services on loopback: independent implementations, built from the contracts alone.
//!
//! Tests run the client, the planner and the executor against these servers, so the servers share
//! no code with them: this crate depends on none of our other crates. Where both sides need the
//! same rule (the valid forms of a host, the fields of a profile), the rule is written twice on
//! purpose. A mistake on one side then shows up as a disagreement.
//!
//! The modules next to this file are common to all services: listening on loopback, connections
//! that can be broken on purpose, faults, the request log, the state, random names. A service
//! implements the trait `service::EmulatedService` and has its own folder. [`docker`] is the Docker AI
//! Governance API, whose items are re-exported here; [`pulumi`] is Pulumi Cloud's policy packs;
//! [`chainloop`] is Chainloop's policies.

pub mod chainloop;
pub mod docker;
pub mod fault;
pub mod pulumi;

mod access_tokens;
mod error;
mod http;
mod other_writer;
mod random;
mod rate;
mod request_log;
mod running;
mod service;
mod state;
mod wire;

pub use docker::{
    DockerFault, DockerFaultKind, DockerInterference, DockerOperationId, DockerOptions,
    DockerOrganizationSeed, DockerRequestClass, DockerRequestSelection, DockerSeed,
    EmulatorProfile, PolicySeed, RuleChoice, RuleSeed, ServiceLimits, TeamSeed,
    UnknownEmulatorProfile, start,
};
pub use error::{EmulatorError, SeedError};
pub use fault::{
    Chance, ErrorStatus, FaultError, FaultTiming, ObjectChoice, OrdinalRange, Probability,
};
pub use running::RunningEmulator;
pub use state::StateLocation;
