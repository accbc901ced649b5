//! Parses YAML text to documents and typed manifests, with JSON Schemas generated from the same
//! types.

pub mod access;
pub mod chainloop;
pub mod config;
pub mod docker;
pub mod format;
mod invisible;
pub mod list;
pub mod lock;
mod parse;
pub mod pulumi;
pub mod schema;
pub mod test;
mod yaml;

use model::diag::{DocumentId, Path};

pub use invisible::hidden_in_prose;
pub use parse::{
    IncompleteConfig, ParsedFile, contains_manifest, contains_own_manifest, parse, parse_config,
    parse_incomplete_config, parse_lock, plain_documents, plain_documents_up_to, plain_yaml,
};
pub use yaml::MAX_BYTES;

/// The form of names in schemas. Later checks are stricter and have better messages.
const NAME_PATTERN: &str = r"^\S(.*\S)?$";

/// A typed document of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    Policy(docker::DockerPolicyManifest),
    ResourceList(list::ResourceListManifest),
    /// Requests that policies must allow or deny.
    PolicyTest(test::PolicyTestManifest),
    PolicyPack(Box<pulumi::PolicyPackManifest>),
    PolicyGroup(Box<pulumi::PulumiPolicyGroupManifest>),
    ChainloopPolicy(Box<chainloop::PolicyDocument>),
    ChainloopGroup(Box<chainloop::GroupDocument>),
}

impl Manifest {
    /// The manifest as a policy of Docker, if it is one.
    pub fn policy(&self) -> Option<&docker::DockerPolicyManifest> {
        match self {
            Self::Policy(policy) => Some(policy),
            Self::ResourceList(_)
            | Self::PolicyTest(_)
            | Self::PolicyPack(_)
            | Self::PolicyGroup(_)
            | Self::ChainloopPolicy(_)
            | Self::ChainloopGroup(_) => None,
        }
    }

    /// The manifest as a policy test, if it is one.
    pub fn policy_test(&self) -> Option<&test::PolicyTestManifest> {
        match self {
            Self::PolicyTest(test) => Some(test),
            Self::Policy(_)
            | Self::ResourceList(_)
            | Self::PolicyPack(_)
            | Self::PolicyGroup(_)
            | Self::ChainloopPolicy(_)
            | Self::ChainloopGroup(_) => None,
        }
    }

    /// The manifest as a document of Chainloop, if it is one.
    pub fn chainloop(&self) -> Option<chainloop::NativeDocument<'_>> {
        match self {
            Self::ChainloopPolicy(policy) => Some(chainloop::NativeDocument::Policy(policy)),
            Self::ChainloopGroup(group) => Some(chainloop::NativeDocument::Group(group)),
            Self::Policy(_)
            | Self::ResourceList(_)
            | Self::PolicyTest(_)
            | Self::PolicyPack(_)
            | Self::PolicyGroup(_) => None,
        }
    }
}

/// A manifest with its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub id: DocumentId,
    pub manifest: Manifest,
}

/// A document with schema errors, for checks only: it must never be planned.
///
/// Its invalid values were replaced by others of the right type, so that everything else can be
/// checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncompleteDocument {
    pub document: Document,
    pub invalid: InvalidValues,
}

/// The values of a document that do not match its schema. Nothing may be concluded from what
/// replaced them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvalidValues {
    /// The paths of the values that were added, removed or replaced.
    pub(crate) paths: Vec<Path>,
    /// The mappings that contained unknown fields, which may stand for known ones.
    pub(crate) with_unknown_fields: Vec<Path>,
}

impl InvalidValues {
    /// Whether the value at a path has no meaning, because it or a value around it is invalid.
    pub fn replace(&self, path: &Path) -> bool {
        self.paths.iter().any(|invalid| contains(invalid, path))
    }

    /// Whether the value at a path, a value in it or a value around it is invalid, or an unknown
    /// field may stand for one of them.
    pub fn affect(&self, path: &Path) -> bool {
        self.replace(path)
            || self.paths.iter().any(|invalid| contains(path, invalid))
            || self
                .with_unknown_fields
                .iter()
                .any(|mapping| contains(mapping, path))
    }

    /// Whether a mapping contains unknown fields, so that one of them may be what it seems to miss.
    pub fn are_unknown_fields_of(&self, mapping: &Path) -> bool {
        self.with_unknown_fields.contains(mapping)
    }

    /// Whether a diagnostic about the value at a path is a consequence of the schema errors.
    pub fn explain(&self, path: &Path) -> bool {
        self.replace(path) || self.are_unknown_fields_of(path)
    }
}

/// Whether the value at `inner` is the value at `outer` or a part of it.
fn contains(outer: &Path, inner: &Path) -> bool {
    inner.segments().starts_with(outer.segments())
}
