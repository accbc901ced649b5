//! polwarden keeps the policies on a server in sync with policy YAML in git.
//!
//! `docs/explanation/architecture.md` shows the crates and modules. Each module uses only modules above it, which
//! a test of `xtask` checks.

#[cfg(test)]
#[path = "../tests/mutated_bytes.rs"]
mod mutated_bytes;
#[cfg(test)]
#[path = "../tests/mutated_json.rs"]
mod mutated_json;

pub mod workspace;

pub mod plan;

pub mod run;

pub mod render;

pub mod service;

pub mod cli;
