//! Validation of request contents.

pub(super) mod config;
pub(super) mod name;
pub(super) mod pack;
