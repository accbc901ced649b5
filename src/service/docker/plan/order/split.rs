//! Breaks cycles in the order of calls by splitting one call.
//!
//! If precedence edges form a cycle, no order of whole calls keeps every decision. One call on the
//! cycle is then replaced by two (a two-phase update): the first grows the rule or scope to the
//! union of old and new, the second shrinks it to the new. The edges that it must follow apply to
//! the second part, the edges that it must precede to the first, so the cycle is broken. Example:
//! see the module [`super`].
//!
//! The union of two rules is a rule only if they have the same decision, and differ in their
//! actions or in their resources but not in both. Otherwise the rule is created a second time
//! next to the old one, which is then deleted. Two policies or rules that exchange names need a
//! temporary name for one of them.
//!
//! Parts are never split again, so the search terminates.

use std::collections::BTreeSet;

use crate::plan::{CallId, PlannedCall, PlannedOperation, PolicyRef};
use crate::service::docker::plan::effect::CallEffect;
use crate::service::docker::plan::matching::temporary_name;
use crate::service::docker::plan::{CallDraft, DraftId, DraftPolicy, SplittableUpdate};
use model::Name;
use model::docker::{
    DockerOperation, PolicyPatch, Resources, Rule, RuleAccess, RuleMeaning, RulePatch, Scope,
};

/// A call that has no place yet, with the data needed to split it.
#[derive(Debug, Clone)]
pub(super) struct SplittableCall {
    /// Its number is provisional.
    pub(super) call: PlannedCall,
    pub(super) effect: CallEffect,
    /// The number of the call before it in a list of calls whose order is fixed.
    pub(super) previous: Option<CallId>,
    updated: Option<SplittableUpdate>,
    /// Parts are never split again: otherwise the search might not terminate.
    is_part: bool,
}

const WHY_BOTH: &str = "one call more than the minimum: the first call writes the old and the new entries, so no step \
                        opens or closes more than the states before and after";
const WHY_ANEW: &str = "two calls more than the minimum: the new rule is created next to the old one, so no step opens \
                        or closes more than the states before and after";
const WHY_NAME: &str = "one call more than the minimum: names are exchanged, so one object gets a temporary name first";

impl SplittableCall {
    pub(super) fn of(drafts: Vec<CallDraft>) -> Vec<Self> {
        let id = |draft: DraftId| CallId(u32::try_from(draft.0 + 1).unwrap_or(u32::MAX));
        // The order of a chain was searched for whole calls.
        let chained: BTreeSet<DraftId> = drafts
            .iter()
            .enumerate()
            .flat_map(|(at, draft)| {
                draft
                    .previous
                    .into_iter()
                    .flat_map(move |first| [first, DraftId(at)])
            })
            .collect();
        let steps = drafts.into_iter().enumerate().map(|(position, draft)| {
            let CallDraft {
                policy,
                rule,
                effect,
                send,
                updated,
                why,
                previous,
            } = draft;
            let send = send.map(|policy| match policy {
                DraftPolicy::Existing(id) => PolicyRef::Existing(id),
                DraftPolicy::Created(draft) => PolicyRef::CreatedBy(id(draft)),
            });
            let send = PlannedOperation::Docker(send);
            let call = PlannedCall {
                id: id(DraftId(position)),
                after: Vec::new(),
                name: policy,
                part: rule,
                why: why.map(str::to_owned),
                send,
            };
            Self {
                call,
                effect,
                previous: previous.map(id),
                updated,
                is_part: chained.contains(&DraftId(position)),
            }
        });
        steps.collect()
    }

    /// The calls of a finished plan. They are not split any further.
    pub(super) fn of_calls(calls: &[PlannedCall]) -> Vec<Self> {
        let step = |call: &PlannedCall| Self {
            call: call.clone(),
            effect: CallEffect::NONE,
            previous: None,
            updated: None,
            is_part: true,
        };
        calls.iter().map(step).collect()
    }

