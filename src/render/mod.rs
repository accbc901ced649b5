//! Renders values as text, for people and for machines. Nothing here performs I/O.

pub mod annotations;
pub mod audit;
mod commit;
pub mod decided;
pub mod diagnostics;
pub mod drift;
pub mod explain;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod junit;
pub mod layout;
pub mod markdown;
pub mod paint;
pub mod plan;
pub mod policy_tests;
pub mod prefix;
pub mod report;
pub mod rollback;
pub mod runs;
pub mod sarif;
pub mod schema;
pub mod text;
