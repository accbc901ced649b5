//! The drift report.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{Change, HeldChange, UnmanagedResource};
use super::document::DocumentStatus;
use super::gates::GateOutcome;
use super::impact::{AccessImpact, EnforcementChange};
use super::plan::{Commit, TargetInfo};
use super::resource::ResourceKind;
use access::People;

/// The version of the JSON format of drift reports. It increases with incompatible changes.
pub const DRIFT_FORMAT_VERSION: u32 = 3;

/// The differences of servers from a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftReport {
    /// The format version: [`DRIFT_FORMAT_VERSION`].
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

/// The differences of one target's organization from its manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetDrift {
    /// The target.
    pub target: TargetInfo,
    /// Changes made outside of polwarden: `before` is the desired state, `after` the live state.
    pub changes: Vec<Change>,
    /// Changes of enforcement by the drift, if the provider has levels of enforcement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforcement: Vec<EnforcementChange>,
    /// The comparison of documents, if the provider stores documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentStatus>,
    /// The time of the last change of each policy that differs and still exists.
    pub since: Vec<LastChange>,
    /// The access that the drift opened and closed, if the provider decides about requests. Unmanaged policies that are drift count
    /// as opened and closed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessImpact>,
    /// Differences that cannot be undone with this profile of the API.
    pub held: Vec<HeldChange>,
    /// The number of objects that the manifests declare, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub managed: BTreeMap<ResourceKind, usize>,
    /// Whether the service cannot list its objects, so that objects without a manifest are not checked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
    /// The access gates, evaluated on the whole live state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateOutcome>,
    /// Live objects that no manifest declares and that are left alone. They are drift unless they are known or ignored.
    pub unmanaged: Vec<UnmanagedResource>,
    /// The command that imports the live state into the manifests, as arguments; empty if nothing can be imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopt: Vec<String>,
    /// The command that restores the desired state on the server, as arguments; empty if nothing can be restored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<String>,
}

/// The time of the last change of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Since")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastChange {
    /// Its live name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The time, from `updated_at` of the server.
    pub updated_at: String,
}

impl TargetDrift {
    /// The groups in rows, breaches and changes, as they are written there.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        let rows = self.access.iter().flat_map(AccessImpact::people);
        let people = rows.chain(self.gates.iter().flat_map(GateOutcome::people));
        let changes = self.changes.iter().flat_map(Change::teams);
        people.flat_map(People::groups).chain(changes)
    }

    /// Replaces the UUIDs of teams by their names, for text output.
    pub(crate) fn name_teams(&mut self, names: &BTreeMap<String, String>) {
        self.access = self
            .access
            .take()
            .map(|access| access.with_team_names(names));
        for gate in &mut self.gates {
            gate.name_teams(names);
        }
        for change in &mut self.changes {
            change.name_teams(names);
        }
    }

    /// The command that adopts the live state of some policies into the manifests; `None` for no
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

    /// The live objects that are neither declared nor listed as known or ignored.
    pub fn unknown_objects(&self) -> impl Iterator<Item = &UnmanagedResource> {
        self.unmanaged.iter().filter(|one| one.is_drift())
    }

    /// Whether access differs, or may differ, from the desired state.
    pub fn may_change_access(&self) -> bool {
        !self.changes.is_empty() || self.unknown_objects().next().is_some()
    }

    /// Whether the live state differs from the manifests.
    pub fn is_drift(&self) -> bool {
        !self.changes.is_empty() || !self.held.is_empty() || self.unknown_objects().next().is_some()
    }
}
