//! Reads back what a run wrote, and compares it with what its calls make.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use super::ledger::Ledger;
use crate::plan::{Mismatch, PlannedCall, ReplayError, Subject, TargetPlan};
use crate::run::CallReport;
use crate::service::docker::client::DockerReader;
use crate::service::docker::plan::replay::{replay, verify, verify_extensions};
use http::ApiError;
use model::docker::{DockerLiveState, DockerOperation, LivePolicy, PolicyId};

/// The current state of the written policy, or `None` if the list does not contain it: for a creation the one of
/// its name that this run has not seen before, else the one of its id.
///
/// # Errors
/// Any failed read: then nothing can be said.
pub(super) async fn read_back(
    send: &DockerOperation<PolicyId>,
    ledger: &Mutex<Ledger>,
    reader: &DockerReader,
) -> Result<Option<LivePolicy>, ApiError> {
    let seen = |id: &PolicyId| {
        ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .has_seen(id)
    };
    match send {
        DockerOperation::CreatePolicy { policy } => {
            let name = policy.name.as_str();
            reader
                .find_policy(|summary| summary.name == name && !seen(&summary.id))
                .await
        }
        DockerOperation::UpdatePolicy { id, .. }
        | DockerOperation::DeletePolicy { id }
        | DockerOperation::CreateRule { policy: id, .. }
        | DockerOperation::UpdateRule { policy: id, .. }
        | DockerOperation::DeleteRule { policy: id, .. } => {
            reader.find_policy(|summary| summary.id == *id).await
        }
    }
}

/// Compares the state that was read after the run with the result of the applied calls. Policies with an unknown
/// expected state (changed by another client, or by a call with unknown outcome) are left out because the report
/// lists these calls.
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
        .calls_in_place(&plan.calls)
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
    let expected = keep(replay(before, &calls)?);
    let actual = keep(actual.clone());
    let mut mismatches = verify(&expected, &actual);
    mismatches.extend(verify_extensions(before, &expected, &actual));
    Ok(mismatches)
}
