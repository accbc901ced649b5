//! Everything that is done for one target, one module per service.

pub mod chainloop;
pub mod check_config;
pub mod docker;
mod findings;
pub mod pulumi;
pub mod registry;
