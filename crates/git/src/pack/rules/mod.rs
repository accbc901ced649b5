//! The rules that decide which files of a source an archive contains.
//!
//! The vendor's tool packs a Node.js source with `npm pack`, and the sources of all other runtimes
//! with an archiver of its own. Both tools read ignore files, and neither asks git.

mod glob;
mod ignore_file;
mod npm;

use self::ignore_file::IgnoreFile;
pub(crate) use self::npm::{NamedPath, PackageRules};

/// The tool whose rules apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PackRules {
    /// The vendor's archiver: everything except what `.gitignore` files name.
    #[default]
    Archive,
    /// `npm pack`.
    Npm,
}

impl PackRules {
    /// The rules for a runtime of `PulumiPolicy.yaml`.
    pub fn of_runtime(runtime: &str) -> Self {
        if runtime.eq_ignore_ascii_case("nodejs") {
            Self::Npm
        } else {
            Self::Archive
        }
    }
}

/// A pattern of an ignore file that this version cannot evaluate as the vendor's tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnsupportedPattern(pub(crate) String);

/// The rules of a folder, with those of the folders above it.
pub(super) enum FolderRules<'p> {
    Npm(PackageRules<'p>),
    Archive(ArchiveRules<'p>),
}

impl FolderRules<'_> {
    /// The ignore files that the rules of a folder are read from.
    pub(super) fn ignore_files(&self) -> &'static [&'static str] {
        match self {
            Self::Npm(_) => &[".npmignore", ".gitignore"],
            Self::Archive(_) => &[".gitignore"],
        }
    }

    /// Adds an ignore file of the folder.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), UnsupportedPattern> {
        match self {
            Self::Npm(rules) => rules.add(name, text),
            Self::Archive(rules) => {
                rules.own = Some(IgnoreFile::parse(text));
                Ok(())
            }
        }
    }

    /// Whether the archive contains a file of the folder.
    pub(super) fn includes_file(&self, name: &str) -> bool {
        match self {
            Self::Npm(rules) => rules.includes(name),
            Self::Archive(rules) => !rules.ignores(name),
        }
    }

    /// Whether what a link leads to may be part of the archive.
    pub(super) fn may_include_link(&self, name: &str) -> bool {
        match self {
            Self::Npm(rules) => rules.includes(name) || rules.enter(name).is_some(),
            // The archiver tests a link as a file before it follows it.
            Self::Archive(rules) => !rules.ignores(name),
        }
    }

    /// The rules of a folder in the folder; `None` if nothing in it can be part of the archive.
    pub(super) fn enter(&self, name: &str) -> Option<FolderRules<'_>> {
        match self {
            Self::Npm(rules) => rules.enter(name).map(FolderRules::Npm),
            // The archiver tests files only.
            Self::Archive(rules) => Some(FolderRules::Archive(ArchiveRules {
                place: RulesPlace::Below {
                    parent: rules,
                    name: name.to_owned(),
                },
                own: None,
            })),
        }
    }
}

/// The rules of the vendor's archiver for a folder.
pub(super) struct ArchiveRules<'p> {
    place: RulesPlace<'p>,
    own: Option<IgnoreFile>,
}

enum RulesPlace<'p> {
    /// The folder of the source, with the ignore files of the folders above it. Each has the path of
    /// the source from its folder.
    Source(Vec<(String, IgnoreFile)>),
    Below {
        parent: &'p ArchiveRules<'p>,
        name: String,
    },
}

impl<'p> ArchiveRules<'p> {
    /// The rules of the source's folder. `above` are the `.gitignore` files above it.
    pub(super) fn of_source(above: &[(String, String)]) -> Self {
        let above = above
            .iter()
            .map(|(path, text)| (path.clone(), IgnoreFile::parse(text)));
        Self {
            place: RulesPlace::Source(above.collect()),
            own: None,
        }
    }

    /// Whether an ignore file of this folder or of one above names a path. One that names it is
    /// enough: a file below cannot take that back.
    fn ignores(&self, path: &str) -> bool {
        if self.own.as_ref().is_some_and(|own| own.names(path)) {
            return true;
        }
        match &self.place {
            RulesPlace::Source(above) => above
                .iter()
                .any(|(source, file)| file.names(&format!("{source}/{path}"))),
            RulesPlace::Below { parent, name } => parent.ignores(&format!("{name}/{path}")),
        }
    }
}
