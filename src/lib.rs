//! polwarden keeps policies that live in a server equal to policy YAML that lives in git.
//!
//! The modules form one line: each may use only those above it in this list (a test of `xtask`
//! checks it). `docs/architecture.md` describes the modules.

pub mod diag;
pub mod model;

pub mod manifest;

pub mod format;

pub mod repo;

pub mod access;

pub mod check;

pub mod plan;
pub mod provider;

pub mod apply;

pub mod emulator;

pub mod render;

pub mod cli;
