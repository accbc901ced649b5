//! Orders the calls of a plan and records what each call waits for.
//!
//! Problem: a topological order in which access stays within bounds. Let A be the requests that are
//! allowed before the run and B those that are allowed after it. After every call, the allowed
//! requests must be a subset of A ∪ B and contain A ∩ B, for every combination of teams.
//! Equivalently: a request with the same decision in A and in B has this decision after every call.
//!
//! Solution:
//!
//! 1. A `Timeline` records for each version of a rule and of a scope the call that begins it and
//!    the call that ends it.
//! 2. `votes` groups requests by the rules that match them. Each of these rules is a vote
//!    (allow or deny) that counts while its interval lasts.
//! 3. `precedence::alternatives` turns the votes of each request whose decision must not change
//!    into alternative sets of precedence edges.
//! 4. `structure::edges` adds the edges that the service requires: a policy before its rules, a
//!    name freed before it is taken.
//! 5. `attempt` adds one set per request to an acyclic graph, and `Graph::order` numbers the
//!    calls. Calls without a path between them may be sent concurrently.
//!
//! Choosing one of several sets for each request without closing a cycle is NP-hard in general
//! (disjunctive precedence constraints), so the choice is greedy: requests with the fewest
//! alternatives first, and for each request the smallest set that fits. `super::audit` checks the
//! result independently.
//!
//! Calls whose order was searched together with the pairs of rules (`super::search`) arrive as a
//! chain: each waits for the one before it, and requests that only they affect need no other edges.
//!
//! If no set fits, whole calls cannot be ordered, and one call is split in two as in a two-phase
//! update: first the union of old and new, then the new alone (`split`). Conflicts that remain
//! are reported as `Note::Gap`.
//!
//! Example: one call moves an allow rule from `a.com` to `b.com`, another one moves a second rule
//! from `b.com` to `a.com`. To keep `a.com` allowed, the second call must come first; to keep
//! `b.com` allowed, the first call must. Splitting the first call breaks the cycle: allow both,
//! make the second call, then allow `b.com` only.

mod precedence;
mod split;
pub(crate) mod structure;
mod votes;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::CallDrafts;
use super::effect::CallEffect;
use super::search::ContestedCalls;
use super::timeline::Timeline;
use crate::plan::graph::{CallGraph, CallPosition, Earlier, PrecedenceEdge, ranges};
use crate::plan::{CallDependency, CallId, DependencyReason, PlanNote, PlannedCall};
use crate::render::plan::access_view::who;
use access::{Atom, Audience, People, TooComplex};
use model::docker::{DockerLiveState, DockerOperation, LiveContent, PolicyId};
use precedence::alternatives;
use split::{SplitReason, SplittableCall};
pub(crate) use votes::{RequestVotes, visit_votes};

/// Maximum number of single splits to try before all calls that are involved in conflicts are split
/// at once.
const TRIES: usize = 32;

/// Bytes that the conditions of one order may use, as estimated by their sizes. Beyond it, the order
/// is not analyzed.
const MOST_BYTES: usize = 128 << 20;

/// Calls without their order. Made in the order of the list, they lead to the desired state.
pub(super) struct UnorderedCalls(Vec<SplittableCall>);

impl UnorderedCalls {
    pub(super) fn of(drafts: CallDrafts) -> Self {
        Self(SplittableCall::of(drafts.into_vec()))
    }

    /// The calls with provisional numbers.
    pub(super) fn calls(&self) -> Vec<PlannedCall> {
        self.0.iter().map(|step| step.call.clone()).collect()
    }
}

/// Calls in their order.
pub(super) struct OrderedCalls {
    pub(super) calls: Vec<PlannedCall>,
    pub(super) notes: Vec<PlanNote>,
    pub(super) contested: ContestedCalls,
}

