//! Compares what a run left with what is there.

pub(crate) use std::collections::{BTreeSet, HashSet};

use super::ledger::PolicyKey;
use crate::plan::{Call, TargetPlan};
use crate::plan::{Mismatch, ReplayError};
use crate::run::Report;
use crate::service::docker::plan::replay::replay;
use crate::service::docker::plan::replay::verify;
use model::docker::{LivePolicy, LiveState};

/// How what was read back differs from what the applied calls make of what was there before. Policies of which nobody
/// can say what they should hold, since another writer was there or a call's fate is unknown, are left out: the report
/// tells of them.
///
/// # Errors
/// The applied calls do not fit what was there.
pub fn read_back_differs(
    plan: &TargetPlan,
    before: &LiveState,
    report: &Report,
    actual: &LiveState,
) -> Result<Vec<Mismatch>, ReplayError> {
    let disputed = report.disputed_calls(&plan.calls);
    let keys: HashSet<PolicyKey> = disputed.iter().filter_map(|call| key(call)).collect();
    let is_disputed = |call: &Call| key(call).is_some_and(|key| keys.contains(&key));
    let names: BTreeSet<&str> = plan
        .calls
        .iter()
        .filter(|call| is_disputed(call))
        .map(|call| call.name.as_str())
        .collect();
    let calls: Vec<Call> = report
        .applied_calls(&plan.calls)
        .into_iter()
        .filter(|call| !is_disputed(call))
        .cloned()
        .collect();
    let known = |policy: &LivePolicy| {
        !names.contains(policy.name.as_str())
            && !keys.contains(&PolicyKey::Existing(policy.id.clone()))
    };
    let keep = |mut state: LiveState| {
        state.policies.retain(known);
        state
    };
    Ok(verify(
        &keep(replay(before, &calls)?),
        &keep(actual.clone()),
    ))
}

fn key(call: &Call) -> Option<PolicyKey> {
    Some(PolicyKey::of(call.id, call.send.docker()?))
}
