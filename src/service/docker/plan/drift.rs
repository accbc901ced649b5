//! Drift: changes made outside of polwarden. It is the reverse of the plan that would undo them.

use std::collections::{BTreeMap, BTreeSet};

use super::impact::impact;
use super::recompute::{changes, places};
use super::replay::replay;
use crate::plan::ReplayError;
use crate::plan::{
    AccessImpact, Change, ChangeKind, HeldChange, HeldReason, LastChange, SourceRef, TargetDrift,
    TargetPlan, UnmanagedResource,
};
use manifest::config::Unmanaged;
use model::docker::DockerLiveState;

/// The changes made outside of polwarden since the last apply. `plan` is the plan that would
/// restore the desired state.
///
/// # Errors
/// The plan was made for another state.
pub fn drift(
    plan: &TargetPlan,
    live: &DockerLiveState,
    teams: &BTreeMap<String, String>,
) -> Result<TargetDrift, ReplayError> {
    let wanted = replay(live, &plan.calls)?;
    let places = places(plan);
    let place = |policy: &str, rule: Option<&str>| {
        places
            .get(&(policy, rule))
            .map(|place| SourceRef::clone(place))
    };
    let mut changes = changes(&wanted, live, &place);
    for policy in &mut changes {
        let name = policy.name.clone();
        declared(policy, &|_| place(&name, None));
        for rule in &mut policy.children {
            declared(rule, &|rule| place(&name, Some(rule)));
        }
    }
    let mut access = AccessImpact::default();
    if !changes.is_empty() {
        access = impact(&wanted, live, &place);
    }
    let unmanaged: Vec<UnmanagedResource> = plan
        .unmanaged
        .iter()
        .filter(|policy| policy.treatment == Unmanaged::Report)
        .cloned()
        .collect();
    let undo = ["polwarden", "apply", "--target", &plan.target.name]
        .map(str::to_owned)
        .to_vec();
    Ok(TargetDrift {
        adopt: TargetDrift::adopting(&plan.target, adoptable(&changes, &plan.held, live)),
        undo: if plan.calls.is_empty() {
            Vec::new()
        } else {
            undo
        },
        target: plan.target.clone(),
        enforcement: Vec::new(),
        documents: Vec::new(),
        since: last_changes(&changes, live),
        changes,
        access: Some(access.with_team_names(teams)),
        held: plan.held.clone(),
        unmanaged,
    })
}

/// The live policies that `import --adopt` can write to a manifest: all that differ, except those
/// that could not be decoded.
fn adoptable<'c>(
    changes: &'c [Change],
    held: &'c [HeldChange],
    live: &DockerLiveState,
) -> BTreeSet<&'c str> {
    let changed = changes
        .iter()
        .filter(|change| change.kind != ChangeKind::Delete)
        .map(|change| change.name.as_str());
    let held = held
        .iter()
        .filter(|held| matches!(held.reason, HeldReason::ProfileLacks { .. }));
    let all = changed.chain(held.map(|held| held.name.as_str()));
    all.filter(|name| live.policies.iter().any(|policy| policy.name == *name))
        .collect()
}

/// A policy that was deleted on the server is still declared.
fn declared(change: &mut Change, place: &dyn Fn(&str) -> Option<SourceRef>) {
    if change.kind == ChangeKind::Delete {
        change.source = place(&change.name);
    }
}

fn last_changes(changes: &[Change], live: &DockerLiveState) -> Vec<LastChange> {
    let there = changes
        .iter()
        .filter(|change| change.kind != ChangeKind::Delete);
    let policies = there.filter_map(|change| {
        live.policies
            .iter()
            .find(|policy| policy.name == change.name)
    });
    let since = policies.map(|policy| LastChange {
        name: policy.name.clone(),
        id: policy.id.to_string(),
        updated_at: policy.updated_at.clone(),
    });
    since.collect()
}