/// Orders the calls of a target, and reports the steps at which access differs from both before and
/// after. `teams` maps short names of teams to their uuids.
pub(super) fn arrange(
    live: &DockerLiveState,
    calls: UnorderedCalls,
    teams: &BTreeMap<String, String>,
) -> OrderedCalls {
    let (
        steps,
        OrderAttempt {
            graph,
            conflicts,
            unproved,
        },
    ) = solve(live, calls.0);
    let mut notes = Vec::new();
    notes.extend(cedar_note(live, &steps));
    let contested = contested(&conflicts, &steps);
    let mut calls = number(steps, &graph, unproved.is_some());
    // The graph keeps every decision without a conflict.
    if unproved.is_none() && !conflicts.is_empty() {
        let found;
        (calls, found) = with_fewest_gaps(live, calls);
        notes.extend(gap_notes(&found, &calls, teams));
    }
    notes.extend(
        unproved
            .filter(|_| calls.len() > 1)
            .map(|why| PlanNote::Unproved { why }),
    );
    OrderedCalls {
        calls,
        notes,
        contested,
    }
}

/// Orders calls with gaps again as long as this leaves fewer gaps. The greedy choice depends on the
/// order of the list, and it can be worse than making the calls one by one.
fn with_fewest_gaps(
    live: &DockerLiveState,
    mut calls: Vec<PlannedCall>,
) -> (Vec<PlannedCall>, Vec<OrderConflict>) {
    let mut found = gaps(live, &calls);
    while !found.is_empty() {
        let steps = SplittableCall::of_calls(&calls);
        let again = attempt(live, &steps);
        let reordered = number(steps, &again.graph, again.unproved.is_some());
        let candidates = [reordered, one_by_one(&calls)];
        let best = candidates
            .into_iter()
            .map(|calls| (gaps(live, &calls), calls))
            .min_by_key(|(gaps, _)| gaps.len());
        match best {
            Some((fewer, order)) if fewer.len() < found.len() => (calls, found) = (order, fewer),
            Some(_) | None => break,
        }
    }
    (calls, found)
}

fn one_by_one(calls: &[PlannedCall]) -> Vec<PlannedCall> {
    calls
        .iter()
        .map(|call| PlannedCall {
            after: all_before(call.id, reason(CallEffect::NONE)),
            ..call.clone()
        })
        .collect()
}

fn contested(conflicts: &[OrderConflict], steps: &[SplittableCall]) -> ContestedCalls {
    let name = |at: CallPosition| steps[at].call.name.clone();
    let edges = conflicts.iter().flat_map(|conflict| &conflict.edges);
    let gaps: BTreeSet<String> = edges
        .flat_map(|edge| [name(edge.first), name(edge.then)])
        .collect();
    let extra = steps.iter().filter(|step| step.call.why.is_some());
    let extra = extra.map(|step| step.call.name.clone());
    let policies: BTreeSet<String> = gaps.iter().cloned().chain(extra).collect();
    let mut counts = HashMap::new();
    // Most plans have neither, and then nothing is searched.
    for step in steps.iter().filter(|_| !policies.is_empty()) {
        *counts.entry(step.call.name.clone()).or_default() += 1;
    }
    ContestedCalls {
        policies,
        conflicts: conflicts.len(),
        gaps,
        counts,
    }
}

/// What remains in conflict in every order of some calls.
pub(crate) enum UnavoidableGap {
    /// The number of decisions that change for a while.
    Gaps(usize),
    /// Access could not be analyzed.
    Unproved,
}

impl UnavoidableGap {
    /// For calls that are not split any further. Of their recorded order only the list is used, as
    /// one of the orders to try.
    pub(crate) fn of(live: &DockerLiveState, calls: &[PlannedCall]) -> Self {
        let OrderAttempt {
            graph: _,
            conflicts,
            unproved,
        } = attempt(live, &SplittableCall::of_calls(calls));
        if unproved.is_some() {
            return Self::Unproved;
        }
        let one_by_one = gaps(live, &one_by_one(calls));
        Self::Gaps(conflicts.len().min(one_by_one.len()))
    }
}

