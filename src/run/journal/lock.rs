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

use super::folder::FOLDER;
use super::holder::LockHolder;
use super::run_id::RunId;
use super::writer::JournalError;
use crate::workspace::{file, state};

/// The file that is locked. It is next to the folder of journals, which a refused run does not create.
const LOCK: &str = "journal.lock";
/// The file that names the holder. On some systems a locked file cannot be read.
const HOLDER: &str = "journal.lock.json";
/// Maximum size of the file that names the holder, in bytes.
const MAX_HOLDER: u64 = 4096;

/// The lock of the journal folder. It is released when this is dropped or the process ends.
#[derive(Debug)]
pub struct FolderLock {
    /// `None` if files cannot be locked. A second run is not detected then.
    _file: Option<File>,
    holder: LockHolder,
}

impl FolderLock {
    /// Takes the lock; the state folder is created.
    ///
    /// # Errors
    /// Another run has it, or the folder cannot be used.
    pub fn try_acquire() -> Result<Self, JournalError> {
        let path = Utf8Path::new(state::FOLDER).join(LOCK);
        let failed = |cause: io::Error| JournalError::Open {
            path: path.clone(),
            cause: Arc::new(cause),
        };
        state::create_folder(None).map_err(failed)?;
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
    Utf8Path::new(state::FOLDER).join(HOLDER)
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

/// Whether the folder of journals exists.
pub fn has_folder() -> bool {
    Path::new(FOLDER).symlink_metadata().is_ok()
}
