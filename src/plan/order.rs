//! The order of calls: every draft gets a stage and a number.
//!
//! Let A be what is allowed before and B what is allowed after. Calls that only add denies come first, then those
//! that only add allows, then those that only take allows away, then those that only take denies away. A call that
//! does two of these at once is put where it is safe in company with the others; where an exchange of denies is
//! safe nowhere, it is split in two: first both sets are denied, then the old one goes.

use super::difference::rule_patch;
use super::docker::{Draft, DraftId, DraftPolicy, Drafts, Placement};
use super::effect::Effect;
use super::needs::{Settled, settle, waits};
use super::stage::Stage;
use super::types::{After, Call, CallId, Note, PolicyRef, Reason};
use crate::model::docker::{Operation, Resources, Rule, RuleAccess};

/// Puts the drafts of a target in order, and says where access is not what it should be for a while.
pub(super) fn arrange(drafts: Drafts) -> (Vec<Call>, Vec<Note>) {
    let (drafts, needs) = drafts.into_parts();
    let company = Company::of(&drafts);
    let mut staged: Vec<Staged> = Vec::new();
    let mut notes = Vec::new();
    for (position, draft) in drafts.into_iter().enumerate() {
        let id = DraftId(position);
        if draft.placement == Placement::ByEffect && draft.effect.swaps_denies_only() && company.splits_deny_swaps() {
            match split(&draft) {
                Some((first, second)) => {
                    staged.push((Stage::AddDenies, id, first, Some(WHY_SPLIT.to_owned())));
                    staged.push((Stage::RemoveDenies, id, second, None));
                    continue;
                }
                None => notes.push(Note::Gap { policy: draft.policy.clone(), why: WHY_UNSPLIT.to_owned() }),
            }
        }
        let why = draft.why.clone();
        staged.push((company.stage(&draft), id, draft, why));
    }
    let places: Vec<(Stage, DraftId)> = staged.iter().map(|(stage, id, ..)| (*stage, *id)).collect();
    let settled = settle(&places, &needs);
    for ((stage, ..), settled) in staged.iter_mut().zip(&settled.stages) {
        *stage = *settled;
    }
    notes.extend(gaps(&staged, &settled));
    (number(staged, &settled), notes)
}

const WHY_SPLIT: &str = "one call more than the fewest: allows come and go in the same run, so the old and the new \
                         resources are both denied first, and the old ones are let go at the end";
const WHY_MIXED: &str = "one call changes allows and denies at once while other calls do too; what its denies stop can \
                         be allowed for a moment";
const WHY_UNSPLIT: &str = "a deny rule changes its actions and its resources at once while allows come and go; what \
                           it denied, or will deny, can be allowed for a moment";

/// What the calls of a target do, taken together.
struct Company {
    together: Effect,
    deny_swaps: usize,
}

impl Company {
    fn of(drafts: &[Draft]) -> Self {
        let together = drafts.iter().fold(Effect::NONE, |sum, draft| sum | draft.effect);
        let deny_swaps = drafts.iter().filter(|draft| draft.effect.swaps_denies_only()).count();
        Self { together, deny_swaps }
    }

    /// One exchange of denies is safe before all allows change if none goes, and after if none comes. Two exchanges
    /// could each let go what the other is about to deny.
    fn splits_deny_swaps(&self) -> bool {
        self.deny_swaps > 1 || (self.together.adds_allow && self.together.removes_allow)
    }

    fn stage(&self, draft: &Draft) -> Stage {
        let Effect { adds_deny, adds_allow, removes_allow, removes_deny } = draft.effect;
        if draft.placement == Placement::Rebuild {
            return match &draft.send {
                Operation::CreatePolicy { .. } => Stage::RebuildPolicies,
                _ if adds_allow => Stage::RebuildAllows,
                _ => Stage::RebuildDenies,
            };
        }
        if draft.placement == Placement::Last {
            return Stage::SwapDeniesLast;
        }
        match (adds_deny, adds_allow, removes_allow, removes_deny) {
            (false, false, false, false) => Stage::Prepare,
            (true, false, false, false) => Stage::AddDenies,
            (false, true, false, false) => Stage::AddAllows,
            (false, false, true, false) => Stage::RemoveAllows,
            (false, false, false, true) => Stage::RemoveDenies,
            (false, true, true, false) => Stage::SwapAllows,
            (true, false, false, true) if self.together.removes_allow => Stage::SwapDeniesLast,
            (true, _, _, false) | (true, false, false, true) => Stage::SwapDenies,
            (_, _, _, true) => Stage::SwapDeniesLast,
        }
    }
}

/// An update of a deny rule in two calls: first old and new together, then the new alone.
fn split(draft: &Draft) -> Option<(Draft, Draft)> {
    let (before, after) = draft.update.as_ref()?;
    let Operation::UpdateRule { policy, id, .. } = &draft.send else { return None };
    let both = union(before, after)?;
    let part = |from: &Rule, to: &Rule, effect| Draft {
        effect,
        send: Operation::UpdateRule { policy: policy.clone(), id: id.clone(), patch: rule_patch(from, to) },
        update: Some((from.clone(), to.clone())),
        ..draft.clone()
    };
    let adding = Effect::adding(before.decision);
    let removing = Effect::removing(before.decision);
    Some((part(before, &both, adding), part(&both, after, removing)))
}

