//! Policies and policy groups of Chainloop.

pub mod apply;
pub mod check;
pub mod client;
mod connect;
mod emulate;
pub mod import;
pub mod listing;
pub mod lock;
pub mod plan;
pub mod references;
pub mod rewrite;
mod starter;
mod target;

pub use connect::{ChainloopConnections, SERVICE};
pub use emulate::EmulateChainloop;
pub use starter::STARTER;
pub use target::{ChainloopTarget, DocumentWriter};
