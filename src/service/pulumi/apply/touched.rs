//! What a plan of Pulumi Cloud touches: compared with what it was made from, and with what a run left.

use std::collections::BTreeSet;

use crate::plan::{Mismatch, ReplayError};
use crate::plan::{ResourceId, ResourceKind, TargetPlan};
use crate::plan::{group_id, pack_id};
use crate::run::CallReport;
use crate::run::StalePlan;
use crate::service::pulumi::plan::{
    group_fingerprint, pack_fingerprint, packs_replayed, verify_packs,
};
use model::pulumi::{PulumiLiveState, PulumiOperation};

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
    stale
}

/// How what was read back differs from what the applied calls make of what was there before. What a call of unknown fate
/// is about is left out: the report tells of it.
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
    let expected = packs_replayed(before, &calls)?;
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
