//! The source of a policy pack: everything below one directory, as it goes into an archive.
//!
//! What is read may come from a pull request, so nothing is read from outside of the repository, links lead nowhere but
//! into the directory itself, and there are bounds on all of it.

mod archive;
mod link;
#[cfg(test)]
mod tests;
pub(super) mod tracked;
pub(super) mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::source::ProblemKind;
pub use model::digest::{FileDigest, SourceDigest};

pub use archive::Archive;

/// How many bytes the files of a source have at most, in all.
pub const MAX_SOURCE_BYTES: usize = 64 << 20;
/// How many files and links a source has at most.
pub const MAX_SOURCE_FILES: usize = 10_000;
/// The file that every pack has.
pub const PROJECT_FILE: &str = "PulumiPolicy.yaml";

/// What stands in a source under one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackEntry {
    /// A file.
    File {
        /// What it holds.
        bytes: Arc<[u8]>,
        /// Whether it may be run.
        executable: bool,
    },
    /// A symbolic link that leads into the source.
    Link {
        /// Where it leads, from the folder that it is in.
        target: String,
    },
}

impl PackEntry {
    /// The digest: of the bytes of a file, as other tools give it. What may be run, and links, are told apart from it.
    pub fn digest(&self) -> FileDigest {
        match self {
            Self::File {
                bytes,
                executable: false,
            } => FileDigest::of(bytes),
            Self::File {
                bytes,
                executable: true,
            } => FileDigest::of(&[b"executable\0", &**bytes].concat()),
            Self::Link { target } => FileDigest::of(&[b"link\0", target.as_bytes()].concat()),
        }
    }
}

/// Why a directory cannot be the source of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackError {
    /// The directory itself cannot be used.
    #[error("{0}")]
    Directory(ProblemKind),
    /// It is a file.
    #[error("this is no directory")]
    NoDirectory,
    /// Something in it cannot be used.
    #[error("`{path}` in it cannot be used: {kind}")]
    Entry {
        /// Its path in the directory.
        path: Utf8PathBuf,
        /// Why.
        kind: ProblemKind,
    },
    /// A link that leads out of it.
    #[error("the symbolic link `{path}` in it leads out of it")]
    LinkOutside {
        /// Its path in the directory.
        path: Utf8PathBuf,
    },
    /// More bytes than are taken.
    #[error("its files have more than {MAX_SOURCE_BYTES} bytes")]
    TooLarge,
    /// More files than are taken.
    #[error("it holds more than {MAX_SOURCE_FILES} files")]
    TooMany,
    /// It is no pack.
    #[error("it holds no `{PROJECT_FILE}`")]
    NoProject,
}

impl PackError {
    /// What to do next.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Directory(kind) | Self::Entry { path: _, kind } => match kind {
                ProblemKind::Missing => {
                    "write the path of the directory with the pack's source, from `polwarden.yaml`"
                }
                ProblemKind::TooLarge(_) => {
                    "leave out of it what the pack does not need, with a `.gitignore`"
                }
                ProblemKind::Submodule => "keep the pack's source in this repository",
                other => other.help(),
            },
            Self::NoDirectory => "name the directory that holds `PulumiPolicy.yaml`",
            Self::LinkOutside { .. } => {
                "replace the link by what it leads to, or leave it out with a `.gitignore`"
            }
            Self::TooLarge | Self::TooMany => {
                "leave out of it what the pack does not need, with a `.gitignore`"
            }
            Self::NoProject => {
                "name the directory that holds `PulumiPolicy.yaml`; if it is ignored by git, add it to the repository"
            }
        }
    }
}

/// The source of a pack: its files and links, by their paths in the directory. Empty folders are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackTree {
    entries: BTreeMap<String, PackEntry>,
}

impl PackTree {
    /// The files and links.
    pub fn entries(&self) -> &BTreeMap<String, PackEntry> {
        &self.entries
    }

    /// The digest of each file and link.
    pub fn files(&self) -> BTreeMap<String, FileDigest> {
        self.entries
            .iter()
            .map(|(path, entry)| (path.clone(), entry.digest()))
            .collect()
    }

    /// What the source is, whatever archive it is put into: the digest of the lines `DIGEST PATH`, sorted by path. Paths
    /// are written as JSON, so that no name can pass for two lines.
    pub fn digest(&self) -> SourceDigest {
        let mut text = String::new();
        for (path, entry) in &self.entries {
            text.push_str(entry.digest().as_str());
            text.push(' ');
            text.push_str(&serde_json::Value::from(path.as_str()).to_string());
            text.push('\n');
        }
        SourceDigest::of(text.as_bytes())
    }

    /// The text of the file that every pack has.
    ///
    /// # Errors
    /// It is no UTF-8 text, or no file.
    pub fn project(&self) -> Result<&str, PackError> {
        match self.entries.get(PROJECT_FILE) {
            Some(PackEntry::File {
                bytes,
                executable: _,
            }) => std::str::from_utf8(bytes).map_err(|error| {
                let kind = ProblemKind::NotUtf8 {
                    line: 1,
                    offset: error.valid_up_to(),
                };
                PackError::Entry {
                    path: PROJECT_FILE.into(),
                    kind,
                }
            }),
            Some(PackEntry::Link { .. }) => Err(PackError::Entry {
                path: PROJECT_FILE.into(),
                kind: ProblemKind::Special,
            }),
            None => Err(PackError::NoProject),
        }
    }
}

/// Collects entries within the bounds.
#[derive(Debug, Default)]
struct Collected {
    tree: PackTree,
    bytes: usize,
}

impl Collected {
    /// How many bytes may still come.
    fn left(&self) -> usize {
        MAX_SOURCE_BYTES.saturating_sub(self.bytes)
    }

    fn file(&mut self, path: &Utf8Path, bytes: Vec<u8>, executable: bool) -> Result<(), PackError> {
        self.bytes += bytes.len();
        if self.bytes > MAX_SOURCE_BYTES {
            return Err(PackError::TooLarge);
        }
        self.add(
            path,
            PackEntry::File {
                bytes: bytes.into(),
                executable,
            },
        )
    }

    fn link(&mut self, path: &Utf8Path, target: String) -> Result<(), PackError> {
        if !link::stays_inside(path, &target) {
            return Err(PackError::LinkOutside {
                path: path.to_owned(),
            });
        }
        self.add(path, PackEntry::Link { target })
    }

    fn add(&mut self, path: &Utf8Path, entry: PackEntry) -> Result<(), PackError> {
        if self.tree.entries.len() >= MAX_SOURCE_FILES {
            return Err(PackError::TooMany);
        }
        self.tree.entries.insert(path.as_str().to_owned(), entry);
        Ok(())
    }

    fn finish(self) -> Result<PackTree, PackError> {
        self.tree.project()?;
        Ok(self.tree)
    }
}

/// A file that is larger than what is left is told as too much of all.
fn entry_error(path: &Utf8Path, kind: ProblemKind) -> PackError {
    match kind {
        ProblemKind::TooLarge(_) => PackError::TooLarge,
        kind => PackError::Entry {
            path: path.to_owned(),
            kind,
        },
    }
}
