//! Plans one Docker target.
//!
//! Planning is pure: [`plan_target`] reads the desired and the live policies and returns a plan. It
//! pairs live with declared objects ([`matching`]), drafts one call for each difference
//! ([`policy`], [`rules`]), orders the calls ([`order`]), and computes what they do to access
//! ([`impact`], `cedar`, [`gates`], [`guard`]). If safety needs extra calls, other pairs and orders are
//! searched (`search`).

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
pub mod remaining;
pub mod removed;
pub mod replay;
pub mod rules;
mod search;
mod summary;
pub mod timeline;

pub use audit::{PolicyPlanViolation as AuditBreach, audit};
pub use drift::drift;
pub use gates::evaluate_gates;
pub use recompute::recomputed;
pub use remaining::remaining_access;
pub use replay::replay;
use replay::verify;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use audit::{PolicyPlanViolation, audit_plan};
use effect::{CallEffect, content_effect};
use gates::evaluate_plan_gates;
use guard::{LivePolicyContext, guarded};
use impact::impact;
use matching::{PairingCosts, PairingInput, PolicyPairing, pair_policies};
use order::{OrderedCalls, UnorderedCalls};
use search::{SearchInput, SearchOutcome, SearchedCalls, search};
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
    PolicyContent, PolicyId, Profile, RuleId,
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
    let pairing = choose_pairing(request, gates, undone.is_some(), &live, &desired);
    let paired = PairedPolicies {
        live: &live,
        desired: &desired,
        pairing: &pairing,
        undone,
    };
    let mut planner = PolicyPlanner::new(request, gates);
    let unmanaged = planner.draft(&paired);
    planner.finish(&paired, unmanaged)
}

/// The policies of a target with their pairs.
struct PairedPolicies<'p, 'a> {
    live: &'p [&'a LivePolicy],
    desired: &'p [&'a DesiredPolicy],
    pairing: &'p PolicyPairing,
    undone: Option<&'p BTreeSet<PolicyId>>,
}

impl<'a> PairedPolicies<'_, 'a> {
    fn pairs(&self) -> impl Iterator<Item = (&'a LivePolicy, &'a DesiredPolicy, bool)> {
        let pairs = self.pairing.pairing.pairs.iter();
        pairs.map(|(live, desired)| {
            let is_taken_over = self.pairing.taken_over.contains(live);
            (self.live[*live], self.desired[*desired], is_taken_over)
        })
    }

    /// The manifest that each live policy follows.
    fn declared(&self, with_taken_over: bool) -> HashMap<PolicyId, &'a DesiredPolicy> {
        self.pairs()
            .filter(|(_, _, is_taken_over)| with_taken_over || !is_taken_over)
            .map(|(live, desired, _)| (live.id.clone(), desired))
            .collect()
    }
}

