//! Computes what the calls of a plan do to the live state: for saved plans, for drift, and to
//! verify the server after a run.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{SourceLookup, changes};
use super::enforcement::enforcement;
use super::model::PackModel;
use super::summary::{counts, removed_packs};
use crate::plan::PlannedCall;
use crate::plan::replay::{Mismatch, ReplayError};
use crate::plan::{
    Change, ChangeKind, GuardedChange, GuardedKind, ResourceKind, SourceRef, TargetDrift,
    TargetPlan, UnmanagedResource, ValueChange,
};
use manifest::config::Unmanaged;
use model::pulumi::{LiveGroup, LiveGroupBody, LiveGroupPack, PulumiLiveState, StackReference};

/// The state of an organization after some calls.
///
/// # Errors
/// A call does not fit the live state.
pub fn packs_replayed(
    live: &PulumiLiveState,
    calls: &[PlannedCall],
) -> Result<PulumiLiveState, ReplayError> {
    Ok(PackModel::after(live, calls)?.state)
}

/// The same plan with its changes, enforcement, guards and counts computed from its calls and the
/// live state: a plan file may be manipulated.
///
/// # Errors
/// A call does not fit the live state.
pub fn recomputed_packs(
    plan: &TargetPlan,
    live: &PulumiLiveState,
) -> Result<TargetPlan, ReplayError> {
    let after = PackModel::after(live, &plan.calls)?;
    let places = PlannedSources::new(&plan.changes);
    let mut recomputed = plan.clone();
    recomputed.changes = changes(live, &after, &places);
    recomputed.enforcement = enforcement(live, &after, &places);
    let gone = recomputed
        .changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Delete)
        .map(|change| GuardedChange {
            kind: GuardedKind::Prune,
            resource: change.resource,
            name: change.name.clone(),
            how: "no manifest declares it, and it is deleted".to_owned(),
        });
    let mut guarded: Vec<GuardedChange> = gone
        .chain(removed_packs(&recomputed.changes))
        .chain(plan.guarded.iter().cloned())
        .collect();
    guarded.sort();
    guarded.dedup();
    recomputed.guarded = guarded;
    recomputed.live = counts(live);
    Ok(recomputed)
}

/// The changes made outside of polwarden. `plan` is the plan that would restore the desired state.
///
/// # Errors
/// The plan was made for another state.
pub fn packs_drift(plan: &TargetPlan, live: &PulumiLiveState) -> Result<TargetDrift, ReplayError> {
    let wanted = PackModel::after(live, &plan.calls)?;
    let places = PlannedSources::new(&plan.changes);
    let mut there = PackModel::new(live);
    there.renamed = wanted
        .renamed
        .iter()
        .map(|(new, old)| (old.clone(), new.clone()))
        .collect();
    let mut changes = changes(&wanted.state, &there, &places);
    for change in &mut changes {
        // An object that was deleted on the server is still declared.
        if change.kind == ChangeKind::Delete {
            change.source = places.find(change.resource, &change.name, None);
        }
    }
    let unmanaged: Vec<UnmanagedResource> = plan
        .unmanaged
        .iter()
        .filter(|one| one.treatment != Unmanaged::Prune)
        .cloned()
        .collect();
    let undo = ["polwarden", "apply", "--target", &plan.target.name]
        .map(str::to_owned)
        .to_vec();
    Ok(TargetDrift {
        // The server does not return the source of a pack, so a pack cannot be adopted.
        adopt: Vec::new(),
        undo: if plan.calls.is_empty() {
            Vec::new()
        } else {
            undo
        },
        target: plan.target.clone(),
        since: Vec::new(),
        documents: Vec::new(),
        enforcement: enforcement(&wanted.state, &there, &places),
        changes,
        access: None,
        held: plan.held.clone(),
        // The caller knows the manifests and the gates.
        managed: BTreeMap::new(),
        unlisted: false,
        gates: Vec::new(),
        unmanaged,
    })
}

