//! A reference model of the service: applies the calls of a plan to a state in memory.
//!
//! The planner and the audit reason about sets of calls; the replay simply makes one call after the
//! other. It is used to predict the state after a plan, to compute what a plan from a file does,
//! and to verify the server after a run. Example: `replay(live, plan.calls)` must equal the desired
//! state, which the property tests check.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::plan::{CallId, Mismatch, PlannedCall, PolicyRef, ReplayError, ResourceKind};
use model::docker::{
    DockerLiveState, DockerOperation, Extensions, LiveContent, LivePolicy, LiveRule, PolicyId,
    RuleId,
};

/// The state after all calls. Created objects get ids that are derived from the numbers of the
/// calls.
///
/// # Errors
/// The first call that does not fit the state.
pub fn replay(
    before: &DockerLiveState,
    calls: &[PlannedCall],
) -> Result<DockerLiveState, ReplayError> {
    let mut state = before.clone();
    for call in calls {
        step(&mut state, call)?;
    }
    Ok(state)
}

fn step(state: &mut DockerLiveState, call: &PlannedCall) -> Result<(), ReplayError> {
    let number = call.id.0;
    match call
        .send
        .docker()
        .ok_or(ReplayError::OtherService { call: number })?
    {
        DockerOperation::CreatePolicy { policy } => {
            state
                .policies
                .push(LivePolicy::created(created(call.id), policy));
        }
        DockerOperation::UpdatePolicy { id, patch } => find(state, id, number)?.patch(patch),
        DockerOperation::DeletePolicy { id } => {
            find(state, id, number)?;
            state.policies.retain(|policy| policy.id != *id);
        }
        DockerOperation::CreateRule { policy, rule } => {
            let id = match policy {
                PolicyRef::Existing(id) => id.clone(),
                PolicyRef::CreatedBy(call) => created(*call),
            };
            let rule_id = RuleId::new(&format!("created-by-{number}"));
            let rule = LiveRule::created(rule_id, rule.clone());
            rules(state, &id, number)?.push(rule);
        }
        DockerOperation::UpdateRule { policy, id, patch } => {
            let rules = rules(state, policy, number)?;
            let live = rules
                .iter_mut()
                .find(|rule| rule.id == *id)
                .ok_or(ReplayError::NoRule { call: number })?;
            let patched = live
                .patched(patch)
                .map_err(|error| ReplayError::InvalidRule {
                    call: number,
                    error,
                })?;
            *live = patched.ok_or(ReplayError::NoRule { call: number })?;
        }
        DockerOperation::DeleteRule { policy, id } => {
            let rules = rules(state, policy, number)?;
            let position = rules.iter().position(|rule| rule.id == *id);
            rules.remove(position.ok_or(ReplayError::NoRule { call: number })?);
        }
    }
    Ok(())
}

/// The id, in a replay, of a policy that this call creates.
pub(super) fn created(call: CallId) -> PolicyId {
    PolicyId::new(&format!("created-by-{}", call.0))
}

fn find<'s>(
    state: &'s mut DockerLiveState,
    id: &PolicyId,
    call: u32,
) -> Result<&'s mut LivePolicy, ReplayError> {
    state
        .policies
        .iter_mut()
        .find(|policy| policy.id == *id)
        .ok_or(ReplayError::NoPolicy { call })
}

fn rules<'s>(
    state: &'s mut DockerLiveState,
    id: &PolicyId,
    call: u32,
) -> Result<&'s mut Vec<LiveRule>, ReplayError> {
    match &mut find(state, id, call)?.content {
        LiveContent::Rules(rules) => Ok(rules),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => Err(ReplayError::NoPolicy { call }),
    }
}

/// Compares two states by names and contents. Ids, times and the order of rules are ignored.
pub fn verify(expected: &DockerLiveState, actual: &DockerLiveState) -> Vec<Mismatch> {
    let expected = by_name(expected);
    let actual = by_name(actual);
    let names: BTreeSet<&str> = expected.keys().chain(actual.keys()).copied().collect();
    let mut mismatches = Vec::new();
    for name in names {
        let mut differs = |what: String| {
            mismatches.push(Mismatch {
                resource: ResourceKind::Policy,
                name: name.to_owned(),
                what,
            })
        };
        match (expected.get(name), actual.get(name)) {
            (Some(_), None) => differs("it does not exist, but should".to_owned()),
            (None, Some(_)) => differs("it exists, but should not".to_owned()),
            (Some(expected), Some(actual)) => {
                policies_differ(expected, actual)
                    .into_iter()
                    .for_each(&mut differs);
            }
            (None, None) => {}
        }
    }
    mismatches
}

