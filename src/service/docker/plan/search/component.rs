//! The policies whose calls depend on each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use access::AtomFinder;
use model::docker::{
    DockerOperation, LiveContent, LivePolicy, LiveRule, PolicyId, Rule, RuleId, Scope,
};

use super::SearchInput;
use crate::plan::PolicyRef;
use crate::service::docker::plan::replay::created;

/// A policy before and after the calls. One of the two is present.
#[derive(Debug, Clone, Copy)]
pub(super) struct PolicyVersions<'a> {
    pub(super) live: Option<&'a LivePolicy>,
    pub(super) after: Option<&'a LivePolicy>,
}

impl<'a> PolicyVersions<'a> {
    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.live
            .into_iter()
            .chain(self.after)
            .map(|policy| policy.name.as_str())
    }

    pub(super) fn changes_scope(&self) -> bool {
        let mut scopes = self.scopes();
        let first = scopes.next();
        scopes.any(|other| Some(other) != first)
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = &'a Scope> {
        self.live
            .into_iter()
            .chain(self.after)
            .map(|policy| &policy.scope)
    }

    /// Whether fields that this version does not know stay as they are. The calls of a search do
    /// not set them.
    fn keeps_unknown_fields(&self) -> bool {
        let rules =
            |policy: Option<&'a LivePolicy>| policy.map_or([].as_slice(), LivePolicy::rules).iter();
        let before: HashMap<&RuleId, &LiveRule> =
            rules(self.live).map(|rule| (&rule.id, rule)).collect();
        let is_kept = |rule: &LiveRule| match before.get(&rule.id) {
            Some(before) => before.unknown_fields == rule.unknown_fields,
            None => rule.unknown_fields.is_empty(),
        };
        let of_policy = match (self.live, self.after) {
            (Some(live), Some(after)) => live.unknown_fields == after.unknown_fields,
            (None, Some(after)) => after.unknown_fields.is_empty(),
            (_, None) => true,
        };
        of_policy && rules(self.after).all(is_kept)
    }

    /// Whether the rules and the scope are all that changes.
    fn is_searchable(&self) -> bool {
        let has_rules = |policy: &LivePolicy| matches!(policy.content, LiveContent::Rules(_));
        let versions = || self.live.into_iter().chain(self.after);
        versions().all(has_rules)
            && self.names().collect::<BTreeSet<_>>().len() == 1
            && self.keeps_unknown_fields()
    }

    /// The rules that are equal before and after.
    pub(super) fn constant(&self) -> impl Iterator<Item = &'a Rule> {
        let live = decoded(self.live);
        let after = rules_by_id(self.after);
        live.filter(move |(id, rule)| after.get(id) == Some(rule))
            .map(|(_, rule)| rule)
    }

    /// The live rules that change or are deleted.
    pub(super) fn leaving(&self) -> impl Iterator<Item = (&'a LiveRule, &'a Rule)> {
        let after = rules_by_id(self.after);
        let live = self.live.map_or([].as_slice(), LivePolicy::rules).iter();
        live.filter_map(|live| Some((live, live.rule.as_ref().ok()?)))
            .filter(move |(live, rule)| after.get(&live.id) != Some(rule))
    }

    /// The rules that are new or changed.
    pub(super) fn coming(&self) -> impl Iterator<Item = &'a Rule> {
        let live = rules_by_id(self.live);
        decoded(self.after)
            .filter(move |(id, rule)| live.get(id) != Some(rule))
            .map(|(_, rule)| rule)
    }

    /// The rules that are equal before and after, with their names.
    pub(super) fn constant_pairs(&self) -> Vec<(RuleId, String)> {
        let after = rules_by_id(self.after);
        decoded(self.live)
            .filter(|(id, rule)| after.get(id) == Some(rule))
            .map(|(id, rule)| (id.clone(), rule.name.to_string()))
            .collect()
    }
}

fn decoded(policy: Option<&LivePolicy>) -> impl Iterator<Item = (&RuleId, &Rule)> {
    let rules = policy.map_or([].as_slice(), LivePolicy::rules).iter();
    rules.filter_map(|rule| Some((&rule.id, rule.rule.as_ref().ok()?)))
}

fn rules_by_id(policy: Option<&LivePolicy>) -> HashMap<&RuleId, &Rule> {
    decoded(policy).collect()
}

/// Policies that are searched together, and the rules of all others that some of their requests
/// match.
pub(super) struct Component<'a> {
    pub(super) policies: Vec<PolicyVersions<'a>>,
    /// The rules outside of the component, with the scope of their policy.
    pub(super) others: Vec<(&'a Scope, &'a Rule)>,
}

impl Component<'_> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.policies
            .iter()
            .filter_map(|policy| policy.names().next())
    }
}

/// All policies of a target, and which of those that change share a request.
pub(super) struct ContestedPolicies<'a> {
    changed: Vec<PolicyVersions<'a>>,
    unchanged: Vec<&'a LivePolicy>,
    /// For each changed policy, a number that is the same for policies of the same component.
    groups: Vec<usize>,
    contested: &'a BTreeSet<String>,
}

