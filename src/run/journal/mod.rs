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

pub use folder::{FOLDER, begin, file_of, list, unfinished};
pub use reader::{Counts, History, Made, TargetHistory};
pub use record::{
    Answer, CallResult, End, EndedBy, FORMAT_VERSION, Intent, Record, Run, RunKind, ServerClock,
    ServerTime, SingleCall,
};
pub use run_id::{NoRunId, RunId};
pub use writer::{Journal, JournalError};

#[cfg(test)]
mod tests;
