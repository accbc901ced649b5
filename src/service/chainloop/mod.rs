//! Policies and policy groups of Chainloop.

pub mod apply;
pub mod check;
pub mod client;
pub mod plan;
