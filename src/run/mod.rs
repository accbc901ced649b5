//! Runs an approved plan. It makes no decisions about meaning: the plan contains every call and the
//! order between them.
//!
//! - `scheduler` selects the calls that may start, `executor` makes them concurrently.
//! - `sender` makes one call: it checks the object, writes the intent, sends, and reads back.
//! - `journal` records intents and outcomes; `recovery` closes the journal of an interrupted run.
//! - `service` defines the traits through which all of this reaches a service.

pub mod audit;
mod control;
mod error;
mod executor;
pub mod journal;
mod object;
mod recovery;
mod report;
mod scheduler;
mod sender;
pub mod service;

pub use control::{RunSettings, StopSignal};
pub use error::StalePlan;
pub use executor::{RunError, RunEvent, RunObserver, TargetRun, run};
pub use object::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
pub use recovery::{RecoveredCall, end_of, resolve};
pub use report::{CallFailure, CallOutcome, CallReport, CallTally, CleanedUpVersion, Confirmation};
pub use service::{HeldUndo, HeldUndoReason};
