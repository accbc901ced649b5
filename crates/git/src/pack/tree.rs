//! The files of a policy pack and their limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use model::digest::{FileDigest, SourceDigest};
use thiserror::Error;

use crate::limits::SourceLimits;
use crate::problem::FileProblemKind;

/// Maximum total size of a source in bytes.
pub(super) const MAX_SOURCE_BYTES: usize = 64 << 20;
/// Maximum number of files and links of a source.
const MAX_SOURCE_FILES: usize = 10_000;
/// The project file, which every pack contains.
pub const PROJECT_FILE: &str = "PulumiPolicy.yaml";
/// The manifest of npm, which every Node.js pack contains.
pub const PACKAGE_FILE: &str = "package.json";

/// A file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackEntry {
    /// Content of the file.
    pub bytes: Arc<[u8]>,
    /// Whether the file is executable.
    pub executable: bool,
}

impl PackEntry {
    /// The digest. For plain files it is the digest of the content, as other tools compute it.
    /// Executable files have other digests even with the same content.
    pub fn digest(&self) -> FileDigest {
        let Self { bytes, executable } = self;
        if *executable {
            FileDigest::of(&[b"executable\0", &**bytes].concat())
        } else {
            FileDigest::of(bytes)
        }
    }
}

/// A directory is not a valid source of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackError {
    /// The directory itself cannot be read.
    #[error("{0}")]
    Directory(FileProblemKind),
    /// The path is a file.
    #[error("this is not a directory")]
    NoDirectory,
    /// A file in the directory cannot be read.
    #[error("cannot use `{path}` in it: {kind}")]
    Entry {
        /// Path in the directory.
        path: Utf8PathBuf,
        /// Reason.
        kind: FileProblemKind,
    },
    /// A link points outside of the directory.
    #[error("the symbolic link `{path}` in it points outside of it")]
    LinkOutside {
        /// Path in the directory.
        path: Utf8PathBuf,
    },
    /// A link points to a file that may contain credentials.
    #[error(
        "the symbolic link `{path}` in it points to `{target}`, which an archive never contains"
    )]
    LinkExcluded {
        /// Path in the directory.
        path: Utf8PathBuf,
        /// Path in the directory of what the link leads to.
        target: String,
    },
    /// A link points to a folder that contains it.
    #[error("the symbolic link `{path}` in it points to a folder that contains the link")]
    LinkLoop {
        /// Path in the directory.
        path: Utf8PathBuf,
    },
    /// An ignore file contains a pattern that cannot be evaluated as the vendor's tool does.
    #[error("unsupported pattern `{pattern}` in `{path}`")]
    Pattern {
        /// Path of the file in the directory.
        path: Utf8PathBuf,
        /// The pattern.
        pattern: String,
    },
    /// `package.json` is not valid.
    #[error("`{PACKAGE_FILE}` in it cannot be used: {0}")]
    Package(String),
    /// The total size exceeds the limit.
    #[error("its files have more than {MAX_SOURCE_BYTES} bytes")]
    TooLarge,
    /// The number of files exceeds the limit.
    #[error("it contains more than {MAX_SOURCE_FILES} files")]
    TooMany,
    /// The directory does not contain [`PROJECT_FILE`].
    #[error("it does not contain `{PROJECT_FILE}`")]
    NoProject,
}

impl PackError {
    /// The next step, as a clause for a help line.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Directory(kind) | Self::Entry { path: _, kind } => match kind {
                FileProblemKind::Missing => {
                    "write the path of the directory with the pack's source, from `polwarden.yaml`"
                }
                FileProblemKind::TooLarge(_)
                | FileProblemKind::TotalTooLarge(_)
                | FileProblemKind::TooManyEntries(_) => {
                    "exclude files that the pack does not need with a `.gitignore`"
                }
                FileProblemKind::Submodule => "keep the pack's source in this repository",
                other => other.help(),
            },
            Self::NoDirectory => "name the directory that contains `PulumiPolicy.yaml`",
            Self::LinkOutside { .. } | Self::LinkExcluded { .. } | Self::LinkLoop { .. } => {
                "replace the link with a copy of its target, or exclude it with a `.gitignore`"
            }
            Self::Pattern { .. } => {
                "write the names one by one; extended patterns such as `@(a|b)` and sequences such as `{1..3}` are not supported"
            }
            Self::Package(_) => {
                "correct `package.json`; for bundled dependencies, let the service install the dependencies instead"
            }
            Self::TooLarge | Self::TooMany => {
                "exclude files that the pack does not need with a `.gitignore`"
            }
            Self::NoProject => {
                "name the directory that contains `PulumiPolicy.yaml`; if it is ignored by git, add it to the repository"
            }
        }
    }
}

/// The files of a pack by path. Links are followed; empty folders are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackTree {
    pub(super) entries: BTreeMap<String, PackEntry>,
}

impl PackTree {
    /// The files by path.
    pub fn entries(&self) -> &BTreeMap<String, PackEntry> {
        &self.entries
    }

