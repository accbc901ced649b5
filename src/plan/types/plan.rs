//! The plan of a run, and that of one target.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::{CallKind, PlannedCall};
use super::change::{
    Change, ChangeKind, GuardedChange, HeldChange, PlanNote, PlannedFingerprint, UnmanagedResource,
};
use super::document::DocumentStatus;
use super::event::PlanEvent;
use super::fingerprint::Fingerprint;
use super::gates::GateOutcome;
use super::impact::{AccessImpact, EnforcementChange};
use super::origin::{Origins, TargetOrigins};
use super::resource::LiveCounts;
use access::People;
use git::{CommitPerson, HeadCommit, Pipeline};
use manifest::config::Provider;
use model::docker::Profile;
use model::shorten;

/// The version of the JSON format of plans. It increases with incompatible changes.
pub const FORMAT_VERSION: u32 = 3;

/// The plan of a command: the changes of all targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The format version: [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of polwarden that made the plan.
    pub tool_version: String,
    /// The commit that the manifests were read from, in a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The digest of the files that were read: their names and their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Fingerprint>,
    /// The digest of the plan without the commit and the origins, in a saved plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Fingerprint>,
    /// The names that the plan is limited to, in a partial plan. It contains no other policies: neither
    /// deletions nor unmanaged policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The origins of the differences, in a plan with a base revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origins: Option<Origins>,
    /// Further information for reviewers: removed and renamed manifests and, in a plan with a base revision, changes
    /// of the configuration and of the set of files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<PlanEvent>,
    /// One plan per target, in the order of `polwarden.yaml`.
    pub targets: Vec<TargetPlan>,
}

/// The plan of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetPlan {
    /// The target.
    pub target: TargetInfo,
    /// The changes of objects.
    pub changes: Vec<Change>,
    /// The access that the calls open and close, if the provider decides about requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessImpact>,
    /// Changes of enforcement, if the provider has levels of enforcement: for packs, and for each group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforcement: Vec<EnforcementChange>,
    /// Comparison of all documents in the manifests with the live documents, including those in sync, if the provider
    /// stores documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentStatus>,
    /// The gates that apply to the plan, each with its result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateOutcome>,
    /// The calls, in the order of their ids.
    pub calls: Vec<PlannedCall>,
    /// Changes that are not made, with the reason.
    pub held: Vec<HeldChange>,
    /// Live objects that no manifest declares.
    pub unmanaged: Vec<UnmanagedResource>,
    /// Changes that require an acknowledgement.
    pub guarded: Vec<GuardedChange>,
    /// Notes for reviewers about the order and effect of the calls.
    pub notes: Vec<PlanNote>,
    /// The live objects that the calls touch, as of the time of the plan.
    pub before: Vec<PlannedFingerprint>,
    /// The number of objects of the organization at the time of the plan.
    pub live: LiveCounts,
    /// The acknowledgement (`apply --ack`) without which `apply` refuses this plan; absent if no guard
    /// requires one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<String>,
}

/// The organization and its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetInfo {
    /// The name in `polwarden.yaml`.
    pub name: String,
    /// The service.
    pub provider: Provider,
    /// The organization at the service.
    pub organization: String,
    /// The version of the API, if a service has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The endpoint that live state was read from: its URL, or `embedded`.
    pub endpoint: String,
}

/// The endpoint of a service that runs inside of polwarden.
pub const EMBEDDED: &str = "embedded";

impl TargetInfo {
    /// Whether the service runs inside of polwarden, so its policies have no effect.
    pub fn is_embedded(&self) -> bool {
        self.endpoint == EMBEDDED
    }

    /// The organization with the host of the endpoint: `acme @ hub.docker.com`.
    pub fn address(&self) -> String {
        let host = if self.is_embedded() {
            "embedded (local emulator)"
        } else {
            host(&self.endpoint)
        };
        format!("{} @ {host}", self.organization)
    }
}

/// The host of a URL with its port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

