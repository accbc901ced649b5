//! The folder of journals: one file for each run.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use git::{RevisionError, TrackedFiles};

use super::JournalRecord;
use super::reader::RunHistory;
use super::record::RunStart;
use super::run_id::RunId;
use super::writer::{Journal, JournalError};
use crate::workspace::file::open_regular;
use crate::workspace::state;

/// The folder of journals, next to `polwarden.yaml`.
pub const FOLDER: &str = ".polwarden/journal";

const ENDING: &str = "jsonl";

/// The file of a run in the folder.
pub fn file_of(run: &RunId) -> Utf8PathBuf {
    Utf8Path::new(FOLDER).join(format!("{run}.{ENDING}"))
}

/// The journals of the state folder.
#[derive(Debug, Default)]
pub struct JournalFiles {
    /// Those of runs in this directory, oldest first.
    pub own: Vec<Utf8PathBuf>,
    /// Files that are not used because they may have come with the repository, with the reasons.
    pub ignored: Vec<(Utf8PathBuf, String)>,
}

/// Finds the journals of the state folder. A missing folder contains none.
///
/// # Errors
/// The folder is a link, or cannot be read.
pub fn list() -> Result<JournalFiles, JournalError> {
    let folder = Utf8Path::new(FOLDER);
    let failed = |cause: io::Error| JournalError::Read {
        path: folder.to_owned(),
        cause: Arc::new(cause),
    };
    let entries = match folder.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(JournalFiles::default());
        }
        Err(error) => return Err(failed(error)),
    };
    for part in [Utf8Path::new(state::FOLDER), folder] {
        state::check_real_folder(part.as_std_path()).map_err(failed)?;
    }
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.into_path();
        if path.extension() == Some(ENDING) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut found = JournalFiles::default();
    if paths.is_empty() {
        return Ok(found);
    }
    let tracked = TrackedFiles::around(Path::new("."));
    for path in paths {
        match check(&path, tracked.as_ref()) {
            Ok(()) => found.own.push(path),
            Err(reason) => found.ignored.push((path, reason)),
        }
    }
    Ok(found)
}

/// Why a file is not used, if it is not.
fn check(path: &Utf8Path, tracked: Result<&TrackedFiles, &RevisionError>) -> Result<(), String> {
    let tracked = tracked.map_err(ToString::to_string)?;
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Err("it is not a regular file".to_owned());
    }
    state::check_untracked(tracked, path.as_std_path()).map_err(|error| error.to_string())
}

/// The history of a journal, if that is unfinished.
///
/// # Errors
/// The file cannot be read, or is not a journal that this version supports.
pub fn unfinished(path: &Utf8Path) -> Result<Option<RunHistory>, JournalError> {
    if ends_with_end(path)? {
        return Ok(None);
    }
    Ok(Some(RunHistory::read(path)?).filter(RunHistory::is_unfinished))
}

/// Begins the journal of a run, in the folder or in a file of the caller's choice. What that file held before is kept
/// under its name with the id of the new run.
///
/// # Errors
/// It cannot be made or written, or another run writes it.
pub async fn create(run: RunStart, file: Option<&Utf8Path>) -> Result<Journal, JournalError> {
    let path = match file {
        Some(path) => {
            back_up(path, &run.run)?;
            path.to_owned()
        }
        None => {
            make_folder()?;
            file_of(&run.run)
        }
    };
    let journal = Journal::open(&path)?;
    journal.write(&JournalRecord::Run(Box::new(run))).await?;
    Ok(journal)
}

fn make_folder() -> Result<(), JournalError> {
    let failed = |path: &Utf8Path| {
        let path = path.to_owned();
        move |cause: io::Error| JournalError::Open {
            path,
            cause: Arc::new(cause),
        }
    };
    state::create_folder(Some("journal"))
        .map(drop)
        .map_err(failed(Utf8Path::new(FOLDER)))
}

/// Creates the backup. Each run has its own file, so no other file is overwritten.
fn back_up(path: &Utf8Path, run: &RunId) -> Result<(), JournalError> {
    let failed = |cause: io::Error| JournalError::Open {
        path: path.to_owned(),
        cause: Arc::new(cause),
    };
    let holds_something = match fs::metadata(path) {
        Ok(metadata) => metadata.is_file() && metadata.len() > 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failed(error)),
    };
    if holds_something {
        // Another run that writes it just now must not lose its name.
        drop(Journal::open(path)?);
        fs::rename(path, format!("{path}.before-{run}")).map_err(failed)?;
    }
    Ok(())
}

/// Whether the last line says that the run ended: most journals need no more than that to be read.
fn ends_with_end(path: &Utf8Path) -> Result<bool, JournalError> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const TAIL: u64 = 4096;
    let failed = |cause: io::Error| JournalError::Read {
        path: path.to_owned(),
        cause: Arc::new(cause),
    };
    let mut file = open_regular(path.as_std_path()).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).map_err(failed)?;
    let Some(whole) = tail.strip_suffix(b"\n") else {
        // Nothing but a torn first line: nothing was ever sent.
        return Ok(start == 0 && !tail.contains(&b'\n'));
    };
    let last = whole
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    Ok(matches!(
        serde_json::from_slice(last),
        Ok(JournalRecord::End(_))
    ))
}
