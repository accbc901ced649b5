//! The Docker AI Governance API.

pub mod apply;
pub mod check;
pub mod client;
mod connect;
mod emulate;
mod everywhere;
pub mod import;
pub mod listing;
pub mod plan;
mod starter;
mod target;

pub use connect::{DockerConnections, SERVICE};
pub use emulate::EmulateDocker;
pub use starter::STARTER;
pub use target::{DockerTarget, PolicyWriter};
