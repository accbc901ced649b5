//! The drift report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{Change, HeldChange, UnmanagedResource};
use super::document::DocumentStatus;
use super::impact::{AccessImpact, EnforcementChange};
use super::plan::{Commit, TargetInfo};

/// The version of the JSON form of a drift report; raised when a reader of the old form would misread the new one.
pub const DRIFT_FORMAT_VERSION: u32 = 3;

/// How the servers differ from a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftReport {
    /// The version of this form: [`DRIFT_FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of polwarden that made the report.
    pub tool_version: String,
    /// Whether any target drifted.
    pub drifted: bool,
    /// The commit that the manifests were read from, in a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// One for each target, in the order of `polwarden.yaml`.
    pub targets: Vec<TargetDrift>,
}

/// How the organization of one target differs from its manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetDrift {
    /// The target.
    pub target: TargetInfo,
    /// What somebody else did at the server: `before` is what the manifests want, `after` what the server holds.
    pub changes: Vec<Change>,
    /// What the drift did to what is enforced, where the provider has levels of enforcement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforcement: Vec<EnforcementChange>,
    /// How documents compare, where the provider keeps documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentStatus>,
    /// When the server last changed each of the policies that differ and are still there.
    pub since: Vec<LastChange>,
    /// What the drift opened and closed, where the provider decides about requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessImpact>,
    /// What differs and cannot be undone through this profile of the API.
    pub held: Vec<HeldChange>,
    /// What is live, declared by no manifest and left alone; it counts as no drift.
    pub unmanaged: Vec<UnmanagedResource>,
    /// The command that writes what is live into the manifests, word for word; none where nothing can be written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopt: Vec<String>,
    /// The command that makes the server hold again what the manifests want; none where nothing can be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<String>,
}

/// When the server last changed a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Since")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastChange {
    /// Its name at the server.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The server's own word for when: `updated_at`.
    pub updated_at: String,
}

impl TargetDrift {
    /// The command that adopts the live state of some policies into the manifests; nothing for no
    /// policies.
    pub fn adopting<'p>(
        target: &TargetInfo,
        policies: impl IntoIterator<Item = &'p str>,
    ) -> Vec<String> {
        let only: Vec<&str> = policies
            .into_iter()
            .flat_map(|policy| ["--only", policy])
            .collect();
        if only.is_empty() {
            return Vec::new();
        }
        let command = ["polwarden", "import", "--target", &target.name]
            .into_iter()
            .chain(only);
        command.map(str::to_owned).collect()
    }

    /// Whether that command adopts the policy of this name.
    pub fn adopts(&self, name: &str) -> bool {
        self.adopt.windows(2).any(|words| words == ["--only", name])
    }

    /// Whether the live state differs from the manifests.
    pub fn is_drift(&self) -> bool {
        !self.changes.is_empty() || !self.held.is_empty()
    }
}
