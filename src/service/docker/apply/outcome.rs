//! Decides, from what was read back, what became of a write. Pure: what to read is decided elsewhere.

use super::ledger::Ledger;
use crate::plan::fingerprint;
use crate::run::service::ReplacedState;
use crate::run::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
use model::docker::{
    Cedar, DockerOperation, LiveContent, LivePolicy, LiveRule, NewPolicy, PolicyId, PolicyPatch,
    Rule, RuleId, RulePatch,
};

/// Decides what became of a write. `found` is the policy that it is about as it is now: for a creation the one of its
/// name that this run has not seen before, else the one of its id; nothing if there is none.
///
/// `planned_rules` are the rules that the run creates in the policy after it has created it.
pub(super) fn decide(
    send: &DockerOperation<PolicyId>,
    ledger: &Ledger,
    planned_rules: &[Rule],
    found: Option<&LivePolicy>,
) -> WriteOutcome {
    match send {
        DockerOperation::CreatePolicy { policy } => created_policy(policy, planned_rules, found),
        DockerOperation::UpdatePolicy { id, patch } => match (ledger.policy(id), found) {
            (Some(planned), Some(found)) => updated_policy(patch, planned, found),
            (planned, found) => conflict(
                planned.map(LiveObject::policy),
                found.map(LiveObject::policy),
            ),
        },
        DockerOperation::DeletePolicy { id } => match (ledger.policy(id), found) {
            (_, None) => WriteOutcome::Applied(StateAfterWrite::NoPolicy { id: id.clone() }),
            (Some(planned), Some(found)) if fingerprint(planned) == fingerprint(found) => {
                WriteOutcome::NotApplied
            }
            (planned, Some(found)) => conflict(
                planned.map(LiveObject::policy),
                Some(LiveObject::policy(found)),
            ),
        },
        DockerOperation::CreateRule { policy: id, rule } => {
            in_policy(id, ledger, found, |known, found| {
                created_rule(id, rule, known, found)
            })
        }
        DockerOperation::UpdateRule {
            policy: id,
            id: rule,
            patch,
        } => in_policy(id, ledger, found, |known, found| {
            updated_rule(id, patch, rule_of(known, rule), rule_of(found, rule))
        }),
        DockerOperation::DeleteRule {
            policy: id,
            id: rule,
        } => in_policy(id, ledger, found, |known, found| {
            match (rule_of(known, rule), rule_of(found, rule)) {
                (_, None) => WriteOutcome::Applied(StateAfterWrite::NoRule {
                    policy: id.clone(),
                    id: rule.clone(),
                }),
                (Some(planned), Some(found)) if planned == found => WriteOutcome::NotApplied,
                (planned, Some(found)) => {
                    conflict(planned.map(LiveObject::rule), Some(LiveObject::rule(found)))
                }
            }
        }),
    }
}

fn conflict(planned: Option<LiveObject>, found: Option<LiveObject>) -> WriteOutcome {
    WriteOutcome::Conflict(ObjectDifference { planned, found })
}

/// A rule lives and dies with its policy: without that, nothing can be said of it.
fn in_policy(
    id: &PolicyId,
    ledger: &Ledger,
    found: Option<&LivePolicy>,
    decide: impl FnOnce(&LivePolicy, &LivePolicy) -> WriteOutcome,
) -> WriteOutcome {
    match (ledger.policy(id), found) {
        (Some(known), Some(found)) => decide(known, found),
        (known, found) => conflict(known.map(LiveObject::policy), found.map(LiveObject::policy)),
    }
}

fn rule_of<'p>(policy: &'p LivePolicy, id: &RuleId) -> Option<&'p LiveRule> {
    policy.rules().iter().find(|rule| rule.id == *id)
}

fn created_policy(
    new: &NewPolicy,
    planned_rules: &[Rule],
    found: Option<&LivePolicy>,
) -> WriteOutcome {
    let Some(found) = found else {
        return WriteOutcome::NotApplied;
    };
    let NewPolicy {
        name: _,
        scope: sent_scope,
        cedar,
        extensions,
    } = new;
    // It was found by its name. Unknown fields may be defaults that the server sets; those of a
    // scope narrow it.
    let LivePolicy {
        id: _,
        name: _,
        scope,
        unknown_scope_fields,
        content,
        created_at: _,
        updated_at: _,
        unknown_fields,
    } = found;
    // A policy equal to ours is as good as ours. Another client that applies the same plan may already
    // have created some of its rules; each of them has its own call, which finds it.
    if scope == sent_scope
        && unknown_scope_fields.is_empty()
        && extensions.are_in(unknown_fields)
        && is_new(content, cedar.as_ref(), planned_rules)
    {
        let mut left = found.clone();
        if let LiveContent::Rules(rules) = &mut left.content {
            rules.clear();
        }
        return WriteOutcome::Applied(StateAfterWrite::Policy(Box::new(left)));
    }
    conflict(None, Some(LiveObject::policy(found)))
}

