//! What a plan is made of. All of it is plain data that can be written to a file and read back.

mod call;
mod change_ref;
mod commit;
mod document;
mod drift;
mod enforcement;
mod field;
mod gates;
mod guarded;
mod impact;
mod origin;
mod resource;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fingerprint;
use manifest::config::{Provider, Unmanaged};
use model::docker::{OperationKind, Profile};

pub use call::{After, Call, CallId, CallKind, PolicyRef, Reason, Sent, Subject, ToSend};
pub use change_ref::ChangeRef;
pub use commit::Commit;
pub use document::{DocumentState, DocumentStatus};
pub use drift::{DRIFT_FORMAT_VERSION, DriftReport, Since, TargetDrift};
pub use enforcement::{Enforcement, EnforcementChange};
pub use field::{Field, FieldChange, ValueChange};
pub use gates::{BreachInfo, GateInfo, GateOutcome, GateSource};
pub use guarded::{Guarded, GuardedKind};
pub use impact::{AccessChange, AudienceImpact, DecidingRule, Impact, UnreadableResource};
pub use origin::{ChangeOrigin, Origin, Origins, TargetOrigins};
pub use resource::{LiveCounts, ResourceId, ResourceKind, document_id, group_id, pack_id};

/// The version of the JSON form of a plan; raised when a reader of the old form would misread the new one.
pub const FORMAT_VERSION: u32 = 2;

/// What is to be done at all targets of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The version of this form: [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of polwarden that made the plan.
    pub tool_version: String,
    /// The commit that the manifests were read from, in a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The digest of the files that were read: their names and their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Fingerprint>,
    /// The digest of all the rest of the plan, the commit and the origins excepted, in a plan that was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Fingerprint>,
    /// Where the differences come from, in a plan that knows the revision that a change is based on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origins: Option<Origins>,
    /// One plan a target, in the order of `polwarden.yaml`.
    pub targets: Vec<TargetPlan>,
}

/// What is to be done at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetPlan {
    /// The target.
    pub target: TargetInfo,
    /// What changes, as a person reads it.
    pub changes: Vec<Change>,
    /// What the calls open and close, where the provider decides about requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Impact>,
    /// What happens to what is enforced, where the provider has levels of enforcement: for packs, and for each group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforcement: Vec<EnforcementChange>,
    /// How the documents that the manifests hold compare with those of the server, where a provider keeps documents: all of
    /// them, those that are in sync included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentStatus>,
    /// The gates that the plan is held to, each with whether it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateOutcome>,
    /// The calls, in the order of their ids.
    pub calls: Vec<Call>,
    /// What was left undone, with the reason.
    pub held: Vec<Held>,
    /// What is live and no manifest declares.
    pub unmanaged: Vec<UnmanagedResource>,
    /// What needs an acknowledgement of its own.
    pub guarded: Vec<Guarded>,
    /// What a reviewer should know about the way the calls are made.
    pub notes: Vec<Note>,
    /// What is live and the calls touch, as it was when the plan was made.
    pub before: Vec<Before>,
    /// How much the organization held when the plan was made.
    pub live: LiveCounts,
}

/// Which organization is meant, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetInfo {
    /// The name in `polwarden.yaml`.
    pub name: String,
    /// The service.
    pub provider: Provider,
    /// The organization at the service.
    pub organization: String,
    /// The shape of the API, where a service has more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The endpoint that live state was read from: its URL, or `embedded`.
    pub endpoint: String,
}

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

/// Something that the plan leaves undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Held {
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
        operation: OperationKind,
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

/// Something live that no manifest declares.
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
    /// Where it is pruned, the name of what is declared and takes its place, so that it is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
}

/// What a reviewer should know about the way the calls are made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "code",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Note {
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
    /// What the calls open and close could not be worked out.
    NotCompared {
        /// Why, as a clause.
        why: String,
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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Before {
    /// What it is.
    pub resource: ResourceKind,
    /// The id.
    pub id: ResourceId,
    /// The name.
    pub name: String,
    /// The digest of what it held, times excluded.
    pub fingerprint: Fingerprint,
}

impl TargetPlan {
    /// What the plan says of moments in which access may not be what it should be.
    pub fn gaps(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| match note {
            Note::Gap { .. } | Note::GroupGap { .. } | Note::Unproved { .. } => true,
            Note::ScopeWidens { .. }
            | Note::NotCompared { .. }
            | Note::GoesBack { .. }
            | Note::UnknownFields { .. } => false,
        })
    }
}

impl Plan {
    /// The gates that do not hold, at all targets.
    pub fn shut_gates(&self) -> impl Iterator<Item = &GateOutcome> {
        self.targets
            .iter()
            .flat_map(|target| &target.gates)
            .filter(|outcome| !outcome.holds())
    }

    /// Whether applying would call nothing.
    pub fn is_empty(&self) -> bool {
        self.targets.iter().all(|target| target.calls.is_empty())
    }

    /// How many calls of each kind there are, at all targets.
    pub fn counts(&self) -> BTreeMap<CallKind, usize> {
        let mut counts = BTreeMap::new();
        for call in self.targets.iter().flat_map(|target| &target.calls) {
            *counts.entry(call.send.kind()).or_default() += 1;
        }
        counts
    }
}