impl<'a> ContestedPolicies<'a> {
    pub(super) fn of(input: &SearchInput<'a>) -> Option<Self> {
        let touched: HashSet<PolicyId> = input
            .calls
            .iter()
            .filter_map(|call| match call.send.docker()? {
                DockerOperation::CreatePolicy { .. } => Some(created(call.id)),
                DockerOperation::UpdatePolicy { id, .. } | DockerOperation::DeletePolicy { id } => {
                    Some(id.clone())
                }
                DockerOperation::CreateRule { policy, .. } => Some(match policy {
                    PolicyRef::Existing(id) => id.clone(),
                    PolicyRef::CreatedBy(call) => created(*call),
                }),
                DockerOperation::UpdateRule { policy, .. }
                | DockerOperation::DeleteRule { policy, .. } => Some(policy.clone()),
            })
            .collect();
        let after: HashMap<&PolicyId, &LivePolicy> = input
            .after
            .policies
            .iter()
            .map(|policy| (&policy.id, policy))
            .collect();
        let known: HashSet<&PolicyId> = input.live.policies.iter().map(|live| &live.id).collect();
        let mut changed = Vec::new();
        let mut unchanged = Vec::new();
        for live in &input.live.policies {
            if touched.contains(&live.id) {
                changed.push(PolicyVersions {
                    live: Some(live),
                    after: after.get(&live.id).copied(),
                });
            } else {
                unchanged.push(live);
            }
        }
        let new = input.after.policies.iter();
        changed.extend(new.filter(|after| !known.contains(&after.id)).map(|after| {
            PolicyVersions {
                live: None,
                after: Some(after),
            }
        }));
        changed.sort_by_key(|policy| policy.names().next());
        let groups = groups(&changed)?;
        Some(Self {
            changed,
            unchanged,
            groups,
            contested: &input.contested.policies,
        })
    }

    pub(super) fn components(&self) -> Vec<Component<'a>> {
        let mut members: BTreeMap<usize, Vec<PolicyVersions<'a>>> = BTreeMap::new();
        for (policy, group) in self.changed.iter().zip(&self.groups) {
            members.entry(*group).or_default().push(*policy);
        }
        // The calls of a policy are found by its name, so it must not be deleted and created again.
        let is_unique = |policy: &PolicyVersions<'_>| {
            let others = self.changed.iter().flat_map(PolicyVersions::names);
            let name = policy.names().next();
            others.filter(|other| Some(*other) == name).count()
                == policy.live.into_iter().chain(policy.after).count()
        };
        let is_contested = |policies: &Vec<PolicyVersions<'_>>| {
            let mut names = policies.iter().flat_map(PolicyVersions::names);
            names.any(|name| self.contested.contains(name))
                && policies.iter().all(PolicyVersions::is_searchable)
                && policies.iter().all(is_unique)
        };
        let contested = members
            .iter()
            .filter(|(_, policies)| is_contested(policies));
        contested
            .map(|(group, policies)| {
                let outside = self.changed.iter().zip(&self.groups);
                let outside = outside.filter(|(_, other)| *other != group);
                let constant = outside.flat_map(|(policy, _)| {
                    let scope = policy.scopes().next();
                    policy
                        .constant()
                        .filter_map(move |rule| Some((scope?, rule)))
                });
                let unchanged = self.unchanged.iter().flat_map(|policy| {
                    decoded(Some(*policy)).map(move |(_, rule)| (&policy.scope, rule))
                });
                Component {
                    policies: policies.clone(),
                    others: constant.chain(unchanged).collect(),
                }
            })
            .collect()
    }
}

/// Union-find over the changed policies: two of them are joined if a request matches a changing rule
/// of each. `None` if the patterns overlap in too many ways.
fn groups(changed: &[PolicyVersions<'_>]) -> Option<Vec<usize>> {
    let mut finder = AtomFinder::default();
    let mut holders = Vec::new();
    for (at, policy) in changed.iter().enumerate() {
        let moving = policy
            .leaving()
            .map(|(_, rule)| rule)
            .chain(policy.coming());
        let mut rules: Vec<&Rule> = moving.collect();
        if policy.changes_scope() {
            rules.extend(policy.constant());
        }
        for rule in rules {
            finder.add(holders.len(), rule);
            holders.push(at);
        }
    }
    let mut groups: Vec<usize> = (0..changed.len()).collect();
    let visited = finder.visit(&|_| true, &mut |atom| {
        let mut met = atom.allows.iter().chain(atom.denies);
        let Some(first) = met.next() else { return };
        let group = groups[holders[*first]];
        for other in met {
            let joined = groups[holders[*other]];
            if joined != group {
                groups
                    .iter_mut()
                    .filter(|group| **group == joined)
                    .for_each(|member| *member = group);
            }
        }
    });
    visited.ok().map(|()| groups)
}
