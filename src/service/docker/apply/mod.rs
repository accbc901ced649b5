//! The part of a run for the Docker AI Governance API: requests, expected results, and how an answer
//! that did not come is found out.

mod ledger;
mod outcome;
mod read_back;
mod rollback;
mod service;
mod touched;

pub use ledger::Ledger;
pub use read_back::read_back_differs;
pub use rollback::{PolicyUndo, undo_policies};
pub use touched::{PlanBasis, check_unmoved, keep_touched, read_touched, replace_touched};

pub use service::{PolicyLookup, PolicyRun};
