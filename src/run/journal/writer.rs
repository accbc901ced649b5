//! Writes a journal: what matters is on the disk before the call is made.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;
use tokio::sync::Mutex as AsyncMutex;

use super::holder::LockHolder;
use super::record::JournalRecord;
use crate::workspace::state;

/// The largest journal that is read: 256 MiB.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Why a journal cannot be used.
#[derive(Debug, Clone, Error)]
pub enum JournalError {
    /// It cannot be made or opened.
    #[error(
        "cannot open the journal `{path}`: {cause}; without a journal nothing is applied. --journal FILE names another place"
    )]
    Open {
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        cause: Arc<io::Error>,
    },
    /// Another run writes it just now.
    #[error(
        "another run is in progress: it writes the journal `{path}`. Wait until it ends, and try again"
    )]
    Locked {
        /// The file.
        path: Utf8PathBuf,
    },
    /// Another run uses the folder.
    #[error(
        "another run uses the journal folder `{path}`: {}",
        holder.as_ref().map_or_else(|| "it did not say which one".to_owned(), |holder| holder.to_string())
    )]
    FolderLocked {
        /// The folder.
        path: Utf8PathBuf,
        /// The run, if it is known.
        holder: Option<Box<LockHolder>>,
    },
    /// A line could not be put on the disk.
    #[error(
        "the journal `{path}` cannot be written: {cause}. A call that is not in the journal is not made; make room, or \
         name another place with --journal FILE, and run again"
    )]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        cause: Arc<io::Error>,
    },
    /// It cannot be read.
    #[error("cannot read the journal `{path}`: {cause}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        cause: Arc<io::Error>,
    },
    /// It is longer than is sane.
    #[error("the journal `{path}` is longer than {} MiB; review it and move it away", MAX_BYTES / 1024 / 1024)]
    TooLong {
        /// The file.
        path: Utf8PathBuf,
    },
    /// A later version wrote it.
    #[error(
        "the journal `{path}` has the format {found}, which a later version of polwarden wrote; this version reads \
         format {known}. Use that version, or review the file and move it away"
    )]
    Later {
        /// The file.
        path: Utf8PathBuf,
        /// The version of its form.
        found: u32,
        /// The version that is known here.
        known: u32,
    },
    /// The first line is not the header of a journal.
    #[error("`{path}` is not a journal: its first line does not contain a run id")]
    NoJournal {
        /// The file.
        path: Utf8PathBuf,
    },
}

/// A journal that is being written. It is locked for other runs. Clones write the same file.
#[derive(Debug, Clone)]
pub struct Journal(Arc<JournalInner>);

#[derive(Debug)]
struct JournalInner {
    path: Utf8PathBuf,
    file: AsyncMutex<JournalFile>,
    queue: Mutex<JournalQueue>,
}

#[derive(Debug)]
struct JournalFile {
    file: Arc<File>,
    /// The length up to which the file contains whole lines.
    length: u64,
}

#[derive(Debug, Default)]
struct JournalQueue {
    /// All records of this run, whether or not they are on the disk.
    history: Vec<u8>,
    /// Lines that are not on the disk yet.
    lines: Vec<u8>,
    /// How many lines were ever queued, and how many of them are on the disk.
    queued: u64,
    stored: u64,
    broken: Option<JournalError>,
}

