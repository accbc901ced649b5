//! Runs a plan that somebody approved, so that whatever happens on the way does no harm. No decision of meaning is
//! taken here.
//!
//! What a plan touches is checked before it is touched; every call is written down before it is sent; a call without a
//! usable answer is read back before anything is decided; what another writer changed meanwhile is noticed; and what
//! can go on goes on.

mod agenda;
pub mod audit;
mod executor;
pub mod journal;
mod ledger;
mod read_back;
mod recovery;
mod report;
mod rollback;
mod sender;
mod settle;
mod stop;
mod touched;
mod verify;

pub use executor::{Event, Progress, Run, Settings, run};
pub use ledger::{Ledger, Left};
pub use recovery::{Resolved, end_of, resolve};
pub use report::{CallOutcome, Confirmation, Failure, Report, Tally};
pub use rollback::{HeldBack, Undo, UndoHeld, undo};
pub use settle::{Difference, Object, Verdict, decide};
pub use stop::Stop;
pub use touched::{Stale, check_unmoved, keep_touched, read_touched};
pub use verify::read_back_differs;
