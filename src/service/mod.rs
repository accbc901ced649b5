//! Everything that is done for one target, one module per service.

pub mod chainloop;
pub mod check_config;
pub(crate) mod confusable;
mod connect;
pub(crate) mod diagnostics;
pub mod docker;
pub mod emulate;
mod endpoints;
pub mod import;
pub mod invalid;
pub mod listing;
pub mod pulumi;
pub mod registry;
pub mod starter;

#[cfg(test)]
mod hostile;

pub use connect::{ConnectError, ServiceInfo};