impl Journal {
    /// Makes a journal, or goes on with one that ended in the middle. The last line of that may be torn: what is
    /// written now begins on a line of its own.
    ///
    /// # Errors
    /// The file cannot be opened, or another run writes it.
    pub fn open(path: &Utf8Path) -> Result<Self, JournalError> {
        let failed = |cause: io::Error| JournalError::Open {
            path: path.to_owned(),
            cause: Arc::new(cause),
        };
        let mut file = state::append_private(path.as_std_path()).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Locked {
                    path: path.to_owned(),
                });
            }
            // Where files cannot be locked, a second run in this directory is not noticed.
            Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let torn = ends_within_line(&mut file).map_err(failed)?;
        // The name of a new file is on the disk once its folder is.
        if let Some(folder) = path.parent() {
            let folder = if folder.as_str().is_empty() {
                Utf8Path::new(".")
            } else {
                folder
            };
            if let Ok(folder) = File::open(folder) {
                folder
                    .sync_all()
                    .or_else(ignore_unsupported)
                    .map_err(failed)?;
            }
        }
        let queue = JournalQueue {
            lines: if torn { b"\n".to_vec() } else { Vec::new() },
            ..JournalQueue::default()
        };
        let length = file.metadata().map_err(failed)?.len();
        let file = AsyncMutex::new(JournalFile {
            file: Arc::new(file),
            length,
        });
        let queue = Mutex::new(queue);
        Ok(Self(Arc::new(JournalInner {
            path: path.to_owned(),
            file,
            queue,
        })))
    }

    /// The file.
    pub fn path(&self) -> &Utf8Path {
        &self.0.path
    }

    /// Puts a record in line: it is on the disk after the next [`write`](Self::write) or [`store`](Self::store).
    pub fn note(&self, record: &JournalRecord) {
        self.queue(record);
    }

    /// Writes a record, and all that are in line before it; they are on the disk when this returns.
    ///
    /// # Errors
    /// They are not. From then on nothing more is written.
    pub async fn write(&self, record: &JournalRecord) -> Result<(), JournalError> {
        let number = self.queue(record);
        self.store_until(number).await
    }

    /// The lines of all records so far, even if the disk is full. For a journal that was continued,
    /// only the new records.
    pub(super) fn recorded(&self) -> Vec<u8> {
        let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.history.clone()
    }

    /// Writes the last record of a run. After an error, everything that is missing is tried once more:
    /// there may be room again.
    ///
    /// # Errors
    /// The records are not on the disk.
    pub async fn finish(&self, record: &JournalRecord) -> Result<(), JournalError> {
        let number = self.queue(record);
        {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.broken = None;
        }
        self.store_until(number).await
    }

    /// Puts all that is in line on the disk.
    ///
    /// # Errors
    /// It is not there.
    pub async fn store(&self) -> Result<(), JournalError> {
        let number = self
            .0
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .queued;
        self.store_until(number).await
    }

    fn queue(&self, record: &JournalRecord) -> u64 {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match serde_json::to_vec(record) {
            Ok(mut line) => {
                line.push(b'\n');
                queue.history.extend(&line);
                queue.lines.extend(line);
            }
            Err(error) => queue.broken = Some(self.failed(io::Error::other(error))),
        }
        queue.queued += 1;
        queue.queued
    }

    /// The first task writes the records of all waiting tasks, so many records need one disk write.
    async fn store_until(&self, number: u64) -> Result<(), JournalError> {
        let mut file = self.0.file.lock().await;
        let (lines, queued) = {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(error) = &queue.broken {
                return Err(error.clone());
            }
            if queue.stored >= number {
                return Ok(());
            }
            (std::mem::take(&mut queue.lines), queue.queued)
        };
        let handle = Arc::clone(&file.file);
        let length = file.length;
        let stored = tokio::task::spawn_blocking(move || {
            let result = append(&handle, &lines, length);
            (result, lines)
        });
        let (stored, lines) = stored
            .await
            .unwrap_or_else(|error| (Err(io::Error::other(error)), Vec::new()));
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match stored {
            Ok(()) => {
                file.length += u64::try_from(lines.len()).unwrap_or_default();
                queue.stored = queued;
                Ok(())
            }
            Err(cause) => {
                // The lines are kept for `finish`, before those that were added in the meantime.
                let newer = std::mem::replace(&mut queue.lines, lines);
                queue.lines.extend(newer);
                let error = self.failed(cause);
                queue.broken = Some(error.clone());
                Err(error)
            }
        }
    }

    fn failed(&self, cause: io::Error) -> JournalError {
        JournalError::Write {
            path: self.0.path.clone(),
            cause: Arc::new(cause),
        }
    }
}

/// Appends lines. If that fails, the file is cut to its `length` before, so that the lines can be
/// written again without repeating any.
fn append(mut file: &File, lines: &[u8], length: u64) -> io::Result<()> {
    let written = file
        .write_all(lines)
        .and_then(|()| file.sync_data().or_else(ignore_unsupported));
    if written.is_err() && file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        file.set_len(length)?;
    }
    written
}

/// Some file systems do not support sync, which is accepted.
fn ignore_unsupported(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => Ok(()),
        _ => Err(error),
    }
}

/// Whether the file ends within a line.
fn ends_within_line(file: &mut File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != [b'\n'])
}
