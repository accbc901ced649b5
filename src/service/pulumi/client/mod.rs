//! Pulumi Cloud: policy packs, the registry of policy packs, and policy groups.
//!
//! A [`PulumiReader`] has no method that writes, so code that has only a reader cannot change anything. A read either
//! succeeds completely or fails: no error is treated as an absent object.

mod connection;
mod operations;
mod reader;
mod wire;
mod writer;

pub use connection::{
    DEFAULT_ENDPOINT, ENDPOINT_VARIABLE, PulumiConnection, TOKEN_VARIABLE, token_from,
};
pub use operations::OPERATIONS;
pub use reader::PulumiReader;
pub use wire::{CreatedVersion, GroupSummary, PackSummary};
pub use writer::PulumiWriter;
