//! What a run that did not make all its calls leaves to be opened and closed.

use std::collections::BTreeSet;

use super::impact::impact;
use super::recompute::places;
use super::replay::replay;
use crate::plan::{AccessImpact, ReplayError, SourceRef, TargetPlan};
use model::docker::{DockerLiveState, PolicyId};

/// The access changes from the live state to the state after all calls of a plan. `before` are the
/// policies that the plan touches, as they were before the run. Other policies count as they are now,
/// because they decide requests too.
///
/// # Errors
/// The plan was made for another state.
pub fn remaining_access(
    plan: &TargetPlan,
    before: &DockerLiveState,
    live: &DockerLiveState,
) -> Result<AccessImpact, ReplayError> {
    let mut planned = replay(before, &plan.calls)?;
    let ids: BTreeSet<&PolicyId> = before.policies.iter().map(|policy| &policy.id).collect();
    let created = planned.policies.iter();
    let created: BTreeSet<String> = created.map(|policy| policy.name.clone()).collect();
    let others = live
        .policies
        .iter()
        .filter(|policy| !ids.contains(&policy.id) && !created.contains(policy.name.as_str()));
    planned.policies.extend(others.cloned());
    let places = places(plan);
    let place = |policy: &str, rule: Option<&str>| {
        places
            .get(&(policy, rule))
            .map(|place| SourceRef::clone(place))
    };
    Ok(impact(live, &planned, &place))
}
