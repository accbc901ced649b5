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

/// Something live or declared that changes, with what changes below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// What happens to it.
    pub kind: ChangeKind,
    /// What it is.
    pub resource: ResourceKind,
    /// Its name after the change, or before a deletion.
    pub name: String,
    /// The server's id, where it exists there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// The fields that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// The changes below it: the rules of a policy, or the versions of a pack.
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
    }
}

/// What happens to something.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ChangeKind {
    /// It does not exist yet.
    Create,
    /// It exists, and some fields differ.
    Update,
    /// It is declared nowhere.
    Delete,
    /// It stays as it is; something below it changes.
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

/// Something that the plan leaves undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Held")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldChange {
    /// What it concerns.
    pub resource: ResourceKind,
    /// The name of what stands by itself: a policy, a pack or a group.
    pub name: String,
    /// The name of the part of it, if one is concerned: a rule, or a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// Why.
    pub reason: HeldReason,
}

/// Why something is left undone.
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
        /// What it would have done, as a clause: "rename it from `a` to `b`".
        wanted: String,
    },
    /// The service does not let anybody do it.
    Refused {
        /// Why, as a clause.
        why: String,
    },
    /// The server holds something that this version cannot express.
    NotUnderstood {
        /// What, as a clause.
        why: String,
    },
    /// The target does not set `writes: true`.
    WritesOff,
    /// The service documents no way to write such a thing.
    NoWrite,
    /// It is not the organization's: nobody but its owner changes it.
    OwnedElsewhere {
        /// Whether the service brings it along.
        builtin: bool,
        /// The organization that owns it, where the service tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// The document names files of the repository, which mean nothing at the service.
    LocalReferences {
        /// What it names them with.
        references: Vec<String>,
    },
}

/// Something live that no manifest declares, including what is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnmanagedResource {
    /// What it is.
    pub resource: ResourceKind,
    /// The id.
    pub id: ResourceId,
    /// The name.
    pub name: String,
    /// How many parts it has: rules of a policy, versions of a pack, packs of a group.
    pub parts: usize,
    /// What is done with it.
    pub treatment: Unmanaged,
    /// Whether the configuration lists it as known: it is left alone on purpose and is not drift.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// Where it is pruned, the name of what is declared and takes its place, so that it is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
}

impl UnmanagedResource {
    /// Whether nobody decided what happens to it: it is neither known nor ignored nor deleted.
    pub fn is_drift(&self) -> bool {
        !self.known && self.treatment == Unmanaged::Report
    }
}

/// What a reviewer should know about the way the calls are made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Note")]
#[serde(
    tag = "code",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum PlanNote {
    /// Access is not what it is before and after for a moment, and no order of calls keeps it.
    Gap {
        /// The policy.
        policy: String,
        /// Why, as a clause.
        why: String,
    },
    /// What a stack sees of a group is not what it is before and after for a moment, and no order of calls keeps it.
    GroupGap {
        /// The group.
        name: String,
        /// Why, as a clause.
        why: String,
    },
    /// That no step opens or closes more than the whole is not proved: the calls are made one after the other.
    Unproved {
        /// Why, as a clause.
        why: String,
    },
    /// A policy that was for some people becomes one for the whole organization.
    ScopeWidens {
        /// The policy.
        policy: String,
    },
    /// A document that is written is an older version of what is live.
    GoesBack {
        /// The policy.
        policy: String,
        /// The digest of the older version.
        digest: String,
        /// Since when the service has the older version, where it tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// Gates are given, and the plan changes levels of enforcement, which no gate covers.
    LevelsNotGated,
    /// Fields of live objects that this version does not know; they stay as they are.
    UnknownFields {
        /// The policy.
        policy: String,
        /// The rule, if the fields are a rule's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// The names of the fields.
        fields: Vec<String>,
    },
}

/// Something live as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Before")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedFingerprint {
    /// What it is.
    pub resource: ResourceKind,
    /// The id.
    pub id: ResourceId,
    /// The name.
    pub name: String,
    /// The digest of what it held, times excluded.
    pub fingerprint: Fingerprint,
}

/// A change, as it is spoken of elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRef {
    /// What happens to it.
    pub kind: ChangeKind,
    /// What it is.
    pub resource: ResourceKind,
    /// What stands by itself, a policy for example, by its name after the change, or before a deletion.
    #[serde(alias = "policy")]
    pub name: String,
    /// The part of it likewise, a rule for example, where the change is one of a part.
    #[serde(default, alias = "rule", skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// Something that needs an acknowledgement of its own, however little a plan changes besides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Guarded")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardedChange {
    /// What is done.
    pub kind: GuardedKind,
    /// What it is done to.
    pub resource: ResourceKind,
    /// Its live name.
    pub name: String,
    /// How, as a clause: "it is deleted".
    pub how: String,
}

/// What needs an acknowledgement of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GuardedKind {
    /// A policy that no manifest declares goes: it is deleted, or becomes another one.
    Prune,
    /// A policy that was for some people becomes one for the whole organization.
    ScopeWidens,
    /// A policy loses the last of its deny rules.
    LastDeny,
    /// A policy with `protect: true` is deleted, or loses all its rules.
    Protected,
    /// A policy pack is taken from a policy group that stays.
    PackRemoved,
    /// A rule allows every host or every path, which it did not before.
    AllHosts,
}
