//! polwarden keeps the policies on a server in sync with policy YAML in git.
//!
//! `docs/architecture.md` shows the crates and modules and which may use which.

pub mod apply;
pub mod check;
pub mod cli;
pub mod plan;
pub mod provider;
pub mod render;
pub mod workspace;
