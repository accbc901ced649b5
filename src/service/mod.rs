//! Everything that is done for one target, one module per service.

pub mod chainloop;
pub mod check_config;
pub mod checked;
pub mod docker;
pub mod imported;
pub mod pulumi;
pub mod registry;

#[cfg(test)]
mod hostile;
