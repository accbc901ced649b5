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
pub(in crate::plan) mod structure;
mod votes;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::docker::Drafts;
use super::effect::Effect;
use super::replay::ReplayError;
use super::timeline::{At, Timeline};
use super::types::{After, Call, CallId, Note, Reason};
use crate::access::{Audience, Entangled};
use crate::model::docker::{LiveContent, LiveState, Operation, PolicyId};
use graph::Graph;
pub(in crate::plan) use handover::{Edge, ways};
use split::{Cause, Step};
pub(in crate::plan) use votes::{Ballot, Vote, ballots};

/// How many ways to split calls are tried one by one before all that could help are split at once.
const TRIES: usize = 32;

/// Puts the drafts of a target in order, and says where access is not what it should be for a while.
pub(super) fn arrange(live: &LiveState, drafts: Drafts) -> (Vec<Call>, Vec<Note>) {
    let steps = Step::of(drafts.into_vec());
    match solve(live, steps) {
        Ok((steps, graph, conflicts)) => {
            let mut notes: Vec<Note> = conflicts.iter().map(|conflict| conflict.note(&steps)).collect();
            notes.extend(cedar_note(live, &steps));
            (number(steps, &graph), notes)
        }
        Err((steps, why)) => one_by_one(steps, &why),
    }
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
    Access { witness: String, audience: Audience, allowed: bool },
    /// A name that two calls hand to each other.
    Name,
}

/// Why no order is found at all.
enum Trouble {
    Entangled(Entangled),
    Replay(ReplayError),
}

type Solved = (Vec<Step>, Graph, Vec<Conflict>);

fn solve(live: &LiveState, steps: Vec<Step>) -> Result<Solved, (Vec<Step>, Trouble)> {
    let (mut steps, (mut graph, mut conflicts)) = match attempt(live, &steps) {
        Ok(found) => (steps, found),
        Err(trouble) => return Err((steps, trouble)),
    };
    let mut tries = 0;
    'splitting: while !conflicts.is_empty() && tries < TRIES {
        for (at, cause) in involved(&conflicts) {
            let Some(more) = split::split(&steps, at, cause) else { continue };
            tries += 1;
            if let Ok((other, left)) = attempt(live, &more)
                && left.len() < conflicts.len()
            {
                (steps, graph, conflicts) = (more, other, left);
                continue 'splitting;
            }
            if tries >= TRIES {
                break;
            }
        }
        break;
    }
    if !conflicts.is_empty() {
        // From the back, so that the positions of those in front stay.
        let all = involved(&conflicts).into_iter().rev();
        let more = all.fold(steps.clone(), |steps, (at, cause)| split::split(&steps, at, cause).unwrap_or(steps));
        if let Ok((other, left)) = attempt(live, &more)
            && left.len() < conflicts.len()
        {
            (steps, graph, conflicts) = (more, other, left);
        }
    }
    Ok((steps, graph, conflicts))
}

/// The calls that conflicts are about.
fn involved(conflicts: &[Conflict]) -> BTreeSet<(At, Cause)> {
    let each = conflicts.iter().flat_map(|conflict| {
        let cause = match conflict.what {
            Broken::Access { .. } => Cause::Access,
            Broken::Name => Cause::Name,
        };
        conflict.edges.iter().flat_map(move |edge| [(edge.first, cause), (edge.then, cause)])
    });
    each.collect()
}

/// The edges that keep every decision, and the decisions that cannot be kept.
fn attempt(live: &LiveState, steps: &[Step]) -> Result<(Graph, Vec<Conflict>), Trouble> {
    let calls: Vec<Call> = steps.iter().map(|step| step.call.clone()).collect();
    let timeline = Timeline::new(live, &calls).map_err(Trouble::Replay)?;
    let mut graph = Graph::new(steps.len(), |at| steps[at].rank());
    let mut conflicts = Vec::new();
    for edge in structure::edges(&timeline, &calls) {
        if !graph.add(&[edge]) {
            conflicts.push(Conflict { edges: vec![edge], what: Broken::Name });
        }
    }
    let mut told: HashSet<Ballot> = HashSet::new();
    let mut choices: Vec<(Vec<Vec<Edge>>, Broken)> = Vec::new();
    let visited = ballots(&timeline, &mut |situation, audience, ballot| {
        let Some(allowed) = ballot.must_stay().filter(|_| !told.contains(&ballot)) else { return };
        let ways = handover::ways(&ballot);
        told.insert(ballot);
        if ways.first().is_none_or(|way| !way.is_empty()) {
            let witness = situation.witness().map(|request| request.to_string()).unwrap_or_default();
            choices.push((ways, Broken::Access { witness, audience: audience.clone(), allowed }));
        }
    });
    visited.map_err(Trouble::Entangled)?;
    // Where there is no choice first.
    choices.sort_by_key(|(ways, _)| ways.len());
    for (ways, what) in choices {
        if !ways.iter().any(|way| graph.add(way)) {
            conflicts.push(Conflict { edges: ways.into_iter().next().unwrap_or_default(), what });
        }
    }
    Ok((graph, conflicts))
}

