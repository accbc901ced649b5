//! The plan of a target in a few numbers. The terminal, comments and pages show the same ones.

use super::access_view::{AccessCount, AccessView};
use crate::plan::{PlanMark, TargetPlan, plan_mark};
use crate::render::text::{count_of, neutral, plural, shell_word};

/// What happens with an approved plan.
pub(crate) const AFTER_THE_MERGE: &str =
    "After the merge, `polwarden apply` plans again and makes these API calls.";
pub(crate) const ONLY_THIS_PLAN: &str = "The acknowledgement is valid only for exactly this plan.";

/// What a reviewer must know first.
pub(crate) struct TargetOverview {
    /// The access changes in numbers; empty if there are none, or if the service has no access rules.
    pub(crate) access: Vec<AccessCount>,
    /// Whether it is proven that no request is decided differently.
    pub(crate) is_access_unchanged: bool,
    pub(crate) failed_gates: usize,
    pub(crate) calls: usize,
    /// The option that acknowledges the guards, for a shell; neutralized.
    pub(crate) ack: Option<String>,
    pub(crate) mark: Option<PlanMark>,
}

impl TargetOverview {
    /// `is_single` means that the plan has no other target, so that its acknowledgement needs no name.
    pub(crate) fn of(plan: &TargetPlan, is_single: bool) -> Self {
        let TargetPlan {
            target,
            calls,
            access,
            gates,
            requires,
            ..
        } = plan;
        let impact = access.as_ref().filter(|_| !calls.is_empty());
        let access = impact.map(|impact| AccessView::of(impact).counts);
        let access = access.unwrap_or_default();
        let ack = requires.as_ref().map(|requires| {
            let name = (!is_single).then(|| format!("{}:", target.name));
            let value = format!("{}{requires}", name.unwrap_or_default());
            neutral(&format!("--ack {}", shell_word(&value))).into_owned()
        });
        Self {
            is_access_unchanged: access.is_empty() && impact.is_some_and(|impact| impact.proven),
            access,
            failed_gates: gates.iter().filter(|gate| !gate.passes()).count(),
            calls: calls.len(),
            ack,
            mark: plan_mark(plan).ok(),
        }
    }

    /// `3 opened`, `1 guard weakened`, `6 API calls`, `requires an acknowledgement`.
    pub(crate) fn parts(&self) -> Vec<String> {
        let Self {
            access,
            is_access_unchanged,
            failed_gates,
            calls,
            ack,
            mark: _,
        } = self;
        let mut parts: Vec<String> = access.iter().map(ToString::to_string).collect();
        if *is_access_unchanged {
            parts.push("no access changes".to_owned());
        }
        if *failed_gates > 0 {
            parts.push(plural(*failed_gates, "gate failed", "gates failed"));
        }
        parts.push(match calls {
            0 => "no changes".to_owned(),
            calls => count_of(*calls, "API call"),
        });
        if ack.is_some() {
            parts.push("requires an acknowledgement".to_owned());
        }
        parts
    }
}
