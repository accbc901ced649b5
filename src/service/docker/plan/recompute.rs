//! Computes what a saved plan does from its calls and the live state.
//!
//! A plan file may be manipulated: its changes, access rows and notes could hide what its calls do.
//! So nothing but the calls is believed, and everything that is shown is computed again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{PolicyPlanRequest, declared_policies};

use super::difference::{policy_fields, rule_fields};
use super::guard::{LivePolicyContext, created_policies, guarded};
use super::impact::impact;
use super::order;
use super::replay::replay;
use super::summary::live_counts;
use crate::plan::ReplayError;
use crate::plan::{
    Change, ChangeKind, GuardedChange, GuardedKind, PlanNote, ResourceKind, SourceRef, TargetPlan,
};
use model::docker::{DockerLiveState, Extensions, LivePolicy, LiveRule, PolicyId, Rule};

/// The same plan with its changes, access, gaps, guards and counts computed from its calls, the live
/// state and the manifests.
///
/// # Errors
/// A call does not fit the live state.
pub fn recomputed(
    plan: &TargetPlan,
    request: &PolicyPlanRequest<'_>,
) -> Result<TargetPlan, ReplayError> {
    let PolicyPlanRequest { live, teams, .. } = *request;
    let after = replay(live, &plan.calls)?;
    let places = places(plan);
    let source = |policy: &str, rule: Option<&str>| {
        places
            .get(&(policy, rule))
            .map(|place| SourceRef::clone(place))
    };
    let mut recomputed = plan.clone();
    recomputed.changes = changes(live, &after, &|policy, rule| {
        places.get(&(policy, rule)).copied().cloned()
    });
    recomputed.notes.retain(|note| match note {
        PlanNote::Gap { .. } | PlanNote::Unproved { .. } => false,
        PlanNote::ScopeWidens { .. }
        | PlanNote::UnknownFields { .. }
        | PlanNote::LevelsNotGated
        | PlanNote::GroupGap { .. }
        | PlanNote::GoesBack { .. } => true,
    });
    if !plan.calls.is_empty() {
        recomputed
            .notes
            .extend(order::recomputed_notes(live, &plan.calls, teams));
        recomputed.access = Some(impact(live, &after, &source).with_team_names(teams));
    }
    recomputed.notes.sort();
    recomputed.notes.dedup();
    recomputed.guarded = guards(plan, request, &after);
    recomputed.live = live_counts(live.policies.iter());
    Ok(recomputed)
}

/// The guarded changes that follow from the manifests and the live state, and those that the file
/// lists as well: a file can only add one. The plan may be older than the manifests, so a policy that
/// is deleted and not created again counts as pruned even if a manifest declares it.
fn guards(
    plan: &TargetPlan,
    request: &PolicyPlanRequest<'_>,
    after: &DockerLiveState,
) -> Vec<GuardedChange> {
    let before = request.live;
    let again = |found: &GuardedChange| {
        created_policies(before, after).any(|policy| policy.name == found.name)
    };
    let by_name = LivePolicyContext {
        by_name: true,
        ..LivePolicyContext::default()
    };
    let without_manifests =
        guarded(before, after, &by_name)
            .into_iter()
            .filter(|found| match found.kind {
                GuardedKind::ScopeWidens | GuardedKind::LastDeny | GuardedKind::AllHosts => true,
                GuardedKind::Prune => !again(found) && found.how.ends_with("deleted"),
                // Only manifests contain `protect`, and Docker policies contain no packs.
                GuardedKind::Protected | GuardedKind::PackRemoved => false,
            });
    let mut all = guarded(before, after, &declared_policies(request));
    for found in plan.guarded.iter().cloned().chain(without_manifests) {
        let is_known = |known: &GuardedChange| known.kind == found.kind && known.name == found.name;
        if !all.iter().any(is_known) {
            all.push(found);
        }
    }
    all.sort();
    all
}

pub(super) type DeclaredName<'n> = (&'n str, Option<&'n str>);

