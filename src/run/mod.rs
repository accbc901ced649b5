//! Runs a plan that somebody approved, so that whatever happens on the way does no harm. No decision of meaning is
//! taken here.
//!
//! What a plan touches is checked before it is touched; every call is written down before it is sent; a call without a
//! usable answer is read back before anything is decided; what another writer changed meanwhile is noticed; and what
//! can go on goes on.

mod agenda;
pub mod audit;
mod executor;
mod held_back;
pub mod journal;
mod object;
mod recovery;
mod report;
mod sender;
pub mod service;
mod settings;
mod stale;
mod stop;

pub use executor::{Event, Progress, Run, RunError, run};
pub use held_back::{HeldBack, UndoHeld};
pub use object::{Difference, Left, Object, Verdict};
pub use recovery::{Resolved, end_of, resolve};
pub use report::{CallOutcome, CleanedUp, Confirmation, Failure, Report, Tally};
pub use settings::Settings;
pub use stale::Stale;
pub use stop::Stop;
