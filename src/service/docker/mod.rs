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
mod target;

pub use connect::{DockerConnections, SERVICE};
pub use emulate::EmulateDocker;
pub use target::{DockerTarget, PolicyWriter};
