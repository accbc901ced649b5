//! Finds changes that require an acknowledgement, by comparing the states before and after a plan.

use std::collections::{HashMap, HashSet};

use crate::plan::{GuardedChange, GuardedKind, ResourceKind};
use crate::service::docker::everywhere::{all_hosts_or_paths, opens_everywhere};
use model::docker::{
    Decision, DesiredPolicy, DockerLiveState, Domain, LiveContent, LivePolicy, PolicyId, Rule,
    RuleId,
};

#[derive(Default)]
pub(crate) struct LivePolicyContext<'a> {
    /// The manifests that declare live policies.
    pub declared: HashMap<PolicyId, &'a DesiredPolicy>,
    /// Whether policies of the same name count as the same policy. Without manifests, this is the
    /// only sign that a policy was replaced.
    pub by_name: bool,
}

/// Compares the states before and after, so the result does not depend on the calls.
pub(crate) fn guarded(
    before: &DockerLiveState,
    after: &DockerLiveState,
    known: &LivePolicyContext<'_>,
) -> Vec<GuardedChange> {
    let later: HashMap<&PolicyId, &LivePolicy> = after
        .policies
        .iter()
        .map(|policy| (&policy.id, policy))
        .collect();
    let named: HashMap<&str, &LivePolicy> = created_policies(before, after)
        .map(|policy| (policy.name.as_str(), policy))
        .collect();
    let mut found = Vec::new();
    for policy in &before.policies {
        let declared = known.declared.get(&policy.id).copied();
        let same = later.get(&policy.id).copied();
        // A replaced policy has a new id, and the name from its manifest.
        let own = known.by_name.then_some(policy.name.as_str());
        let name = declared.map(|declared| declared.name.as_str()).or(own);
        let now = same.or_else(|| named.get(name?).copied());
        let mut push = |kind, how: &str| {
            found.push(GuardedChange {
                kind,
                resource: ResourceKind::Policy,
                name: policy.name.clone(),
                how: how.to_owned(),
            });
        };
        match (declared, same) {
            (None, None) => push(
                GuardedKind::Prune,
                "no manifest declares it, and it is deleted",
            ),
            (None, Some(now)) if now.name != policy.name => {
                push(
                    GuardedKind::Prune,
                    &format!("no manifest declares it, and it becomes `{}`", now.name),
                );
            }
            (None | Some(_), _) => {}
        }
        if now.is_some_and(|now| now.scope.is_organization_wide())
            && !policy.scope.is_organization_wide()
        {
            push(
                GuardedKind::ScopeWidens,
                "its scope widens to the whole organization",
            );
        }
        if has_denies(policy) && !now.is_some_and(has_denies) {
            push(GuardedKind::LastDeny, "removes its last deny rule");
        }
        if declared.is_some_and(|declared| declared.protect)
            && let Some(how) = content_loss(policy, same)
        {
            push(GuardedKind::Protected, how);
        }
    }
    found.extend(rules_that_open_everything(before, after));
    found.sort();
    found
}

/// The rules that allow every host or every path after the plan in a way that they did not before.
fn rules_that_open_everything(
    before: &DockerLiveState,
    after: &DockerLiveState,
) -> Vec<GuardedChange> {
    let known: HashMap<(&PolicyId, &RuleId), &Rule> = before
        .policies
        .iter()
        .flat_map(|policy| policy.rules().iter().map(|rule| (&policy.id, rule)))
        .filter_map(|(policy, rule)| Some(((policy, &rule.id), rule.rule.as_ref().ok()?)))
        .collect();
    let mut found = Vec::new();
    for policy in &after.policies {
        for live in policy.rules() {
            let Ok(rule) = &live.rule else {
                continue;
            };
            let earlier = known.get(&(&policy.id, &live.id)).copied();
            if opens_everywhere(earlier, rule) {
                let all = all_hosts_or_paths(&rule.access).into_iter();
                let all: Vec<String> = all.map(|(_, words)| words).collect();
                found.push(GuardedChange {
                    kind: GuardedKind::AllHosts,
                    resource: ResourceKind::Policy,
                    name: policy.name.clone(),
                    how: format!("rule `{}` allows {}", rule.name, all.join(", ")),
                });
            }
        }
    }
    found
}

/// The policies that exist only after the plan. A replaced policy is among them, a renamed one is
/// not.
pub(crate) fn created_policies<'s>(
    before: &'s DockerLiveState,
    after: &'s DockerLiveState,
) -> impl Iterator<Item = &'s LivePolicy> {
    let known: HashSet<&PolicyId> = before.policies.iter().map(|policy| &policy.id).collect();
    after
        .policies
        .iter()
        .filter(move |policy| !known.contains(&policy.id))
}

fn has_denies(policy: &LivePolicy) -> bool {
    match &policy.content {
        LiveContent::Rules(rules) => rules
            .iter()
            .filter_map(|rule| rule.rule.as_ref().ok())
            .any(|rule| rule.decision == Decision::Deny),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => false,
    }
}

/// How a protected policy loses everything, if it does: nothing of its content remains under its
/// id.
fn content_loss(before: &LivePolicy, after: Option<&LivePolicy>) -> Option<&'static str> {
    let Some(after) = after else {
        return Some("it is protected, and it is deleted and created again");
    };
    match (domain(before), domain(after)) {
        (Some(_), None) => Some("it is protected, and all its rules are removed"),
        (Some(before), Some(after)) if before != after => {
            Some("it is protected, and all its rules are removed because its domain changes")
        }
        (None | Some(_), _) => None,
    }
}

fn domain(policy: &LivePolicy) -> Option<Domain> {
    match &policy.content {
        LiveContent::Rules(rules) => rules
            .iter()
            .find_map(|rule| Some(rule.rule.as_ref().ok()?.access.layer().domain())),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => None,
    }
}
