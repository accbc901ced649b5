//! Reads what a plan touches, and compares it with what the plan was made from.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::plan::{ResourceId, ResourceKind, TargetPlan, fingerprint};
use crate::run::StalePlan;
use crate::service::docker::client::DockerReader;
use http::ApiError;
use model::docker::{DockerLiveState, DockerOperation, LivePolicy, PolicyId, PolicySummary};

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
    // Without a fingerprint, it is unknown which state the calls were made for.
    let existing = plan.calls.iter().filter_map(|call| call.send.existing());
    let unlisted: BTreeSet<_> = existing.filter(|id| !known.contains(id)).collect();
    let unlisted = live
        .policies
        .iter()
        .filter(|policy| unlisted.contains(&ResourceId::from(&policy.id)));
    stale.extend(
        unlisted.map(|policy| StalePlan::Changed(ResourceKind::Policy, policy.name.clone())),
    );
    stale
}

/// The state that a plan was made from, with what [`read_touched`] read later. The other policies stay, so that the
/// run still notices if another client changes them.
pub fn replace_touched(
    known: DockerLiveState,
    plan: &TargetPlan,
    touched: DockerLiveState,
) -> DockerLiveState {
    let is_touched = keep_touched(known.clone(), plan);
    let is_touched: BTreeSet<_> = is_touched.policies.iter().map(|it| &it.id).collect();
    let others = known.policies.into_iter();
    let others = others.filter(|policy| !is_touched.contains(&policy.id));
    DockerLiveState {
        policies: others.chain(touched.policies).collect(),
    }
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
pub(super) fn names_after(plan: &TargetPlan) -> BTreeSet<&str> {
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

/// The live policies that a plan depends on, as they were when it was made.
#[derive(Debug, Default)]
pub struct PlanBasis {
    /// The ids and names of all policies.
    listed: BTreeMap<PolicyId, String>,
    /// The policies that a manifest declares and that the plan leaves as they are.
    unchanged: BTreeMap<PolicyId, LivePolicy>,
}

/// The policies that were read again.
pub struct PolicyReading {
    listed: Vec<PolicySummary>,
    policies: Vec<LivePolicy>,
}

impl PlanBasis {
    /// What a plan was made from.
    pub fn new(plan: &TargetPlan, live: &DockerLiveState) -> Self {
        let touched: BTreeSet<_> = plan.before.iter().map(|before| &before.id).collect();
        let unmanaged: BTreeSet<_> = plan.unmanaged.iter().map(|found| &found.id).collect();
        let mut basis = Self::default();
        for policy in &live.policies {
            let id = ResourceId::from(&policy.id);
            basis.listed.insert(policy.id.clone(), policy.name.clone());
            if !touched.contains(&id) && !unmanaged.contains(&id) {
                basis.unchanged.insert(policy.id.clone(), policy.clone());
            }
        }
        basis
    }

    /// Reads the list of policies again, the policies that the plan leaves as they are, and the others
    /// that are asked for.
    ///
    /// # Errors
    /// Any failed read.
    pub async fn read_again(
        &self,
        others: impl Fn(&PolicyId) -> bool,
        reader: &DockerReader,
        at_once: usize,
    ) -> Result<PolicyReading, ApiError> {
        let listed = reader.list_policies().await?;
        let is_wanted = |summary: &&PolicySummary| {
            self.unchanged.contains_key(&summary.id) || others(&summary.id)
        };
        let wanted: Vec<PolicySummary> = listed.iter().filter(is_wanted).cloned().collect();
        let policies = stream::iter(wanted)
            .map(|summary| async move { reader.policy(&summary).await })
            .buffered(at_once.max(1))
            .try_collect()
            .await?;
        Ok(PolicyReading { listed, policies })
    }

    /// What differs from the basis of the plan: policies that are gone, new policies, and changes of
    /// policies that the plan leaves as they are. `is_deleted` and `is_created` tell which of
    /// them are calls of the plan.
    pub fn changes(
        &self,
        reading: &PolicyReading,
        is_deleted: impl Fn(&PolicyId) -> bool,
        is_created: impl Fn(&PolicySummary) -> bool,
    ) -> Vec<StalePlan> {
        let mut stale = Vec::new();
        let found: BTreeSet<&PolicyId> = reading.listed.iter().map(|found| &found.id).collect();
        for (id, name) in &self.listed {
            if !found.contains(id) && !is_deleted(id) {
                stale.push(StalePlan::Gone(ResourceKind::Policy, name.clone()));
            }
        }
        for summary in &reading.listed {
            if !self.listed.contains_key(&summary.id) && !is_created(summary) {
                let name = summary.name.clone();
                stale.push(StalePlan::Appeared(ResourceKind::Policy, name));
            }
        }
        for policy in &reading.policies {
            if let Some(known) = self.unchanged.get(&policy.id)
                && fingerprint(known) != fingerprint(policy)
            {
                stale.push(StalePlan::Changed(ResourceKind::Policy, known.name.clone()));
            }
        }
        stale
    }
}

impl PolicyReading {
    /// A policy that was read again.
    pub fn policy(&self, id: &PolicyId) -> Option<&LivePolicy> {
        self.policies.iter().find(|policy| policy.id == *id)
    }
}
