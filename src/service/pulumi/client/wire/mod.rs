//! The wire format: JSON of the service → values of the model.
//!
//! Reading is lenient where the service may have grown (unknown fields, levels, severities: kept as they are) and strict
//! where it would be guessing (a known field that is missing or of another type).

mod group;
mod pack;

pub use group::GroupSummary;
pub(super) use group::{group, group_change, groups};
pub use pack::{CreatedVersion, PackSummary};
pub(super) use pack::{PublishersPage, created, packs, publishers, version};
