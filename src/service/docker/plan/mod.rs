//! Plans one Docker target.
//!
//! Planning is pure: [`plan_target`] reads the desired and the live policies and returns a plan. It
//! pairs live with declared objects ([`matching`]), drafts one call for each difference
//! ([`policy`], [`rules`]), orders the calls ([`order`]), and computes what they do to access
//! ([`impact`], [`cedar`], [`gates`], [`guard`]).

pub mod audit;
mod cedar;
pub mod difference;
pub mod draft;
pub mod drift;
pub mod effect;
pub mod gates;
pub mod guard;
pub mod impact;
pub mod matching;
pub mod order;
pub mod policy;
pub mod recompute;
pub mod removed;
pub mod replay;
pub mod rules;
mod summary;
pub mod timeline;

pub use audit::{PolicyPlanViolation as AuditBreach, audit};
pub use drift::drift;
pub use gates::evaluate_gates;
pub use recompute::recomputed;
pub use replay::replay;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use audit::audit_plan;
use effect::{CallEffect, content_effect};
use gates::evaluate_plan_gates;
use guard::{LivePolicyContext, guarded};
use impact::impact;
use matching::{PairingCosts, PairingInput, PolicyPairing, pair_policies};
use summary::{before, live_counts, rule_count};

use crate::plan::{
    AccessImpact, Change, ChangeKind, GateNames, Gates, GuardedChange, HeldChange, HeldReason,
    NotAnalyzed, NotAnalyzedKind, PlanNote, PlannedCall, ResourceKind, SourceRef, TargetInfo,
    TargetPlan, UnmanagedResource,
};
use manifest::config::{Unmanaged, UnmanagedSettings};
use model::diag::Place;
use model::docker::{
    DesiredPolicy, DockerLiveState, DockerOperation, DockerOperationKind, LiveContent, LivePolicy,
    PolicyContent, PolicyId, Profile,
};

pub(super) use draft::{CallDraft, CallDrafts, DraftId, DraftPolicy, SplittableUpdate};

/// The input of a plan.
pub struct PolicyPlanRequest<'a> {
    pub target: TargetInfo,
    /// The checked manifests.
    pub desired: &'a [DesiredPolicy],
    /// The complete live state.
    pub live: &'a DockerLiveState,
    pub unmanaged: UnmanagedSettings,
    /// Short names of teams with their uuids, for display.
    pub teams: &'a BTreeMap<String, String>,
    pub locate: &'a (dyn Fn(&Place) -> SourceRef + Sync),
}

impl PolicyPlanRequest<'_> {
    pub(crate) fn profile(&self) -> Profile {
        self.target.profile.unwrap_or_default()
    }

    /// The live and the desired policies in an order that does not depend on that of the input.
    fn sorted(&self) -> (Vec<&LivePolicy>, Vec<&DesiredPolicy>) {
        let mut desired: Vec<&DesiredPolicy> = self.desired.iter().collect();
        desired.sort_by(|a, b| a.name.cmp(&b.name));
        let mut live: Vec<&LivePolicy> = self.live.policies.iter().collect();
        live.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        (live, desired)
    }
}

/// Plans one target. The result does not depend on the order of `desired` or `live`.
pub fn plan_target(request: &PolicyPlanRequest<'_>) -> TargetPlan {
    plan_policies(request, &Gates::default(), None)
}

/// Plans one target and evaluates access gates. The plan is complete even if gates fail; it records
/// their outcomes.
pub fn plan_gated(request: &PolicyPlanRequest<'_>, gates: &Gates) -> TargetPlan {
    plan_policies(request, gates, None)
}

/// Plans to undo a run: restores `desired` and deletes the policies in `made`, which the run
/// created. Other unmanaged policies are not touched.
pub fn plan_undo(
    request: &PolicyPlanRequest<'_>,
    made: &BTreeSet<PolicyId>,
    gates: &Gates,
) -> TargetPlan {
    plan_policies(request, gates, Some(made))
}

fn plan_policies(
    request: &PolicyPlanRequest<'_>,
    gates: &Gates,
    undone: Option<&BTreeSet<PolicyId>>,
) -> TargetPlan {
    let (live, desired) = request.sorted();
    let mut planner = PolicyPlanner::new(request, gates);
    let PolicyPairing {
        pairing,
        taken_over,
    } = choose_pairing(request, gates, undone.is_some(), &live, &desired);
    let mut unmanaged = Vec::new();
    let mut known = LivePolicyContext::default();
    for (live_index, desired_index) in &pairing.pairs {
        let live = live[*live_index];
        let desired = desired[*desired_index];
        planner.update_policy(live, desired);
        if taken_over.contains(live_index) {
            unmanaged.push(planner.reused_policy(live, desired));
        } else {
            known.declared.insert(live.id.clone(), desired);
        }
    }
    for desired_index in &pairing.only_desired {
        planner.create_policy(desired[*desired_index]);
    }
    let only_live = pairing.only_live.iter().map(|index| live[*index]);
    match undone {
        None => unmanaged.extend(only_live.map(|policy| planner.unmanaged(policy))),
        Some(made) => only_live
            .filter(|policy| made.contains(&policy.id))
            .for_each(|policy| planner.prune(policy)),
    }
    unmanaged.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    planner.finish(&live, unmanaged, &known)
}

