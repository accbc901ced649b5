//! What a plan is made of. All of it is plain data that can be written to a file and read back.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::manifest::config::{Provider, Unmanaged};
use crate::model::docker::{Operation, OperationKind, PolicyId, Profile};

/// The version of the JSON form of a plan; raised when a reader of the old form would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

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
    /// One plan a target, in the order of `polwarden.yaml`.
    pub targets: Vec<TargetPlan>,
}

/// Where in git's history the manifests stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Commit {
    /// The commit's id.
    pub id: String,
    /// Whether the work tree held something else than the commit.
    pub dirty: bool,
}

/// What is to be done at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetPlan {
    /// The target.
    pub target: TargetInfo,
    /// What changes, as a person reads it.
    pub changes: Vec<Change>,
    /// What the calls open and close.
    pub access: Impact,
    /// The calls, in the order of their ids.
    pub calls: Vec<Call>,
    /// What was left undone, with the reason.
    pub held: Vec<Held>,
    /// Live policies that no manifest declares.
    pub unmanaged: Vec<UnmanagedPolicy>,
    /// What a reviewer should know about the way the calls are made.
    pub notes: Vec<Note>,
    /// The live policies that the calls touch, as they were when the plan was made.
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
    /// The shape of the API.
    pub profile: Profile,
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
    /// The changes below it: the rules of a policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}

/// What happens to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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

/// The kinds of things that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ResourceKind {
    /// A policy.
    Policy,
    /// A rule of a policy.
    Rule,
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

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldChange {
    /// The field.
    pub field: Field,
    /// How its value differs.
    pub value: ValueChange,
}

/// The fields of policies and rules, named as in manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Field {
    /// The name.
    Name,
    /// The teams of a scope.
    Teams,
    /// The profiles of people of a scope.
    Profiles,
    /// Allow or deny.
    Decision,
    /// The actions.
    Actions,
    /// Hosts or paths.
    Resources,
    /// HTTP targets.
    HttpResources,
    /// Cedar text.
    CedarText,
    /// The schema of Cedar text.
    SchemaUrl,
}

impl Field {
    /// The field as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Teams => "scope.teams",
            Self::Profiles => "scope.profiles",
            Self::Decision => "decision",
            Self::Actions => "actions",
            Self::Resources => "resources",
            Self::HttpResources => "httpResources",
            Self::CedarText => "cedar.text",
            Self::SchemaUrl => "cedar.schemaUrl",
        }
    }
}

/// How a value differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ValueChange {
    /// A single value.
    Scalar {
        /// What it was; nothing before a creation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// What it will be; nothing after a deletion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// A set: order and repetition do not count.
    Set {
        /// New elements, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        added: Vec<String>,
        /// Elements that go, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<String>,
        /// How many stay.
        kept: usize,
    },
    /// A text of many lines, best shown as a diff.
    Text {
        /// What it was.
        before: String,
        /// What it will be.
        after: String,
    },
}

/// The number of a call in its target's plan, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CallId(pub u32);

/// The policy that a rule is added to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PolicyRef {
    /// One that exists.
    Existing(PolicyId),
    /// The one that this earlier call creates.
    CreatedBy(CallId),
}

/// One write, with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// When it may run: after every call of an earlier stage has succeeded.
    pub stage: Stage,
    /// The name of the policy, for messages.
    pub policy: String,
    /// The name of the rule, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why the call is there, where it is more than the difference itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What is sent.
    pub send: Operation<PolicyRef>,
}

/// The stages of an apply. All calls of a stage may run at the same time.
///
/// The order keeps what is allowed within before ∪ after: denies come before the allows they restrict, and go after
/// the allows they restricted have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// What changes no access: empty policies, new names.
    Prepare,
    /// Denies that are added.
    AddDenies,
    /// Denies that are exchanged before any allow changes.
    SwapDenies,
    /// Allows that are added.
    AddAllows,
    /// Allows that are exchanged.
    SwapAllows,
    /// Allows that go.
    RemoveAllows,
    /// Denies that are exchanged after all allows have changed.
    SwapDeniesLast,
    /// Denies that go.
    RemoveDenies,
    /// Policies that can only be made once something else is gone.
    RebuildPolicies,
    /// Denies that can only be added once something else is gone.
    RebuildDenies,
    /// Allows that can only be added once something else is gone.
    RebuildAllows,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: &'static [Self] = &[
        Self::Prepare,
        Self::AddDenies,
        Self::SwapDenies,
        Self::AddAllows,
        Self::SwapAllows,
        Self::RemoveAllows,
        Self::SwapDeniesLast,
        Self::RemoveDenies,
        Self::RebuildPolicies,
        Self::RebuildDenies,
        Self::RebuildAllows,
    ];
}

