//! What failed in a run.

use super::{Annotation, PlanRule};
use crate::plan::{CallId, TargetPlan, changes_of_calls};
use crate::render::report::{describe, failure_text};
use crate::render::text::neutral;
use crate::run::CallOutcome;

impl Annotation {
    /// The calls of a target that failed or whose outcome is unknown, at the manifests that they come from.
    pub fn of_failed_calls(plan: &TargetPlan, outcomes: &[(CallId, CallOutcome)]) -> Vec<Self> {
        let changes = changes_of_calls(plan);
        let mut found = Vec::new();
        for (id, outcome) in outcomes {
            let rule = match outcome {
                CallOutcome::Failed(_) => PlanRule::CallFailed,
                CallOutcome::Unknown { .. } => PlanRule::CallUnknown,
                CallOutcome::Applied(_)
                | CallOutcome::Replaced(_)
                | CallOutcome::Adopted
                | CallOutcome::Skipped(_) => continue,
            };
            let Some(call) = plan.calls.iter().find(|call| call.id == *id) else {
                continue;
            };
            let what = describe(call);
            let why = failure_text(outcome).unwrap_or_default();
            let source = changes.get(id).and_then(|change| change.source.as_ref());
            let mut finding =
                Self::of(rule, format!("{what}: {why}"), &[&plan.target.name, &what]).at(source);
            finding.target = Some(neutral(&plan.target.name).into_owned());
            found.push(finding);
        }
        found
    }
}
