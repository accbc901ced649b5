//! The journal of a run: a write-ahead log in JSON lines.
//!
//! The intent of a call is flushed to disk before the call is sent, together with the objects that
//! it touches; the outcome follows when it is known. If the process ends at any point, the journal
//! therefore names every call that was possibly sent, and contains what is needed to undo it. An
//! incomplete last line is the only damage that a crash can cause, and it is ignored. Credentials
//! never leave the client, so the journal contains none.
//!
//! Example of a run that was killed during its second call: `run`, `before`, `intent 1`, `answer 1`,
//! `intent 2`. Recovery reads back the outcome of call 2 and adds `answer 2` and `end`.

mod folder;
mod holder;
mod lock;
mod reader;
mod record;
mod run_id;
mod upgrade;
mod writer;

pub use folder::{FOLDER, JournalFiles, create, file_of, list, unfinished};
pub use holder::LockHolder;
pub use lock::{FolderLock, has_folder};
pub use reader::{AdoptedCall, RunCall, RunHistory, TargetHistory};
pub use record::{
    CallAnswer, CallIntent, CallResult, EndedBy, FORMAT_VERSION, JournalRecord, RunEnd, RunKind,
    RunStart, ServerClock, ServerTime, SingleCall, UnsentCall, UnsentResult,
};
pub use run_id::{RunId, RunIdError};
pub use writer::{Journal, JournalError};

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