/// Compares two states. Details of versions are ignored, because only some of them were read.
pub fn verify_packs(expected: &PulumiLiveState, actual: &PulumiLiveState) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut differs = |resource, name: &str, what: &str| {
        found.push(Mismatch {
            resource,
            name: name.to_owned(),
            what: what.to_owned(),
        });
    };
    let packs: BTreeSet<&str> = expected
        .packs
        .iter()
        .chain(&actual.packs)
        .map(|pack| pack.name.as_str())
        .collect();
    for name in packs {
        let tags = |state: &PulumiLiveState| -> Option<Vec<String>> {
            Some(
                state
                    .pack(name)?
                    .versions
                    .iter()
                    .map(|version| version.tag.clone())
                    .collect(),
            )
        };
        match (tags(expected), tags(actual)) {
            (Some(_), None) => differs(ResourceKind::Pack, name, "it does not exist, but should"),
            (None, Some(_)) => differs(ResourceKind::Pack, name, "it exists, but should not"),
            (Some(a), Some(b)) if a != b => differs(
                ResourceKind::Pack,
                name,
                "its versions differ from the expected versions",
            ),
            (Some(_) | None, _) => {}
        }
    }
    let groups: BTreeSet<&str> = expected
        .groups
        .iter()
        .chain(&actual.groups)
        .map(|group| group.name.as_str())
        .collect();
    for name in groups {
        match (expected.group(name), actual.group(name)) {
            (Some(_), None) => differs(ResourceKind::Group, name, "it does not exist, but should"),
            (None, Some(_)) => differs(ResourceKind::Group, name, "it exists, but should not"),
            (Some(a), Some(b)) => {
                for what in groups_differ(a, b) {
                    differs(ResourceKind::Group, name, what);
                }
            }
            (None, None) => {}
        }
    }
    found
}

/// Compares two groups of the same name. A group that could not be decoded never differs.
fn groups_differ(expected: &LiveGroup, actual: &LiveGroup) -> Vec<&'static str> {
    let LiveGroup {
        name: _,
        is_default: _,
        body,
        unknown_fields: _,
    } = expected;
    let old = body.as_ref().ok().map(parts).unwrap_or_default();
    let new = actual.body.as_ref().ok().map(parts).unwrap_or_default();
    let mut found = Vec::new();
    if old.stacks != new.stacks {
        found.push("its stacks differ from the request");
    }
    if old.accounts != new.accounts {
        found.push("its accounts differ from the request");
    }
    if old.agent_pool != new.agent_pool {
        found.push("its agent pool differs from the request");
    }
    if old.packs != new.packs {
        found.push("its packs differ from the request");
    }
    found
}

/// The packs of a group by name: the tag of the version, the configuration, and the environments.
type PacksByName<'g> = BTreeMap<&'g str, (&'g str, String, &'g [String])>;

/// What can be changed of a group.
#[derive(Default)]
struct GroupParts<'g> {
    stacks: BTreeSet<&'g StackReference>,
    accounts: BTreeSet<&'g String>,
    agent_pool: Option<&'g String>,
    packs: PacksByName<'g>,
}

fn parts(body: &LiveGroupBody) -> GroupParts<'_> {
    let LiveGroupBody {
        // Neither of the two can change.
        entity_type: _,
        mode: _,
        stacks,
        accounts,
        agent_pool,
        packs,
    } = body;
    let packs = packs.iter().map(|pack| {
        let LiveGroupPack {
            name,
            version: _,
            tag,
            config: _,
            environments,
            unknown_fields: _,
        } = pack;
        let config = super::changes::config(pack).to_string();
        let settings = (tag.as_str(), config, environments.as_slice());
        (name.as_str(), settings)
    });
    GroupParts {
        stacks: stacks.iter().collect(),
        accounts: accounts.iter().collect(),
        agent_pool: agent_pool.as_ref(),
        packs: packs.collect(),
    }
}

/// Where a plan says that objects are declared. This is taken from the file, because it only
/// affects which line is shown.
struct PlannedSources(BTreeMap<(ResourceKind, String, Option<String>), SourceRef>);

impl PlannedSources {
    fn new(changes: &[Change]) -> Self {
        let mut places = BTreeMap::new();
        for change in changes {
            let own = change
                .source
                .iter()
                .map(|source| ((change.resource, change.name.clone(), None), source.clone()));
            let parts = change.children.iter().filter_map(|part| {
                Some((
                    (
                        change.resource,
                        change.name.clone(),
                        Some(part.name.clone()),
                    ),
                    part.source.clone()?,
                ))
            });
            places.extend(own.chain(parts));
        }
        Self(places)
    }

    fn find(&self, resource: ResourceKind, name: &str, part: Option<&str>) -> Option<SourceRef> {
        self.0
            .get(&(resource, name.to_owned(), part.map(str::to_owned)))
            .cloned()
    }
}

impl SourceLookup for PlannedSources {
    fn pack(&self, name: &str, policy: Option<&str>) -> Option<SourceRef> {
        self.find(ResourceKind::Pack, name, policy)
    }

    fn group(&self, name: &str, pack: Option<&str>) -> Option<SourceRef> {
        self.find(ResourceKind::Group, name, pack)
    }

    fn files(&self, _: &str) -> Option<ValueChange> {
        None
    }
}
