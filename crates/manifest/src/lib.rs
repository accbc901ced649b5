//! YAML text → documents → typed manifests, and the JSON Schemas generated from the very same types.

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

use model::diag::DocumentId;

pub use parse::{Parsed, parse, parse_config, parse_lock, plain_documents, plain_yaml};
pub use yaml::MAX_BYTES;
pub(crate) use yaml::is_plain_text;

/// What the schemas ask of a name; the check of meaning asks more, in better words.
const NAME_PATTERN: &str = r"^\S(.*\S)?$";

/// One document of the repository, with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// A policy of the Docker AI Governance API.
    Policy(docker::PolicyManifest),
    /// A named list of resources.
    ResourceList(list::ResourceListManifest),
    /// What policies must allow and deny; no policy itself.
    PolicyTest(test::PolicyTestManifest),
    /// A policy pack of Pulumi Cloud.
    PolicyPack(Box<pulumi::PolicyPackManifest>),
    /// A policy group of Pulumi Cloud.
    PolicyGroup(Box<pulumi::PolicyGroupManifest>),
    /// A policy of Chainloop.
    ChainloopPolicy(Box<chainloop::PolicyDocument>),
    /// A policy group of Chainloop.
    ChainloopGroup(Box<chainloop::GroupDocument>),
}

impl Manifest {
    /// The document of Chainloop that this is, if it is one.
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

/// A manifest and the document that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it stands.
    pub id: DocumentId,
    /// What it says.
    pub manifest: Manifest,
}
