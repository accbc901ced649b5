//! Renders values as text, for people and for machines. Nothing here performs I/O.

pub mod annotations;
pub mod apply_events;
pub mod audit;
mod commit;
pub mod config_view;
pub mod decided;
pub mod diagnostics;
pub mod doctor;
pub mod drift;
pub mod explain;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod junit;
pub mod listing;
pub mod markdown;
pub mod paint;
pub mod plan;
pub mod policy_tests;
pub mod prefix;
pub mod report;
pub mod rollback;
pub mod rules;
pub mod runs;
pub mod sarif;
pub mod schema;
pub mod text;