/// The manifests that declare live policies, paired as by the planner.
fn declared_policies<'a>(request: &'a PolicyPlanRequest<'a>) -> LivePolicyContext<'a> {
    let (live, desired) = request.sorted();
    let PolicyPairing {
        pairing,
        taken_over,
    } = choose_pairing(request, &Gates::default(), false, &live, &desired);
    let mut known = LivePolicyContext::default();
    for (live_index, desired_index) in &pairing.pairs {
        if !taken_over.contains(live_index) {
            let id = live[*live_index].id.clone();
            known.declared.insert(id, desired[*desired_index]);
        }
    }
    known
}

/// Pairs the policies. The cost of a pair is found by planning it.
fn choose_pairing(
    request: &PolicyPlanRequest<'_>,
    gates: &Gates,
    undoes: bool,
    live: &[&LivePolicy],
    desired: &[&DesiredPolicy],
) -> PolicyPairing {
    let update = |live_index: usize, desired_index: usize| {
        let mut planner = PolicyPlanner::new(request, gates);
        planner.update_policy(live[live_index], desired[desired_index]);
        planner.drafts.len()
    };
    let create = |desired_index: usize| match &desired[desired_index].content {
        PolicyContent::Rules(rules) => 1 + rules.len(),
        PolicyContent::Cedar(_) => 1,
    };
    // When a run is undone, policies that it did not touch are never taken over.
    let writes = request.profile().has_policy_writes();
    let prunes = !undoes && request.unmanaged.mode == Unmanaged::Prune;
    pair_policies(
        &PairingInput {
            live,
            desired,
            writes,
            prunes,
        },
        &PairingCosts {
            update: &update,
            create: &create,
        },
    )
}

struct PolicyPlanner<'a> {
    request: &'a PolicyPlanRequest<'a>,
    gates: &'a Gates,
    drafts: CallDrafts,
    changes: Vec<Change>,
    held: Vec<HeldChange>,
    notes: Vec<PlanNote>,
}

