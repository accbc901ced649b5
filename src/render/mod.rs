//! Values as text, for people and for machines.

pub mod diagnostics;
pub mod text;
