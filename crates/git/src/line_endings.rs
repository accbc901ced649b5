//! Git's conversion of line endings, from files of the work tree to blobs.
//!
//! A checkout may convert LF to CRLF (`core.autocrlf`, `.gitattributes`). The blobs are the same on
//! every machine, so files are read as git would store them.

use std::path::{Path, PathBuf};

use git2::{AttrCheckFlags, AttrValue, ObjectType, Oid, Repository};

use crate::location;
use crate::walk::blob;

/// Maximum size of a blob that is compared with a file, in bytes. Files of this size are not read.
const MAX_COMMITTED: usize = 64 << 20;

/// The conversion of the files of one work tree.
pub(crate) struct LineEndings {
    repository: Repository,
    /// The top of the work tree, without links.
    top: PathBuf,
    /// `core.autocrlf` is `true` or `input`.
    is_automatic: bool,
    /// Whether the file system records which files are executable (`core.fileMode`).
    records_mode: bool,
}

impl std::fmt::Debug for LineEndings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineEndings")
            .field("top", &self.top)
            .finish_non_exhaustive()
    }
}

/// What git does with the line endings of a file that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conversion {
    /// CRLF becomes LF.
    Always,
    /// CRLF becomes LF unless the file is binary or already has CRLF in the repository.
    IfText,
    Never,
}

impl LineEndings {
    /// Returns `None` if the repository cannot be opened: then nothing says what git would convert.
    pub(crate) fn of(top: &Path) -> Option<Self> {
        let repository = location::open_work_tree(top).ok()?;
        let config = repository.config().ok()?;
        let automatic = config.get_string("core.autocrlf").unwrap_or_default();
        let is_automatic = automatic.eq_ignore_ascii_case("input")
            || config.get_bool("core.autocrlf").unwrap_or(false);
        let records_mode = cfg!(unix) && config.get_bool("core.filemode").unwrap_or(true);
        Some(Self {
            repository,
            top: top.to_owned(),
            is_automatic,
            records_mode,
        })
    }

    /// The bytes of a file as git would store them. `path` is absolute, without links.
    pub(crate) fn stored(&self, path: &Path, bytes: Vec<u8>) -> Vec<u8> {
        let has_crlf = bytes.windows(2).any(|pair| pair == b"\r\n");
        let Some(inside) = path.strip_prefix(&self.top).ok().filter(|_| has_crlf) else {
            return bytes;
        };
        let conversion = self.conversion(inside);
        if conversion == Conversion::Never {
            return bytes;
        }
        let committed = self.committed(inside);
        let is_unchanged = committed.is_some_and(|(id, _)| {
            Oid::hash_object(ObjectType::Blob, &bytes).is_ok_and(|own| own == id)
        });
        if is_unchanged {
            return bytes;
        }
        let is_kept = || {
            let blob = committed.and_then(|(id, _)| blob(&self.repository, id, MAX_COMMITTED).ok());
            blob.is_some_and(|bytes| bytes.windows(2).any(|pair| pair == b"\r\n"))
        };
        if conversion == Conversion::IfText && (is_binary(&bytes) || is_kept()) {
            return bytes;
        }
        let mut stored = Vec::with_capacity(bytes.len());
        let mut rest = bytes.iter().copied().peekable();
        while let Some(byte) = rest.next() {
            if byte != b'\r' || rest.peek() != Some(&b'\n') {
                stored.push(byte);
            }
        }
        stored
    }

    /// Whether git records a file as executable. `on_disk` is what the file system says.
    pub(crate) fn is_executable(&self, path: &Path, on_disk: bool) -> bool {
        /// Mode of executable files (git: `cache.h`).
        const EXECUTABLE: i32 = 0o100_755;
        if self.records_mode {
            return on_disk;
        }
        let inside = path.strip_prefix(&self.top).ok();
        let committed = inside.and_then(|inside| self.committed(inside));
        committed.is_some_and(|(_, mode)| mode == EXECUTABLE)
    }

    /// The id and mode of a file in the commit that is checked out.
    fn committed(&self, inside: &Path) -> Option<(Oid, i32)> {
        let tree = self.repository.head().ok()?.peel_to_tree().ok()?;
        let entry = tree.get_path(inside).ok()?;
        Some((entry.id(), entry.filemode_raw()))
    }

    /// The rules of gitattributes: `text` counts first, then the older `crlf`, then `eol`, then
    /// `core.autocrlf`.
    fn conversion(&self, inside: &Path) -> Conversion {
        let attribute = |name: &str| {
            let value = self
                .repository
                .get_attr(inside, name, AttrCheckFlags::FILE_THEN_INDEX)
                .ok()
                .flatten();
            match AttrValue::from_string(value) {
                AttrValue::True => Some(Conversion::Always),
                AttrValue::False => Some(Conversion::Never),
                AttrValue::String("auto") => Some(Conversion::IfText),
                AttrValue::String("input" | "lf" | "crlf") => Some(Conversion::Always),
                AttrValue::String(_) | AttrValue::Bytes(_) | AttrValue::Unspecified => None,
            }
        };
        let configured = if self.is_automatic {
            Conversion::IfText
        } else {
            Conversion::Never
        };
        attribute("text")
            .or_else(|| attribute("crlf"))
            .or_else(|| attribute("eol"))
            .unwrap_or(configured)
    }
}

/// Whether git takes a file for binary: it contains NUL or a CR without LF, or more than one
/// unprintable byte in 128.
fn is_binary(bytes: &[u8]) -> bool {
    let mut unprintable = 0;
    let mut printable = 0;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            0 => return true,
            b'\r' if bytes.get(index + 1) != Some(&b'\n') => return true,
            b'\r' | b'\n' => {}
            0x08 | b'\t' | 0x0c | 0x1b | 0x20..=0x7e | 0x80.. => printable += 1,
            _ => unprintable += 1,
        }
    }
    (printable >> 7) < unprintable
}
