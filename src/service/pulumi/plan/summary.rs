//! The parts of a plan that follow from its changes, its calls and the live state: counts,
//! fingerprints and guarded changes.

use std::collections::BTreeSet;

use super::fingerprint::{group_fingerprint, pack_fingerprint};
use crate::plan::{
    Change, ChangeKind, GuardedChange, GuardedKind, LiveCounts, PlannedCall, PlannedFingerprint,
    ResourceId, ResourceKind,
};
use crate::plan::{group_id, pack_id};
use model::pulumi::PulumiLiveState;

pub(super) fn counts(live: &PulumiLiveState) -> LiveCounts {
    let versions = live.packs.iter().map(|pack| pack.versions.len()).sum();
    LiveCounts::new([
        (ResourceKind::Pack, live.packs.len()),
        (ResourceKind::Version, versions),
        (ResourceKind::Group, live.groups.len()),
    ])
}

/// The fingerprints of everything that the calls change.
pub(super) fn before(live: &PulumiLiveState, calls: &[PlannedCall]) -> Vec<PlannedFingerprint> {
    let touched: BTreeSet<ResourceId> = calls
        .iter()
        .filter_map(|call| call.send.existing())
        .collect();
    let packs = live.packs.iter().map(|pack| PlannedFingerprint {
        resource: ResourceKind::Pack,
        id: pack_id(&pack.name),
        name: pack.name.clone(),
        fingerprint: pack_fingerprint(pack),
    });
    let groups = live.groups.iter().map(|group| PlannedFingerprint {
        resource: ResourceKind::Group,
        id: group_id(&group.name),
        name: group.name.clone(),
        fingerprint: group_fingerprint(group),
    });
    let mut all: Vec<PlannedFingerprint> = packs
        .chain(groups)
        .filter(|before| touched.contains(&before.id))
        .collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// Changes that require an acknowledgement.
pub(super) fn guarded(changes: &[Change], pruned: &[(ResourceKind, String)]) -> Vec<GuardedChange> {
    let gone = pruned.iter().map(|(resource, name)| GuardedChange {
        kind: GuardedKind::Prune,
        resource: *resource,
        name: name.clone(),
        how: "no manifest declares it, and it is deleted".to_owned(),
    });
    let mut found: Vec<GuardedChange> = gone.chain(removed_packs(changes)).collect();
    found.sort();
    found
}

/// The packs that are removed from groups that stay.
pub(super) fn removed_packs(changes: &[Change]) -> Vec<GuardedChange> {
    let groups = changes.iter().filter(|change| {
        change.resource == ResourceKind::Group
            && matches!(change.kind, ChangeKind::Update | ChangeKind::Within)
    });
    let packs = groups.flat_map(|group| {
        let gone = group
            .children
            .iter()
            .filter(|pack| pack.kind == ChangeKind::Delete);
        gone.map(|pack| GuardedChange {
            kind: GuardedKind::PackRemoved,
            resource: ResourceKind::Group,
            name: group.name.clone(),
            how: format!("the pack `{}` is removed from it", pack.name),
        })
    });
    packs.collect()
}