/// Where the plan says that policies and rules are declared. This is taken from the file, because
/// it only affects which line is shown.
pub(super) fn places(plan: &TargetPlan) -> HashMap<DeclaredName<'_>, &SourceRef> {
    let rows = plan.access.iter().flat_map(|access| access.rows());
    let deciding = rows.flat_map(|row| {
        let decided = row.before.iter().chain(&row.after).map(|rule| {
            let names = (rule.policy.as_str(), rule.rule.as_deref());
            (names, rule.source.as_ref())
        });
        let rule = &row.rule;
        let names = (rule.policy.as_str(), rule.rule.as_deref());
        decided.chain([(names, rule.source.as_ref())])
    });
    let changed = plan.changes.iter().flat_map(|policy| {
        let name = policy.name.as_str();
        let rules = policy
            .children
            .iter()
            .map(move |rule| ((name, Some(rule.name.as_str())), rule.source.as_ref()));
        rules.chain([((name, None), policy.source.as_ref())])
    });
    deciding
        .chain(changed)
        .filter_map(|(names, source)| Some((names, source?)))
        .collect()
}

/// Finds where a policy or one of its rules is declared, by name.
type LocateDeclaration<'l> = dyn Fn(&str, Option<&str>) -> Option<SourceRef> + 'l;

/// The changes between two states, in the order of a plan.
pub(super) fn changes(
    before: &DockerLiveState,
    after: &DockerLiveState,
    locate: &LocateDeclaration<'_>,
) -> Vec<Change> {
    let before = by_id(before);
    let after = by_id(after);
    let ids: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let policies = ids
        .into_iter()
        .filter_map(|id| policy(before.get(id).copied(), after.get(id).copied(), locate));
    let mut changes: Vec<Change> = policies.collect();
    changes.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    changes
}

fn by_id(state: &DockerLiveState) -> BTreeMap<&PolicyId, &LivePolicy> {
    state
        .policies
        .iter()
        .map(|policy| (&policy.id, policy))
        .collect()
}

fn policy(
    before: Option<&LivePolicy>,
    after: Option<&LivePolicy>,
    locate: &LocateDeclaration<'_>,
) -> Option<Change> {
    let shown = after.or(before)?;
    let fields = policy_fields(before, after);
    let rules = |policy: Option<&LivePolicy>| -> BTreeMap<String, LiveRule> {
        let rules = policy.map(LivePolicy::rules).unwrap_or_default();
        rules
            .iter()
            .map(|rule| (rule.id.to_string(), rule.clone()))
            .collect()
    };
    let rules_before = rules(before);
    let rules_after = rules(after);
    let ids: BTreeSet<&String> = rules_before.keys().chain(rules_after.keys()).collect();
    let at = |rule: &str| locate(&shown.name, Some(rule));
    let rules = ids
        .into_iter()
        .filter_map(|id| rule(rules_before.get(id), rules_after.get(id), &at));
    let mut children: Vec<Change> = rules.collect();
    children.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    let kind = kind(
        before.is_some(),
        after.is_some(),
        !fields.is_empty(),
        !children.is_empty(),
    )?;
    let id = before.map(|before| before.id.to_string());
    // A deleted policy is not declared, even if another one has its name.
    let source = after.and_then(|after| locate(&after.name, None));
    Some(Change {
        kind,
        resource: ResourceKind::Policy,
        name: shown.name.clone(),
        id,
        source,
        fields,
        children,
    })
}

fn rule(
    before: Option<&LiveRule>,
    after: Option<&LiveRule>,
    locate: &dyn Fn(&str) -> Option<SourceRef>,
) -> Option<Change> {
    let shown = after.or(before)?;
    // A deleted rule is shown without the settings that this version does not know.
    let says = |rule: Option<&LiveRule>| {
        let rule = rule?;
        let known = rule.rule.as_ref().ok()?;
        let shown = after.map(|_| Extensions::of_live(&rule.unknown_fields));
        Some(Rule {
            extensions: shown.unwrap_or_default(),
            ..known.clone()
        })
    };
    let fields = rule_fields(says(before).as_ref(), says(after).as_ref());
    let kind = kind(before.is_some(), after.is_some(), !fields.is_empty(), false)?;
    let id = before.map(|before| before.id.to_string());
    let name = shown.name.clone();
    let source = after.and_then(|after| locate(&after.name));
    Some(Change {
        kind,
        resource: ResourceKind::Rule,
        name,
        id,
        source,
        fields,
        children: Vec::new(),
    })
}

fn kind(was: bool, is: bool, differs: bool, within: bool) -> Option<ChangeKind> {
    match (was, is) {
        (false, true) => Some(ChangeKind::Create),
        (true, false) => Some(ChangeKind::Delete),
        (true, true) if differs => Some(ChangeKind::Update),
        (true, true) if within => Some(ChangeKind::Within),
        (_, _) => None,
    }
}