    /// The place of the call if no edge decides: rules that deny come first and go last.
    pub(super) fn rank(&self) -> u8 {
        let CallEffect {
            adds_deny,
            adds_allow,
            removes_allow,
            removes_deny,
        } = self.effect;
        match (adds_deny, adds_allow, removes_allow, removes_deny) {
            (false, false, false, false) => 0,
            (true, false, false, false) => 1,
            (false, true, false, false) => 2,
            (_, _, false, false) | (true, _, true, false) | (false, true, true, false) => 3,
            (false, false, true, false) => 4,
            (true, _, _, true) | (_, true, _, true) => 5,
            (false, false, _, true) => 6,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SplitReason {
    /// The access change must come neither before nor after those of other calls.
    Access,
    /// The call takes a name that another call frees only after taking this call's old name.
    Name,
}

/// Replaces one step by its parts, if it can be split.
pub(super) fn split(
    steps: &[SplittableCall],
    at: usize,
    cause: SplitReason,
) -> Option<Vec<SplittableCall>> {
    let step = steps.get(at)?;
    let mut next = steps.iter().map(|step| step.call.id.0).max().unwrap_or(0);
    let mut parts = match (cause, &step.updated) {
        _ if step.is_part => return None,
        (SplitReason::Name, _) => renamed(steps, step)?,
        (SplitReason::Access, Some(SplittableUpdate::Rule { before, after })) => {
            both(step, before, after).or_else(|| through_replacement(steps, step, before, after))?
        }
        (SplitReason::Access, Some(SplittableUpdate::Scope { before, after })) => {
            split_scope_change(step, before, after)?
        }
        (SplitReason::Access, None) => return None,
    };
    for part in parts.iter_mut().skip(1) {
        // Explain the split only once.
        part.call.why = None;
        next += 1;
        part.call.id = CallId(next);
    }
    let front = &steps[..at];
    let back = &steps[at + 1..];
    Some([front, &parts, back].concat())
}

/// Updates a rule in two calls: to the union of old and new, then to the new.
fn both(step: &SplittableCall, before: &Rule, after: &Rule) -> Option<Vec<SplittableCall>> {
    let DockerOperation::UpdateRule { policy, id, .. } = step.call.send.docker()? else {
        return None;
    };
    let both = union(before, after)?;
    let part = |from: &Rule, to: &Rule| {
        let send = DockerOperation::UpdateRule {
            policy: policy.clone(),
            id: id.clone(),
            patch: RulePatch::between(from, to),
        };
        part(step, CallEffect::of_update(from, to), send, WHY_BOTH)
    };
    Some(vec![part(before, &both), part(&both, after)])
}

/// The rule that matches exactly what one of the two matches. It exists only if both have the same
/// decision, and the same actions or the same resources.
fn union(before: &Rule, after: &Rule) -> Option<Rule> {
    let RuleMeaning {
        decision: old_decision,
        access: old,
    } = before.meaning();
    let RuleMeaning {
        decision,
        access: new,
    } = after.meaning();
    let same_actions = old.actions() == new.actions();
    let same_resources = old.resources() == new.resources();
    if old_decision != decision || same_actions == same_resources {
        return None;
    }
    let actions = old.actions().into_iter().chain(new.actions());
    let resources = match (old.resources(), new.resources()) {
        (Resources::Plain(old), Resources::Plain(new)) => {
            Resources::Plain(old.into_iter().chain(new).collect())
        }
        (Resources::Http(old), Resources::Http(new)) => {
            Resources::Http(old.into_iter().chain(new).collect())
        }
        (Resources::Plain(_), Resources::Http(_)) | (Resources::Http(_), Resources::Plain(_)) => {
            return None;
        }
    };
    // Fields that do not affect decisions change with the second call.
    Some(Rule {
        access: RuleAccess::new(actions, resources).ok()?,
        ..before.clone()
    })
}

/// Creates the new rule next to the old one and deletes the old one. If both have the same name, the
/// old one is renamed first.
fn through_replacement(
    steps: &[SplittableCall],
    step: &SplittableCall,
    before: &Rule,
    after: &Rule,
) -> Option<Vec<SplittableCall>> {
    let DockerOperation::UpdateRule { policy, id, .. } = step.call.send.docker()? else {
        return None;
    };
    let mut parts = Vec::new();
    if before.name == after.name {
        let temporary = unused_name(steps, &before.name)?;
        let patch = RulePatch {
            name: Some(temporary),
            ..RulePatch::default()
        };
        let send = DockerOperation::UpdateRule {
            policy: policy.clone(),
            id: id.clone(),
            patch,
        };
        parts.push(part(step, CallEffect::NONE, send, WHY_ANEW));
    }
    let send = DockerOperation::CreateRule {
        policy: PolicyRef::Existing(policy.clone()),
        rule: after.clone(),
    };
    parts.push(part(
        step,
        CallEffect::adding(after.decision),
        send,
        WHY_ANEW,
    ));
    let send = DockerOperation::DeleteRule {
        policy: policy.clone(),
        id: id.clone(),
    };
    parts.push(part(
        step,
        CallEffect::removing(before.decision),
        send,
        WHY_ANEW,
    ));
    Some(parts)
}

/// Takes an unused name first, and the final name later.
fn renamed(steps: &[SplittableCall], step: &SplittableCall) -> Option<Vec<SplittableCall>> {
    let unused = |name: &Option<Name>| unused_name(steps, name.as_ref()?);
    let send = step.call.send.docker()?;
    let first = match send {
        DockerOperation::UpdateRule { policy, id, patch } => {
            let patch = RulePatch {
                name: Some(unused(&patch.name)?),
                ..RulePatch::default()
            };
            DockerOperation::UpdateRule {
                policy: policy.clone(),
                id: id.clone(),
                patch,
            }
        }
        DockerOperation::UpdatePolicy { id, patch } => {
            // If the run is interrupted here, the next run finds the policy by this name.
            let name = Name::new(&temporary_name(patch.name.as_ref()?)).ok()?;
            let patch = PolicyPatch {
                name: Some(name),
                ..PolicyPatch::default()
            };
            DockerOperation::UpdatePolicy {
                id: id.clone(),
                patch,
            }
        }
        DockerOperation::CreatePolicy { .. }
        | DockerOperation::DeletePolicy { .. }
        | DockerOperation::CreateRule { .. }
        | DockerOperation::DeleteRule { .. } => return None,
    };
    let then = part(step, step.effect, send.clone(), WHY_NAME);
    Some(vec![part(step, CallEffect::NONE, first, WHY_NAME), then])
}

/// A name that no call of the plan uses.
fn unused_name(steps: &[SplittableCall], name: &Name) -> Option<Name> {
    let calls = steps.iter().map(|step| &step.call);
    let used: BTreeSet<&str> = calls
        .flat_map(|call| call.part.as_deref().into_iter().chain([&*call.name]))
        .collect();
    let mut names = (1..100).map(|number| format!("{name} (old {number})"));
    names
        .find(|name| !used.contains(name.as_str()))
        .and_then(|name| Name::new(&name).ok())
}

/// Moves a policy from some teams to others in two calls: first to all of them.
fn split_scope_change(
    step: &SplittableCall,
    before: &Scope,
    after: &Scope,
) -> Option<Vec<SplittableCall>> {
    let DockerOperation::UpdatePolicy { id, patch } = step.call.send.docker()? else {
        return None;
    };
    if before.is_organization_wide() || after.is_organization_wide() {
        return None;
    }
    // `updatePolicy` cannot change profiles.
    let Scope {
        teams: old,
        profiles: _,
    } = before;
    let Scope {
        teams: new,
        profiles: _,
    } = after;
    let teams: BTreeSet<_> = old.union(new).cloned().collect();
    if teams == *old || teams == *new {
        return None;
    }
    let first = PolicyPatch {
        teams: Some(teams),
        ..PolicyPatch::default()
    };
    let effect = step.effect;
    let grows = CallEffect {
        removes_allow: false,
        removes_deny: false,
        ..effect
    };
    let shrinks = CallEffect {
        adds_allow: false,
        adds_deny: false,
        ..effect
    };
    let send = |patch| DockerOperation::UpdatePolicy {
        id: id.clone(),
        patch,
    };
    Some(vec![
        part(step, grows, send(first), WHY_BOTH),
        part(step, shrinks, send(patch.clone()), WHY_BOTH),
    ])
}

fn part(
    step: &SplittableCall,
    effect: CallEffect,
    send: DockerOperation<PolicyRef>,
    why: &str,
) -> SplittableCall {
    let call = PlannedCall {
        why: Some(why.to_owned()),
        send: PlannedOperation::Docker(send),
        ..step.call.clone()
    };
    SplittableCall {
        call,
        effect,
        previous: step.previous,
        updated: None,
        is_part: true,
    }
}
