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
//! alternatives first, and for each request the smallest set that fits. If this leaves conflicts, the
//! sets that agree with the order of the list are tried first. `super::audit` checks the result
//! independently.
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
use crate::plan::graph::{CallGraph, CallPosition, PrecedenceEdge, ranges};
use crate::plan::{CallDependency, CallId, DependencyReason, PlanNote, PlannedCall};
use crate::render::plan::access_view::who;
use access::{Audience, People};
use model::docker::{DockerLiveState, DockerOperation, LiveContent, PolicyId};
pub(crate) use precedence::{all_alternatives, alternatives};
use split::{SplitReason, SplittableCall};
pub(crate) use votes::{RequestVotes, RuleVote, visit_votes};

/// Maximum number of single splits to try before all calls that are involved in conflicts are split
/// at once.
const TRIES: usize = 32;

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
    let mut notes = gap_notes(&conflicts, &steps, teams);
    notes.extend(cedar_note(live, &steps));
    let contested = contested(&conflicts, &steps);
    let calls = number(steps, &graph, unproved.is_some());
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
    /// For calls that are not split any further; their recorded order is ignored.
    pub(crate) fn of(live: &DockerLiveState, calls: &[PlannedCall]) -> Self {
        let OrderAttempt {
            graph: _,
            conflicts,
            unproved,
        } = attempt(live, &SplittableCall::of_calls(calls));
        if unproved.is_some() {
            Self::Unproved
        } else {
            Self::Gaps(conflicts.len())
        }
    }
}

/// The notes of a plan from a file, computed again from its calls.
pub(super) fn recomputed_notes(
    live: &DockerLiveState,
    calls: &[PlannedCall],
    teams: &BTreeMap<String, String>,
) -> Vec<PlanNote> {
    let steps = SplittableCall::of_calls(calls);
    let OrderAttempt {
        graph: _,
        conflicts,
        unproved,
    } = attempt(live, &steps);
    let unproved = unproved
        .filter(|_| calls.len() > 1)
        .map(|why| PlanNote::Unproved { why });
    gap_notes(&conflicts, &steps, teams)
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

/// A decision that changes for a while in every order that was found.
struct OrderConflict {
    /// The edges that would keep it, but close a cycle with others.
    edges: Vec<PrecedenceEdge>,
    what: OrderViolation,
}

#[derive(Clone)]
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
    let unproved = |edges: &[PrecedenceEdge], why: String| OrderAttempt {
        unproved: Some(why),
        ..choose(steps, edges, &[], false)
    };
    let timeline = match Timeline::new(live, &calls) {
        Ok(timeline) => timeline,
        Err(error) => return unproved(&[], error.to_string()),
    };
    let required = structure::edges(&timeline, &calls);
    let mut told: HashSet<RequestVotes> = HashSet::new();
    let mut choices: Vec<OrderChoice> = Vec::new();
    let visited = visit_votes(&timeline, &mut |atom, audience, votes| {
        let Some(allowed) = votes.required_decision().filter(|_| !told.contains(&votes)) else {
            return;
        };
        let ways = precedence::alternatives(&votes);
        told.insert(votes.clone());
        if ways.first().is_none_or(|way| !way.is_empty()) {
            let witness = atom
                .witness()
                .map(|request| request.to_string())
                .unwrap_or_default();
            choices.push(OrderChoice {
                votes,
                ways,
                what: OrderViolation::Access {
                    witness,
                    audience: audience.clone(),
                    allowed,
                },
            });
        }
    });
    if let Err(too_complex) = visited {
        return unproved(&required, too_complex.to_string());
    }
    // Requests without a choice come first: the others can still adapt.
    choices.sort_by_key(|choice| choice.ways.len());
    let usual = choose(steps, &required, &choices, false);
    if usual.conflicts.is_empty() {
        return usual;
    }
    for choice in &mut choices {
        choice.ways = precedence::all_alternatives(&choice.votes);
    }
    choices.sort_by_key(|choice| choice.ways.len());
    let greedy = choose(steps, &required, &choices, false);
    let listed = choose(steps, &required, &choices, true);
    let mut best = usual;
    for other in [greedy, listed] {
        if other.conflicts.len() < best.conflicts.len() {
            best = other;
        }
    }
    best
}

/// A decision that must not change, with the alternative sets of edges that keep it.
struct OrderChoice {
    votes: RequestVotes,
    ways: Vec<Vec<PrecedenceEdge>>,
    what: OrderViolation,
}

/// Adds one set of edges for each choice, if one fits. `in_order` prefers sets that agree with the
/// order of the list, which is known to be good if the calls were searched with their order.
fn choose(
    steps: &[SplittableCall],
    required: &[PrecedenceEdge],
    choices: &[OrderChoice],
    in_order: bool,
) -> OrderAttempt {
    let mut graph = CallGraph::new(steps.len(), |at| steps[at].rank());
    let mut conflicts = Vec::new();
    for edge in required {
        if !graph.add(&[*edge]) {
            conflicts.push(OrderConflict {
                edges: vec![*edge],
                what: OrderViolation::Name,
            });
        }
    }
    let is_listed =
        |way: &&Vec<PrecedenceEdge>| in_order && way.iter().all(|edge| edge.first < edge.then);
    for OrderChoice {
        votes: _,
        ways,
        what,
    } in choices
    {
        let listed = ways.iter().filter(is_listed);
        if !listed.chain(ways).any(|way| graph.add(way)) {
            conflicts.push(OrderConflict {
                edges: ways.first().cloned().unwrap_or_default(),
                what: what.clone(),
            });
        }
    }
    OrderAttempt {
        graph,
        conflicts,
        unproved: None,
    }
}

/// One note per policy, with one request as an example.
fn gap_notes(
    conflicts: &[OrderConflict],
    steps: &[SplittableCall],
    teams: &BTreeMap<String, String>,
) -> Vec<PlanNote> {
    let mut by_policy: BTreeMap<&str, Vec<&OrderConflict>> = BTreeMap::new();
    for conflict in conflicts {
        let calls = conflict
            .edges
            .iter()
            .flat_map(|edge| [edge.first, edge.then]);
        let policy = calls.map(|at| steps[at].call.name.as_str()).min();
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
                    "`{witness}` is {decision} for {people} before and after, and may be {other} for a moment between"
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
        "Cedar policies change in {} calls; what tools may do between them is not compared",
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
        if one_by_one && call.id.0 > 1 {
            call.after.push(CallDependency {
                first: CallId(1),
                last: CallId(call.id.0 - 1),
                why: reason(effect),
            });
        }
        call.renumber(&provisional);
        Some(call)
    });
    calls.collect()
}

/// The reason to give if calls are made one by one because access was not analyzed.
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