/// The notes of a plan from a file, computed again from its calls.
pub(super) fn recomputed_notes(
    live: &DockerLiveState,
    calls: &[PlannedCall],
    teams: &BTreeMap<String, String>,
) -> Vec<PlanNote> {
    let steps = SplittableCall::of_calls(calls);
    let unproved = attempt(live, &steps)
        .unproved
        .filter(|_| calls.len() > 1)
        .map(|why| PlanNote::Unproved { why });
    // What does not fit in memory for the order does not fit here either.
    let found = match &unproved {
        Some(_) => Vec::new(),
        None => gaps(live, calls),
    };
    gap_notes(&found, calls, teams)
        .into_iter()
        .chain(cedar_note(live, &steps))
        .chain(unproved)
        .collect()
}

struct OrderAttempt {
    graph: CallGraph,
    conflicts: Vec<OrderConflict>,
    /// Why access could not be analyzed. The graph then only contains the edges that the service
    /// requires.
    unproved: Option<String>,
}

/// A decision that changes for a while.
struct OrderConflict {
    /// The edges that would keep it, but close a cycle with others.
    edges: Vec<PrecedenceEdge>,
    what: OrderViolation,
}

enum OrderViolation {
    Access {
        witness: String,
        audience: Audience,
        allowed: bool,
    },
    /// A name that two calls exchange.
    Name,
}

/// Splits calls as long as this reduces the number of conflicts (hill climbing, at most [`TRIES`]
/// attempts). If that is not enough, it tries to split all calls that are involved.
fn solve(
    live: &DockerLiveState,
    mut steps: Vec<SplittableCall>,
) -> (Vec<SplittableCall>, OrderAttempt) {
    let mut best = attempt(live, &steps);
    let mut tries = 0;
    'splitting: while !best.conflicts.is_empty() && tries < TRIES {
        for (at, cause) in conflicting_calls(&best.conflicts) {
            let Some(more) = split::split(&steps, at, cause) else {
                continue;
            };
            tries += 1;
            let other = attempt(live, &more);
            if other.conflicts.len() < best.conflicts.len() {
                (steps, best) = (more, other);
                continue 'splitting;
            }
            if tries >= TRIES {
                break;
            }
        }
        break;
    }
    if !best.conflicts.is_empty() {
        // Backwards, so that the positions of the remaining calls stay valid.
        let all = conflicting_calls(&best.conflicts).into_iter().rev();
        let more = all.fold(steps.clone(), |steps, (at, cause)| {
            split::split(&steps, at, cause).unwrap_or(steps)
        });
        let other = attempt(live, &more);
        if other.conflicts.len() < best.conflicts.len() {
            (steps, best) = (more, other);
        }
    }
    (steps, best)
}

fn conflicting_calls(conflicts: &[OrderConflict]) -> BTreeSet<(CallPosition, SplitReason)> {
    let each = conflicts.iter().flat_map(|conflict| {
        let cause = match conflict.what {
            OrderViolation::Access { .. } => SplitReason::Access,
            OrderViolation::Name => SplitReason::Name,
        };
        conflict
            .edges
            .iter()
            .flat_map(move |edge| [(edge.first, cause), (edge.then, cause)])
    });
    each.collect()
}

