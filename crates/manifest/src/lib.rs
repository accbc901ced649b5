//! Parses YAML text to documents and typed manifests, with JSON Schemas generated from the same
//! types.

pub mod access;
pub mod chainloop;
pub mod config;
pub mod docker;
pub mod format;
pub mod list;
pub mod lock;
mod parse;
pub mod pulumi;
pub mod schema;
pub mod test;
mod yaml;

use model::diag::{DocumentId, Path};

pub use parse::{
    ParsedFile, parse, parse_config, parse_incomplete_config, parse_lock, plain_documents,
    plain_yaml,
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
/// checked. Nothing may be concluded from the replaced values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncompleteDocument {
    pub document: Document,
    /// The paths of the values that were added, removed or replaced.
    pub invalid: Vec<Path>,
}
