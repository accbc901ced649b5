//! The meaning of resources: parsed patterns of hosts, addresses, HTTP targets and paths.
//!
//! A parsed pattern is always valid. Texts are kept as written because the service documents
//! neither case rules nor canonical forms. [`Display`](std::fmt::Display) returns a text that
//! parses to an equal pattern. Invalid text results in a [`PatternError`] with the reason, the
//! bytes and a valid suggestion.
//!
//! Assumptions where the contract does not specify the behavior (FACTS, "What the rules mean"):
//!
//! - A `*` inside a host label matches any run of characters of that label
//!   ([`HostPattern::has_inner_wildcard`]).
//! - An address without a prefix length, such as `10.0.0.1`, is that one address. An IPv6 address
//!   is accepted only if its last group cannot be confused with a port.
//! - `**` alone is every host, names and addresses alike ([`HostPattern::matches_all`]), or every
//!   path of every format ([`PathPattern::matches_all`]). The contract documents it for local rules
//!   only.
//! - In file paths, as in HTTP paths, `**` also covers the path without it.

mod error;
mod glob;
mod host;
mod http;
mod network;
mod path;
mod repair;

#[cfg(test)]
mod tests;

pub use error::{PatternError, PatternFault, PatternKind};
pub use glob::{GlobSegment, glob_matches};
pub use host::{HostLabel, HostPattern, WildcardDepth};
pub use http::{HttpField, HttpPattern, PathGlob};
pub use network::NetworkPattern;
pub use path::{PathPattern, PathRoot};
