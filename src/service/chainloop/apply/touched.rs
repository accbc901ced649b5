//! What a plan of documents touches: compared with what it was made from, and with what a run left.

use std::collections::BTreeSet;

use super::outcome::moved;
use crate::plan::document_id;
use crate::plan::{Mismatch, ReplayError};
use crate::plan::{ResourceKind, TargetPlan};
use crate::run::CallReport;
use crate::run::StalePlan;
use crate::service::chainloop::client::ChainloopReader;
use crate::service::chainloop::plan::{document_fingerprint, documents_replayed, verify_documents};
use http::ApiError;
use model::chainloop::{ChainloopLiveState, ChainloopOperation, DocumentKind, PolicyName};

/// The policies that the calls of a plan write.
fn written(plan: &TargetPlan) -> BTreeSet<PolicyName> {
    plan.calls
        .iter()
        .filter_map(|call| Some(call.send.chainloop()?.document().name.clone()))
        .collect()
}

/// Reads what the plan touches or creates.
///
/// # Errors
/// Any failed read.
pub async fn read_touched(
    plan: &TargetPlan,
    reader: &ChainloopReader,
) -> Result<ChainloopLiveState, ApiError> {
    let wanted = written(plan)
        .into_iter()
        .map(|name| (DocumentKind::Policy, name));
    reader.clone().with_documents(wanted).live_state().await
}

/// Of more, what [`read_touched`] would have read.
pub fn keep_touched(mut live: ChainloopLiveState, plan: &TargetPlan) -> ChainloopLiveState {
    let written = written(plan);
    live.documents
        .retain(|(kind, name), _| *kind == DocumentKind::Policy && written.contains(name));
    live
}

/// Whether what the plan touches is still what it was made from.
pub fn check_unmoved(plan: &TargetPlan, live: &ChainloopLiveState) -> Vec<StalePlan> {
    let mut stale = Vec::new();
    for operation in plan.calls.iter().filter_map(|call| call.send.chainloop()) {
        let name = &operation.document().name;
        let found = live.document(DocumentKind::Policy, name).flatten();
        let id = document_id(DocumentKind::Policy, name);
        let before = plan.before.iter().find(|before| before.id == id);
        match (operation, before, found) {
            (ChainloopOperation::CreatePolicy { .. }, _, found) => {
                stale.extend(moved(operation, None, found).map(|(stale, _)| stale));
            }
            (ChainloopOperation::UpdatePolicy { .. }, _, None) => {
                stale.push(StalePlan::Gone(
                    ResourceKind::PolicyDocument,
                    name.to_string(),
                ));
            }
            (ChainloopOperation::UpdatePolicy { .. }, Some(before), Some(found))
                if document_fingerprint(found) == before.fingerprint => {}
            (ChainloopOperation::UpdatePolicy { .. }, Some(_) | None, Some(_)) => {
                stale.push(StalePlan::Changed(
                    ResourceKind::PolicyDocument,
                    name.to_string(),
                ));
            }
        }
    }
    stale
}

/// Compares the state that was read after the run with the result of the applied calls. Objects of calls with unknown
/// outcome are left out because the report lists these calls.
///
/// # Errors
/// The applied calls do not fit what was there.
pub fn read_back_differs(
    plan: &TargetPlan,
    before: &ChainloopLiveState,
    report: &CallReport,
    actual: &ChainloopLiveState,
) -> Result<Vec<Mismatch>, ReplayError> {
    let disputed: BTreeSet<&str> = report
        .uncertain_calls(&plan.calls)
        .iter()
        .map(|call| call.name.as_str())
        .collect();
    let calls: Vec<_> = report
        .calls_in_place(&plan.calls)
        .into_iter()
        .cloned()
        .collect();
    let expected = documents_replayed(before, &calls, &plan.target.organization)?;
    let mut found = verify_documents(&expected, actual);
    found.retain(|mismatch| !disputed.contains(mismatch.name.as_str()));
    Ok(found)
}

/// The documents that a plan was made from and leaves as they are.
#[derive(Debug, Default)]
pub struct DocumentBasis {
    unchanged: ChainloopLiveState,
}

impl DocumentBasis {
    /// What a plan was made from.
    pub fn new(plan: &TargetPlan, mut live: ChainloopLiveState) -> Self {
        let written = written(plan);
        live.documents
            .retain(|(kind, name), _| *kind != DocumentKind::Policy || !written.contains(name));
        Self { unchanged: live }
    }

    /// Reads these documents again, and returns what changed.
    ///
    /// # Errors
    /// Any failed read.
    pub async fn changes(&self, reader: &ChainloopReader) -> Result<Vec<StalePlan>, ApiError> {
        let wanted = self.unchanged.documents.keys().cloned();
        let now = reader.clone().with_documents(wanted).live_state().await?;
        let mut changed = Vec::new();
        for ((kind, name), before) in &self.unchanged.documents {
            let found = now.document(*kind, name).flatten();
            let resource = match kind {
                DocumentKind::Policy => ResourceKind::PolicyDocument,
                DocumentKind::PolicyGroup => ResourceKind::GroupDocument,
            };
            changed.extend(match (before, found) {
                (None, None) => None,
                (Some(_), None) => Some(StalePlan::Gone(resource, name.to_string())),
                (None, Some(_)) => Some(StalePlan::Appeared(resource, name.to_string())),
                (Some(before), Some(found)) => (document_fingerprint(before)
                    != document_fingerprint(found))
                .then(|| StalePlan::Changed(resource, name.to_string())),
            });
        }
        Ok(changed)
    }
}
