//! What a plan of Pulumi Cloud touches: compared with what it was made from, and with what a run left.

use std::collections::BTreeSet;

use crate::plan::{Fingerprint, Mismatch, ReplayError};
use crate::plan::{ResourceId, ResourceKind, TargetPlan};
use crate::plan::{group_id, pack_id};
use crate::run::CallReport;
use crate::run::StalePlan;
use crate::service::pulumi::plan::{
    PackModel, group_fingerprint, pack_fingerprint, packs_replayed, verify_packs,
};
use model::pulumi::{GroupChange, LivePack, PulumiLiveState, PulumiOperation};

/// Whether what the plan touches is still what it was made from.
pub fn check_unmoved(plan: &TargetPlan, live: &PulumiLiveState) -> Vec<StalePlan> {
    let mut stale = Vec::new();
    for before in &plan.before {
        let now = match before.resource {
            ResourceKind::Group => live.group(&before.name).map(group_fingerprint),
            ResourceKind::Pack
            | ResourceKind::Policy
            | ResourceKind::Rule
            | ResourceKind::Version
            | ResourceKind::PackPolicy
            | ResourceKind::EnabledPack
            | ResourceKind::PolicyDocument
            | ResourceKind::GroupDocument => live.pack(&before.name).map(pack_fingerprint),
        };
        match now {
            None => stale.push(StalePlan::Gone(before.resource, before.name.clone())),
            Some(now) if now != before.fingerprint => {
                stale.push(StalePlan::Changed(before.resource, before.name.clone()))
            }
            Some(_) => {}
        }
    }
    let known = |id: &ResourceId| plan.before.iter().any(|before| before.id == *id);
    for operation in plan.calls.iter().filter_map(|call| call.send.pulumi()) {
        match operation {
            PulumiOperation::CreateGroup { group } if live.group(group.name.as_str()).is_some() => {
                if !known(&group_id(group.name.as_str())) {
                    stale.push(StalePlan::Exists(
                        ResourceKind::Group,
                        group.name.to_string(),
                    ));
                }
            }
            PulumiOperation::CreatePackVersion { version }
                if live.pack(version.name.as_str()).is_some() =>
            {
                if !known(&pack_id(version.name.as_str())) {
                    stale.push(StalePlan::Exists(
                        ResourceKind::Pack,
                        version.name.to_string(),
                    ));
                }
            }
            PulumiOperation::CreatePackVersion { .. }
            | PulumiOperation::PutArchive { .. }
            | PulumiOperation::CompletePackVersion { .. }
            | PulumiOperation::DeletePackVersion { .. }
            | PulumiOperation::DeletePack { .. }
            | PulumiOperation::CreateGroup { .. }
            | PulumiOperation::UpdateGroup { .. }
            | PulumiOperation::DeleteGroup { .. } => {}
        }
    }
    stale.extend(unlisted(plan, live));
    stale
}

/// Objects that calls replace or delete without a fingerprint in the plan: it is unknown which state they
/// were made for.
fn unlisted(plan: &TargetPlan, live: &PulumiLiveState) -> Vec<StalePlan> {
    let known = |id: &ResourceId| plan.before.iter().any(|before| before.id == *id);
    let mut unlisted = BTreeSet::new();
    for call in &plan.calls {
        let (Some(operation), Some(id)) = (call.send.pulumi(), call.send.existing()) else {
            continue;
        };
        // A creation that meets an existing object is reported above.
        let is_creation = matches!(
            operation,
            PulumiOperation::CreateGroup { .. } | PulumiOperation::CreatePackVersion { .. }
        );
        if !is_creation && !known(&id) {
            unlisted.insert(id);
        }
    }
    let packs = live.packs.iter().map(|pack| {
        let id = pack_id(&pack.name);
        (id, ResourceKind::Pack, &pack.name)
    });
    let groups = live.groups.iter().map(|group| {
        let id = group_id(&group.name);
        (id, ResourceKind::Group, &group.name)
    });
    packs
        .chain(groups)
        .filter(|(id, ..)| unlisted.contains(id))
        .map(|(_, resource, name)| StalePlan::Changed(resource, name.clone()))
        .collect()
}