/// Whether the content is that of a policy that was just created, with some of the planned rules at
/// most.
fn is_new(content: &LiveContent, cedar: Option<&Cedar>, planned_rules: &[Rule]) -> bool {
    let is_planned = |rule: &LiveRule| planned_rules.iter().any(|planned| rule.is(planned));
    match (content, cedar) {
        (LiveContent::Rules(rules), None) => rules.iter().all(is_planned),
        (LiveContent::Cedar(found), Some(cedar)) => found == cedar,
        (LiveContent::Rules(_), Some(_))
        | (LiveContent::Cedar(_), None)
        | (LiveContent::Opaque(_), _) => false,
    }
}

fn created_rule(
    policy: &PolicyId,
    wanted: &Rule,
    known: &LivePolicy,
    found: &LivePolicy,
) -> WriteOutcome {
    let is_known = |rule: &&LiveRule| rule_of(known, &rule.id).is_some();
    let named: Vec<&LiveRule> = found
        .rules()
        .iter()
        .filter(|rule| rule.name == wanted.name.as_str())
        .collect();
    let new = || named.iter().copied().filter(|rule| !is_known(rule));
    if let Some(ours) = new().find(|rule| rule.is(wanted)) {
        return WriteOutcome::Applied(StateAfterWrite::Rule {
            policy: policy.clone(),
            rule: Box::new(ours.clone()),
        });
    }
    match new().next() {
        Some(theirs) => conflict(None, Some(LiveObject::rule(theirs))),
        None => WriteOutcome::NotApplied,
    }
}

fn updated_rule(
    policy: &PolicyId,
    patch: &RulePatch,
    planned: Option<&LiveRule>,
    found: Option<&LiveRule>,
) -> WriteOutcome {
    let Some((before, found)) = planned.zip(found) else {
        return conflict(planned.map(LiveObject::rule), found.map(LiveObject::rule));
    };
    if found == before {
        return WriteOutcome::NotApplied;
    }
    let wanted = before.patched(patch).ok().flatten();
    if wanted.as_ref() == Some(found) {
        return WriteOutcome::Applied(StateAfterWrite::Rule {
            policy: policy.clone(),
            rule: Box::new(found.clone()),
        });
    }
    conflict(
        Some(LiveObject::rule(before)),
        Some(LiveObject::rule(found)),
    )
}

fn updated_policy(patch: &PolicyPatch, before: &LivePolicy, found: &LivePolicy) -> WriteOutcome {
    let mut wanted = before.clone();
    wanted.patch(patch);
    if has_same_fields(found, &wanted) {
        WriteOutcome::Applied(StateAfterWrite::Policy(Box::new(found.clone())))
    } else if has_same_fields(found, before) {
        WriteOutcome::NotApplied
    } else {
        conflict(
            Some(LiveObject::policy(before)),
            Some(LiveObject::policy(found)),
        )
    }
}

/// Whether two policies are the same apart from their rules, which have calls of their own, and their times.
pub(super) fn has_same_fields(a: &LivePolicy, b: &LivePolicy) -> bool {
    let LivePolicy {
        id,
        name,
        scope,
        unknown_scope_fields,
        content,
        created_at: _,
        updated_at: _,
        unknown_fields,
    } = a;
    let content = match (content, &b.content) {
        (LiveContent::Rules(_), LiveContent::Rules(_)) => true,
        (LiveContent::Cedar(a), LiveContent::Cedar(b)) => a == b,
        (LiveContent::Opaque(a), LiveContent::Opaque(b)) => a == b,
        (LiveContent::Rules(_) | LiveContent::Cedar(_) | LiveContent::Opaque(_), _) => false,
    };
    content
        && *id == b.id
        && *name == b.name
        && *scope == b.scope
        && *unknown_scope_fields == b.unknown_scope_fields
        && *unknown_fields == b.unknown_fields
}

/// Compares the object that an update or a deletion replaced, as its answer shows it, with the expected
/// one.
pub(super) fn replaced_state(
    left: &StateAfterWrite,
    planned: Option<LiveObject>,
    old: LiveObject,
) -> ReplacedState {
    let same = match (&planned, &old) {
        (Some(LiveObject::Rule(planned)), LiveObject::Rule(old)) => planned == old,
        // A policy goes with its rules, and is updated without them.
        (Some(LiveObject::Policy(planned)), LiveObject::Policy(old))
            if matches!(left, StateAfterWrite::NoPolicy { .. }) =>
        {
            fingerprint(planned) == fingerprint(old)
        }
        (Some(LiveObject::Policy(planned)), LiveObject::Policy(old)) => {
            has_same_fields(planned, old)
        }
        (_, _) => false,
    };
    if same {
        return ReplacedState::Expected;
    }
    let is_desired = match (left, &old) {
        (StateAfterWrite::Rule { policy: _, rule }, LiveObject::Rule(old)) => rule == old,
        (StateAfterWrite::Policy(policy), LiveObject::Policy(old)) => has_same_fields(policy, old),
        (_, _) => false,
    };
    if is_desired {
        return ReplacedState::Desired;
    }
    ReplacedState::Changed(ObjectDifference {
        planned,
        found: Some(old),
    })
}
