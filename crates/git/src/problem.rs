//! Lists of manifests, and problems with files and folders.

use camino::{Utf8Path, Utf8PathBuf};
use model::diag::Code;
use thiserror::Error;

/// Maximum depth of nested folders.
pub(crate) const MAX_DEPTH: usize = 64;

/// The reason why a file or folder cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileProblemKind {
    /// The path does not exist.
    #[error("no such file or folder")]
    Missing,
    /// The path is absolute or leaves the repository.
    #[error("the path leaves the repository")]
    Outside,
    /// A symbolic link points outside of the repository.
    #[error("the symbolic link points outside of the repository")]
    SymlinkOutside,
    /// A symbolic link that was checked out as a file.
    #[error("this is a symbolic link in git, but a plain file here (core.symlinks = false)")]
    PlainLink,
    /// A folder links to one of its parents.
    #[error("the folder links back to one of its parents")]
    Loop,
    /// A pipe, socket or device.
    #[error("this is neither a file nor a folder")]
    Special,
    /// The file exceeds the limit in bytes.
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    /// The files of the work tree, index or revision together exceed the limit in bytes.
    #[error("the files that are read exceed {0} bytes in total")]
    TotalTooLarge(usize),
    /// The `.gitattributes` files above a file exceed the limit in bytes.
    #[error("the .gitattributes files above it exceed {0} bytes in total")]
    Attributes(u64),
    /// The folder contains more files and folders than the limit.
    #[error("the folder contains more than {0} files and folders")]
    TooManyEntries(usize),
    /// The content is not UTF-8.
    #[error("the file is not UTF-8: byte {offset}, in line {line}")]
    NotUtf8 {
        /// Line of the first invalid byte, counted from 1.
        line: usize,
        /// Offset of the first invalid byte.
        offset: usize,
    },
    /// Git converts the file to this encoding when it is checked out.
    #[error(
        "git checks this file out as {0} (`working-tree-encoding` in .gitattributes), and not as UTF-8"
    )]
    ConvertedEncoding(String),
    /// The name is not UTF-8.
    #[error("the name is not UTF-8")]
    Name,
    /// A submodule. The repository contains only its commit id.
    #[error("this is a submodule: its files are not part of this repository")]
    Submodule,
    /// An object of the revision that this clone does not contain.
    #[error("its content is not in this clone, which may be a partial clone")]
    NotFetched,
    /// An error of the operating system or of git.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl FileProblemKind {
    pub(crate) fn too_deep() -> Self {
        Self::Unreadable(format!("folders nest deeper than {MAX_DEPTH} levels"))
    }

    /// The diagnostic code of the problem.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing
            | Self::Special
            | Self::Name
            | Self::Submodule
            | Self::PlainLink
            | Self::NotFetched
            | Self::TooManyEntries(_)
            | Self::Attributes(_)
            | Self::Unreadable(_) => Code::FileUnreadable,
            Self::Outside => Code::TargetPathInvalid,
            Self::SymlinkOutside => Code::SymlinkOutside,
            Self::Loop => Code::DirectoryLoop,
            Self::TooLarge(_) | Self::TotalTooLarge(_) => Code::FileTooLarge,
            Self::NotUtf8 { .. } | Self::ConvertedEncoding(_) => Code::FileNotUtf8,
        }
    }

    /// The next step, as a clause for a help line.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing => "check the spelling, upper and lower case included",
            Self::Outside => "use a path relative to the configuration, inside the repository",
            Self::SymlinkOutside => {
                "replace the link with a copy, or let it point into the repository"
            }
            Self::PlainLink => {
                "read the commit with `--at HEAD`, or check it out again with `core.symlinks = true` on a file system with links"
            }
            Self::Loop => "remove the link; the rest of the folder is read",
            Self::Special => "remove it from the folder, or name the files one by one",
            Self::TooLarge(_) => "split it into several files",
            Self::TotalTooLarge(_) => {
                "move files that are not needed out of the paths of the targets, or split the configuration"
            }
            Self::Attributes(_) => "combine their lines into fewer patterns",
            Self::TooManyEntries(_) => {
                "move files that are not manifests out of the folder, or name smaller folders"
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8",
            Self::ConvertedEncoding(_) => {
                "remove the attribute for this file, or read the commit with `--at HEAD`"
            }
            Self::Name => "rename the file",
            Self::Submodule => {
                "keep the manifests in this repository, or name the folders next to the submodule one by one"
            }
            Self::NotFetched => {
                "fetch the objects that a filter excluded with `git fetch --refetch --no-filter origin`, or clone without a filter"
            }
            Self::Unreadable(_) => "check that the file exists and may be read",
        }
    }
}

/// A file or folder that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// Path relative to the configuration. Bytes that are not UTF-8 are replaced.
    pub path: Utf8PathBuf,
    /// Reason.
    pub kind: FileProblemKind,
}

/// The manifests below one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Sorted paths relative to the configuration.
    pub files: Vec<Utf8PathBuf>,
    /// Problems in the order in which they were found.
    pub problems: Vec<FileProblem>,
    /// Files that are not manifests because of their names: hidden files, files with other
    /// extensions, further configurations, and what would be manifests in hidden folders.
    pub skipped: Vec<Utf8PathBuf>,
}

/// Maximum number of entries of hidden folders to look at in one listing.
pub(crate) const MAX_HIDDEN: usize = 10_000;

/// Whether a file is a manifest by its name. The case of the extension does not matter.
pub fn is_manifest(path: &Utf8Path) -> bool {
    let has_extension = path.extension().is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    });
    has_extension && path.file_name() != Some(model::CONFIG_FILE_NAME)
}

/// The extensions of manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];
