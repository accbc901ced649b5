//! Chooses the pairs of rules and the order of calls together, where choosing one after the other
//! costs extra calls.
//!
//! The planner pairs rules first ([`super::matching`]) and orders the calls afterwards
//! ([`super::order`]). This is fast, but the pairs with the smallest patches may have no safe
//! order. Example: a policy with the rules "allow `a.com`" and "deny `a.com`" changes its domain and
//! shall contain "allow `/data`" and "deny `/data`". The last network rule becomes the first
//! filesystem rule. If the allow rule is the last one, `a.com` is allowed for a moment, so the two
//! deny rules must be paired.
//!
//! If a plan needs extra calls or has a gap, this module solves a shortest path problem. A state
//! says which rule each policy contains in place of each live rule; an edge is one call that leads
//! to a safe state. A call removes at most one rule and adds at most one, so the number of rules
//! that are still to be removed or added is an admissible heuristic. The search is iterative
//! deepening depth-first branch and bound (as in IDA*): it tries lists without extra calls, then
//! with one, then with two. Among lists of the same length, the one with the most similar pairs
//! wins. A table of visited states prunes paths that lead to a known state at a higher cost.
//!
//! An extra call changes a rule to content that is in neither the live nor the desired state. Such
//! content is composed of two rules of the policy: the union, intersection or difference of their
//! resources or actions. This includes the two-phase updates of `order`.
//!
//! The calls of the path become a chain in `order`: each waits for the one before it. A policy that
//! no manifest declares is only deleted, and what a plan creates has its final content.
//!
//! Only policies that share a request with a policy in conflict are searched (connected
//! components). The work is limited by [`MOST_STATES`] and the other constants of this module.
//! Beyond a limit, and for renamed policies and Cedar policies, the plan stays as it was: it is
//! correct and safe, but may contain more calls than the fewest. The reasons of its extra calls then
//! say so.

mod component;
mod meaning;
mod moves;

use std::collections::{BTreeSet, HashMap};

use component::{Component, ContestedPolicies};
use meaning::StateMeaning;
use model::docker::{DesiredPolicy, DockerLiveState, PolicyId};
pub(super) use moves::SearchedCalls;
use moves::{PolicyMove, SearchPolicy, SearchState};

use crate::plan::PlannedCall;

/// Maximum number of states to evaluate for one plan.
const MOST_STATES: usize = 100_000;
/// Maximum number of states to evaluate after the first list of the fewest calls was found, to find
/// one with more similar pairs.
const MOST_STATES_TO_IMPROVE: usize = 10_000;
/// Maximum number of extra calls of one component.
const MOST_EXTRA_CALLS: usize = 2;

pub(super) struct SearchInput<'a> {
    pub(super) live: &'a DockerLiveState,
    /// The state after all calls.
    pub(super) after: &'a DockerLiveState,
    /// The unordered calls, to which `after` refers.
    pub(super) calls: &'a [PlannedCall],
    /// The live policies that a manifest declares.
    pub(super) declared: &'a HashMap<PolicyId, &'a DesiredPolicy>,
    pub(super) crosses_domains: bool,
    /// The plan so far, whose extra calls and conflicts may be avoidable.
    pub(super) contested: &'a ContestedCalls,
}

/// Properties of a plan that is not optimal.
#[derive(Debug)]
pub(super) struct ContestedCalls {
    /// The names of the policies with extra calls or conflicts.
    pub(super) policies: BTreeSet<String>,
    pub(super) conflicts: usize,
    /// The names of the policies with conflicts.
    pub(super) gaps: BTreeSet<String>,
    /// The number of calls by the name of their policy.
    pub(super) counts: HashMap<String, usize>,
}

/// The result for all components.
#[derive(Default)]
pub(super) struct SearchOutcome {
    /// The calls of each component for which better ones were found.
    pub(super) found: Vec<SearchedCalls>,
    /// The policies with extra calls or conflicts for which shorter lists may exist.
    pub(super) unproven: BTreeSet<String>,
}

pub(super) fn search(input: &SearchInput<'_>) -> SearchOutcome {
    let mut outcome = SearchOutcome {
        unproven: input.contested.policies.clone(),
        ..SearchOutcome::default()
    };
    let Some(contested) = ContestedPolicies::of(input) else {
        return outcome;
    };
    let mut left = MOST_STATES;
    for component in contested.components() {
        let Some(searched) = search_component(input, &component, &mut left) else {
            continue;
        };
        if searched.is_proven {
            for name in component.names() {
                outcome.unproven.remove(name);
            }
        }
        outcome.found.extend(searched.better);
    }
    outcome
}

struct SearchedComponent {
    /// Better calls than those of the plan so far.
    better: Option<SearchedCalls>,
    /// Whether no list with fewer calls exists among those that the search considers.
    is_proven: bool,
}

