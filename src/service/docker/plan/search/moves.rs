//! The states of the search, and the calls between them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use model::Name;
use model::docker::{
    Decision, DesiredRule, DockerOperation, Domain, Extensions, LiveRule, NewPolicy, PolicyContent,
    PolicyId, PolicyPatch, RULES_PER_POLICY, Resources, Rule, RuleAccess, RuleId, RulePatch, Scope,
};

use super::SearchInput;
use super::component::{Component, PolicyVersions};
use crate::service::docker::plan::effect::CallEffect;
use crate::service::docker::plan::matching::pair_weights;
use crate::service::docker::plan::{CallDraft, DraftId, DraftPolicy};

/// Maximum number of contents to which rules may be changed on the way. Beyond it, rules only
/// change to their final contents.
const MOST_CONTENTS: usize = 24;

const WHY_STEP: &str = "one call more than the minimum: an intermediate step that does not open or close access \
                        temporarily";
const WHY_APART: &str = "one call more than the minimum: a rule is deleted and another one created instead of one \
                         update, which would open or close access temporarily";

/// The index of a rule in [`SearchPolicy::rules`].
type RuleKey = u16;

/// A live rule that is deleted.
const GONE: RuleKey = RuleKey::MAX;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PolicyState {
    /// The index of its scope; `None` if it does not exist.
    scope: Option<usize>,
    /// The current rule in place of each changing live rule.
    slots: Vec<RuleKey>,
    /// Which of the final rules were created.
    created: Vec<bool>,
}

