//! The lock of the journal folder: one run at a time.
//!
//! The lock is one of the operating system on an open file, so it ends with the process, however that ends. A
//! file beside it names the run, for messages only.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::folder::{FOLDER, make_folder};
use super::run_id::RunId;
use super::writer::JournalError;
use crate::workspace::{file, state};

/// The file that is locked.
const LOCK: &str = "lock";
/// The file that names the holder. On some systems a locked file cannot be read.
const HOLDER: &str = "lock.json";
/// Maximum size of the file that names the holder, in bytes.
const MAX_HOLDER: u64 = 4096;

/// The run that uses the journal folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// Its process ID.
    pub process: u32,
    /// The host that it runs on.
    pub host: String,
    /// When it took the lock.
    pub since: Timestamp,
    /// Its run, once it makes calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// The lock of the journal folder. It is released when this is dropped or the process ends.
#[derive(Debug)]
pub struct FolderLock {
    /// Nothing where files cannot be locked, so that a second run is not noticed.
    _file: Option<File>,
    holder: LockHolder,
}

impl FolderLock {
    /// Takes the lock; the folder is created.
    ///
    /// # Errors
    /// Another run has it, or the folder cannot be used.
    pub fn try_acquire() -> Result<Self, JournalError> {
        make_folder()?;
        let path = Utf8Path::new(FOLDER).join(LOCK);
        let failed = |cause: io::Error| JournalError::Open {
            path: path.clone(),
            cause: Arc::new(cause),
        };
        let file = state::append_private(path.as_std_path()).map_err(failed)?;
        let file = match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::FolderLocked {
                    path: FOLDER.into(),
                    holder: read_holder().map(Box::new),
                });
            }
            Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => None,
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        };
        let lock = Self {
            _file: file,
            holder: LockHolder {
                process: std::process::id(),
                host: host(),
                since: Timestamp::now(),
                run: None,
            },
        };
        lock.write_holder(&lock.holder);
        Ok(lock)
    }

    /// Names the run, for the messages of other runs.
    pub fn name_run(&self, run: &RunId) {
        self.write_holder(&LockHolder {
            run: Some(run.clone()),
            ..self.holder.clone()
        });
    }

    /// A failure does not matter: the lock works without the file.
    fn write_holder(&self, holder: &LockHolder) {
        if let Ok(text) = serde_json::to_vec(holder) {
            let _ = state::write_private(holder_path().as_std_path(), text);
        }
    }
}

fn holder_path() -> Utf8PathBuf {
    Utf8Path::new(FOLDER).join(HOLDER)
}

fn read_holder() -> Option<LockHolder> {
    let text = file::read_text(holder_path().as_std_path(), MAX_HOLDER).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown host".to_owned())
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            process,
            host,
            since,
            run,
        } = self;
        match run {
            Some(run) => write!(f, "run {run}, ")?,
            None => f.write_str("a run that has made no call yet, ")?,
        }
        write!(f, "process {process} on host {host}, since {since:.0}")
    }
}

/// Whether the folder of journals exists.
pub fn has_folder() -> bool {
    Path::new(FOLDER).symlink_metadata().is_ok()
}
