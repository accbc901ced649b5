//! Values as text, for people and for machines. Pure: nothing is read or written here.

pub mod decided;
pub mod diagnostics;
pub mod explain;
pub mod manifest;
pub mod paint;
pub mod plan;
pub mod policy_tests;
pub mod report;
pub mod rollback;
pub mod runs;
pub mod schema;
pub mod text;