/// Something that the plan leaves undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Held {
    /// What it concerns.
    pub resource: ResourceKind,
    /// The policy.
    pub policy: String,
    /// The rule, if one is concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// Why.
    pub reason: HeldReason,
}

/// Why something is left undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum HeldReason {
    /// The target's profile of the API has no such operation.
    ProfileLacks {
        /// The operation that would be needed.
        operation: OperationKind,
        /// What it would have done, as a clause: "rename it from `a` to `b`".
        wanted: String,
    },
    /// The server holds something that this version cannot express.
    NotUnderstood {
        /// What, as a clause.
        why: String,
    },
    /// `metadata.protect` refuses the deletion that this would need.
    Protected {
        /// What needs the deletion, as a clause.
        wanted: String,
    },
}

/// A live policy that no manifest declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnmanagedPolicy {
    /// The id.
    pub id: PolicyId,
    /// The name.
    pub name: String,
    /// How many rules it has.
    pub rules: usize,
    /// What is done with it.
    pub treatment: Unmanaged,
}

/// What a reviewer should know about the way the calls are made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Note {
    /// A policy must be emptied or deleted before it can get what is declared: its rules are missing for a while.
    Gap {
        /// The policy.
        policy: String,
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

/// A live policy as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Before {
    /// The id.
    pub id: PolicyId,
    /// The name.
    pub name: String,
    /// The digest of what it held, times excluded.
    pub fingerprint: Fingerprint,
}

/// How much an organization holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiveCounts {
    /// Policies, unmanaged ones included.
    pub policies: usize,
    /// Rules of all of them.
    pub rules: usize,
}

/// What a plan opens and closes, in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Impact {
    /// People in no team first, then those whom the plan treats otherwise. None where nothing is called.
    pub audiences: Vec<AudienceImpact>,
    /// Cedar policies that change; their meaning is not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cedar: Vec<String>,
    /// Live resources that are no pattern of the contract; they are taken to match nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableResource>,
}

/// A live resource that is no pattern of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnreadableResource {
    /// The policy.
    pub policy: String,
    /// The rule.
    pub rule: String,
    /// The resource.
    pub resource: String,
    /// Why it is no pattern.
    pub why: String,
}

/// What a plan opens and closes for some people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AudienceImpact {
    /// The people.
    pub audience: Audience,
    /// One for each set of requests that opens or closes; none is a proof that nothing does.
    pub changes: Vec<AccessChange>,
}

/// People, by the teams (and profiles of people) that they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Audience {
    /// All their teams; none for people who are in no team.
    pub teams: BTreeSet<String>,
    /// All their profiles (profile `seed` of the API only).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub profiles: BTreeSet<String>,
}

/// A set of requests that opens or closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessChange {
    /// Whether it opens (denied before, allowed after) or closes.
    pub opens: bool,
    /// The resource that makes the difference, as written.
    pub resource: String,
    /// The ports in words, for connections and HTTP requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<String>,
    /// The HTTP actions, for HTTP requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// One request of the set, for `polwarden explain`.
    pub witness: String,
    /// The rules that decide it before; none where nothing allowed it.
    pub before: Vec<DecidingRule>,
    /// The rules that decide it after; none where nothing will allow it.
    pub after: Vec<DecidingRule>,
}

/// A rule that decides a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecidingRule {
    /// The policy.
    pub policy: String,
    /// The rule.
    pub rule: String,
    /// Whether it allows or denies.
    pub allows: bool,
    /// The resource that matches.
    pub resource: String,
    /// Where the rule is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

impl Impact {
    /// Whether anything opens.
    pub fn widens(&self) -> bool {
        self.changes().any(|change| change.opens)
    }

    /// Whether anything closes.
    pub fn narrows(&self) -> bool {
        self.changes().any(|change| !change.opens)
    }

    fn changes(&self) -> impl Iterator<Item = &AccessChange> {
        self.audiences.iter().flat_map(|audience| &audience.changes)
    }
}

impl Plan {
    /// Whether applying would call nothing.
    pub fn is_empty(&self) -> bool {
        self.targets.iter().all(|target| target.calls.is_empty())
    }

    /// How many calls of each kind there are, at all targets.
    pub fn counts(&self) -> BTreeMap<OperationKind, usize> {
        let mut counts = BTreeMap::new();
        for call in self.targets.iter().flat_map(|target| &target.calls) {
            *counts.entry(call.send.kind()).or_default() += 1;
        }
        counts
    }
}
