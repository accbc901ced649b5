//! The Docker AI Governance API.

pub mod apply;
pub mod check;
pub mod client;
pub mod import;
pub mod plan;
