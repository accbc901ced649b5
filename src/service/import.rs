//! Import of live objects as manifests: what all services share.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::connect::ConnectError;
use crate::workspace::{ManifestSet, PendingEdits};
use manifest::config::Target;
use model::NameError;
use model::diag::{Diagnostic, SourceMap};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedManifest {
    pub text: String,
    /// What the manifest cannot express; it stays on the server.
    pub left_out: Vec<String>,
}

/// Why a live policy cannot be written as a manifest.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The policy has a type that this version does not know.
    #[error("it {0}, which this version does not support")]
    NotUnderstood(String),
    /// The name is not valid in a manifest.
    #[error("{0}; rename it on the server first")]
    Name(#[from] NameError),
    /// A name or a tag is not valid in a manifest.
    #[error("{0}")]
    Word(String),
    /// Two of its rules have the same name.
    #[error("duplicate rule `{0}`; rename one of them on the server first")]
    RepeatedRule(String),
    /// The check of manifests would reject one of its resources.
    #[error("its resource `{resource}` is invalid: {why}")]
    Resource { resource: String, why: String },
    #[error("it cannot be written as YAML: {0}")]
    Yaml(#[from] serde_yaml::Error),
}

/// A file that an import would write.
#[derive(Debug, Clone)]
pub struct ImportFile {
    pub path: Utf8PathBuf,
    /// What it declares, for example `policy`.
    pub kind: &'static str,
    /// The name of the live object.
    pub name: String,
    pub imported: ImportedManifest,
}

/// The live objects of one target that no manifest declares, as files.
#[derive(Debug)]
pub struct ImportFiles<'a> {
    folder: &'a Utf8Path,
    /// The names of files, which do not depend on the order in which the server lists the objects.
    taken: BTreeSet<String>,
    pub files: Vec<ImportFile>,
    /// Live objects that cannot be written as manifests: what they are, and why.
    pub refused: Vec<(String, String)>,
    /// The number of live objects that a manifest already declares.
    pub already_declared: usize,
}

impl<'a> ImportFiles<'a> {
    pub fn new(folder: &'a Utf8Path) -> Self {
        Self {
            folder,
            taken: BTreeSet::new(),
            files: Vec::new(),
            refused: Vec::new(),
            already_declared: 0,
        }
    }

    /// Adds a live object. `stem` is the name of its file without the extension; a number is added
    /// if another file has the same name, or if a file of that name would not be read.
    pub fn add(
        &mut self,
        kind: &'static str,
        name: &str,
        stem: String,
        imported: Result<ImportedManifest, ImportError>,
    ) {
        match imported {
            Err(error) => self
                .refused
                .push((format!("{kind} \"{name}\""), error.to_string())),
            Ok(imported) => {
                let numbered = (2..).map(|number| format!("{stem}-{number}"));
                let free = std::iter::once(stem.clone())
                    .chain(numbered)
                    .filter(|name| is_readable_stem(name))
                    .find(|name| self.taken.insert(name.clone()));
                let path = self.folder.join(format!("{}.yaml", free.unwrap_or(stem)));
                self.files.push(ImportFile {
                    path,
                    kind,
                    name: name.to_owned(),
                    imported,
                });
            }
        }
    }
}

/// The result of importing all live objects of a target that no manifest declares.
#[derive(Debug)]
pub enum TargetImport<'a> {
    Listed(ImportFiles<'a>),
    /// The service cannot list its objects: why, and the command that imports them by name.
    NotListed(&'static str),
}

/// Why the manifests cannot be read again. The caller reads them and knows the type.
pub type ReadManifestsError = Box<dyn std::error::Error + Send + Sync>;

/// Live objects that are written into the manifests that declare them, or into new ones.
#[derive(Clone, Copy)]
pub struct NamedImport<'a> {
    /// The names of the live objects.
    pub names: &'a [String],
    /// The folder for the new files of a target.
    pub folder: &'a dyn Fn(&Target) -> Utf8PathBuf,
    /// Overwrite existing files.
    pub force: bool,
    /// The manifests before the import.
    pub manifests: &'a ManifestSet,
    /// Reads the manifests as they would be with some files written.
    pub reread: &'a dyn Fn(&PendingEdits) -> Result<ManifestSet, ReadManifestsError>,
}

/// What an import of named objects is about to write. Nothing was written yet.
#[derive(Debug, Default)]
pub struct PendingImport {
    pub edits: PendingEdits,
    /// What was done, one line each.
    pub lines: Vec<String>,
}

/// Why named objects are not imported. Nothing was written.
#[derive(Debug, Error)]
pub enum NamedImportError {
    #[error("{0}")]
    Refused(String),
    /// The manifests of a target are invalid.
    #[error("the manifests are invalid")]
    Invalid {
        sources: Box<SourceMap>,
        diagnostics: Vec<Diagnostic>,
    },
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A failure, with what it is about.
    #[error("{context}")]
    At {
        context: String,
        source: ReadManifestsError,
    },
    #[error(transparent)]
    Failed(#[from] ReadManifestsError),
}

/// Says what an import error is about.
pub trait ImportContext<T> {
    /// Adds a text that is computed only if there is an error.
    ///
    /// # Errors
    /// There is an error.
    fn with_context(self, context: impl FnOnce() -> String) -> Result<T, NamedImportError>;

    /// Adds a text.
    ///
    /// # Errors
    /// There is an error.
    fn context(self, context: &str) -> Result<T, NamedImportError>
    where
        Self: Sized,
    {
        self.with_context(|| context.to_owned())
    }
}

impl<T, E: std::error::Error + Send + Sync + 'static> ImportContext<T> for Result<T, E> {
    fn with_context(self, context: impl FnOnce() -> String) -> Result<T, NamedImportError> {
        self.map_err(|error| NamedImportError::At {
            context: context(),
            source: error.into(),
        })
    }
}

impl<T> ImportContext<T> for Option<T> {
    fn with_context(self, context: impl FnOnce() -> String) -> Result<T, NamedImportError> {
        self.ok_or_else(|| NamedImportError::Refused(context()))
    }
}

/// The target that an error is about.
pub fn target_context(target: &Target) -> String {
    format!("target `{}`", target.name)
}

/// Whether a file `STEM.yaml` is read as a manifest and can be written everywhere: it is not the
/// configuration, and Windows reserves no device of that name.
pub fn is_readable_stem(stem: &str) -> bool {
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let is_config = Utf8Path::new(model::CONFIG_FILE_NAME)
        .file_stem()
        .is_some_and(|config| stem.eq_ignore_ascii_case(config));
    let is_port = stem.len() == 4
        && ["com", "lpt"].iter().any(|port| {
            let name = stem.get(..3);
            name.is_some_and(|name| name.eq_ignore_ascii_case(port))
        })
        && stem.ends_with(|last: char| last.is_ascii_digit());
    let is_device = DEVICES.iter().any(|name| stem.eq_ignore_ascii_case(name));
    !is_config && !is_port && !is_device
}

/// The name of an object's file without its extension: lower-case letters, digits and single dashes.
pub fn file_stem(policy: &str) -> String {
    let mut stem = String::new();
    for character in policy.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            stem.push(character);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
        if stem.len() >= 60 {
            break;
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() {
        "policy".to_owned()
    } else {
        stem.to_owned()
    }
}