/// Compares the state that was read after the run with the result of the applied calls. Objects of calls with unknown
/// outcome are left out because the report lists these calls.
///
/// # Errors
/// The applied calls do not fit what was there.
pub fn read_back_differs(
    plan: &TargetPlan,
    before: &PulumiLiveState,
    report: &CallReport,
    actual: &PulumiLiveState,
) -> Result<Vec<Mismatch>, ReplayError> {
    let disputed: BTreeSet<(ResourceKind, &str)> = report
        .uncertain_calls(&plan.calls)
        .iter()
        .map(|call| (call.send.resource(), call.name.as_str()))
        .collect();
    let is_disputed = |resource: ResourceKind, name: &str| disputed.contains(&(resource, name));
    let calls: Vec<_> = report
        .calls_in_place(&plan.calls)
        .into_iter()
        .cloned()
        .collect();
    let mut expected = packs_replayed(before, &calls)?;
    accept_assigned_pools(&mut expected, before, actual);
    let touched: BTreeSet<(ResourceKind, &str)> = plan
        .calls
        .iter()
        .map(|call| (call.send.resource(), call.name.as_str()))
        .collect();
    let mut found = verify_packs(&expected, actual);
    found.retain(|mismatch| {
        touched.contains(&(mismatch.resource, mismatch.name.as_str()))
            && !is_disputed(mismatch.resource, &mismatch.name)
    });
    Ok(found)
}

/// Accepts the agent pools that the server assigned to groups that were created without one.
fn accept_assigned_pools(
    expected: &mut PulumiLiveState,
    before: &PulumiLiveState,
    actual: &PulumiLiveState,
) {
    let created = expected
        .groups
        .iter_mut()
        .filter(|group| before.group(&group.name).is_none());
    for group in created {
        let assigned = actual
            .group(&group.name)
            .and_then(|group| group.body.as_ref().ok());
        if let (Ok(body), Some(assigned)) = (&mut group.body, assigned)
            && body.agent_pool.is_none()
        {
            body.agent_pool.clone_from(&assigned.agent_pool);
        }
    }
}

/// What changed between the state that a plan was made from and a later reading, before the first call.
/// Calls of the plan that another client has made are left out: they are adopted.
pub(super) fn changed_before(
    plan: &TargetPlan,
    before: &PulumiLiveState,
    now: &PulumiLiveState,
) -> Vec<StalePlan> {
    let touched = touched_objects(plan);
    let mut open = differences(plan, before, now);
    let mut model = PackModel::new(before);
    for operation in plan.calls.iter().filter_map(|call| call.send.pulumi()) {
        if open.is_empty() || model.apply(operation).is_err() {
            break;
        }
        open.retain(|difference| {
            let is_planned = touched.contains(&difference.object)
                && is_same(&difference.object, model.state(), now);
            !is_planned
        });
    }
    open.into_iter()
        .map(|difference| difference.stale)
        .collect()
}

/// What another client changed during the run, apart from what the plan touches: this is compared with
/// what the calls make.
pub fn changed_meanwhile(
    plan: &TargetPlan,
    before: &PulumiLiveState,
    now: &PulumiLiveState,
) -> Vec<StalePlan> {
    let touched = touched_objects(plan);
    let changes_groups = touched
        .iter()
        .any(|object| matches!(object, PulumiObject::Group(_)));
    let is_consequence = |object: &PulumiObject| match object {
        PulumiObject::Group(name) => changes_groups && has_other_members_only(name, before, now),
        PulumiObject::Pack(_) => false,
    };
    let found = differences(plan, before, now).into_iter();
    found
        .filter(|difference| !touched.contains(&difference.object))
        .filter(|difference| !is_consequence(&difference.object))
        .map(|difference| difference.stale)
        .collect()
}

/// Whether a group is a default group, and only its members differ. The service moves stacks and
/// accounts that are in no other group to it, so calls for other groups change it too.
fn has_other_members_only(name: &str, before: &PulumiLiveState, now: &PulumiLiveState) -> bool {
    let without_members = |state: &PulumiLiveState| {
        let mut group = state.group(name).filter(|group| group.is_default)?.clone();
        if let Ok(body) = &mut group.body {
            body.stacks.clear();
            body.accounts.clear();
        }
        Some(group_fingerprint(&group))
    };
    match (without_members(before), without_members(now)) {
        (Some(before), Some(now)) => before == now,
        (Some(_) | None, _) => false,
    }
}

