//! Changes as a person reads them, and the changes that a plan leaves out or guards.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{ChangedField, FieldChange, ValueChange};
use super::fingerprint::Fingerprint;
use super::resource::{ResourceId, ResourceKind};
use manifest::config::Unmanaged;
use model::diag::{Place, SourceMap};
use model::docker::DockerOperationKind;

/// The change of an object, with the changes of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The kind of the object.
    pub resource: ResourceKind,
    /// Its name after the change, or before a deletion.
    pub name: String,
    /// The server's id, if the object exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// The fields that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// The changes of its parts: the rules of a policy, or the versions of a pack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}

impl Change {
    /// The teams of a changed scope.
    pub(crate) fn teams(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().filter_map(|field| match field {
            FieldChange {
                field: ChangedField::Teams,
                value: ValueChange::Set { added, removed, .. },
            } => Some(added.iter().chain(removed)),
            FieldChange { .. } => None,
        });
        fields.flatten().map(String::as_str)
    }

    /// Replaces the UUIDs of teams by their names, for text output.
    pub(crate) fn name_teams(&mut self, names: &BTreeMap<String, String>) {
        for change in &mut self.fields {
            if let FieldChange {
                field: ChangedField::Teams,
                value: ValueChange::Set { added, removed, .. },
            } = change
            {
                for team in added.iter_mut().chain(removed) {
                    let known = names.iter().find(|(_, id)| id.eq_ignore_ascii_case(team));
                    if let Some((name, _)) = known {
                        team.clone_from(name);
                    }
                }
            }
        }
        for child in &mut self.children {
            child.name_teams(names);
        }
    }
}

/// The kind of a change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ChangeKind {
    /// The object is created.
    Create,
    /// Some fields differ.
    Update,
    /// The object is deleted.
    Delete,
    /// The object itself does not change, but its parts do.
    Within,
}

/// A line of a file of the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceRef {
    /// The file, relative to the directory of `polwarden.yaml`.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
}

impl SourceRef {
    /// The line where a place begins.
    pub fn locate(sources: &SourceMap, place: &Place) -> Self {
        Self {
            file: sources.file(place.file()).name().to_owned(),
            line: sources.resolve(place).line,
        }
    }
}

/// A change that the plan does not make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Held")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldChange {
    /// The kind of the object.
    pub resource: ResourceKind,
    /// The name of the object: a policy, a pack or a group.
    pub name: String,
    /// The name of the part, if it concerns one: a rule, or a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// Why.
    pub reason: HeldReason,
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "code",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum HeldReason {
    /// The target's profile of the API has no such operation.
    ProfileLacks {
        /// The operation that would be needed.
        operation: DockerOperationKind,
        /// The effect of the operation, as a clause: "rename it from `a` to `b`".
        wanted: String,
    },
    /// The service does not support the change.
    Refused {
        /// Why, as a clause.
        why: String,
    },
    /// The live object contains something that this version does not support.
    NotUnderstood {
        /// The unsupported content, as a clause.
        why: String,
    },
    /// The target does not set `writes: true`.
    WritesOff,
    /// The service documents no write for this kind of object.
    NoWrite,
    /// The object does not belong to the organization; only its owner can change it.
    OwnedElsewhere {
        /// Whether it is built into the service.
        builtin: bool,
        /// The organization that owns it, if the service reports it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// The document refers to files of the repository, which the service cannot read.
    LocalReferences {
        /// The field with the reference.
        references: Vec<String>,
    },
}

/// A live object that no manifest declares, including ignored ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnmanagedResource {
    /// The kind of the object.
    pub resource: ResourceKind,
    /// The id.
    pub id: ResourceId,
    /// The name.
    pub name: String,
    /// The number of its parts: rules of a policy, versions of a pack, packs of a group.
    pub parts: usize,
    /// How the plan treats it.
    pub treatment: Unmanaged,
    /// Whether the configuration lists it as known: it is left alone intentionally and is not drift.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// If it is pruned: the name of the declared object that replaces it, so it is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
}

impl UnmanagedResource {
    /// Whether it is neither known nor ignored nor deleted.
    pub fn is_drift(&self) -> bool {
        !self.known && self.treatment == Unmanaged::Report
    }
}

/// A note for reviewers about the order and effect of the calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Note")]
#[serde(
    tag = "code",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum PlanNote {
    /// Access temporarily differs from both before and after the plan; no order of calls avoids it.
    Gap {
        /// The policy.
        policy: String,
        /// Why, as a clause.
        why: String,
    },
    /// The enforcement of a group temporarily differs from both before and after the plan; no order of calls avoids it.
    GroupGap {
        /// The group.
        name: String,
        /// Why, as a clause.
        why: String,
    },
    /// It is not proven that no step opens or closes more than the plan: the calls are made sequentially.
    Unproved {
        /// Why, as a clause.
        why: String,
    },
    /// The scope of a policy widens from some teams to the whole organization.
    ScopeWidens {
        /// The policy.
        policy: String,
    },
    /// The plan writes an older version of the live document.
    GoesBack {
        /// The policy.
        policy: String,
        /// The digest of the older version.
        digest: String,
        /// The time since which the service has the older version, if it reports it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// Gates are given, and the plan changes levels of enforcement, which no gate covers.
    LevelsNotGated,
    /// Fields of live objects that this version does not support; they are kept.
    UnknownFields {
        /// The policy.
        policy: String,
        /// The rule, if the fields belong to a rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// The names of the fields.
        fields: Vec<String>,
    },
}

/// A live object as of the time of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Before")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedFingerprint {
    /// The kind of the object.
    pub resource: ResourceKind,
    /// The id.
    pub id: ResourceId,
    /// The name.
    pub name: String,
    /// The digest of its content without times.
    pub fingerprint: Fingerprint,
}

/// A reference to a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRef {
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The kind of the object.
    pub resource: ResourceKind,
    /// The name of the object, for example of a policy: after the change, or before a deletion.
    #[serde(alias = "policy")]
    pub name: String,
    /// The name of the part, for example of a rule, if the change concerns a part.
    #[serde(default, alias = "rule", skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// A change that requires an acknowledgement, independent of the other changes of the plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Guarded")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardedChange {
    /// The guard.
    pub kind: GuardedKind,
    /// The kind of the object.
    pub resource: ResourceKind,
    /// The live name of the object.
    pub name: String,
    /// The effect, as a clause: "it is deleted".
    pub how: String,
}

/// The guards.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GuardedKind {
    /// A policy that no manifest declares is deleted or replaced by another one.
    Prune,
    /// The scope of a policy widens from some teams to the whole organization.
    ScopeWidens,
    /// The last deny rule of a policy is removed.
    LastDeny,
    /// A policy with `protect: true` is deleted, or all its rules are removed.
    Protected,
    /// A policy pack is removed from a policy group that remains.
    PackRemoved,
    /// A rule newly allows every host or every path.
    AllHosts,
}
