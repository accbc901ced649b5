//! Pulumi Cloud: policy packs, the registry of policy packs, and policy groups.
//!
//! A [`PulumiReader`] has no method that writes, so whoever holds only a reader cannot change anything. A read either
//! succeeds completely or fails: no error is ever taken for "nothing there".

mod connection;
mod credentials;
mod operations;
mod reader;
mod target;
mod wire;
mod writer;

pub use connection::PulumiConnection;
pub use credentials::{TOKEN_VARIABLE, token_from};
pub use operations::OPERATIONS;
pub use reader::PulumiReader;
pub use wire::{CreatedVersion, GroupSummary, PackSummary};
pub use writer::PulumiWriter;

/// Where the service is when nobody says otherwise.
pub const DEFAULT_ENDPOINT: &str = "https://api.pulumi.com";
/// The variable that holds another endpoint, in the form of [`EndpointChoice`](http::EndpointChoice).
pub const ENDPOINT_VARIABLE: &str = "POLWARDEN_PULUMI_ENDPOINT";