impl PolicyState {
    pub(super) fn scope(&self) -> Option<usize> {
        self.scope
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SearchState(Vec<PolicyState>);

impl SearchState {
    pub(super) fn start(policies: &[SearchPolicy<'_>]) -> Self {
        Self(policies.iter().map(SearchPolicy::start).collect())
    }

    pub(super) fn goal(policies: &[SearchPolicy<'_>]) -> Self {
        Self(policies.iter().map(SearchPolicy::goal).collect())
    }

    pub(super) fn policy(&self, at: usize) -> &PolicyState {
        &self.0[at]
    }

    pub(super) fn replace(&mut self, at: usize, policy: PolicyState) -> PolicyState {
        std::mem::replace(&mut self.0[at], policy)
    }

    pub(super) fn least_by_policy(
        &self,
        policies: &[SearchPolicy<'_>],
    ) -> impl Iterator<Item = usize> {
        let states = self.0.iter().zip(policies);
        states.map(|(state, policy)| policy.least(state))
    }

    /// A lower bound for the number of calls that lead to the goal.
    pub(super) fn least(&self, policies: &[SearchPolicy<'_>]) -> usize {
        self.least_by_policy(policies).sum()
    }
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyMove {
    CreatePolicy,
    DeletePolicy,
    Scope(usize),
    DeleteRule(usize),
    UpdateRule {
        slot: usize,
        to: RuleKey,
        /// The final rule that the live rule becomes.
        last: Option<usize>,
    },
    CreateRule(usize),
}

/// A policy of the search.
pub(super) struct SearchPolicy<'a> {
    versions: PolicyVersions<'a>,
    /// Those of the live and of the desired policy, then others.
    scopes: Vec<Scope>,
    first_scope: Option<usize>,
    last_scope: Option<usize>,
    rules: Vec<Rule>,
    /// The numbers of the contents of the rules.
    pub(super) contents: Vec<usize>,
    leaving: Vec<&'a LiveRule>,
    leaving_keys: Vec<RuleKey>,
    coming_keys: Vec<RuleKey>,
    /// For each rule, whether it is a final one.
    is_final: Vec<bool>,
    /// The similarity of each live and each final rule; 0 if they may not be paired.
    weights: Vec<i64>,
    /// For each live rule, the rules that it may be on the way.
    between: Vec<Vec<RuleKey>>,
    /// The rules that no call touches.
    constant_names: HashSet<&'a str>,
    constant_domain: Option<Domain>,
    constant_count: usize,
    crosses_domains: bool,
}

impl<'a> SearchPolicy<'a> {
    pub(super) fn new(
        versions: &PolicyVersions<'a>,
        input: &SearchInput<'a>,
        accesses: &[RuleAccess],
    ) -> Option<Self> {
        // Sorted, so that the result does not depend on the order of the input.
        let mut leaving: Vec<(&LiveRule, &Rule)> = versions.leaving().collect();
        leaving.sort_by_key(|(live, _)| (&live.name, &live.id));
        let mut coming: Vec<&Rule> = versions.coming().collect();
        coming.sort_by_key(|rule| &rule.name);
        let mut rules = Rules::default();
        let leaving_keys = leaving
            .iter()
            .map(|(_, rule)| rules.key((*rule).clone()))
            .collect::<Option<Vec<_>>>()?;
        let coming_keys = coming
            .iter()
            .map(|rule| rules.key((*rule).clone()))
            .collect::<Option<Vec<_>>>()?;
        let weights = weights(versions, input, &leaving, &coming)?;
        let constant_names: HashSet<&str> = versions
            .live
            .into_iter()
            .flat_map(|live| live.rules())
            .filter(|rule| !leaving.iter().any(|(live, _)| live.id == rule.id))
            .map(|rule| rule.name.as_str())
            .collect();
        let live_count = versions.live.map_or(0, |live| live.rules().len());
        let mut between = Vec::new();
        for (live, rule) in &leaving {
            let mut names = vec![rule.name.clone()];
            names.extend(Name::new(&format!("{} (old 1)", live.name)).ok());
            let mut keys = BTreeSet::new();
            for name in names {
                for access in accesses {
                    for decision in [Decision::Allow, Decision::Deny] {
                        let other = Rule {
                            name: name.clone(),
                            access: access.clone(),
                            decision,
                            extensions: Extensions::default(),
                        };
                        keys.insert(rules.key(other)?);
                    }
                }
            }
            between.push(keys.into_iter().collect());
        }
        let mut scopes: Vec<Scope> = Vec::new();
        let mut place = |scope: &Scope| {
            let known = scopes.iter().position(|other| other == scope);
            known.unwrap_or_else(|| {
                scopes.push(scope.clone());
                scopes.len() - 1
            })
        };
        let first_scope = versions.live.map(|live| place(&live.scope));
        let last_scope = versions.after.map(|after| place(&after.scope));
        scopes.extend(scopes_between(&scopes));
        let mut is_final = vec![false; rules.rules.len()];
        for key in &coming_keys {
            is_final[usize::from(*key)] = true;
        }
        Some(Self {
            versions: *versions,
            scopes,
            first_scope,
            last_scope,
            rules: rules.rules,
            contents: Vec::new(),
            leaving: leaving.iter().map(|(live, _)| *live).collect(),
            leaving_keys,
            coming_keys,
            is_final,
            weights,
            between,
            constant_domain: versions.constant().next().map(domain),
            constant_count: live_count - leaving.len(),
            constant_names,
            crosses_domains: input.crosses_domains,
        })
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(super) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    fn start(&self) -> PolicyState {
        PolicyState {
            scope: self.first_scope,
            slots: self.leaving_keys.clone(),
            created: vec![false; self.coming_keys.len()],
        }
    }

    fn goal(&self) -> PolicyState {
        PolicyState {
            scope: self.last_scope,
            slots: vec![GONE; self.leaving_keys.len()],
            created: vec![true; self.coming_keys.len()],
        }
    }

    fn rule(&self, key: RuleKey) -> &Rule {
        &self.rules[usize::from(key)]
    }

    /// The changing rules that the policy has in this state.
    pub(super) fn present(&self, state: &PolicyState) -> impl Iterator<Item = RuleKey> {
        let slots = state.slots.iter().copied().filter(|key| *key != GONE);
        let created = self.coming_keys.iter().copied().zip(&state.created);
        slots.chain(created.filter(|(_, created)| **created).map(|(key, _)| key))
    }

    /// The final rules that the policy does not have yet.
    fn missing(&self, state: &PolicyState) -> Vec<usize> {
        let slots: HashSet<RuleKey> = state.slots.iter().copied().collect();
        let all = self.coming_keys.iter().zip(&state.created).enumerate();
        all.filter(|(_, (key, created))| !**created && !slots.contains(key))
            .map(|(last, _)| last)
            .collect()
    }

    fn is_final(&self, key: RuleKey) -> bool {
        self.is_final[usize::from(key)]
    }

    /// A lower bound for the number of calls: each adds at most one rule and removes at most one.
    pub(super) fn least(&self, state: &PolicyState) -> usize {
        let missing = self.missing(state).len();
        let Some(last_scope) = self.last_scope else {
            return usize::from(state.scope.is_some());
        };
        let Some(scope) = state.scope else {
            return 1 + missing;
        };
        let old: Vec<RuleKey> = state
            .slots
            .iter()
            .copied()
            .filter(|key| *key != GONE && !self.is_final(*key))
            .collect();
        let changes_domain = match (old.first(), self.coming_keys.first()) {
            (Some(old), Some(new)) => {
                missing > 0 && domain(self.rule(*old)) != domain(self.rule(*new))
            }
            _ => false,
        };
        let rules = if changes_domain {
            old.len() + missing - usize::from(self.crosses_domains)
        } else {
            old.len().max(missing)
        };
        rules + usize::from(scope != last_scope)
    }

    /// The calls that the service accepts in a state. Those that do not lead closer to the goal are
    /// included if an extra call is left.
    pub(super) fn moves(&self, state: &PolicyState, may_waste: bool) -> Vec<PolicyMove> {
        let Some(scope) = state.scope else {
            return if self.last_scope.is_some() {
                vec![PolicyMove::CreatePolicy]
            } else {
                Vec::new()
            };
        };
        let Some(last) = self.last_scope else {
            // Other calls would leave a policy that no manifest explains if the run is interrupted.
            return vec![PolicyMove::DeletePolicy];
        };
        let mut moves = Vec::new();
        if last != scope {
            moves.push(PolicyMove::Scope(last));
        }
        if may_waste {
            let others = (0..self.scopes.len()).filter(|other| *other != scope);
            let others = others.filter(|other| *other != last);
            moves.extend(others.map(PolicyMove::Scope));
        }
        let missing = self.missing(state);
        for (slot, key) in state.slots.iter().enumerate() {
            if *key == GONE || self.is_final(*key) {
                continue;
            }
            let others = OtherRules::of(self, state, Some(slot));
            moves.push(PolicyMove::DeleteRule(slot));
            for last in &missing {
                let to = self.coming_keys[*last];
                if self.weight(slot, *last) > 0 && others.may_update(self, *key, to) {
                    moves.push(PolicyMove::UpdateRule {
                        slot,
                        to,
                        last: Some(*last),
                    });
                }
            }
            let between = self.between[slot].iter().filter(|_| may_waste);
            let between = between.filter(|to| {
                **to != *key && !self.is_final(**to) && others.may_update(self, *key, **to)
            });
            moves.extend(between.map(|to| PolicyMove::UpdateRule {
                slot,
                to: *to,
                last: None,
            }));
        }
        let all = OtherRules::of(self, state, None);
        if all.count < RULES_PER_POLICY {
            let fits = |last: &usize| all.may_add(self.rule(self.coming_keys[*last]));
            moves.extend(missing.into_iter().filter(fits).map(PolicyMove::CreateRule));
        }
        moves
    }

    pub(super) fn after(&self, state: &PolicyState, step: &PolicyMove) -> PolicyState {
        let mut next = state.clone();
        match step {
            PolicyMove::CreatePolicy => next.scope = self.last_scope,
            PolicyMove::DeletePolicy => {
                next.scope = None;
                next.slots.fill(GONE);
            }
            PolicyMove::Scope(scope) => next.scope = Some(*scope),
            PolicyMove::DeleteRule(slot) => next.slots[*slot] = GONE,
            PolicyMove::UpdateRule { slot, to, last: _ } => next.slots[*slot] = *to,
            PolicyMove::CreateRule(last) => next.created[*last] = true,
        }
        next
    }

    fn weight(&self, slot: usize, last: usize) -> i64 {
        self.weights[slot * self.coming_keys.len() + last]
    }

    pub(super) fn similarity(&self, step: &PolicyMove) -> i64 {
        match step {
            PolicyMove::UpdateRule {
                slot,
                to: _,
                last: Some(last),
            } => self.weight(*slot, *last),
            _ => 0,
        }
    }

    /// The order in which the calls of a state are tried: those that are rarely unsafe first.
    pub(super) fn rank(&self, state: &PolicyState, step: &PolicyMove) -> (u8, Reverse<i64>) {
        let by_decision = |rule: &Rule, allow, deny| match rule.decision {
            Decision::Allow => allow,
            Decision::Deny => deny,
        };
        let rank = match step {
            PolicyMove::CreatePolicy => 0,
            PolicyMove::CreateRule(last) => by_decision(self.rule(self.coming_keys[*last]), 2, 1),
            PolicyMove::UpdateRule { last: Some(_), .. } => 3,
            PolicyMove::Scope(scope) if Some(*scope) == self.last_scope => 3,
            PolicyMove::DeletePolicy => 4,
            PolicyMove::DeleteRule(slot) => by_decision(self.rule(state.slots[*slot]), 4, 5),
            PolicyMove::Scope(_) | PolicyMove::UpdateRule { last: None, .. } => 6,
        };
        (rank, Reverse(self.similarity(step)))
    }
}

/// The rules of a policy except the one that a call changes.
struct OtherRules<'p> {
    names: HashSet<&'p str>,
    domain: Option<Domain>,
    count: usize,
}

impl<'p> OtherRules<'p> {
    fn of(policy: &'p SearchPolicy<'_>, state: &PolicyState, slot: Option<usize>) -> Self {
        let mut others = state.clone();
        if let Some(slot) = slot {
            others.slots[slot] = GONE;
        }
        let rules: Vec<&Rule> = policy
            .present(&others)
            .map(|key| policy.rule(key))
            .collect();
        let names = rules.iter().map(|rule| rule.name.as_str());
        Self {
            names: names.chain(policy.constant_names.iter().copied()).collect(),
            domain: policy
                .constant_domain
                .or_else(|| rules.first().map(|rule| domain(rule))),
            count: rules.len() + policy.constant_count,
        }
    }

    fn may_add(&self, rule: &Rule) -> bool {
        !self.names.contains(rule.name.as_str()) && self.has_domain(rule)
    }

    fn has_domain(&self, rule: &Rule) -> bool {
        self.domain.is_none_or(|own| own == domain(rule))
    }

    /// Only the last rule of a policy may change its domain. A rule that keeps its name takes none,
    /// even if names repeat.
    fn may_update(&self, policy: &SearchPolicy<'_>, from: RuleKey, to: RuleKey) -> bool {
        let from = policy.rule(from);
        let to = policy.rule(to);
        if domain(from) != domain(to) && !(policy.crosses_domains && self.count == 0) {
            return false;
        }
        self.has_domain(to) && (from.name == to.name || self.may_add(to))
    }
}

/// Rules by number.
#[derive(Default)]
struct Rules {
    rules: Vec<Rule>,
    keys: HashMap<Rule, RuleKey>,
}

impl Rules {
    fn key(&mut self, rule: Rule) -> Option<RuleKey> {
        if let Some(key) = self.keys.get(&rule) {
            return Some(*key);
        }
        let key = RuleKey::try_from(self.rules.len()).ok()?;
        if key == GONE {
            return None;
        }
        self.rules.push(rule.clone());
        self.keys.insert(rule, key);
        Some(key)
    }
}

fn domain(rule: &Rule) -> Domain {
    rule.access.layer().domain()
}

fn weights<'a>(
    versions: &PolicyVersions<'a>,
    input: &SearchInput<'a>,
    leaving: &[(&'a LiveRule, &'a Rule)],
    coming: &[&'a Rule],
) -> Option<Vec<i64>> {
    let Some(live) = versions.live else {
        return Some(Vec::new());
    };
    if coming.is_empty() {
        return Some(Vec::new());
    }
    let PolicyContent::Rules(rules) = &input.declared.get(&live.id)?.content else {
        return None;
    };
    let declared: HashMap<&str, &DesiredRule> = rules
        .iter()
        .map(|item| (item.rule.name.as_str(), item))
        .collect();
    let coming: Option<Vec<&DesiredRule>> = coming
        .iter()
        .map(|rule| declared.get(rule.name.as_str()).copied())
        .collect();
    Some(pair_weights(leaving, &coming?))
}

/// The union and the intersection of the teams of two scopes.
fn scopes_between(scopes: &[Scope]) -> Vec<Scope> {
    let [one, other] = scopes else {
        return Vec::new();
    };
    if one.is_organization_wide() || other.is_organization_wide() || one.profiles != other.profiles
    {
        return Vec::new();
    }
    let union: BTreeSet<_> = one.teams.union(&other.teams).cloned().collect();
    let intersection: BTreeSet<_> = one.teams.intersection(&other.teams).cloned().collect();
    let scope = |teams| Scope {
        teams,
        profiles: one.profiles.clone(),
    };
    [union, intersection]
        .into_iter()
        .map(scope)
        .filter(|scope| !scope.is_organization_wide() && !scopes.contains(scope))
        .collect()
}

/// What rules may contain on the way.
pub(super) struct IntermediateContents {
    pub(super) accesses: Vec<RuleAccess>,
    /// Whether there were no more than [`MOST_CONTENTS`].
    pub(super) is_complete: bool,
}

/// What rules may contain on the way: the contents of all changing rules of a component, and the
/// union, the intersection and the differences of any two of them. A rule that does not change, but
/// shares a resource with one that does, adds its intersection and difference with that rule.
pub(super) fn intermediate_contents(component: &Component<'_>) -> IntermediateContents {
    let mut all: BTreeSet<RuleAccess> = BTreeSet::new();
    for policy in &component.policies {
        let leaving = policy.leaving().map(|(_, rule)| rule);
        all.extend(
            leaving
                .chain(policy.coming())
                .map(|rule| rule.access.clone()),
        );
    }
    let given: Vec<RuleAccess> = all.iter().cloned().collect();
    if given.len() > MOST_CONTENTS {
        return IntermediateContents {
            accesses: Vec::new(),
            is_complete: false,
        };
    }
    for one in &given {
        for other in &given {
            all.extend(combined(one, other));
        }
    }
    let known: BTreeSet<String> = given.iter().flat_map(resource_texts).collect();
    let constant = component
        .policies
        .iter()
        .flat_map(|policy| policy.constant());
    let constant = constant.chain(component.others.iter().map(|(_, rule)| *rule));
    for rule in constant {
        if !resource_texts(&rule.access)
            .iter()
            .any(|text| known.contains(text))
        {
            continue;
        }
        for one in &given {
            let parts = combined(one, &rule.access).into_iter();
            all.extend(parts.filter(|part| is_part_of(part, one)));
        }
    }
    if all.len() > MOST_CONTENTS {
        return IntermediateContents {
            accesses: given,
            is_complete: false,
        };
    }
    IntermediateContents {
        accesses: all.into_iter().collect(),
        is_complete: true,
    }
}

fn resource_texts(access: &RuleAccess) -> Vec<String> {
    match access.resources() {
        Resources::Plain(texts) => texts,
        Resources::Http(targets) => targets.iter().map(ToString::to_string).collect(),
    }
}

fn is_part_of(part: &RuleAccess, whole: &RuleAccess) -> bool {
    let whole: BTreeSet<String> = resource_texts(whole).into_iter().collect();
    resource_texts(part).iter().all(|text| whole.contains(text))
}

fn combined(one: &RuleAccess, other: &RuleAccess) -> Vec<RuleAccess> {
    let is_other_layer = one.layer() != other.layer();
    if one == other || is_other_layer {
        return Vec::new();
    }
    if one.actions() == other.actions() {
        let sets = match (one.resources(), other.resources()) {
            (Resources::Plain(one), Resources::Plain(other)) => {
                combined_sets(&one, &other).map(Resources::Plain).to_vec()
            }
            (Resources::Http(one), Resources::Http(other)) => {
                combined_sets(&one, &other).map(Resources::Http).to_vec()
            }
            (Resources::Plain(_), Resources::Http(_))
            | (Resources::Http(_), Resources::Plain(_)) => Vec::new(),
        };
        let sets = sets.into_iter();
        return sets
            .filter_map(|resources| RuleAccess::new(one.actions(), resources).ok())
            .collect();
    }
    if one.resources() == other.resources() {
        return combined_sets(&one.actions(), &other.actions())
            .into_iter()
            .filter_map(|actions| RuleAccess::new(actions, one.resources()).ok())
            .collect();
    }
    Vec::new()
}

/// The union, the intersection and the difference.
fn combined_sets<T: Ord + Clone>(one: &[T], other: &[T]) -> [Vec<T>; 3] {
    let one: BTreeSet<&T> = one.iter().collect();
    let other: BTreeSet<&T> = other.iter().collect();
    [
        one.union(&other).map(|item| (*item).clone()).collect(),
        one.intersection(&other)
            .map(|item| (*item).clone())
            .collect(),
        one.difference(&other).map(|item| (*item).clone()).collect(),
    ]
}

/// The calls of a component in a safe order, and the pairs that they make.
pub(crate) struct SearchedCalls {
    /// The names of the policies.
    pub(crate) policies: BTreeSet<String>,
    /// The final rules, by name, that the rules of each live policy become.
    pub(crate) pairs: HashMap<PolicyId, Vec<(RuleId, String)>>,
    /// Policies that they create are numbered by the position of the call in this list.
    pub(crate) calls: Vec<CallDraft>,
}

impl SearchedCalls {
    /// `extra` is the number of calls beyond the fewest.
    pub(super) fn of(
        policies: &[SearchPolicy<'_>],
        path: Vec<(usize, PolicyMove)>,
        extra: usize,
    ) -> Option<Self> {
        let mut state = SearchState::start(policies);
        let mut created: HashMap<usize, DraftId> = HashMap::new();
        let mut pairs: HashMap<PolicyId, Vec<(RuleId, String)>> = HashMap::new();
        for policy in policies {
            if let (Some(live), Some(_)) = (policy.versions.live, policy.versions.after) {
                pairs.insert(live.id.clone(), policy.versions.constant_pairs());
            }
        }
        let mut calls = Vec::new();
        for (at, step) in &path {
            let policy = &policies[*at];
            let target = match (policy.versions.live, created.get(at)) {
                (Some(live), _) => Some(DraftPolicy::Existing(live.id.clone())),
                (None, Some(draft)) => Some(DraftPolicy::Created(*draft)),
                (None, None) => None,
            };
            if matches!(step, PolicyMove::CreatePolicy) {
                created.insert(*at, DraftId(calls.len()));
            }
            if let PolicyMove::UpdateRule {
                slot,
                to: _,
                last: Some(last),
            } = step
                && let Some(live) = policy.versions.live
            {
                let name = policy.rule(policy.coming_keys[*last]).name.to_string();
                let id = policy.leaving[*slot].id.clone();
                pairs.entry(live.id.clone()).or_default().push((id, name));
            }
            calls.push(policy.draft(state.policy(*at), step, target)?);
            let next = policy.after(state.policy(*at), step);
            state.replace(*at, next);
        }
        let explained = calls.iter().filter(|call| call.why.is_some()).count();
        // The other extra calls create a rule that no deleted rule becomes.
        let creations = calls.iter_mut().filter(|call| {
            matches!(
                call.send,
                DockerOperation::CreateRule {
                    policy: DraftPolicy::Existing(_),
                    ..
                }
            )
        });
        for call in creations.take(extra.saturating_sub(explained)) {
            call.why = Some(WHY_APART);
        }
        Some(Self {
            policies: policies
                .iter()
                .filter_map(|policy| policy.name())
                .map(str::to_owned)
                .collect(),
            pairs,
            calls,
        })
    }
}

impl SearchPolicy<'_> {
    fn name(&self) -> Option<&str> {
        let policy = self.versions.live.or(self.versions.after)?;
        Some(policy.name.as_str())
    }

    /// The call that makes a step.
    fn draft(
        &self,
        state: &PolicyState,
        step: &PolicyMove,
        target: Option<DraftPolicy>,
    ) -> Option<CallDraft> {
        let existing = || self.versions.live.map(|live| live.id.clone());
        let all = || {
            let rules = self
                .versions
                .live
                .map_or([].as_slice(), |live| live.rules());
            rules.iter().filter_map(|live| live.rule.as_ref().ok())
        };
        let mut part = None;
        let mut why = None;
        let mut effect = CallEffect::NONE;
        let send = match step {
            PolicyMove::CreatePolicy => {
                let after = self.versions.after?;
                DockerOperation::CreatePolicy {
                    policy: NewPolicy {
                        name: Name::new(&after.name).ok()?,
                        scope: after.scope.clone(),
                        cedar: None,
                        extensions: Extensions::default(),
                    },
                }
            }
            PolicyMove::DeletePolicy => {
                effect = all().fold(effect, |sum, rule| {
                    sum | CallEffect::removing(rule.decision)
                });
                DockerOperation::DeletePolicy { id: existing()? }
            }
            PolicyMove::Scope(scope) => {
                effect = all().fold(effect, |sum, rule| {
                    sum | CallEffect::removing(rule.decision) | CallEffect::adding(rule.decision)
                });
                why = (Some(*scope) != self.last_scope).then_some(WHY_STEP);
                DockerOperation::UpdatePolicy {
                    id: existing()?,
                    patch: PolicyPatch {
                        teams: Some(self.scopes[*scope].teams.clone()),
                        ..PolicyPatch::default()
                    },
                }
            }
            PolicyMove::DeleteRule(slot) => {
                let rule = self.rule(state.slots[*slot]);
                part = Some(rule.name.as_str());
                effect = CallEffect::removing(rule.decision);
                DockerOperation::DeleteRule {
                    policy: existing()?,
                    id: self.leaving[*slot].id.clone(),
                }
            }
            PolicyMove::UpdateRule { slot, to, last } => {
                let before = self.rule(state.slots[*slot]);
                let after = self.rule(*to);
                part = Some(after.name.as_str());
                effect = CallEffect::of_update(before, after);
                why = last.is_none().then_some(WHY_STEP);
                DockerOperation::UpdateRule {
                    policy: existing()?,
                    id: self.leaving[*slot].id.clone(),
                    patch: RulePatch::between(before, after),
                }
            }
            PolicyMove::CreateRule(last) => {
                let rule = self.rule(self.coming_keys[*last]);
                part = Some(rule.name.as_str());
                effect = CallEffect::adding(rule.decision);
                DockerOperation::CreateRule {
                    policy: target?,
                    rule: rule.clone(),
                }
            }
        };
        let mut call = CallDraft::new(self.name()?, part, effect, send);
        call.why = why;
        Some(call)
    }
}
