//! Policy packs and policy groups of Pulumi Cloud.

pub mod apply;
pub mod check;
pub mod client;
pub mod import;
pub mod plan;
