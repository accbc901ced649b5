//! Runs a plan that somebody approved: checks that what it touches has not moved, makes the calls in their order,
//! and reads back what it wrote. No decision of meaning is taken here.

mod agenda;
mod executor;
mod report;
mod touched;

pub use executor::{Event, Progress, run};
pub use report::{CallOutcome, Report};
pub use touched::{Stale, check_unmoved, read_touched};
