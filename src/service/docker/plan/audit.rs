//! A second look at a finished plan: whatever order its calls are made in, does every step keep what the plan promises?
//!
//! The order of calls is made by choosing edges; this check only looks at the edges that are there. It replays the
//! calls on a model of the service, asks whether every order that the edges allow is one that the service takes, and
//! whether in each of them every decision that is the same before and after is the same in between. For each situation
//! it tries all sets of calls that may have been made, so that what it passes is shown.

use std::collections::HashSet;

use fixedbitset::FixedBitSet;
use thiserror::Error;

use super::order::{Ballot, Edge, Unavoidable, Vote, ballots, structure, ways};
use super::replay::replay;
use super::timeline::{At, Timeline};
use crate::plan::ReplayError;
use crate::plan::{Call, Reason, TargetPlan};
use access::Entangled;
use model::docker::LiveState;

/// A promise that a plan does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Breach {
    /// A call does not fit what is there when it is made.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A call may be made before another that the service wants first.
    #[error("call {then} does not wait for call {first}, though {}", why.words())]
    Refused {
        /// The number of the call that must come first.
        first: u32,
        /// The number of the call that needs it.
        then: u32,
        /// Why.
        why: Reason,
    },
    /// A request is decided otherwise for a while than before and after.
    #[error("`{witness}` is {} before and after, and may be {} in between", decision(*.allowed), decision(!*.allowed))]
    Access {
        /// The request.
        witness: String,
        /// Whether it is allowed before and after.
        allowed: bool,
    },
    /// Nothing is proved of what calls do to access, and yet they are not made one by one.
    #[error(
        "call {then} does not wait for call {first}, though nothing is proved of what they do to access"
    )]
    NotOneByOne {
        /// The number of a call.
        first: u32,
        /// The number of the next one.
        then: u32,
    },
    /// Whether a request is decided otherwise for a while was not found out.
    #[error(transparent)]
    Entangled(#[from] Entangled),
}

fn decision(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
}

/// Situations that more calls than this touch are judged by the edges alone, not by trying all sets of calls.
const TRIED: usize = 12;

/// The promises that a plan does not keep if its calls are made on this state. Gaps that it tells of are none, if no
/// order of its calls is without them: what a plan tells of may come from a file.
pub fn audit_plan(live: &LiveState, plan: &TargetPlan) -> Vec<Breach> {
    let mut breaches = audit(live, &plan.calls);
    let is_gap = |breach: &Breach| match breach {
        Breach::Access { .. } | Breach::Entangled(_) => true,
        Breach::Replay(_) | Breach::Refused { .. } | Breach::NotOneByOne { .. } => false,
    };
    let gaps = breaches.iter().filter(|breach| is_gap(breach)).count();
    if gaps > 0 && plan.gaps().next().is_some() {
        match Unavoidable::of(live, &plan.calls) {
            Unavoidable::Gaps(known) if gaps <= known => breaches.retain(|breach| !is_gap(breach)),
            Unavoidable::Gaps(_) => {}
            Unavoidable::Unproved => {
                breaches.retain(|breach| !is_gap(breach));
                breaches.extend(not_one_by_one(&plan.calls));
            }
        }
    }
    breaches
}

fn not_one_by_one(calls: &[Call]) -> Vec<Breach> {
    let earlier = Earlier::new(calls);
    let pairs = calls
        .windows(2)
        .enumerate()
        .filter(|(at, _)| !earlier.before(*at, at + 1));
    let breaches = pairs.filter_map(|(_, pair)| match pair {
        [first, then] => Some(Breach::NotOneByOne {
            first: first.id.0,
            then: then.id.0,
        }),
        _ => None,
    });
    breaches.collect()
}

/// The promises that calls do not keep, made on this state.
pub fn audit(live: &LiveState, calls: &[Call]) -> Vec<Breach> {
    if let Err(error) = replay(live, calls) {
        return vec![error.into()];
    }
    let timeline = match Timeline::new(live, calls) {
        Ok(timeline) => timeline,
        Err(error) => return vec![error.into()],
    };
    let earlier = Earlier::new(calls);
    let missing = structure::edges(&timeline, calls)
        .into_iter()
        .filter(|edge| !earlier.has(edge));
    let number = |at: At| calls.get(at).map_or(0, |call| call.id.0);
    let mut breaches: Vec<Breach> = missing
        .map(|Edge { first, then, why }| Breach::Refused {
            first: number(first),
            then: number(then),
            why,
        })
        .collect();
    let mut told: HashSet<Ballot> = HashSet::new();
    let visited = ballots(&timeline, &mut |situation, _, ballot| {
        if let Some(allowed) = ballot.must_stay()
            && !told.contains(&ballot)
            && !earlier.keep(&ballot, allowed)
        {
            let witness = situation
                .witness()
                .map(|request| request.to_string())
                .unwrap_or_default();
            breaches.push(Breach::Access { witness, allowed });
            told.insert(ballot);
        }
    });
    breaches.extend(visited.err().map(Breach::from));
    breaches
}

/// For each call, all calls that are made before it in every order.
pub(crate) struct Earlier(Vec<FixedBitSet>);

impl Earlier {
    pub(crate) fn new(calls: &[Call]) -> Self {
        let mut earlier: Vec<FixedBitSet> = Vec::with_capacity(calls.len());
        for call in calls {
            let mut own = FixedBitSet::with_capacity(calls.len());
            for after in &call.after {
                // Numbers begin at 1, and are those of earlier calls.
                for first in
                    (after.first.0..=after.last.0).filter_map(|number| usize::try_from(number).ok())
                {
                    let Some(before) = first.checked_sub(1).and_then(|at| earlier.get(at)) else {
                        continue;
                    };
                    own.union_with(before);
                    own.insert(first - 1);
                }
            }
            earlier.push(own);
        }
        Self(earlier)
    }

    fn has(&self, edge: &Edge) -> bool {
        self.before(edge.first, edge.then)
    }

    pub(crate) fn before(&self, first: At, then: At) -> bool {
        self.0
            .get(then)
            .is_some_and(|earlier| earlier.contains(first))
    }

    /// Whether a decision is the same whichever calls have been made.
    fn keep(&self, ballot: &Ballot, allowed: bool) -> bool {
        if ways(ballot)
            .iter()
            .any(|way| way.iter().all(|edge| self.has(edge)))
        {
            return true;
        }
        let votes = ballot.allows.iter().chain(&ballot.denies);
        let mut calls: Vec<At> = votes
            .flat_map(|vote| vote.need.iter().chain(&vote.avoid))
            .copied()
            .collect();
        calls.sort_unstable();
        calls.dedup();
        calls.len() <= TRIED
            && (0..1_usize << calls.len()).all(|set| {
                let made = |at: At| {
                    calls
                        .binary_search(&at)
                        .is_ok_and(|position| set >> position & 1 == 1)
                };
                let possible = calls.iter().all(|at| {
                    !made(*at)
                        || calls
                            .iter()
                            .all(|first| !self.before(*first, *at) || made(*first))
                });
                !possible || decide(ballot, made) == allowed
            })
    }
}

fn decide(ballot: &Ballot, made: impl Fn(At) -> bool) -> bool {
    let counts = |vote: &Vote| {
        vote.need.iter().all(|at| made(*at)) && !vote.avoid.iter().any(|at| made(*at))
    };
    ballot.allows.iter().any(counts) && !ballot.denies.iter().any(counts)
}