/// A pack or a group, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum PulumiObject {
    Pack(String),
    Group(String),
}

struct ObjectChange {
    object: PulumiObject,
    stale: StalePlan,
}

/// The packs and groups that the calls of a plan change.
fn touched_objects(plan: &TargetPlan) -> BTreeSet<PulumiObject> {
    let mut touched = BTreeSet::new();
    for operation in plan.calls.iter().filter_map(|call| call.send.pulumi()) {
        let object = match operation {
            PulumiOperation::CreatePackVersion { version } => {
                PulumiObject::Pack(version.name.to_string())
            }
            PulumiOperation::PutArchive { pack, .. }
            | PulumiOperation::CompletePackVersion { pack, .. }
            | PulumiOperation::DeletePackVersion { pack, .. }
            | PulumiOperation::DeletePack { pack } => PulumiObject::Pack(pack.to_string()),
            PulumiOperation::CreateGroup { group } => PulumiObject::Group(group.name.to_string()),
            PulumiOperation::UpdateGroup { group, change } => {
                if let GroupChange::Rename { name } = change {
                    touched.insert(PulumiObject::Group(name.to_string()));
                }
                PulumiObject::Group(group.to_string())
            }
            PulumiOperation::DeleteGroup { group } => PulumiObject::Group(group.to_string()),
        };
        touched.insert(object);
    }
    touched
}

/// The packs and groups that are gone, new or changed. The contents of those that no manifest declares
/// make no difference for the plan.
fn differences(
    plan: &TargetPlan,
    before: &PulumiLiveState,
    now: &PulumiLiveState,
) -> Vec<ObjectChange> {
    let unmanaged: BTreeSet<&ResourceId> = plan.unmanaged.iter().map(|found| &found.id).collect();
    let mut found = Vec::new();
    let states = || [before, now].into_iter();
    let packs: BTreeSet<&str> = states()
        .flat_map(|state| &state.packs)
        .map(|pack| pack.name.as_str())
        .collect();
    for name in packs {
        let prints = [before, now].map(|state| state.pack(name).map(pack_fingerprint));
        let is_unmanaged = unmanaged.contains(&pack_id(name));
        found.extend(
            change(ResourceKind::Pack, name, prints, is_unmanaged).map(|stale| ObjectChange {
                object: PulumiObject::Pack(name.to_owned()),
                stale,
            }),
        );
    }
    let groups: BTreeSet<&str> = states()
        .flat_map(|state| &state.groups)
        .map(|group| group.name.as_str())
        .collect();
    for name in groups {
        let prints = [before, now].map(|state| state.group(name).map(group_fingerprint));
        let is_unmanaged = unmanaged.contains(&group_id(name));
        found.extend(
            change(ResourceKind::Group, name, prints, is_unmanaged).map(|stale| ObjectChange {
                object: PulumiObject::Group(name.to_owned()),
                stale,
            }),
        );
    }
    found
}

fn change(
    resource: ResourceKind,
    name: &str,
    [before, now]: [Option<Fingerprint>; 2],
    is_unmanaged: bool,
) -> Option<StalePlan> {
    match (before, now) {
        (None, None) => None,
        (Some(_), None) => Some(StalePlan::Gone(resource, name.to_owned())),
        (None, Some(_)) => Some(StalePlan::Appeared(resource, name.to_owned())),
        (Some(before), Some(now)) => {
            (before != now && !is_unmanaged).then(|| StalePlan::Changed(resource, name.to_owned()))
        }
    }
}

/// Whether an object is the same in two states. The service numbers versions by itself, so that packs
/// are compared by the tags of their versions.
fn is_same(object: &PulumiObject, expected: &PulumiLiveState, now: &PulumiLiveState) -> bool {
    match object {
        PulumiObject::Pack(name) => {
            let tags = |pack: &LivePack| -> Vec<String> {
                let versions = pack.versions.iter();
                versions.map(|version| version.tag.clone()).collect()
            };
            expected.pack(name).map(tags) == now.pack(name).map(tags)
        }
        PulumiObject::Group(name) => {
            expected.group(name).map(group_fingerprint) == now.group(name).map(group_fingerprint)
        }
    }
}
