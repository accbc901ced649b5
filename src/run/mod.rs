//! Runs a plan that somebody approved, so that whatever happens on the way does no harm. No decision of meaning is
//! taken here.
//!
//! What a plan touches is checked before it is touched; every call is written down before it is sent; a call without a
//! usable answer is read back before anything is decided; what another writer changed meanwhile is noticed; and what
//! can go on goes on.

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
