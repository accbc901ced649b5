//! The half of a run that knows Pulumi Cloud: versions that are published in three steps, and groups that are switched.

mod outcome;
mod rollback;
mod service;
mod sources;
mod touched;

pub use rollback::{PackUndo, undo_packs, versions_before};
pub use touched::{changed_meanwhile, check_unmoved, read_back_differs};

pub use service::{PackLookup, PackRun};
pub use sources::PackSources;
