//! The journal of a run: JSON lines, written ahead.
//!
//! Before a call is sent, its intent is on the disk, together with the policies that it touches as they were. What
//! became of it follows. So whatever ends a run, its journal tells which calls may be under way, and holds what is
//! needed to undo them. It holds no credential: those never leave the client.

mod first_version;
mod folder;
mod reader;
mod record;
mod run_id;
mod writer;

pub use folder::{FOLDER, create, file_of, list, unfinished};
pub use reader::{CallCounts, RunCall, RunHistory, TargetHistory};
pub use record::{
    CallAnswer, CallIntent, CallResult, EndedBy, FORMAT_VERSION, JournalRecord, RunEnd, RunKind,
    RunStart, ServerClock, ServerTime, SingleCall,
};
pub use run_id::{RunId, RunIdError};
pub use writer::{Journal, JournalError};

#[cfg(test)]
mod tests;
