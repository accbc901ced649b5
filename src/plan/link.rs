//! From calls back to the changes that they make.

use std::collections::{BTreeMap, HashMap};

use super::types::{Call, CallId, Change, ChangeRef, PolicyRef, TargetPlan};
use crate::model::docker::Operation;

/// The change that each call of a plan makes, wholly or in part. A call for which the plan names no change of the rule
/// belongs to that of the policy; one that belongs to none at all is left out.
pub fn changes_of_calls(plan: &TargetPlan) -> BTreeMap<CallId, ChangeRef> {
    let links = Links::new(&plan.changes);
    plan.calls.iter().filter_map(|call| Some((call.id, links.of(call)?))).collect()
}

/// A policy's change with those of its rules, by their ids and by their names.
struct Policy<'a> {
    change: &'a Change,
    by_id: HashMap<&'a str, &'a Change>,
    by_name: HashMap<&'a str, &'a Change>,
}

struct Links<'a> {
    policies: Vec<Policy<'a>>,
    by_id: HashMap<&'a str, usize>,
    by_name: HashMap<&'a str, usize>,
}

impl<'a> Links<'a> {
    fn new(changes: &'a [Change]) -> Self {
        let policies: Vec<Policy<'a>> = changes
            .iter()
            .map(|change| Policy { change, by_id: ids(&change.children), by_name: names(&change.children) })
            .collect();
        let positions = || changes.iter().enumerate();
        let by_id = positions().filter_map(|(at, change)| Some((change.id.as_deref()?, at))).collect();
        let by_name = positions().map(|(at, change)| (change.name.as_str(), at)).collect();
        Self { policies, by_id, by_name }
    }

    fn of(&self, call: &Call) -> Option<ChangeRef> {
        let (policy, rule) = match &call.send {
            Operation::CreatePolicy { .. } => (None, None),
            Operation::UpdatePolicy { id, .. } | Operation::DeletePolicy { id } => (Some(id.as_str()), None),
            Operation::CreateRule { policy: PolicyRef::Existing(id), .. } => (Some(id.as_str()), None),
            Operation::CreateRule { policy: PolicyRef::CreatedBy(_), .. } => (None, None),
            Operation::UpdateRule { policy, id, .. } | Operation::DeleteRule { policy, id } => {
                (Some(policy.as_str()), Some(id.as_str()))
            }
        };
        let named = || self.by_name.get(call.policy.as_str());
        let policy_change = policy.and_then(|id| self.by_id.get(id)).or_else(named);
        let Policy { change, by_id, by_name } = self.policies.get(*policy_change?)?;
        let rule_change =
            rule.and_then(|id| by_id.get(id)).or_else(|| call.rule.as_deref().and_then(|name| by_name.get(name)));
        let made = rule_change.copied().unwrap_or(change);
        Some(ChangeRef {
            kind: made.kind,
            resource: made.resource,
            policy: change.name.clone(),
            rule: rule_change.map(|rule| rule.name.clone()),
            source: made.source.clone().or_else(|| change.source.clone()),
        })
    }
}

fn ids(changes: &[Change]) -> HashMap<&str, &Change> {
    changes.iter().filter_map(|change| Some((change.id.as_deref()?, change))).collect()
}

fn names(changes: &[Change]) -> HashMap<&str, &Change> {
    changes.iter().map(|change| (change.name.as_str(), change)).collect()
}
