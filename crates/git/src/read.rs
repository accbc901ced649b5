//! Reads files within limits.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use crate::problem::FileProblemKind;

pub(crate) fn unreadable(error: &io::Error) -> FileProblemKind {
    match error.kind() {
        io::ErrorKind::NotFound => FileProblemKind::Missing,
        kind => FileProblemKind::Unreadable(kind.to_string()),
    }
}

/// Reads at most `limit` bytes. The size is checked before, and again in case the file grows.
pub(crate) fn read_bounded(
    path: &Path,
    metadata: &Metadata,
    limit: usize,
) -> Result<Vec<u8>, FileProblemKind> {
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(FileProblemKind::TooLarge(limit));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::with_capacity(size + 1);
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() > limit {
        Err(FileProblemKind::TooLarge(limit))
    } else {
        Ok(bytes)
    }
}

/// Reads a file of git that contains paths. Limited because nothing says how it was made.
pub(crate) fn read_paths(path: &Path) -> io::Result<String> {
    const MAX_BYTES: u64 = 1 << 20;
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("it is larger than {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Decodes UTF-8.
///
/// # Errors
/// The bytes are not UTF-8.
pub fn text(bytes: Vec<u8>) -> Result<Arc<str>, FileProblemKind> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..offset]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1;
            Err(FileProblemKind::NotUtf8 { line, offset })
        }
    }
}
