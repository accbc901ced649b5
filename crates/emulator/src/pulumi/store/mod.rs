//! The state in SQLite: one transaction per request.

mod groups;
mod packs;
mod records;
mod tables;

pub(super) use tables::{PulumiRecords, PulumiStore};
