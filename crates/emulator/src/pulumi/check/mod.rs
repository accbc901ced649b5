//! What the content of requests must be like.

pub(super) mod config;
pub(super) mod name;
pub(super) mod pack;