/// Builds the graph for these calls. It contains as many edges as fit without a cycle; the rest are
/// conflicts.
fn attempt(live: &DockerLiveState, steps: &[SplittableCall]) -> OrderAttempt {
    let calls: Vec<PlannedCall> = steps.iter().map(|step| step.call.clone()).collect();
    let mut graph = CallGraph::new(steps.len(), |at| steps[at].rank());
    let mut conflicts = Vec::new();
    let timeline = match Timeline::new(live, &calls) {
        Ok(timeline) => timeline,
        Err(error) => {
            return OrderAttempt {
                graph,
                conflicts,
                unproved: Some(error.to_string()),
            };
        }
    };
    let chains = CallChains::of(steps);
    let required = structure::edges(&timeline, &calls);
    // The reasons of the service come first: an edge keeps its first reason.
    for edge in required.into_iter().chain(chains.edges(steps)) {
        if !graph.add(&[edge]) {
            conflicts.push(OrderConflict {
                edges: vec![edge],
                what: OrderViolation::Name,
            });
        }
    }
    let mut told: HashSet<RequestVotes> = HashSet::new();
    let mut choices: Vec<(Vec<Vec<PrecedenceEdge>>, OrderViolation)> = Vec::new();
    let mut left = MOST_BYTES;
    let mut fits = true;
    let visited = visit_votes(&timeline, &mut |atom, audience, votes| {
        if !fits {
            return;
        }
        let Some(allowed) = votes.required_decision().filter(|_| !told.contains(&votes)) else {
            return;
        };
        let ways = precedence::alternatives(&votes);
        let is_kept = ways.first().is_some_and(Vec::is_empty) || chains.keep(&votes, allowed);
        let edges: usize = ways.iter().map(Vec::len).sum();
        let bytes = votes.bytes() + edges * size_of::<PrecedenceEdge>();
        fits = bytes <= left;
        left = left.saturating_sub(bytes);
        told.insert(votes);
        if !is_kept {
            choices.push((ways, OrderViolation::access(atom, audience, allowed)));
        }
    });
    if let Err(too_complex) = visited.and(if fits { Ok(()) } else { Err(TooComplex) }) {
        return OrderAttempt {
            graph,
            conflicts,
            unproved: Some(too_complex.to_string()),
        };
    }
    // Ballots without a choice come first: the others can still adapt.
    choices.sort_by_key(|(ways, _)| ways.len());
    for (ways, what) in choices {
        if !ways.iter().any(|way| graph.add(way)) {
            conflicts.push(OrderConflict {
                edges: ways.into_iter().next().unwrap_or_default(),
                what,
            });
        }
    }
    OrderAttempt {
        graph,
        conflicts,
        unproved: None,
    }
}

/// The lists of calls whose order was searched: each call waits for the one before it.
struct CallChains {
    /// The first call of the list of each call.
    first: Vec<CallPosition>,
    previous: Vec<Option<CallPosition>>,
}

impl CallChains {
    fn of(steps: &[SplittableCall]) -> Self {
        let at: HashMap<CallId, CallPosition> = steps
            .iter()
            .enumerate()
            .map(|(at, step)| (step.call.id, at))
            .collect();
        let previous: Vec<Option<CallPosition>> = steps
            .iter()
            .map(|step| at.get(&step.previous?).copied())
            .collect();
        let mut first: Vec<CallPosition> = Vec::with_capacity(steps.len());
        for (at, previous) in previous.iter().enumerate() {
            // Calls are listed in their order.
            let start = previous.and_then(|previous| first.get(previous).copied());
            first.push(start.unwrap_or(at));
        }
        Self { first, previous }
    }

    fn edges(&self, steps: &[SplittableCall]) -> Vec<PrecedenceEdge> {
        let pairs = self.previous.iter().enumerate();
        pairs
            .filter_map(|(then, first)| {
                Some(PrecedenceEdge {
                    first: (*first)?,
                    then,
                    why: reason(steps[then].effect),
                })
            })
            .collect()
    }

    /// Whether all calls that affect a decision are in one list, and keep it.
    fn keep(&self, votes: &RequestVotes, allowed: bool) -> bool {
        let calls = votes.calls();
        let mut chains = calls.iter().map(|at| self.first[*at]);
        let chain = chains.next();
        chains.all(|other| Some(other) == chain) && votes.is_kept_by_sequence(&calls, allowed)
    }
}

/// Maximum number of calls of a request for which all down-sets are enumerated.
const TRIED: usize = 12;

