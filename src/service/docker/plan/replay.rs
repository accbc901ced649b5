//! What an organization holds after the calls of a plan: a model of the service, for checking the real one.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::plan::{Call, CallId, PolicyRef, ResourceKind};
use model::docker::{
    LiveContent, LivePolicy, LiveRule, LiveState, Operation, PolicyId, RuleError, RuleId,
};

/// A call that does not fit the state it meets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// It names a policy that is not there.
    #[error("call {call} names a policy that does not exist then")]
    NoPolicy {
        /// The call's number.
        call: u32,
    },
    /// The service would refuse it.
    #[error("call {call} would be refused: {why}")]
    Refused {
        /// The call's number.
        call: u32,
        /// Why, as a clause.
        why: String,
    },
    /// It is one of another provider.
    #[error("call {call} is none of this provider")]
    Foreign {
        /// The call's number.
        call: u32,
    },
    /// It names a rule that is not there, or one that is not understood.
    #[error("call {call} names a rule that does not exist then")]
    NoRule {
        /// The call's number.
        call: u32,
    },
    /// A patch makes no rule.
    #[error("call {call} makes no rule: {error}")]
    NotARule {
        /// The call's number.
        call: u32,
        /// Why.
        error: RuleError,
    },
}

/// A difference between what should be there and what is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Error)]
#[error("{resource} `{name}`: {what}")]
pub struct Mismatch {
    /// What differs.
    pub resource: ResourceKind,
    /// Its name.
    pub name: String,
    /// What differs, as a clause.
    pub what: String,
}

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
            state
                .policies
                .push(LivePolicy::created(created(call.id), policy));
        }
        Operation::UpdatePolicy { id, patch } => find(state, id, number)?.patch(patch),
        Operation::DeletePolicy { id } => {
            find(state, id, number)?;
            state.policies.retain(|policy| policy.id != *id);
        }
        Operation::CreateRule { policy, rule } => {
            let id = match policy {
                PolicyRef::Existing(id) => id.clone(),
                PolicyRef::CreatedBy(call) => created(*call),
            };
            let rule_id = RuleId::new(&format!("created-by-{number}"));
            let rule = LiveRule::created(rule_id, rule.clone());
            rules(state, &id, number)?.push(rule);
        }
        Operation::UpdateRule { policy, id, patch } => {
            let rules = rules(state, policy, number)?;
            let live = rules
                .iter_mut()
                .find(|rule| rule.id == *id)
                .ok_or(ReplayError::NoRule { call: number })?;
            let patched = live.patched(patch).map_err(|error| ReplayError::NotARule {
                call: number,
                error,
            })?;
            *live = patched.ok_or(ReplayError::NoRule { call: number })?;
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
                policies_differ(expected, actual)
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

/// Compares two policies of the same name.
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
        found.push("its scope is not what was sent".to_owned());
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
            None => found.push(format!("its rule `{name}` is not what was sent")),
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