/// The manifests that declare live policies, paired as by the planner.
fn declared_policies<'a>(request: &'a PolicyPlanRequest<'a>) -> LivePolicyContext<'a> {
    let (live, desired) = request.sorted();
    let pairing = choose_pairing(request, &Gates::default(), false, &live, &desired);
    let paired = PairedPolicies {
        live: &live,
        desired: &desired,
        pairing: &pairing,
        undone: None,
    };
    LivePolicyContext {
        declared: paired.declared(false),
        ..LivePolicyContext::default()
    }
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

/// Added to the reason of an extra call if the search for fewer calls was not complete.
const UNPROVEN: &str =
    "; fewer calls may be sufficient, because not all lists of calls were compared";

struct PolicyPlanner<'a> {
    request: &'a PolicyPlanRequest<'a>,
    gates: &'a Gates,
    drafts: CallDrafts,
    changes: Vec<Change>,
    held: Vec<HeldChange>,
    notes: Vec<PlanNote>,
    /// Pairs that were chosen together with the order, by live policy. The rules of other policies
    /// are paired by [`matching`].
    rule_pairs: HashMap<PolicyId, Vec<(RuleId, String)>>,
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
            rule_pairs: HashMap::new(),
        }
    }

    /// Drafts the calls and changes of all policies, and returns the unmanaged ones.
    fn draft(&mut self, paired: &PairedPolicies<'_, '_>) -> Vec<UnmanagedResource> {
        let mut unmanaged = Vec::new();
        for (live, desired, is_taken_over) in paired.pairs() {
            self.update_policy(live, desired);
            if is_taken_over {
                unmanaged.push(self.reused_policy(live, desired));
            }
        }
        let pairing = &paired.pairing.pairing;
        for desired in &pairing.only_desired {
            self.create_policy(paired.desired[*desired]);
        }
        let only_live = pairing.only_live.iter().map(|index| paired.live[*index]);
        match paired.undone {
            None => unmanaged.extend(only_live.map(|policy| self.unmanaged(policy))),
            Some(made) => only_live
                .filter(|policy| made.contains(&policy.id))
                .for_each(|policy| self.prune(policy)),
        }
        unmanaged.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        unmanaged
    }

    /// Searches for other pairs with an order that needs fewer calls, or has fewer conflicts.
    fn improve(
        &self,
        paired: &PairedPolicies<'_, '_>,
        calls: &[PlannedCall],
        ordered: &OrderedCalls,
    ) -> SearchedPlan<'a> {
        let live = self.request.live;
        let contested = &ordered.contested;
        let Ok(after) = replay(live, calls) else {
            return SearchedPlan {
                better: None,
                unproven: contested.policies.clone(),
            };
        };
        let declared = paired.declared(true);
        let SearchOutcome {
            found,
            mut unproven,
        } = search(&SearchInput {
            live,
            after: &after,
            calls,
            declared: &declared,
            crosses_domains: self.request.profile().allows_domain_change(),
            contested,
        });
        let names: Vec<String> = found
            .iter()
            .flat_map(|found| found.policies.iter().cloned())
            .collect();
        let better = self.with_searched(paired, found, &after).filter(|better| {
            let rank = |ordered: &OrderedCalls| (ordered.contested.conflicts, ordered.calls.len());
            rank(&better.1) < rank(ordered)
        });
        if better.is_none() {
            unproven.extend(names);
        }
        SearchedPlan { better, unproven }
    }

    /// The plan with the calls that were found, if they lead to the same state in an order that the
    /// service accepts.
    fn with_searched(
        &self,
        paired: &PairedPolicies<'_, '_>,
        found: Vec<SearchedCalls>,
        after: &DockerLiveState,
    ) -> Option<(Self, OrderedCalls)> {
        if found.is_empty() {
            return None;
        }
        let live = self.request.live;
        let mut planner = Self::new(self.request, self.gates);
        let pairs = found.iter().flat_map(|found| found.pairs.clone());
        planner.rule_pairs = pairs.collect();
        planner.draft(paired);
        let mut drafts = std::mem::take(&mut planner.drafts);
        for found in found {
            drafts.replace(&found.policies, found.calls);
        }
        let unordered = UnorderedCalls::of(drafts);
        let reached = replay(live, &unordered.calls()).ok()?;
        if !verify(after, &reached).is_empty() {
            return None;
        }
        let ordered = order::arrange(live, unordered, self.request.teams);
        audit(live, &ordered.calls)
            .iter()
            .all(PolicyPlanViolation::is_gap)
            .then_some((planner, ordered))
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
            let wanted = "delete it, because no manifest declares it".to_owned();
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
        mut self,
        paired: &PairedPolicies<'_, '_>,
        unmanaged: Vec<UnmanagedResource>,
    ) -> TargetPlan {
        let request = self.request;
        let gates = self.gates;
        let live = paired.live;
        let known = LivePolicyContext {
            declared: paired.declared(false),
            ..LivePolicyContext::default()
        };
        let unordered = UnorderedCalls::of(std::mem::take(&mut self.drafts));
        let made = unordered.calls();
        let live_state = request.live;
        let teams = request.teams;
        let places = DeclarationPlaces::new(request);
        // The outcome does not depend on the order of the calls, so both are computed in parallel.
        let (mut ordered, of_drafts) = rayon::join(
            || order::arrange(live_state, unordered, teams),
            || outcome(live_state, &made, &known, &places),
        );
        let mut is_searched = false;
        if !ordered.contested.policies.is_empty() {
            let SearchedPlan { better, unproven } = self.improve(paired, &made, &ordered);
            if let Some((planner, better)) = better {
                self = planner;
                ordered = better;
                is_searched = true;
            }
            note_unproven(&mut ordered.calls, &unproven);
        }
        let Self {
            request: _,
            gates: _,
            drafts: _,
            mut changes,
            mut held,
            mut notes,
            rule_pairs: _,
        } = self;
        let OrderedCalls {
            calls,
            notes: gaps,
            contested: _,
        } = ordered;
        // A call that is made in parts may lose settings that this version does not know.
        let (found, access) = if is_searched || calls.iter().any(|call| call.why.is_some()) {
            outcome(live_state, &calls, &known, &places)
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
            requires: None,
        };
        debug_assert_eq!(audit_plan(request.live, &plan), [], "{:#?}", plan.calls);
        plan
    }
}

/// The result of a search for a better plan.
struct SearchedPlan<'a> {
    better: Option<(PolicyPlanner<'a>, OrderedCalls)>,
    /// The policies for which fewer calls may be sufficient.
    unproven: BTreeSet<String>,
}

/// Adds to the reasons of extra calls that they may not be needed.
fn note_unproven(calls: &mut [PlannedCall], unproven: &BTreeSet<String>) {
    for call in calls {
        if let Some(why) = &mut call.why
            && unproven.contains(&call.name)
        {
            why.push_str(UNPROVEN);
        }
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