/// Whether the decision is the same in every reachable down-set.
pub(crate) fn keeps_decision(earlier: &Earlier, votes: &RequestVotes, allowed: bool) -> bool {
    if alternatives(votes)
        .iter()
        .any(|way| way.iter().all(|edge| earlier.has(edge)))
    {
        return true;
    }
    let calls = votes.calls();
    let one_by_one = calls
        .windows(2)
        .all(|pair| earlier.before(pair[0], pair[1]));
    if one_by_one {
        return votes.is_kept_by_sequence(&calls, allowed);
    }
    calls.len() <= TRIED
        && (0..1_usize << calls.len()).all(|set| {
            let made = |at: CallPosition| {
                calls
                    .binary_search(&at)
                    .is_ok_and(|position| set >> position & 1 == 1)
            };
            let possible = calls.iter().all(|at| {
                !made(*at)
                    || calls
                        .iter()
                        .all(|first| !earlier.before(*first, *at) || made(*first))
            });
            !possible || votes.decision_after(made) == allowed
        })
}

/// The decisions that change for a while, and the names that are not free in time, if the calls are
/// made in their recorded order.
fn gaps(live: &DockerLiveState, calls: &[PlannedCall]) -> Vec<OrderConflict> {
    let Ok(timeline) = Timeline::new(live, calls) else {
        return Vec::new();
    };
    let earlier = Earlier::new(calls);
    let missing = structure::edges(&timeline, calls)
        .into_iter()
        .filter(|edge| !earlier.has(edge));
    let mut found: Vec<OrderConflict> = missing
        .map(|edge| OrderConflict {
            edges: vec![edge],
            what: OrderViolation::Name,
        })
        .collect();
    let mut told: HashSet<RequestVotes> = HashSet::new();
    let mut of_access: Vec<OrderConflict> = Vec::new();
    let visited = visit_votes(&timeline, &mut |atom, audience, votes| {
        let Some(allowed) = votes.required_decision().filter(|_| !told.contains(&votes)) else {
            return;
        };
        if !keeps_decision(&earlier, &votes, allowed) {
            of_access.push(OrderConflict {
                edges: alternatives(&votes).into_iter().next().unwrap_or_default(),
                what: OrderViolation::access(atom, audience, allowed),
            });
        }
        told.insert(votes);
    });
    if visited.is_ok() {
        found.append(&mut of_access);
    }
    found
}

/// One note per policy, with one request as an example.
fn gap_notes(
    conflicts: &[OrderConflict],
    calls: &[PlannedCall],
    teams: &BTreeMap<String, String>,
) -> Vec<PlanNote> {
    let mut by_policy: BTreeMap<&str, Vec<&OrderConflict>> = BTreeMap::new();
    for conflict in conflicts {
        let ends = conflict
            .edges
            .iter()
            .flat_map(|edge| [edge.first, edge.then]);
        let policy = ends.map(|at| calls[at].name.as_str()).min();
        by_policy
            .entry(policy.unwrap_or_default())
            .or_default()
            .push(conflict);
    }
    let notes = by_policy.into_iter().filter_map(|(policy, conflicts)| {
        let more = match conflicts.len() {
            1 => String::new(),
            count => format!("; and {} more like it", count - 1),
        };
        // The minimum, so that the text does not depend on the order of the calls.
        let why = format!(
            "{}{more}",
            conflicts
                .iter()
                .map(|conflict| conflict.description(teams))
                .min()?
        );
        Some(PlanNote::Gap {
            policy: policy.to_owned(),
            why,
        })
    });
    notes.collect()
}

impl OrderViolation {
    fn access(atom: &Atom<'_>, audience: &Audience, allowed: bool) -> Self {
        let witness = atom
            .witness()
            .map(|request| request.to_string())
            .unwrap_or_default();
        Self::Access {
            witness,
            audience: audience.clone(),
            allowed,
        }
    }
}