impl<'a> PolicyPlanner<'a> {
    fn new(request: &'a PolicyPlanRequest<'a>, gates: &'a Gates) -> Self {
        let drafts = CallDrafts::default();
        let changes = Vec::new();
        Self {
            request,
            gates,
            drafts,
            changes,
            held: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn locate(&self, place: &Place) -> Option<SourceRef> {
        Some((self.request.locate)(place))
    }

    fn unmanaged(&mut self, live: &LivePolicy) -> UnmanagedResource {
        let unmanaged = self.unmanaged_resource(live, None);
        match unmanaged.treatment {
            Unmanaged::Ignore | Unmanaged::Report => {}
            Unmanaged::Prune => self.prune(live),
        }
        unmanaged
    }

    /// An unmanaged policy that becomes a new one instead of being deleted.
    fn reused_policy(&self, live: &LivePolicy, desired: &DesiredPolicy) -> UnmanagedResource {
        self.unmanaged_resource(live, Some(desired.name.to_string()))
    }

    fn unmanaged_resource(&self, live: &LivePolicy, becomes: Option<String>) -> UnmanagedResource {
        let settings = &self.request.unmanaged;
        UnmanagedResource {
            resource: ResourceKind::Policy,
            id: (&live.id).into(),
            name: live.name.clone(),
            parts: rule_count(live),
            treatment: settings.treatment(&live.name),
            known: settings.is_known(&live.name),
            becomes,
        }
    }

    fn prune(&mut self, live: &LivePolicy) {
        let reason = if let LiveContent::Opaque(opaque) = &live.content {
            Some(HeldReason::NotUnderstood {
                why: opaque.why.clone(),
            })
        } else if !self.request.profile().has_policy_writes() {
            let wanted = "delete it, as no manifest declares it".to_owned();
            Some(HeldReason::ProfileLacks {
                operation: DockerOperationKind::DeletePolicy,
                wanted,
            })
        } else {
            None
        };
        match reason {
            Some(reason) => self.add_held_policy(&live.name, None, reason),
            None => self.delete_policy(live),
        }
    }

    fn delete_policy(&mut self, live: &LivePolicy) {
        let children = self.removed_rules(live);
        self.changes.push(Change {
            kind: ChangeKind::Delete,
            resource: ResourceKind::Policy,
            name: live.name.clone(),
            id: Some(live.id.to_string()),
            source: None,
            fields: Vec::new(),
            children,
        });
        let send = DockerOperation::DeletePolicy {
            id: live.id.clone(),
        };
        self.drafts.push(CallDraft::new(
            &live.name,
            None,
            content_effect(live, CallEffect::removing),
            send,
        ));
    }

    fn add_held_policy(&mut self, name: &str, source: Option<SourceRef>, reason: HeldReason) {
        self.held.push(HeldChange {
            resource: ResourceKind::Policy,
            name: name.to_owned(),
            part: None,
            source,
            reason,
        });
    }

    fn finish(
        self,
        live: &[&LivePolicy],
        unmanaged: Vec<UnmanagedResource>,
        known: &LivePolicyContext<'_>,
    ) -> TargetPlan {
        let Self {
            request,
            gates,
            drafts,
            mut changes,
            mut held,
            mut notes,
        } = self;
        let unordered = order::UnorderedCalls::of(drafts);
        let made = unordered.calls();
        let live_state = request.live;
        let teams = request.teams;
        let places = DeclarationPlaces::new(request);
        // The outcome does not depend on the order of the calls, so both are computed in parallel.
        let ((calls, gaps), of_drafts) = rayon::join(
            || order::arrange(live_state, unordered, teams),
            || outcome(live_state, &made, known, &places),
        );
        // A call that is made in parts may lose settings that this version does not know.
        let (found, access) = if calls.iter().any(|call| call.why.is_some()) {
            outcome(live_state, &calls, known, &places)
        } else {
            of_drafts
        };
        notes.extend(gaps);
        let access = access.with_team_names(request.teams);
        let (rule, policy) = (
            |policy: &str, rule: &str| places.rule(policy, rule),
            |policy: &str| places.policy(policy),
        );
        let names = GateNames {
            rule: &rule,
            policy: &policy,
            teams: request.teams,
        };
        let gates = evaluate_plan_gates(request.live, (&changes, &calls), gates, &names);
        notes.sort();
        notes.dedup();
        let before = before(live, &calls);
        changes.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
        held.sort_by(|a, b| (&a.name, &a.part).cmp(&(&b.name, &b.part)));
        let counts = live_counts(live.iter().copied());
        let plan = TargetPlan {
            target: request.target.clone(),
            changes,
            access: Some(access),
            enforcement: Vec::new(),
            documents: Vec::new(),
            gates,
            calls,
            held,
            unmanaged,
            guarded: found,
            notes,
            before,
            live: counts,
        };
        debug_assert_eq!(audit_plan(request.live, &plan), [], "{:#?}", plan.calls);
        plan
    }
}

/// Computes guarded changes and access. Calls that do not fit the live state might do anything, so
/// that every policy counts as deleted and nothing is analyzed.
fn outcome(
    live: &DockerLiveState,
    calls: &[PlannedCall],
    known: &LivePolicyContext<'_>,
    places: &DeclarationPlaces<'_>,
) -> (Vec<GuardedChange>, AccessImpact) {
    if calls.is_empty() {
        return (Vec::new(), AccessImpact::default());
    }
    let locate = |policy: &str, rule: Option<&str>| match rule {
        Some(rule) => places.rule(policy, rule),
        None => places.policy(policy),
    };
    match replay(live, calls) {
        Ok(after) => {
            let access = impact(live, &after, &locate);
            (guarded(live, &after, known), access)
        }
        Err(error) => {
            let unknown = live.policies.iter().map(|policy| NotAnalyzed {
                kind: NotAnalyzedKind::Unknown,
                policy: policy.name.clone(),
                reason: error.to_string(),
                source: places.policy(&policy.name),
            });
            (
                guarded(live, &DockerLiveState::default(), known),
                AccessImpact::unknown(unknown.collect()),
            )
        }
    }
}

/// Where policies and rules are declared, by name.
struct DeclarationPlaces<'a> {
    locate: &'a (dyn Fn(&Place) -> SourceRef + Sync),
    rules: HashMap<(&'a str, &'a str), Place>,
    policies: HashMap<&'a str, Place>,
}

impl<'a> DeclarationPlaces<'a> {
    fn new(request: &PolicyPlanRequest<'a>) -> Self {
        let mut rules = HashMap::new();
        let mut policies = HashMap::new();
        for policy in request.desired {
            policies.insert(policy.name.as_str(), policy.place());
            if let PolicyContent::Rules(declared) = &policy.content {
                for rule in declared {
                    rules.insert(
                        (policy.name.as_str(), rule.rule.name.as_str()),
                        policy.rule_place(rule),
                    );
                }
            }
        }
        Self {
            locate: request.locate,
            rules,
            policies,
        }
    }

    fn rule(&self, policy: &str, rule: &str) -> Option<SourceRef> {
        self.rules.get(&(policy, rule)).map(self.locate)
    }

    fn policy(&self, policy: &str) -> Option<SourceRef> {
        self.policies.get(policy).map(self.locate)
    }
}

#[cfg(test)]
mod tests;
