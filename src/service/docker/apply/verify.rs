//! Compares what a run left with what is there.

use std::collections::{BTreeSet, HashSet};

use crate::plan::{Mismatch, PlannedCall, ReplayError, Subject, TargetPlan};
use crate::run::CallReport;
use crate::service::docker::plan::replay::replay;
use crate::service::docker::plan::replay::verify;
use model::docker::{DockerLiveState, LivePolicy};

/// How what was read back differs from what the applied calls make of what was there before. Policies of which nobody
/// can say what they should hold, since another writer was there or a call's fate is unknown, are left out: the report
/// tells of them.
///
/// # Errors
/// The applied calls do not fit what was there.
pub fn read_back_differs(
    plan: &TargetPlan,
    before: &DockerLiveState,
    report: &CallReport,
    actual: &DockerLiveState,
) -> Result<Vec<Mismatch>, ReplayError> {
    let disputed = report.uncertain_calls(&plan.calls);
    let subjects: HashSet<Subject> = disputed.iter().map(|call| call.subject()).collect();
    let is_disputed = |call: &PlannedCall| subjects.contains(&call.subject());
    let names: BTreeSet<&str> = plan
        .calls
        .iter()
        .filter(|call| is_disputed(call))
        .map(|call| call.name.as_str())
        .collect();
    let calls: Vec<PlannedCall> = report
        .applied_calls(&plan.calls)
        .into_iter()
        .filter(|call| !is_disputed(call))
        .cloned()
        .collect();
    let known = |policy: &LivePolicy| {
        !names.contains(policy.name.as_str())
            && !subjects.contains(&Subject::Existing((&policy.id).into()))
    };
    let keep = |mut state: DockerLiveState| {
        state.policies.retain(known);
        state
    };
    Ok(verify(
        &keep(replay(before, &calls)?),
        &keep(actual.clone()),
    ))
}
