//! The binary, as a person or a script runs it.

pub(crate) mod sandbox;
