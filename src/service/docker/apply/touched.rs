//! Reads what a plan touches, and compares it with what the plan was made from.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::plan::{ResourceId, ResourceKind, TargetPlan, fingerprint};
use crate::run::StalePlan;
use crate::service::docker::client::DockerReader;
use http::ApiError;
use model::docker::{DockerLiveState, DockerOperation, PolicySummary};

/// Reads the live policies that the plan touches or creates: those it names by id, and those with the names that
/// its policies have after it.
///
/// # Errors
/// Any failed read: a part of the answer is never taken for the whole.
pub async fn read_touched(
    plan: &TargetPlan,
    reader: &DockerReader,
    at_once: usize,
) -> Result<DockerLiveState, ApiError> {
    let ids: BTreeSet<_> = plan.before.iter().map(|before| &before.id).collect();
    let names = names_after(plan);
    let listed = reader.list_policies().await?;
    let touched = |summary: &PolicySummary| {
        ids.contains(&ResourceId::from(&summary.id)) || names.contains(summary.name.as_str())
    };
    let wanted: Vec<PolicySummary> = listed.into_iter().filter(touched).collect();
    let policies = stream::iter(wanted)
        .map(|summary| async move { reader.policy(&summary).await })
        .buffered(at_once.max(1))
        .try_collect()
        .await?;
    Ok(DockerLiveState { policies })
}

/// Whether what the plan touches is still what it was made from.
pub fn check_unmoved(plan: &TargetPlan, live: &DockerLiveState) -> Vec<StalePlan> {
    let mut stale = Vec::new();
    for before in &plan.before {
        match live
            .policies
            .iter()
            .find(|policy| ResourceId::from(&policy.id) == before.id)
        {
            None => stale.push(StalePlan::Gone(before.resource, before.name.clone())),
            Some(policy) if fingerprint(policy) != before.fingerprint => {
                stale.push(StalePlan::Changed(before.resource, before.name.clone()));
            }
            Some(_) => {}
        }
    }
    let names = names_after(plan);
    let known: BTreeSet<_> = plan.before.iter().map(|before| &before.id).collect();
    let new = live.policies.iter().filter(|policy| {
        names.contains(policy.name.as_str()) && !known.contains(&ResourceId::from(&policy.id))
    });
    stale.extend(new.map(|policy| StalePlan::Exists(ResourceKind::Policy, policy.name.clone())));
    stale
}

/// Of a whole organization, what [`read_touched`] would have read.
pub fn keep_touched(mut live: DockerLiveState, plan: &TargetPlan) -> DockerLiveState {
    let ids: BTreeSet<_> = plan.before.iter().map(|before| &before.id).collect();
    let names = names_after(plan);
    live.policies.retain(|policy| {
        ids.contains(&ResourceId::from(&policy.id)) || names.contains(policy.name.as_str())
    });
    live
}

/// The names that policies get from the plan.
fn names_after(plan: &TargetPlan) -> BTreeSet<&str> {
    let names = plan
        .calls
        .iter()
        .filter_map(|call| match call.send.docker()? {
            DockerOperation::CreatePolicy { policy } => Some(policy.name.as_str()),
            DockerOperation::UpdatePolicy { patch, .. } => {
                patch.name.as_ref().map(model::Name::as_str)
            }
            DockerOperation::DeletePolicy { .. }
            | DockerOperation::CreateRule { .. }
            | DockerOperation::UpdateRule { .. }
            | DockerOperation::DeleteRule { .. } => None,
        });
    names.collect()
}