    /// The total size of all files in bytes.
    pub(crate) fn size(&self) -> usize {
        self.entries.values().map(|entry| entry.bytes.len()).sum()
    }

    /// The digests of all files by path.
    pub fn files(&self) -> BTreeMap<String, FileDigest> {
        self.entries
            .iter()
            .map(|(path, entry)| (path.clone(), entry.digest()))
            .collect()
    }

    /// The identity of the source, independent of its archive: the digest of the lines `DIGEST
    /// PATH`, sorted by path. Paths are JSON strings, so a path with a line break cannot imitate
    /// two lines.
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

    /// The text of the project file.
    ///
    /// # Errors
    /// The project file is missing or not UTF-8.
    pub fn project(&self) -> Result<&str, PackError> {
        let entry = self.entries.get(PROJECT_FILE).ok_or(PackError::NoProject)?;
        std::str::from_utf8(&entry.bytes).map_err(|error| {
            let kind = FileProblemKind::NotUtf8 {
                line: 1,
                offset: error.valid_up_to(),
            };
            PackError::Entry {
                path: PROJECT_FILE.into(),
                kind,
            }
        })
    }
}

/// A file with its content as git would store it.
pub(super) struct FileContent {
    pub(super) bytes: Vec<u8>,
    pub(super) executable: bool,
}

/// Collects entries and enforces the limits.
#[derive(Debug)]
pub(super) struct PackCollector {
    tree: PackTree,
    bytes: usize,
    limits: SourceLimits,
    /// The number of files and folders that the walk found. Folders and ignored files are not part
    /// of the source, but a walk through them takes time.
    visited: usize,
}

impl PackCollector {
    pub(super) fn new(limits: SourceLimits) -> Self {
        Self {
            tree: PackTree::default(),
            bytes: 0,
            limits,
            visited: 0,
        }
    }

    /// The number of files and folders that the walk may still find.
    pub(super) fn remaining_visits(&self) -> usize {
        self.limits.entries.saturating_sub(self.visited)
    }

    /// Counts a file or folder.
    pub(super) fn visit(&mut self) -> Result<(), PackError> {
        self.visited += 1;
        if self.visited > self.limits.entries {
            let kind = FileProblemKind::TooManyEntries(self.limits.entries);
            return Err(PackError::Directory(kind));
        }
        Ok(())
    }

    /// The remaining size in bytes.
    pub(super) fn remaining(&self) -> usize {
        MAX_SOURCE_BYTES.saturating_sub(self.bytes)
    }

    pub(super) fn file(&mut self, path: &Utf8Path, content: FileContent) -> Result<(), PackError> {
        let FileContent { bytes, executable } = content;
        self.bytes += bytes.len();
        if self.bytes > MAX_SOURCE_BYTES {
            return Err(PackError::TooLarge);
        }
        if self.tree.entries.len() >= MAX_SOURCE_FILES {
            return Err(PackError::TooMany);
        }
        let entry = PackEntry {
            bytes: bytes.into(),
            executable,
        };
        self.tree.entries.insert(path.as_str().to_owned(), entry);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<PackTree, PackError> {
        self.tree.project()?;
        Ok(self.tree)
    }
}

/// A file above the remaining size is reported as a source that is too large.
pub(super) fn entry_error(path: &Utf8Path, kind: FileProblemKind) -> PackError {
    match kind {
        FileProblemKind::TooLarge(_) => PackError::TooLarge,
        kind => PackError::Entry {
            path: path.to_owned(),
            kind,
        },
    }
}

/// Whether a link at `path` points inside the source. Leading `..` segments must stay inside; they
/// pass real folders only, because `path` contains no links. A `..` after other segments is rejected
/// because these may be links.
pub(super) fn stays_inside(path: &Utf8Path, target: &str) -> bool {
    if target.is_empty()
        || target.starts_with('/')
        || target.contains(['\\', '\0'])
        || target.as_bytes().get(1) == Some(&b':')
    {
        return false;
    }
    let mut depth = path.components().count().saturating_sub(1);
    let mut is_down = false;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if is_down || depth == 0 => return false,
            ".." => depth -= 1,
            _ => is_down = true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_into_the_source_only() {
        for (path, target, wanted) in [
            ("a", "b", true),
            ("a", "./lib/b", true),
            ("lib/a", "../b", true),
            ("lib/deep/a", "../../b/c", true),
            ("lib/a", "..", true),
            ("a", "..", false),
            ("a", "../b", false),
            ("lib/a", "../../b", false),
            // `x` may be a link to a deeper folder.
            ("lib/a", "x/../../../b", false),
            ("a", "x/..", false),
            ("a", "/etc/passwd", false),
            ("a", "C:\\x", false),
            ("a", "..\\x", false),
            ("a", "", false),
        ] {
            assert_eq!(
                stays_inside(Utf8Path::new(path), target),
                wanted,
                "{path} -> {target}"
            );
        }
    }
}
