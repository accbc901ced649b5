//! What resources mean: parsed patterns of hosts, addresses, HTTP targets and paths.
//!
//! A parsed pattern is proof that the text is one. Texts are kept as written, because the service documents neither
//! case rules nor canonical forms; [`Display`](std::fmt::Display) gives a text that parses to an equal pattern.
//! What cannot be parsed comes back as a [`PatternError`]: what is wrong, which bytes, and a text that would do.
//!
//! Assumptions where the contract is silent (FACTS, "What the rules mean"):
//! - A `*` inside a host label matches any run of characters of that label ([`HostPattern::has_inner_wildcard`]).
//! - An address without a prefix length, such as `10.0.0.1`, stands for that one address. An IPv6 address is taken
//!   only where its last group cannot be mistaken for a port.
//! - In file paths, as in HTTP paths, `**` covers the bare path too.

mod error;
mod glob;
mod host;
mod http;
mod network;
mod path;
mod repair;

#[cfg(test)]
mod tests;

pub use error::{Fault, PatternError, Subject};
pub use glob::{Segment, glob_matches};
pub use host::{Depth, HostPattern, Label};
pub use http::{HttpField, HttpPattern, PathGlob};
pub use network::NetworkPattern;
pub use path::{PathPattern, Root};