impl OrderConflict {
    fn description(&self, teams: &BTreeMap<String, String>) -> String {
        match &self.what {
            OrderViolation::Access {
                witness,
                audience,
                allowed,
            } => {
                let (decision, other) = if *allowed {
                    ("allowed", "denied")
                } else {
                    ("denied", "allowed")
                };
                let people = who(&People::members_of(audience).with_team_names(teams));
                format!(
                    "`{witness}` is {decision} for {people} before and after, but may be {other} temporarily"
                )
            }
            OrderViolation::Name => "two calls wait for each other to give up a name".to_owned(),
        }
    }
}

/// The meaning of Cedar text is not compared. If several calls change it, the states between them
/// are unknown.
fn cedar_note(live: &DockerLiveState, steps: &[SplittableCall]) -> Option<PlanNote> {
    let is_cedar = |id: &PolicyId| {
        let policy = live.policies.iter().find(|policy| policy.id == *id);
        policy.is_some_and(|policy| matches!(policy.content, LiveContent::Cedar(_)))
    };
    let changes = |step: &&SplittableCall| match step.call.send.docker() {
        Some(DockerOperation::CreatePolicy { policy }) => policy.cedar.is_some(),
        Some(DockerOperation::UpdatePolicy { id, patch }) => {
            is_cedar(id) && (patch.teams.is_some() || patch.cedar.is_some())
        }
        Some(DockerOperation::DeletePolicy { id }) => is_cedar(id),
        Some(
            DockerOperation::CreateRule { .. }
            | DockerOperation::UpdateRule { .. }
            | DockerOperation::DeleteRule { .. },
        )
        | None => false,
    };
    let cedar: Vec<&str> = steps
        .iter()
        .filter(changes)
        .map(|step| step.call.name.as_str())
        .collect();
    let first = cedar.iter().min().filter(|_| cedar.len() > 1)?;
    let why = format!(
        "Cedar policies change in {} calls; access between these calls is not compared",
        cedar.len()
    );
    Some(PlanNote::Gap {
        policy: (*first).to_owned(),
        why,
    })
}

/// Numbers the calls in their final order. With `one_by_one`, each call waits for all earlier ones.
fn number(steps: Vec<SplittableCall>, graph: &CallGraph, one_by_one: bool) -> Vec<PlannedCall> {
    let order = graph.order(|at| steps[at].rank());
    let mut waits = graph.waits();
    let mut numbers: BTreeMap<CallPosition, CallId> = BTreeMap::new();
    let mut provisional = BTreeMap::new();
    for (number, at) in (1..).zip(&order) {
        numbers.insert(*at, CallId(number));
        provisional.insert(steps[*at].call.id, CallId(number));
    }
    let mut steps: Vec<Option<SplittableCall>> = steps.into_iter().map(Some).collect();
    let calls = order.into_iter().filter_map(|at| {
        let SplittableCall {
            mut call, effect, ..
        } = steps[at].take()?;
        call.id = *numbers.get(&at)?;
        let before = waits.remove(&at).unwrap_or_default();
        call.after = ranges(
            before
                .into_iter()
                .filter_map(|(first, why)| Some((*numbers.get(&first)?, why)))
                .collect(),
        );
        if one_by_one {
            call.after.extend(all_before(call.id, reason(effect)));
        }
        call.renumber(&provisional);
        Some(call)
    });
    calls.collect()
}

/// The dependency on all calls with lower numbers.
fn all_before(id: CallId, why: DependencyReason) -> Vec<CallDependency> {
    let last = id.0.saturating_sub(1);
    let before = CallDependency {
        first: CallId(1),
        last: CallId(last),
        why,
    };
    (last > 0).then_some(before).into_iter().collect()
}

/// The reason to give if calls are made one by one without an edge that needs it.
fn reason(effect: CallEffect) -> DependencyReason {
    match effect {
        CallEffect {
            removes_deny: true, ..
        } => DependencyReason::ClosesFirst,
        CallEffect {
            removes_allow: true,
            ..
        } => DependencyReason::AllowsFirst,
        CallEffect { .. } => DependencyReason::DeniesFirst,
    }
}
