//! What organizations hold when an emulator starts.
//!
//! A seed can hold what the API would refuse: texts that are no policies, digests that are not those of the texts,
//! formats that nobody knows. They are stored and returned as they are, so that clients can be tried with a service that
//! is wrong.

use serde::Deserialize;

use crate::error::SeedError;

/// The seed file: `{"organizations": […]}`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// The organizations.
    pub organizations: Vec<OrganizationSeed>,
    /// What the service brings along, besides what it always does.
    #[serde(default)]
    pub builtin: Builtin,
}

/// What the service brings along.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Builtin {
    /// Its policies.
    #[serde(default)]
    pub policies: Vec<DocumentSeed>,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<DocumentSeed>,
}

impl Seed {
    /// Reads a seed file's text.
    ///
    /// # Errors
    /// The text is not JSON, or not of the form that `docs/emulator.md` gives; the message has line and column.
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        Ok(serde_json::from_str(text)?)
    }
}

/// An organization.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationSeed {
    /// The name.
    pub name: String,
    /// Whether the caller does not belong to it: what it has can be read and not be written.
    #[serde(default)]
    pub foreign: bool,
    /// Its policies; like its groups, they are stored only when the organization is created.
    #[serde(default)]
    pub policies: Vec<DocumentSeed>,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<DocumentSeed>,
}

/// A policy or a group.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentSeed {
    /// The name, unique in the organization.
    pub name: String,
    /// The versions, oldest first; the last one is the latest.
    pub versions: Vec<VersionSeed>,
}

/// A version of a document.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionSeed {
    /// The document, as it is.
    pub text: String,
    /// When it was written, such as `2026-01-02T03:04:05Z`; now if absent.
    #[serde(default)]
    pub created_at: Option<String>,
    /// What the service says that the digest is; that of the text if absent.
    #[serde(default)]
    pub digest: Option<String>,
    /// `FORMAT_YAML` if absent.
    #[serde(default)]
    pub format: Option<String>,
}
