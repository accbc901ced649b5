//! Everything that is done for one target, one module per service.

pub mod chainloop;
pub mod check_config;
mod connect;
pub mod docker;
pub mod emulate;
mod endpoints;
mod findings;
pub mod pulumi;
pub mod registry;

pub use connect::{ConnectError, ServiceInfo};
