//! Maps calls back to the changes that they make.

use std::collections::{BTreeMap, HashMap};

use super::types::{CallId, Change, ChangeRef, PlannedCall, ResourceKind, TargetPlan};

/// The change that each call makes, completely or in part. A call without a change of its part
/// belongs to the change of the whole object; a call without any change is omitted.
pub fn changes_of_calls(plan: &TargetPlan) -> BTreeMap<CallId, ChangeRef> {
    let links = ChangeLinks::new(&plan.changes);
    plan.calls
        .iter()
        .filter_map(|call| Some((call.id, links.change_of(call)?)))
        .collect()
}

/// The change of an object with the changes of its parts, by id and by name.
struct ParentChange<'a> {
    change: &'a Change,
    by_id: HashMap<&'a str, &'a Change>,
    by_name: HashMap<&'a str, &'a Change>,
}

struct ChangeLinks<'a> {
    wholes: Vec<ParentChange<'a>>,
    by_id: HashMap<&'a str, usize>,
    by_name: HashMap<(ResourceKind, &'a str), usize>,
}

impl<'a> ChangeLinks<'a> {
    fn new(changes: &'a [Change]) -> Self {
        let wholes: Vec<ParentChange<'a>> = changes
            .iter()
            .map(|change| ParentChange {
                change,
                by_id: ids(&change.children),
                by_name: names(&change.children),
            })
            .collect();
        let positions = || changes.iter().enumerate();
        let by_id = positions()
            .filter_map(|(at, change)| Some((change.id.as_deref()?, at)))
            .collect();
        let by_name = positions()
            .map(|(at, change)| ((change.resource, change.name.as_str()), at))
            .collect();
        Self {
            wholes,
            by_id,
            by_name,
        }
    }

    fn change_of(&self, call: &PlannedCall) -> Option<ChangeRef> {
        let id = call.send.existing();
        let named = || {
            self.by_name
                .get(&(call.send.resource(), call.name.as_str()))
        };
        let whole = id
            .as_ref()
            .and_then(|id| self.by_id.get(id.as_str()))
            .or_else(named);
        let ParentChange {
            change,
            by_id,
            by_name,
        } = self.wholes.get(*whole?)?;
        let part = call.send.part().and_then(|id| by_id.get(id));
        let part = part.or_else(|| call.part.as_deref().and_then(|name| by_name.get(name)));
        let made = part.copied().unwrap_or(change);
        Some(ChangeRef {
            kind: made.kind,
            resource: made.resource,
            name: change.name.clone(),
            part: part.map(|part| part.name.clone()),
            source: made.source.clone().or_else(|| change.source.clone()),
        })
    }
}

fn ids(changes: &[Change]) -> HashMap<&str, &Change> {
    changes
        .iter()
        .filter_map(|change| Some((change.id.as_deref()?, change)))
        .collect()
}

fn names(changes: &[Change]) -> HashMap<&str, &Change> {
    changes
        .iter()
        .map(|change| (change.name.as_str(), change))
        .collect()
}
