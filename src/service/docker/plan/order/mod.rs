//! The order of calls: what each waits for, and why.
//!
//! Let A be what is allowed before a run and B what is allowed after. After every single call, what is allowed must lie
//! within A ∪ B and contain A ∩ B, for everybody. That is a statement about each request on which A and B agree: its
//! decision must not change in between. So for every combination of rules that some request meets, the votes of these
//! rules are put on a timeline, and edges between calls are found that keep the decision ([`handover`]). Calls without
//! an edge between them, even by way of others, may be made at the same time.
//!
//! Where the edges would run in a circle, one call is split in two, which first holds both what was and what will be
//! ([`split`]). What cannot be kept even so is told as a gap.

mod graph;
mod handover;
mod split;
pub(crate) mod structure;
mod votes;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Drafts;
use super::effect::Effect;
use super::timeline::{At, Timeline};
use crate::plan::{After, Call, CallId, Note, Reason};
use access::Audience;
pub(crate) use graph::Graph;
pub(crate) use handover::{Edge, ways};
use model::docker::{LiveContent, LiveState, Operation, PolicyId};
use split::{Cause, Step};
pub(crate) use votes::{Ballot, Vote, ballots};

/// How many ways to split calls are tried one by one before all that could help are split at once.
const TRIES: usize = 32;

/// Calls that wait for nothing yet. They make of a state what they make of it in their order.
pub(super) struct Unordered(Vec<Step>);

impl Unordered {
    /// The calls that drafts are.
    pub(super) fn of(drafts: Drafts) -> Self {
        Self(Step::of(drafts.into_vec()))
    }

    /// The calls, with numbers of their own.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.0.iter().map(|step| step.call.clone()).collect()
    }
}

/// Puts the calls of a target in order, and says where access is not what it should be for a while. `teams` are the
/// short names of teams, each with its uuid.
pub(super) fn arrange(
    live: &LiveState,
    calls: Unordered,
    teams: &BTreeMap<String, String>,
) -> (Vec<Call>, Vec<Note>) {
    let (
        steps,
        Attempt {
            graph,
            conflicts,
            unproved,
        },
    ) = solve(live, calls.0);
    let mut notes = gaps(&conflicts, &steps, teams);
    notes.extend(cedar_note(live, &steps));
    let calls = number(steps, &graph, unproved.is_some());
    notes.extend(
        unproved
            .filter(|_| calls.len() > 1)
            .map(|why| Note::Unproved { why }),
    );
    (calls, notes)
}

/// What no order of some calls avoids.
pub(crate) enum Unavoidable {
    /// So many decisions are not kept at every step.
    Gaps(usize),
    /// Nothing is known of access.
    Unproved,
}

impl Unavoidable {
    /// Of calls that are not split any further, whatever they wait for.
    pub(crate) fn of(live: &LiveState, calls: &[Call]) -> Self {
        let Attempt {
            graph: _,
            conflicts,
            unproved,
        } = attempt(live, &Step::of_calls(calls));
        if unproved.is_some() {
            Self::Unproved
        } else {
            Self::Gaps(conflicts.len())
        }
    }
}

/// What a reviewer should know of some calls, whatever their order: it is worked out as for a new plan.
pub(super) fn told(
    live: &LiveState,
    calls: &[Call],
    teams: &BTreeMap<String, String>,
) -> Vec<Note> {
    let steps = Step::of_calls(calls);
    let Attempt {
        graph: _,
        conflicts,
        unproved,
    } = attempt(live, &steps);
    let unproved = unproved
        .filter(|_| calls.len() > 1)
        .map(|why| Note::Unproved { why });
    gaps(&conflicts, &steps, teams)
        .into_iter()
        .chain(cedar_note(live, &steps))
        .chain(unproved)
        .collect()
}

/// What came of looking for an order.
struct Attempt {
    graph: Graph,
    conflicts: Vec<Conflict>,
    /// Why nothing is known of access, so that only what the service asks for is in the graph.
    unproved: Option<String>,
}

/// A decision that no order of these calls keeps.
struct Conflict {
    /// The edges that would keep it, if they did not run in a circle with others.
    edges: Vec<Edge>,
    what: Broken,
}

/// What is broken for a while.
enum Broken {
    /// The decision about a request.
    Access {
        witness: String,
        audience: Audience,
        allowed: bool,
    },
    /// A name that two calls hand to each other.
    Name,
}

