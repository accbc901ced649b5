//! Renders plans and drift as self-contained pages without network access. The pages are readable
//! without their script, which only searches, filters, folds and navigates.

mod access;
mod cards;
mod changes;
mod drift;
mod plan;
mod writer;

pub use drift::drift;
pub use plan::html;
