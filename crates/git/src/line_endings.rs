//! Git's conversion of line endings and keywords, from files of the work tree to blobs.
//!
//! A checkout may convert LF to CRLF (`core.autocrlf`, `.gitattributes`). The blobs are the same on
//! every machine, so files are read as git would store them.

use std::path::{Path, PathBuf};

use git2::{AttrCheckFlags, AttrValue, ObjectType, Oid, Repository};

use crate::environment;
use crate::location;
use crate::problem::FileProblemKind;
use crate::walk::{KIND, LINK, blob};

/// Maximum size of a blob that is compared with a file, in bytes. Files of this size are not read.
const MAX_COMMITTED: usize = 64 << 20;

/// Maximum size of the `.gitattributes` files that concern one file, in bytes.
const MAX_ATTRIBUTES: u64 = 256 * 1024;

/// The conversion of the files of one work tree.
pub(crate) struct LineEndings {
    repository: Repository,
    /// The top of the work tree, without links.
    top: PathBuf,
    /// `core.autocrlf` is `true` or `input`.
    is_automatic: bool,
    /// Whether the file system records which files are executable (`core.fileMode`).
    records_mode: bool,
    /// Whether git checks links out as links (`core.symlinks`).
    has_links: bool,
    /// Whether git composes the names of files (`core.precomposeUnicode`).
    composes_names: bool,
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
        let is_set = |key| environment::is_set(&repository, key);
        let automatic = environment::value(&repository, "core.autocrlf").unwrap_or_default();
        let is_automatic =
            automatic.eq_ignore_ascii_case("input") || is_set("core.autocrlf").unwrap_or(false);
        let records_mode = cfg!(unix) && is_set("core.filemode").unwrap_or(true);
        let has_links = is_set("core.symlinks").unwrap_or(true);
        let composes_names = is_set("core.precomposeunicode").unwrap_or(false);
        Some(Self {
            repository,
            top: top.to_owned(),
            is_automatic,
            records_mode,
            has_links,
            composes_names,
        })
    }

    /// The bytes of a file as git would store them. `path` is absolute, without links.
    pub(crate) fn stored(&self, path: &Path, bytes: Vec<u8>) -> Vec<u8> {
        let bytes = self.with_stored_endings(path, bytes);
        let inside = path.strip_prefix(&self.top).ok();
        let has_ident = |inside: &&Path| {
            contains(&bytes, IDENT) && self.attribute(inside, "ident").as_deref() == Some("true")
        };
        match inside.filter(has_ident) {
            Some(_) => without_idents(&bytes),
            None => bytes,
        }
    }

    /// Checks that the attributes of a file can be looked up quickly: each lookup visits every line of the
    /// `.gitattributes` files above the file.
    pub(crate) fn check_attributes(&self, path: &Path) -> Result<(), FileProblemKind> {
        let folders = path.ancestors().skip(1);
        let folders = folders.take_while(|folder| folder.starts_with(&self.top));
        let sizes = folders.filter_map(|folder| folder.join(".gitattributes").metadata().ok());
        let size: u64 = sizes.map(|metadata| metadata.len()).sum();
        if size > MAX_ATTRIBUTES {
            return Err(FileProblemKind::Attributes(MAX_ATTRIBUTES));
        }
        Ok(())
    }

    /// Whether the bytes of a file may differ from what git would store.
    pub(crate) fn may_differ(bytes: &[u8]) -> bool {
        bytes.contains(&b'\r') || contains(bytes, IDENT)
    }

    /// The encoding of a file in the work tree, if git converts it (`working-tree-encoding`).
    pub(crate) fn encoding(&self, path: &Path) -> Option<String> {
        let inside = path.strip_prefix(&self.top).ok()?;
        let encoding = self.attribute(inside, "working-tree-encoding")?;
        let is_name = !matches!(encoding.as_str(), "true" | "false");
        (is_name && !encoding.eq_ignore_ascii_case("utf-8")).then_some(encoding)
    }

    /// The value of an attribute; `true` or `false` if it has none.
    fn attribute(&self, inside: &Path, name: &str) -> Option<String> {
        let flags = AttrCheckFlags::FILE_THEN_INDEX;
        let value = self.repository.get_attr(inside, name, flags).ok()?;
        match AttrValue::from_string(value) {
            AttrValue::True => Some("true".to_owned()),
            AttrValue::False => Some("false".to_owned()),
            AttrValue::String(value) => Some(value.to_owned()),
            AttrValue::Bytes(_) | AttrValue::Unspecified => None,
        }
    }

    fn with_stored_endings(&self, path: &Path, bytes: Vec<u8>) -> Vec<u8> {
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

    /// Whether a regular file is a symbolic link of the commit, which was checked out as a file with the path
    /// that it links to (`core.symlinks = false`).
    pub(crate) fn is_plain_link(&self, path: &Path) -> bool {
        if self.has_links {
            return false;
        }
        let inside = path.strip_prefix(&self.top).ok();
        let committed = inside.and_then(|inside| self.committed(inside));
        committed.is_some_and(|(_, mode)| mode & KIND == LINK)
    }

    /// Whether the names of files must be compared with those of a commit in composed form (NFC).
    pub(crate) fn composes_names(&self) -> bool {
        self.composes_names
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
        let attribute = |name: &str| match self.attribute(inside, name)?.as_str() {
            "true" => Some(Conversion::Always),
            "false" => Some(Conversion::Never),
            "auto" => Some(Conversion::IfText),
            "input" | "lf" | "crlf" => Some(Conversion::Always),
            _ => None,
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

/// The beginning of a keyword that git replaces (`ident` of gitattributes).
const IDENT: &[u8] = b"$Id:";

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Replaces `$Id: … $` by `$Id$`, as git does when it stores a file with the attribute `ident`.
fn without_idents(bytes: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(IDENT.len()).position(|window| window == IDENT) {
        let (before, keyword) = rest.split_at(at);
        stored.extend_from_slice(before);
        let value = &keyword[IDENT.len()..];
        let end = value.iter().position(|byte| matches!(byte, b'$' | b'\n'));
        match end.filter(|end| value[*end] == b'$') {
            Some(end) => {
                stored.extend_from_slice(b"$Id$");
                rest = &value[end + 1..];
            }
            None => {
                stored.extend_from_slice(IDENT);
                rest = value;
            }
        }
    }
    stored.extend_from_slice(rest);
    stored
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