impl TargetPlan {
    /// The groups in rows, breaches, changes and notes, as they are written there.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        let rows = self.access.iter().flat_map(AccessImpact::people);
        let people = rows.chain(self.gates.iter().flat_map(GateOutcome::people));
        let changes = self.changes.iter().flat_map(Change::teams);
        let notes = self.notes.iter().filter_map(|note| match note {
            PlanNote::Gap { why, .. } => Some(why.split(is_no_part_of_a_uuid)),
            _ => None,
        });
        people
            .flat_map(People::groups)
            .chain(changes)
            .chain(notes.flatten())
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
        for note in &mut self.notes {
            if let PlanNote::Gap { why, .. } = note {
                for (name, id) in names {
                    *why = why.replace(id, name);
                }
            }
        }
    }

    /// The live objects that no manifest declares and that stay on the server, except known ones.
    pub fn left_undeclared(&self) -> impl Iterator<Item = &UnmanagedResource> {
        self.unmanaged.iter().filter(|unmanaged| {
            let deleted = self.changes.iter().any(|change| {
                change.kind == ChangeKind::Delete
                    && change.resource == unmanaged.resource
                    && change.name == unmanaged.name
            });
            !unmanaged.known && unmanaged.becomes.is_none() && !deleted
        })
    }

    /// The notes about moments in which access may differ from both before and after.
    pub fn gap_notes(&self) -> impl Iterator<Item = &PlanNote> {
        self.notes.iter().filter(|note| match note {
            PlanNote::Gap { .. } | PlanNote::GroupGap { .. } | PlanNote::Unproved { .. } => true,
            PlanNote::ScopeWidens { .. }
            | PlanNote::GoesBack { .. }
            | PlanNote::LevelsNotGated
            | PlanNote::UnknownFields { .. } => false,
        })
    }
}

impl Plan {
    /// The origins of a target's changes, if they are known.
    pub fn origins_of(&self, target: &TargetPlan) -> Option<&TargetOrigins> {
        let mut all = self.origins.iter().flat_map(|origins| &origins.targets);
        all.find(|origins| origins.target == target.target.name)
    }

    /// The failed gates of all targets.
    pub fn failed_gates(&self) -> impl Iterator<Item = &GateOutcome> {
        self.targets
            .iter()
            .flat_map(|target| &target.gates)
            .filter(|outcome| !outcome.passes())
    }

    /// Whether no target has calls.
    pub fn is_empty(&self) -> bool {
        self.targets.iter().all(|target| target.calls.is_empty())
    }

    /// The number of calls of each kind.
    pub fn counts(&self) -> BTreeMap<CallKind, usize> {
        let mut counts = BTreeMap::new();
        for call in self.targets.iter().flat_map(|target| &target.calls) {
            *counts.entry(call.send.kind()).or_default() += 1;
        }
        counts
    }
}

/// The git revision of the manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Commit {
    /// The commit's id.
    pub id: String,
    /// Whether the files differ from the commit: changed tracked files, or untracked files.
    pub dirty: bool,
    /// The branch that was checked out or named; absent on a detached head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The author of the commit, as it states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<CommitPerson>,
    /// The committer of the commit, as it states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committer: Option<CommitPerson>,
    /// Information from the variables of the pipeline, which is not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<Pipeline>,
}

impl Commit {
    /// Combines information from git and from the pipeline.
    pub fn new(head: HeadCommit, pipeline: Option<Pipeline>) -> Self {
        let HeadCommit {
            id,
            dirty,
            branch,
            author,
            committer,
        } = head;
        let person = |person: CommitPerson| CommitPerson {
            name: shorten_name(&person.name),
            email: shorten_name(&person.email),
            time: person.time,
        };
        let name = |name: Option<String>| name.map(|name| shorten_name(&name));
        Self {
            id,
            dirty,
            branch: name(branch),
            author: Some(person(author)),
            committer: Some(person(committer)),
            pipeline: pipeline.map(|pipeline| Pipeline {
                service: pipeline.service,
                branch: name(pipeline.branch),
                actor: name(pipeline.actor),
            }),
        }
    }
}

/// The author of a change chooses these names, and git and pipelines allow any length.
fn shorten_name(name: &str) -> String {
    /// Maximum number of characters.
    const LONGEST: usize = 200;
    shorten(name, LONGEST).into_owned()
}

/// Separates words that may be UUIDs.
fn is_no_part_of_a_uuid(c: char) -> bool {
    !c.is_ascii_hexdigit() && c != '-'
}
