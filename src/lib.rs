//! polwarden keeps the policies on a server in sync with policy YAML in git.
//!
//! `docs/architecture.md` shows the crates and modules and which may use which.

pub mod cli;
pub mod plan;
pub mod render;
pub mod run;
pub mod service;
pub mod workspace;