impl Conflict {
    fn note(&self, steps: &[Step]) -> Note {
        let policies: BTreeSet<&str> = self
            .edges
            .iter()
            .flat_map(|edge| [edge.first, edge.then])
            .map(|at| steps[at].call.policy.as_str())
            .collect();
        let policy = policies.into_iter().next().unwrap_or_default().to_owned();
        let why = match &self.what {
            Broken::Access { witness, audience, allowed } => {
                let (decision, other) = if *allowed { ("allowed", "denied") } else { ("denied", "allowed") };
                format!(
                    "`{witness}` is {decision} for {} before and after, and may be {other} for a moment in between",
                    people(audience)
                )
            }
            Broken::Name => "two calls wait for each other to give up a name".to_owned(),
        };
        Note::Gap { policy, why }
    }
}

/// What Cedar text means is not compared: where several calls change it, what holds between them is not known.
fn cedar_note(live: &LiveState, steps: &[Step]) -> Option<Note> {
    let is_cedar = |id: &PolicyId| {
        let policy = live.policies.iter().find(|policy| policy.id == *id);
        policy.is_some_and(|policy| matches!(policy.content, LiveContent::Cedar(_)))
    };
    let changes = |step: &&Step| match &step.call.send {
        Operation::CreatePolicy { policy } => policy.cedar.is_some(),
        Operation::UpdatePolicy { id, patch } => is_cedar(id) && (patch.teams.is_some() || patch.cedar.is_some()),
        Operation::DeletePolicy { id } => is_cedar(id),
        Operation::CreateRule { .. } | Operation::UpdateRule { .. } | Operation::DeleteRule { .. } => false,
    };
    let mut cedar = steps.iter().filter(changes);
    let first = cedar.next()?;
    let others = cedar.count();
    let why = format!("Cedar policies change in {} calls; what tools may do between them is not compared", others + 1);
    (others > 0).then(|| Note::Gap { policy: first.call.policy.clone(), why })
}

fn people(audience: &Audience) -> String {
    let Audience { teams, profiles } = audience;
    let all: Vec<&str> = teams.iter().chain(profiles).map(String::as_str).collect();
    if all.is_empty() { "everybody".to_owned() } else { format!("people in {}", all.join(" and ")) }
}

fn number(steps: Vec<Step>, graph: &Graph) -> Vec<Call> {
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
        let Step { mut call, .. } = steps[at].take()?;
        call.id = *numbers.get(&at)?;
        let before = waits.remove(&at).unwrap_or_default();
        call.after = ranges(before.into_iter().filter_map(|(first, why)| Some((*numbers.get(&first)?, why))).collect());
        call.renumber(&provisional);
        Some(call)
    });
    calls.collect()
}

/// Numbers that follow each other, for the same reason, as one.
fn ranges(mut before: Vec<(CallId, Reason)>) -> Vec<After> {
    before.sort_unstable_by_key(|(id, why)| (*why, *id));
    let mut ranges: Vec<After> = Vec::new();
    for (id, why) in before {
        match ranges.last_mut() {
            Some(last) if last.why == why && last.last.0 + 1 == id.0 => last.last = id,
            _ => ranges.push(After { first: id, last: id, why }),
        }
    }
    ranges
}

/// Where nothing can be proved, every call waits for all before it, and the plan says that this is all that is done.
fn one_by_one(mut steps: Vec<Step>, why: &Trouble) -> (Vec<Call>, Vec<Note>) {
    let why = match why {
        Trouble::Entangled(why) => why.to_string(),
        Trouble::Replay(why) => why.to_string(),
    };
    steps.sort_by_key(Step::rank);
    let mut provisional = BTreeMap::new();
    for (number, step) in (1..).zip(&steps) {
        provisional.insert(step.call.id, CallId(number));
    }
    let mut notes: Vec<Note> = Vec::new();
    let mut calls: Vec<Call> = Vec::new();
    for (number, Step { mut call, effect, .. }) in (1..).zip(steps) {
        call.id = CallId(number);
        let waits = After { first: CallId(1), last: CallId(number.saturating_sub(1)), why: reason(effect) };
        call.after = (number > 1).then_some(waits).into_iter().collect();
        call.renumber(&provisional);
        let why = format!("that no step opens or closes more than the whole is not proved: {why}");
        notes.push(Note::Gap { policy: call.policy.clone(), why });
        calls.push(call);
    }
    (calls, notes)
}

fn reason(effect: Effect) -> Reason {
    match effect {
        Effect { removes_deny: true, .. } => Reason::ClosesFirst,
        Effect { removes_allow: true, .. } => Reason::AllowsFirst,
        Effect { .. } => Reason::DeniesFirst,
    }
}
