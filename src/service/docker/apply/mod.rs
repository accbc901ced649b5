//! The half of a run that knows the Docker AI Governance API: what is sent, what it should leave, and how an answer
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
pub use touched::{check_unmoved, keep_touched, read_touched};

pub use service::{PolicyLookup, PolicyRun};
