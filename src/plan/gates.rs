//! What a plan is held against: access gates, and the plan of the base revision.

use std::collections::BTreeMap;

use super::types::{Change, GateSource, PlannedCall, SourceRef, TargetPlan};
use access::{Gate, WideningPattern};

/// Checks that a plan must pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates {
    /// Requests that must be denied or allowed.
    pub list: Vec<Gate<GateSource>>,
    /// What may open; anything, where this is none.
    pub widening: Option<Vec<WideningPattern>>,
    /// The plan of the base revision. It separates access that the change opens from drift. Without it, all opened access counts.
    pub base: Option<BasePlan>,
}

/// The changes that the same server needs to match the manifests of the base revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePlan {
    pub changes: Vec<Change>,
    pub calls: Vec<PlannedCall>,
}

impl From<&TargetPlan> for BasePlan {
    fn from(plan: &TargetPlan) -> Self {
        Self {
            changes: plan.changes.clone(),
            calls: plan.calls.clone(),
        }
    }
}

impl Gates {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        let Self {
            list,
            widening,
            base: _,
        } = self;
        list.is_empty() && widening.is_none()
    }
}

/// Where rules are declared, and what people call their teams.
pub struct GateNames<'a> {
    /// The line of a rule, by the names of its policy and itself.
    pub rule: &'a dyn Fn(&str, &str) -> Option<SourceRef>,
    /// The line of a policy, which is the place of a rule that a plan deletes.
    pub policy: &'a dyn Fn(&str) -> Option<SourceRef>,
    /// The short names of teams, each with the team's uuid.
    pub teams: &'a BTreeMap<String, String>,
}