/// The settings that the calls set among those that this version does not know, and that the server
/// does not have as they were sent. `before` is the state before the calls and `expected` the one
/// after them.
pub fn verify_extensions(
    before: &DockerLiveState,
    expected: &DockerLiveState,
    actual: &DockerLiveState,
) -> Vec<Mismatch> {
    let actual = by_name(actual);
    let mut mismatches = Vec::new();
    for policy in &expected.policies {
        let Some(found) = actual.get(policy.name.as_str()) else {
            continue;
        };
        let old = before.policies.iter().find(|old| old.id == policy.id);
        let mut differs = |object: String, settings: Vec<String>| {
            let differs = settings.into_iter().map(|name| Mismatch {
                resource: ResourceKind::Policy,
                name: policy.name.clone(),
                what: format!("the setting `{name}`{object} differs from the request"),
            });
            mismatches.extend(differs);
        };
        let old_fields = old.map(|old| &old.unknown_fields);
        let settings = changed_settings(old_fields, &policy.unknown_fields, &found.unknown_fields);
        differs(String::new(), settings);
        for rule in policy.rules() {
            let mut same = found.rules().iter().filter(|other| other.name == rule.name);
            let Some(found) = same.next() else {
                continue;
            };
            let old = old.and_then(|old| old.rules().iter().find(|old| old.id == rule.id));
            let old_fields = old.map(|old| &old.unknown_fields);
            let settings =
                changed_settings(old_fields, &rule.unknown_fields, &found.unknown_fields);
            differs(format!(" of its rule `{}`", rule.name), settings);
        }
    }
    mismatches
}

/// The names of the settings that differ between `before` and `expected`, and between `expected`
/// and `actual`.
fn changed_settings(
    before: Option<&Map<String, Value>>,
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
) -> Vec<String> {
    let before = before.map(Extensions::of_live).unwrap_or_default();
    let (_, sent) = before.difference(&Extensions::of_live(expected));
    let (_, missing) = sent.difference(&sent.as_in(actual));
    missing.iter().map(|(name, _)| name.to_owned()).collect()
}

fn by_name(state: &DockerLiveState) -> BTreeMap<&str, &LivePolicy> {
    state
        .policies
        .iter()
        .map(|policy| (policy.name.as_str(), policy))
        .collect()
}

fn policies_differ(expected: &LivePolicy, actual: &LivePolicy) -> Vec<String> {
    let LivePolicy {
        id: _,
        name: _,
        scope,
        unknown_scope_fields: _,
        content,
        created_at: _,
        updated_at: _,
        unknown_fields: _,
    } = expected;
    let mut found = Vec::new();
    if *scope != actual.scope {
        found.push("its scope differs from the request".to_owned());
    }
    found.extend(contents(content, &actual.content));
    found
}

fn contents(expected: &LiveContent, actual: &LiveContent) -> Vec<String> {
    match (expected, actual) {
        (LiveContent::Rules(expected), LiveContent::Rules(actual)) => {
            rules_differ(expected, actual)
        }
        (LiveContent::Cedar(expected), LiveContent::Cedar(actual)) if expected == actual => {
            Vec::new()
        }
        (LiveContent::Cedar(_), LiveContent::Cedar(_)) => {
            vec!["its Cedar text differs from the request".to_owned()]
        }
        (LiveContent::Opaque(_), LiveContent::Opaque(_)) => Vec::new(),
        (LiveContent::Rules(_) | LiveContent::Cedar(_) | LiveContent::Opaque(_), _) => {
            vec!["its type differs from the request".to_owned()]
        }
    }
}

fn rules_differ(expected: &[LiveRule], actual: &[LiveRule]) -> Vec<String> {
    let mut left: Vec<&LiveRule> = actual.iter().collect();
    let mut found = Vec::new();
    for expected in expected {
        let LiveRule {
            id: _,
            name,
            rule,
            unknown_fields: _,
        } = expected;
        match left
            .iter()
            .position(|other| other.name == *name && other.rule == *rule)
        {
            Some(position) => drop(left.swap_remove(position)),
            None => found.push(format!("its rule `{name}` differs from the request")),
        }
    }
    found.extend(
        left.iter()
            .map(|rule| format!("its rule `{}` was not sent by this run", rule.name)),
    );
    found.sort();
    found.dedup();
    found
}
