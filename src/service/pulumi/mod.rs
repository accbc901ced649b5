//! Policy packs and policy groups of Pulumi Cloud.

pub mod apply;
pub mod check;
pub mod client;
mod connect;
mod emulate;
pub mod import;
pub mod listing;
pub mod lock;
pub mod plan;
mod starter;
mod target;

pub use connect::{PulumiConnections, SERVICE};
pub use emulate::EmulatePulumi;
pub use starter::STARTER;
pub use target::{PackWriter, PulumiTarget};