/// The rule that matches just what one of the two matches, if there is one: they must agree in their actions or in
/// their resources.
fn union(before: &Rule, after: &Rule) -> Option<Rule> {
    let same_actions = before.access.actions() == after.access.actions();
    let same_resources = before.access.resources() == after.access.resources();
    if !same_actions && !same_resources {
        return None;
    }
    let actions = before.access.actions().into_iter().chain(after.access.actions());
    let resources = match (before.access.resources(), after.access.resources()) {
        (Resources::Plain(old), Resources::Plain(new)) => Resources::Plain(old.into_iter().chain(new).collect()),
        (Resources::Http(old), Resources::Http(new)) => Resources::Http(old.into_iter().chain(new).collect()),
        (Resources::Plain(_), Resources::Http(_)) | (Resources::Http(_), Resources::Plain(_)) => return None,
    };
    let access = RuleAccess::new(actions, resources).ok()?;
    Some(Rule { name: after.name.clone(), decision: after.decision, access })
}

/// Where calls that do several things at once cannot be put so that nothing is allowed for a moment which neither the
/// state before nor the state after allows. Judged by what calls may do, not by what they are about, so that a gap that
/// is told of may be none; one that is not told of is none.
fn gaps(staged: &[Staged], settled: &Settled) -> Vec<Note> {
    let does_more = |draft: &Draft| {
        let Effect { adds_deny, adds_allow, removes_allow, removes_deny } = draft.effect;
        [adds_deny, adds_allow, removes_allow, removes_deny].into_iter().filter(|does| *does).count() > 1
    };
    // What waits for a name may do one thing only, and still not where it should be done.
    let mixed = staged.iter().enumerate();
    let mixed =
        mixed.filter(|(at, (_, _, draft, _))| !draft.cedar && (does_more(draft) || settled.raised.contains(at)));
    let mixed = mixed.map(|(_, one)| one);
    let unsafe_ones = mixed.filter(|one| {
        let others = staged.iter().filter(|other| other.1 != one.1 && !other.2.cedar);
        others.into_iter().any(|other| exposes(one, other) || exposes(other, one))
    });
    unsafe_ones.map(|(_, _, draft, _)| Note::Gap { policy: draft.policy.clone(), why: WHY_MIXED.to_owned() }).collect()
}

/// Whether `first` does something that should be done before something that `then` does, and is not.
fn exposes(first: &Staged, then: &Staged) -> bool {
    let ((stage, _, Draft { effect: one, .. }, _), (later, _, Draft { effect: other, .. }, _)) = (first, then);
    let must_precede =
        (one.adds_deny && (other.adds_allow || other.removes_deny)) || (one.removes_allow && other.removes_deny);
    must_precede && stage >= later
}

/// A draft with its stage, and why it is there if it is more than the difference.
type Staged = (Stage, DraftId, Draft, Option<String>);

fn number(staged: Vec<Staged>, settled: &Settled) -> Vec<Call> {
    let numbers: std::collections::HashMap<usize, CallId> =
        settled.order.iter().copied().zip((1..).map(CallId)).collect();
    let mut needs: Vec<Vec<(CallId, Reason)>> = vec![Vec::new(); staged.len()];
    for edge in &settled.edges {
        needs[edge.call].extend(numbers.get(&edge.first).map(|first| (*first, edge.why)));
    }
    let mut numbered: Vec<_> = staged.into_iter().zip(needs).enumerate().collect();
    numbered.sort_by_key(|(position, _)| numbers.get(position).copied());
    let staged: Vec<(Staged, Vec<(CallId, Reason)>)> = numbered.into_iter().map(|(_, one)| one).collect();
    let ids: std::collections::HashMap<DraftId, CallId> =
        (1..).map(CallId).zip(&staged).map(|(call, ((_, draft, ..), _))| (*draft, call)).collect();
    let mut calls = Vec::with_capacity(staged.len());
    let stages: Vec<Stage> = staged.iter().map(|((stage, ..), _)| *stage).collect();
    for (number, ((stage, _, draft, why), needs)) in (1..).zip(staged) {
        let Draft { policy, rule, send, effect: _, cedar: _, placement: _, update: _, frees: _, takes: _, why: _ } =
            draft;
        let named = send.try_map(|policy| match policy {
            DraftPolicy::Existing(id) => Ok(PolicyRef::Existing(id)),
            DraftPolicy::Created(draft) => ids.get(&draft).copied().map(PolicyRef::CreatedBy).ok_or(()),
        });
        // A draft always names a draft of the same list, so nothing is left out here; `audit` would notice.
        if let Ok(send) = named {
            let earlier = stages.partition_point(|other| *other < stage);
            let last = u32::try_from(earlier).ok().filter(|last| *last > 0).map(CallId);
            let after = last.map(|last| After { first: CallId(1), last, why: stage.reason() });
            let needs = waits(needs.into_iter(), last.map_or(0, |last| last.0));
            let after = after.into_iter().chain(needs).collect();
            calls.push(Call { id: CallId(number), after, policy, rule, why, send });
        }
    }
    calls
}