fn search_component(
    input: &SearchInput<'_>,
    component: &Component<'_>,
    left: &mut usize,
) -> Option<SearchedComponent> {
    let contents = moves::intermediate_contents(component);
    let policies: Option<Vec<SearchPolicy<'_>>> = component
        .policies
        .iter()
        .map(|policy| SearchPolicy::new(policy, input, &contents.accesses))
        .collect();
    let mut policies = policies?;
    let meaning = StateMeaning::new(component, &mut policies)?;
    let start = SearchState::start(&policies);
    let least = start.least(&policies);
    let calls: usize = component
        .names()
        .filter_map(|name| input.contested.counts.get(name))
        .sum();
    let has_gap = component
        .names()
        .any(|name| input.contested.gaps.contains(name));
    // A list without a gap is better than one with a gap, however long it is.
    let lengths = if has_gap {
        least..=least + MOST_EXTRA_CALLS
    } else {
        least..=calls.saturating_sub(1).min(least + MOST_EXTRA_CALLS)
    };
    for most in lengths {
        let mut search = BranchAndBound::new(&policies, &meaning, most, *left);
        search.visit(&mut start.clone(), 0);
        *left = search.left;
        let Some((_, first)) = search.best else {
            continue;
        };
        let mut search = BranchAndBound::new(&policies, &meaning, most, MOST_STATES_TO_IMPROVE);
        search.compares_similarity = true;
        search.visit(&mut start.clone(), 0);
        let path = search.best.map_or(first, |(_, path)| path);
        let extra = most - least;
        return Some(SearchedComponent {
            better: SearchedCalls::of(&policies, path, extra),
            is_proven: extra == 0 || contents.is_complete,
        });
    }
    // Only lists with extra calls contain other contents.
    let is_searched = contents.is_complete || calls <= least + 1;
    let is_short = !has_gap && calls <= least + MOST_EXTRA_CALLS + 1;
    Some(SearchedComponent {
        better: None,
        is_proven: *left > 0 && is_searched && is_short,
    })
}

struct BranchAndBound<'s> {
    policies: &'s [SearchPolicy<'s>],
    meaning: &'s StateMeaning,
    /// Maximum number of calls.
    most: usize,
    /// The number of states that may still be evaluated.
    left: usize,
    /// Whether to find the list with the most similar pairs, and not just any list.
    compares_similarity: bool,
    /// The smallest numbers of calls, with the greatest similarity, with which states were reached.
    visited: HashMap<SearchState, Vec<(usize, i64)>>,
    path: Vec<(usize, PolicyMove)>,
    /// The similarity of the pairs, and the calls.
    best: Option<(i64, Vec<(usize, PolicyMove)>)>,
}

impl<'s> BranchAndBound<'s> {
    fn new(
        policies: &'s [SearchPolicy<'s>],
        meaning: &'s StateMeaning,
        most: usize,
        left: usize,
    ) -> Self {
        Self {
            policies,
            meaning,
            most,
            left,
            compares_similarity: false,
            visited: HashMap::new(),
            path: Vec::new(),
            best: None,
        }
    }

    /// Visits the states that can be reached from a state, depth first.
    fn visit(&mut self, state: &mut SearchState, similarity: i64) {
        let least: Vec<usize> = state.least_by_policy(self.policies).collect();
        let rest: usize = least.iter().sum();
        if rest == 0 {
            let is_better = |(best, _): &(i64, _)| similarity > *best;
            if self.best.as_ref().is_none_or(is_better) {
                self.best = Some((similarity, self.path.clone()));
            }
            return;
        }
        let made = self.path.len();
        let may_waste = made + 1 + rest <= self.most;
        let mut moves: Vec<(usize, PolicyMove)> = Vec::new();
        for (at, policy) in self.policies.iter().enumerate() {
            let own = policy.moves(state.policy(at), may_waste);
            moves.extend(own.into_iter().map(|step| (at, step)));
        }
        moves.sort_by_key(|(at, step)| self.policies[*at].rank(state.policy(*at), step));
        for (at, step) in moves {
            let is_done = self.best.is_some() && !self.compares_similarity;
            if self.left == 0 || is_done {
                return;
            }
            let policy = &self.policies[at];
            let next = policy.after(state.policy(at), &step);
            if made + 1 + rest - least[at] + policy.least(&next) > self.most {
                continue;
            }
            let similarity = similarity + policy.similarity(&step);
            let before = state.replace(at, next);
            if self.is_new(state, made + 1, similarity)
                && self.meaning.is_safe(self.policies, state)
            {
                self.path.push((at, step));
                self.visit(state, similarity);
                self.path.pop();
            }
            state.replace(at, before);
        }
    }

    /// Whether no path that is at least as good led to this state. Counts the new states.
    fn is_new(&mut self, state: &SearchState, calls: usize, similarity: i64) -> bool {
        let similarity = if self.compares_similarity {
            similarity
        } else {
            0
        };
        let known = self.visited.entry(state.clone()).or_default();
        if known
            .iter()
            .any(|(other, most)| *other <= calls && *most >= similarity)
        {
            return false;
        }
        known.retain(|(other, most)| *other < calls || *most > similarity);
        known.push((calls, similarity));
        self.left -= 1;
        true
    }
}
