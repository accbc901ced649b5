//! What an organization holds after the calls of a plan: a model of the service, for checking the real one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;

use crate::plan::{Call, CallId, Mismatch, PolicyRef, ReplayError, ResourceKind};
use model::Name;
use model::docker::{
    LiveContent, LivePolicy, LiveRule, LiveState, Operation, PolicyId, PolicyPatch, Rule,
    RuleAccess, RuleError, RuleId, RulePatch, Scope,
};

/// The state after all calls. Ids of what is created are made up from the numbers of the calls.
///
/// # Errors
/// Fails at the first call that does not fit.
pub fn replay(before: &LiveState, calls: &[Call]) -> Result<LiveState, ReplayError> {
    let mut state = before.clone();
    for call in calls {
        step(&mut state, call)?;
    }
    Ok(state)
}

fn step(state: &mut LiveState, call: &Call) -> Result<(), ReplayError> {
    let number = call.id.0;
    match call
        .send
        .docker()
        .ok_or(ReplayError::Foreign { call: number })?
    {
        Operation::CreatePolicy { policy } => {
            let content = match &policy.cedar {
                Some(cedar) => LiveContent::Cedar(cedar.clone()),
                None => LiveContent::Rules(Vec::new()),
            };
            state.policies.push(new_policy(
                created(call.id),
                &policy.name,
                &policy.scope,
                content,
            ));
        }
        Operation::UpdatePolicy { id, patch } => patch_policy(find(state, id, number)?, patch),
        Operation::DeletePolicy { id } => {
            find(state, id, number)?;
            state.policies.retain(|policy| policy.id != *id);
        }
        Operation::CreateRule { policy, rule } => {
            let id = match policy {
                PolicyRef::Existing(id) => id.clone(),
                PolicyRef::CreatedBy(call) => created(*call),
            };
            let name = rule.name.to_string();
            let id_of_rule = RuleId::new(&format!("created-by-{number}"));
            let rule = LiveRule {
                id: id_of_rule,
                name,
                rule: Ok(rule.clone()),
                unknown_fields: Map::new(),
            };
            rules(state, &id, number)?.push(rule);
        }
        Operation::UpdateRule { policy, id, patch } => {
            let rules = rules(state, policy, number)?;
            let live = rules
                .iter_mut()
                .find(|rule| rule.id == *id)
                .ok_or(ReplayError::NoRule { call: number })?;
            let Ok(rule) = &live.rule else {
                return Err(ReplayError::NoRule { call: number });
            };
            let patched = patched_rule(rule, patch).map_err(|error| ReplayError::NotARule {
                call: number,
                error,
            })?;
            live.name = patched.name.to_string();
            live.rule = Ok(patched);
        }
        Operation::DeleteRule { policy, id } => {
            let rules = rules(state, policy, number)?;
            let position = rules.iter().position(|rule| rule.id == *id);
            rules.remove(position.ok_or(ReplayError::NoRule { call: number })?);
        }
    }
    Ok(())
}

/// The id that a policy which a call makes has in a replay.
pub(super) fn created(call: CallId) -> PolicyId {
    PolicyId::new(&format!("created-by-{}", call.0))
}

fn new_policy(id: PolicyId, name: &Name, scope: &Scope, content: LiveContent) -> LivePolicy {
    LivePolicy {
        id,
        name: name.to_string(),
        scope: scope.clone(),
        unknown_scope_fields: Map::new(),
        content,
        created_at: String::new(),
        updated_at: String::new(),
        unknown_fields: Map::new(),
    }
}

fn patch_policy(policy: &mut LivePolicy, patch: &PolicyPatch) {
    let PolicyPatch { name, teams, cedar } = patch;
    if let Some(name) = name {
        policy.name = name.to_string();
    }
    if let Some(teams) = teams {
        policy.scope.teams.clone_from(teams);
    }
    if let Some(cedar) = cedar {
        policy.content = LiveContent::Cedar(cedar.clone());
    }
}

/// The rule that a patch makes of another.
///
/// # Errors
/// What it makes is no rule.
pub fn patched_rule(rule: &Rule, patch: &RulePatch) -> Result<Rule, RuleError> {
    let RulePatch {
        name,
        decision,
        actions,
        resources,
    } = patch;
    let actions = actions.clone().unwrap_or_else(|| rule.access.actions());
    let resources = resources.clone().unwrap_or_else(|| rule.access.resources());
    Ok(Rule {
        name: name.clone().unwrap_or_else(|| rule.name.clone()),
        decision: decision.unwrap_or(rule.decision),
        access: RuleAccess::new(actions, resources)?,
    })
}

fn find<'s>(
    state: &'s mut LiveState,
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
    state: &'s mut LiveState,
    id: &PolicyId,
    call: u32,
) -> Result<&'s mut Vec<LiveRule>, ReplayError> {
    match &mut find(state, id, call)?.content {
        LiveContent::Rules(rules) => Ok(rules),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => Err(ReplayError::NoPolicy { call }),
    }
}

/// Compares two states by names and contents; ids, times and the order of rules do not count.
pub fn verify(expected: &LiveState, actual: &LiveState) -> Vec<Mismatch> {
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
            (Some(_), None) => differs("it should exist and does not".to_owned()),
            (None, Some(_)) => differs("it exists and should not".to_owned()),
            (Some(expected), Some(actual)) => {
                if expected.scope != actual.scope {
                    differs("its scope is not what was sent".to_owned());
                }
                contents(&expected.content, &actual.content)
                    .into_iter()
                    .for_each(&mut differs);
            }
            (None, None) => {}
        }
    }
    mismatches
}

fn by_name(state: &LiveState) -> BTreeMap<&str, &LivePolicy> {
    state
        .policies
        .iter()
        .map(|policy| (policy.name.as_str(), policy))
        .collect()
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
            vec!["its Cedar text is not what was sent".to_owned()]
        }
        (LiveContent::Opaque(_), LiveContent::Opaque(_)) => Vec::new(),
        (LiveContent::Rules(_) | LiveContent::Cedar(_) | LiveContent::Opaque(_), _) => {
            vec!["it is of another type than was sent".to_owned()]
        }
    }
}

fn rules_differ(expected: &[LiveRule], actual: &[LiveRule]) -> Vec<String> {
    let mut left: Vec<&LiveRule> = actual.iter().collect();
    let mut found = Vec::new();
    for rule in expected {
        match left
            .iter()
            .position(|other| other.name == rule.name && other.rule == rule.rule)
        {
            Some(position) => drop(left.swap_remove(position)),
            None => found.push(format!("its rule `{}` is not what was sent", rule.name)),
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
