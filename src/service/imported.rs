//! The result of writing live objects as manifests, for every service.

use model::NameError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedManifest {
    pub text: String,
    /// What the manifest cannot express; it stays on the server.
    pub left_out: Vec<String>,
}

/// Why a live policy cannot be written as a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The policy has a type that this version does not know.
    #[error("it {0}, which this version does not understand")]
    NotUnderstood(String),
    /// The name is not valid in a manifest.
    #[error("{0}; give it another name at the server first")]
    Name(#[from] NameError),
    /// A name or a tag is not valid in a manifest.
    #[error("{0}")]
    Word(String),
    /// Two of its rules have the same name.
    #[error("two of its rules are called `{0}`; give one of them another name at the server first")]
    RepeatedRule(String),
    /// The check of manifests would reject one of its resources.
    #[error("its resource `{resource}` is none of the contract's: {why}")]
    Resource { resource: String, why: String },
    #[error("it cannot be written as YAML: {0}")]
    Yaml(#[from] serde_yaml::Error),
}