/// Splits calls until every decision is kept, or nothing helps any more.
fn solve(live: &LiveState, mut steps: Vec<Step>) -> (Vec<Step>, Attempt) {
    let mut best = attempt(live, &steps);
    let mut tries = 0;
    'splitting: while !best.conflicts.is_empty() && tries < TRIES {
        for (at, cause) in involved(&best.conflicts) {
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
        // From the back, so that the positions of those in front stay.
        let all = involved(&best.conflicts).into_iter().rev();
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

/// The calls that conflicts are about.
fn involved(conflicts: &[Conflict]) -> BTreeSet<(At, Cause)> {
    let each = conflicts.iter().flat_map(|conflict| {
        let cause = match conflict.what {
            Broken::Access { .. } => Cause::Access,
            Broken::Name => Cause::Name,
        };
        conflict
            .edges
            .iter()
            .flat_map(move |edge| [(edge.first, cause), (edge.then, cause)])
    });
    each.collect()
}

/// The edges that keep every decision, and the decisions that cannot be kept.
fn attempt(live: &LiveState, steps: &[Step]) -> Attempt {
    let calls: Vec<Call> = steps.iter().map(|step| step.call.clone()).collect();
    let mut graph = Graph::new(steps.len(), |at| steps[at].rank());
    let mut conflicts = Vec::new();
    let timeline = match Timeline::new(live, &calls) {
        Ok(timeline) => timeline,
        Err(error) => {
            return Attempt {
                graph,
                conflicts,
                unproved: Some(error.to_string()),
            };
        }
    };
    for edge in structure::edges(&timeline, &calls) {
        if !graph.add(&[edge]) {
            conflicts.push(Conflict {
                edges: vec![edge],
                what: Broken::Name,
            });
        }
    }
    let mut told: HashSet<Ballot> = HashSet::new();
    let mut choices: Vec<(Vec<Vec<Edge>>, Broken)> = Vec::new();
    let visited = ballots(&timeline, &mut |situation, audience, ballot| {
        let Some(allowed) = ballot.must_stay().filter(|_| !told.contains(&ballot)) else {
            return;
        };
        let ways = handover::ways(&ballot);
        told.insert(ballot);
        if ways.first().is_none_or(|way| !way.is_empty()) {
            let witness = situation
                .witness()
                .map(|request| request.to_string())
                .unwrap_or_default();
            choices.push((
                ways,
                Broken::Access {
                    witness,
                    audience: audience.clone(),
                    allowed,
                },
            ));
        }
    });
    if let Err(entangled) = visited {
        return Attempt {
            graph,
            conflicts,
            unproved: Some(entangled.to_string()),
        };
    }
    // Where there is no choice first.
    choices.sort_by_key(|(ways, _)| ways.len());
    for (ways, what) in choices {
        if !ways.iter().any(|way| graph.add(way)) {
            conflicts.push(Conflict {
                edges: ways.into_iter().next().unwrap_or_default(),
                what,
            });
        }
    }
    Attempt {
        graph,
        conflicts,
        unproved: None,
    }
}

/// The gaps in the words of people: one for each policy, with one request that shows it.
fn gaps(conflicts: &[Conflict], steps: &[Step], teams: &BTreeMap<String, String>) -> Vec<Note> {
    let mut by_policy: BTreeMap<&str, Vec<&Conflict>> = BTreeMap::new();
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
        // Whichever comes first may depend on the order of the calls.
        let why = format!(
            "{}{more}",
            conflicts.iter().map(|conflict| conflict.why(teams)).min()?
        );
        Some(Note::Gap {
            policy: policy.to_owned(),
            why,
        })
    });
    notes.collect()
}

impl Conflict {
    fn why(&self, teams: &BTreeMap<String, String>) -> String {
        match &self.what {
            Broken::Access {
                witness,
                audience,
                allowed,
            } => {
                let (decision, other) = if *allowed {
                    ("allowed", "denied")
                } else {
                    ("denied", "allowed")
                };
                let people = people(&audience.clone().with_team_names(teams));
                format!(
                    "`{witness}` is {decision} for {people} before and after, and may be {other} for a moment between"
                )
            }
            Broken::Name => "two calls wait for each other to give up a name".to_owned(),
        }
    }
}

/// What Cedar text means is not compared: where several calls change it, what holds between them is not known.
fn cedar_note(live: &LiveState, steps: &[Step]) -> Option<Note> {
    let is_cedar = |id: &PolicyId| {
        let policy = live.policies.iter().find(|policy| policy.id == *id);
        policy.is_some_and(|policy| matches!(policy.content, LiveContent::Cedar(_)))
    };
    let changes = |step: &&Step| match step.call.send.docker() {
        Some(Operation::CreatePolicy { policy }) => policy.cedar.is_some(),
        Some(Operation::UpdatePolicy { id, patch }) => {
            is_cedar(id) && (patch.teams.is_some() || patch.cedar.is_some())
        }
        Some(Operation::DeletePolicy { id }) => is_cedar(id),
        Some(
            Operation::CreateRule { .. }
            | Operation::UpdateRule { .. }
            | Operation::DeleteRule { .. },
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
    Some(Note::Gap {
        policy: (*first).to_owned(),
        why,
    })
}

fn people(audience: &Audience) -> String {
    let Audience { teams, profiles } = audience;
    let all: Vec<&str> = teams.iter().chain(profiles).map(String::as_str).collect();
    if all.is_empty() {
        "everybody".to_owned()
    } else {
        format!("people in {}", all.join(" and "))
    }
}

/// Gives the calls their numbers. `one_by_one`: each waits for all before it.
fn number(steps: Vec<Step>, graph: &Graph, one_by_one: bool) -> Vec<Call> {
    let order = graph.order(|at| steps[at].rank());
    let mut waits = graph.waits();
    let mut numbers: BTreeMap<At, CallId> = BTreeMap::new();
    let mut provisional = BTreeMap::new();
    for (number, at) in (1..).zip(&order) {
        numbers.insert(*at, CallId(number));
        provisional.insert(steps[*at].call.id, CallId(number));
    }
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let calls = order.into_iter().filter_map(|at| {
        let Step {
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
            call.after.push(After {
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

/// Numbers that follow each other, for the same reason, as one.
pub(crate) fn ranges(mut before: Vec<(CallId, Reason)>) -> Vec<After> {
    before.sort_unstable_by_key(|(id, why)| (*why, *id));
    let mut ranges: Vec<After> = Vec::new();
    for (id, why) in before {
        match ranges.last_mut() {
            Some(last) if last.why == why && last.last.0 + 1 == id.0 => last.last = id,
            _ => ranges.push(After {
                first: id,
                last: id,
                why,
            }),
        }
    }
    ranges
}

/// Why a call waits for all before it where nothing is proved.
fn reason(effect: Effect) -> Reason {
    match effect {
        Effect {
            removes_deny: true, ..
        } => Reason::ClosesFirst,
        Effect {
            removes_allow: true,
            ..
        } => Reason::AllowsFirst,
        Effect { .. } => Reason::DeniesFirst,
    }
}
