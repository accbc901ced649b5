//! What the calls of a plan do to what is live: for a plan that was saved, for drift, and to hold what was written to it.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Known, changes};
use super::enforcement::enforcement;
use super::model::Model;
use super::{counts, leaving};
use crate::plan::Call;
use crate::plan::{
    Change, ChangeKind, Guarded, GuardedKind, ResourceKind, SourceRef, TargetDrift, TargetPlan,
    UnmanagedResource, ValueChange,
};
use crate::plan::{Mismatch, ReplayError};
use manifest::config::Unmanaged;
use model::pulumi::{LiveGroup, LiveState};

/// What an organization holds after some calls.
///
/// # Errors
/// A call does not fit what is live.
pub fn packs_replayed(live: &LiveState, calls: &[Call]) -> Result<LiveState, ReplayError> {
    Ok(Model::after(live, calls)?.state)
}

/// The same plan with its changes, what is enforced, its guards and its counts made from its calls and from what is live.
///
/// # Errors
/// A call does not fit what is live.
pub fn recomputed_packs(plan: &TargetPlan, live: &LiveState) -> Result<TargetPlan, ReplayError> {
    let after = Model::after(live, &plan.calls)?;
    let places = Places::new(&plan.changes);
    let mut recomputed = plan.clone();
    recomputed.changes = changes(live, &after, &places);
    recomputed.enforcement = enforcement(live, &after, &places);
    let gone = recomputed
        .changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Delete)
        .map(|change| Guarded {
            kind: GuardedKind::Prune,
            resource: change.resource,
            name: change.name.clone(),
            how: "no manifest declares it, and it is deleted".to_owned(),
        });
    let mut guarded: Vec<Guarded> = gone
        .chain(leaving(&recomputed.changes))
        .chain(plan.guarded.iter().cloned())
        .collect();
    guarded.sort();
    guarded.dedup();
    recomputed.guarded = guarded;
    recomputed.live = counts(live);
    Ok(recomputed)
}

/// What somebody else did at the server, given the plan that would make the server equal to the manifests again.
///
/// # Errors
/// The plan was made for another state.
pub fn packs_drift(plan: &TargetPlan, live: &LiveState) -> Result<TargetDrift, ReplayError> {
    let wanted = Model::after(live, &plan.calls)?;
    let places = Places::new(&plan.changes);
    let mut there = Model::new(live);
    there.renamed = wanted
        .renamed
        .iter()
        .map(|(new, old)| (old.clone(), new.clone()))
        .collect();
    let mut changes = changes(&wanted.state, &there, &places);
    for change in &mut changes {
        // What the server lost is declared all the same.
        if change.kind == ChangeKind::Delete {
            change.source = places.find(change.resource, &change.name, None);
        }
    }
    let unmanaged: Vec<UnmanagedResource> = plan
        .unmanaged
        .iter()
        .filter(|one| one.treatment == Unmanaged::Report)
        .cloned()
        .collect();
    let undo = ["polwarden", "apply", "--target", &plan.target.name]
        .map(str::to_owned)
        .to_vec();
    Ok(TargetDrift {
        // What a server holds of a pack is not enough to write its source.
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
        unmanaged,
    })
}

/// Compares two states; what was read of single versions does not count.
pub fn verify_packs(expected: &LiveState, actual: &LiveState) -> Vec<Mismatch> {
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
        let tags = |state: &LiveState| -> Option<Vec<String>> {
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
            (Some(_), None) => differs(ResourceKind::Pack, name, "it should exist and does not"),
            (None, Some(_)) => differs(ResourceKind::Pack, name, "it exists and should not"),
            (Some(a), Some(b)) if a != b => differs(
                ResourceKind::Pack,
                name,
                "it has not the versions that it should have",
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
            (Some(_), None) => differs(ResourceKind::Group, name, "it should exist and does not"),
            (None, Some(_)) => differs(ResourceKind::Group, name, "it exists and should not"),
            (Some(a), Some(b)) => {
                if stacks(a) != stacks(b) {
                    differs(
                        ResourceKind::Group,
                        name,
                        "its stacks are not what was sent",
                    );
                }
                if packs_of(a) != packs_of(b) {
                    differs(ResourceKind::Group, name, "its packs are not what was sent");
                }
            }
            (None, None) => {}
        }
    }
    found
}

fn stacks(group: &LiveGroup) -> BTreeSet<String> {
    group
        .body
        .iter()
        .flat_map(|body| &body.stacks)
        .map(ToString::to_string)
        .collect()
}

fn packs_of(group: &LiveGroup) -> BTreeMap<&str, (&str, String)> {
    let packs = group.body.iter().flat_map(|body| &body.packs);
    packs
        .map(|pack| {
            (
                pack.name.as_str(),
                (pack.tag.as_str(), super::changes::config(pack).to_string()),
            )
        })
        .collect()
}

/// Where a plan says that things are declared. Only this is believed of a file.
struct Places(BTreeMap<(ResourceKind, String, Option<String>), SourceRef>);

impl Places {
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

impl Known for Places {
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
