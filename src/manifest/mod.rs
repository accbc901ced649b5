//! YAML text → documents → typed manifests, and the JSON Schemas generated from the very same types.

pub mod config;
pub mod docker;
pub mod list;
