//! What every source of text offers.

use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::pack::{PackError, PackTree};
use model::diag::Code;

/// Why a file or folder cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProblemKind {
    /// Nothing has this name.
    #[error("there is no such file or folder")]
    Missing,
    /// An absolute path, or one that leads out of the repository.
    #[error("the path leaves the repository")]
    Outside,
    /// A symbolic link that leads out of the repository.
    #[error("the symbolic link leads out of the repository")]
    SymlinkOutside,
    /// A folder that holds itself.
    #[error("the folder links back to one of its parents")]
    Loop,
    /// Neither a file nor a folder: a pipe, a socket or a device.
    #[error("this is neither a file nor a folder")]
    Special,
    /// A file with more bytes than are read.
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    /// A text that is not UTF-8, with the line of the first wrong byte, counted from 1, and its offset in bytes.
    #[error("the file is not UTF-8: byte {offset}, in line {line}")]
    NotUtf8 {
        /// The line of the first wrong byte.
        line: usize,
        /// The offset of the first wrong byte.
        offset: usize,
    },
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    Name,
    /// Another repository, of which only the commit is known.
    #[error("this is a submodule: its files are not part of this repository")]
    Submodule,
    /// The system refuses.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl ProblemKind {
    pub(super) fn too_deep() -> Self {
        Self::Unreadable(format!("folders nest deeper than {MAX_DEPTH} levels"))
    }

    /// The code under which users see the problem.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing | Self::Special | Self::Name | Self::Submodule | Self::Unreadable(_) => {
                Code::FileUnreadable
            }
            Self::Outside => Code::TargetPathInvalid,
            Self::SymlinkOutside => Code::SymlinkOutside,
            Self::Loop => Code::DirectoryLoop,
            Self::TooLarge(_) => Code::FileTooLarge,
            Self::NotUtf8 { .. } => Code::FileNotUtf8,
        }
    }

    /// What to do next.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing => "check the spelling, upper and lower case included",
            Self::Outside => "use a path relative to the configuration, inside the repository",
            Self::SymlinkOutside => {
                "replace the link by a copy, or let it point into the repository"
            }
            Self::Loop => "remove the link; the rest of the folder is read",
            Self::Special => "remove it from the folder, or name the files one by one",
            Self::TooLarge(_) => "split it into several files",
            Self::NotUtf8 { .. } => "save the file as UTF-8",
            Self::Name => "rename the file",
            Self::Submodule => {
                "keep the manifests in this repository, or name the folders beside the submodule one by one"
            }
            Self::Unreadable(_) => "check that the file exists and may be read",
        }
    }
}

/// One file or folder that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its path, relative to the configuration; for a name that is not UTF-8, as near as can be shown.
    pub path: Utf8PathBuf,
    /// Why.
    pub kind: ProblemKind,
}

/// The manifests below one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Paths relative to the configuration, sorted.
    pub files: Vec<Utf8PathBuf>,
    /// What cannot be used, in the order in which it was met.
    pub problems: Vec<Problem>,
}

/// A place that holds a repository's text: the work tree, or a revision.
pub trait Source: Sync {
    /// All manifests (`*.yaml`, `*.yml`, `*.json`) at or below `path`, which is relative to the configuration. Hidden
    /// files and folders and the configuration itself are passed over.
    ///
    /// # Errors
    /// Says why `path` itself cannot be used; what is wrong below it is part of the listing.
    fn list(&self, path: &Utf8Path) -> Result<Listing, ProblemKind>;

    /// The text of one file, relative to the configuration; at most `limit` bytes are read.
    ///
    /// # Errors
    /// Says why the file cannot be used.
    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, ProblemKind>;

    /// The source of a policy pack: all that stands in one directory, relative to the configuration; hidden files too, but
    /// not what git ignores.
    ///
    /// # Errors
    /// Says why the directory cannot be one.
    fn pack(&self, path: &Utf8Path) -> Result<PackTree, PackError>;
}

/// How deep folders may nest; far deeper than a person would.
pub(super) const MAX_DEPTH: usize = 64;

/// The path without `.` and inner `..`; nothing for an absolute one.
pub fn normal(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut normal = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::Prefix(_) | Utf8Component::RootDir => return None,
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => match normal.components().next_back() {
                Some(Utf8Component::Normal(_)) => {
                    normal.pop();
                }
                _ => normal.push(".."),
            },
            Utf8Component::Normal(name) => normal.push(name),
        }
    }
    Some(normal)
}

/// Bytes as text.
pub(super) fn text(bytes: Vec<u8>) -> Result<Arc<str>, ProblemKind> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..offset]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1;
            Err(ProblemKind::NotUtf8 { line, offset })
        }
    }
}

/// Whether a name is a manifest's.
pub(super) fn is_manifest(path: &Utf8Path) -> bool {
    matches!(path.extension(), Some("yaml" | "yml" | "json"))
        && path.file_name() != Some(model::CONFIG_FILE_NAME)
}
