//! Policies that were removed from the manifests or renamed without an alias.

use std::collections::{HashMap, HashSet};

use crate::plan::{ChangeKind, EventKind, PlanEvent, ResourceKind};
use crate::run::service::EventRequest;
use model::docker::{
    Decision, DesiredPolicy, DockerLiveState, LiveContent, LivePolicy, PolicyContent, RuleAccess,
};
use model::misleading::skeleton;

/// Maximum number of resources in the effect of a policy.
const SHOWN: usize = 3;

/// Compares the live policies that no manifest declares with the policies that are created, with the
/// policies of the base revision and with `removed`.
pub fn removal_events(request: &EventRequest<'_>, live: &DockerLiveState) -> Vec<PlanEvent> {
    let EventRequest {
        plan,
        desired,
        target,
        base,
        locate,
        locate_base,
    } = *request;
    let event = |source, event| PlanEvent {
        target: Some(target.name.clone()),
        source,
        event,
    };
    let mut events = Vec::new();
    let undeclared: Vec<&LivePolicy> = plan
        .left_undeclared()
        .filter_map(|left| {
            let mut all = live.policies.iter();
            all.find(|policy| policy.id.as_str() == left.id.as_str())
        })
        .collect();
    let mut renamed = HashSet::new();
    for created in plan
        .changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Create)
    {
        let policy = desired
            .policies
            .iter()
            .find(|policy| policy.name.as_str() == created.name);
        let Some(policy) = policy else { continue };
        let same = undeclared
            .iter()
            .find(|live| !renamed.contains(&live.id) && has_same_rules(policy, live));
        if let Some(live) = same {
            renamed.insert(&live.id);
            events.push(event(
                Some(locate(&policy.place())),
                EventKind::ProbableRename {
                    name: created.name.clone(),
                    live: live.name.clone(),
                },
            ));
        }
    }
    // Computed only if there is something to compare with.
    let names: HashMap<String, &DesiredPolicy> = match undeclared.is_empty() {
        true => HashMap::new(),
        false => desired
            .policies
            .iter()
            .map(|policy| (skeleton(policy.name.as_str()), policy))
            .collect(),
    };
    for live in &undeclared {
        if let Some(policy) = names.get(&skeleton(&live.name)) {
            events.push(event(
                Some(locate(&policy.place())),
                EventKind::ConfusableName {
                    resource: ResourceKind::Policy,
                    name: policy.name.to_string(),
                    live: live.name.clone(),
                },
            ));
        }
    }
    for live in undeclared.iter().filter(|live| !renamed.contains(&live.id)) {
        let mut policies = base.into_iter().flat_map(|base| &base.policies);
        if let Some(policy) = policies.find(|policy| policy.name.as_str() == live.name) {
            events.push(event(
                None,
                EventKind::RemovedStillLive {
                    resource: ResourceKind::Policy,
                    name: live.name.clone(),
                    effect: effect(live),
                    declared: locate_base(&policy.place()),
                },
            ));
        }
    }
    for name in &target.unmanaged.removed {
        if !live.policies.iter().any(|policy| policy.name == *name) {
            events.push(event(
                None,
                EventKind::RemovedNotLive { name: name.clone() },
            ));
        }
    }
    events
}

/// Whether a live policy decides the same requests as a new one. Names of rules may differ. Empty
/// policies are all alike, so they are never a sign of a rename.
fn has_same_rules(desired: &DesiredPolicy, live: &LivePolicy) -> bool {
    match (&desired.content, &live.content) {
        (PolicyContent::Rules(desired), LiveContent::Rules(live)) => {
            let live: Option<Vec<_>> = live
                .iter()
                .map(|rule| rule.rule.as_ref().ok().map(|rule| rule.meaning()))
                .collect();
            let meanings = |rules: Vec<model::docker::RuleMeaning<'_>>| {
                let mut sorted: Vec<(Decision, RuleAccess)> = rules
                    .into_iter()
                    .map(|rule| (rule.decision, rule.access.clone()))
                    .collect();
                sorted.sort();
                sorted
            };
            let desired = desired.iter().map(|rule| rule.rule.meaning()).collect();
            live.is_some_and(|live| !live.is_empty() && meanings(live) == meanings(desired))
        }
        (PolicyContent::Cedar(desired), LiveContent::Cedar(live)) => desired == live,
        (
            PolicyContent::Rules(_) | PolicyContent::Cedar(_),
            LiveContent::Rules(_) | LiveContent::Cedar(_) | LiveContent::Opaque(_),
        ) => false,
    }
}

/// What a policy does, as a clause. Denied resources come first: if the policy is deleted by
/// mistake, they open.
fn effect(policy: &LivePolicy) -> Option<String> {
    let clause = |decision: Decision, verb: &str| {
        let rules = policy.rules().iter();
        let rules = rules.filter_map(|rule| rule.rule.as_ref().ok());
        let resources: Vec<String> = rules
            .filter(|rule| rule.decision == decision)
            .flat_map(|rule| rule.access.resource_texts())
            .collect();
        let more = resources.len().saturating_sub(SHOWN);
        let mut text = format!(
            "{verb} {}",
            resources.get(..SHOWN).unwrap_or(&resources).join(", ")
        );
        if more > 0 {
            text.push_str(&format!(", … ({more} more)"));
        }
        (!resources.is_empty()).then_some(text)
    };
    let clauses: Vec<String> = [(Decision::Deny, "denies"), (Decision::Allow, "allows")]
        .into_iter()
        .filter_map(|(decision, verb)| clause(decision, verb))
        .collect();
    (!clauses.is_empty()).then(|| clauses.join("; "))
}
