//! The initial contents of organizations.
//!
//! A seed can contain what the API would refuse: texts that are not policies, wrong digests,
//! unknown formats. The emulator stores and returns them unchanged, so that tests can run clients
//! against a faulty service.

use serde::Deserialize;

use crate::error::SeedError;

/// The seed file: `{"organizations": […]}`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainloopSeed {
    pub organizations: Vec<ChainloopOrganizationSeed>,
    /// Built-in documents in addition to the emulator's own.
    #[serde(default)]
    pub builtin: BuiltinSeed,
}

/// Built-in documents.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuiltinSeed {
    #[serde(default)]
    pub policies: Vec<DocumentSeed>,
    #[serde(default)]
    pub groups: Vec<DocumentSeed>,
}

impl ChainloopSeed {
    /// Parses a seed file.
    ///
    /// # Errors
    /// The text is not JSON or does not have the format in `docs/reference/emulator-chainloop.md`. The message contains
    /// line and column.
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        Ok(serde_json::from_str(text)?)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainloopOrganizationSeed {
    pub name: String,
    /// Whether the caller is not a member. Its documents are then read-only.
    #[serde(default)]
    pub foreign: bool,
    /// Stored only when the organization is created, like its groups.
    #[serde(default)]
    pub policies: Vec<DocumentSeed>,
    #[serde(default)]
    pub groups: Vec<DocumentSeed>,
}

/// A policy or a group.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentSeed {
    /// The name, unique in the organization.
    pub name: String,
    /// The versions, oldest first. The last one is the latest.
    pub versions: Vec<VersionSeed>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionSeed {
    /// The unmodified text.
    pub text: String,
    /// The time of writing, for example `2026-01-02T03:04:05Z`. Defaults to now.
    #[serde(default)]
    pub created_at: Option<String>,
    /// The digest that the service reports. Defaults to the digest of the text.
    #[serde(default)]
    pub digest: Option<String>,
    /// Defaults to `FORMAT_YAML`.
    #[serde(default)]
    pub format: Option<String>,
}
