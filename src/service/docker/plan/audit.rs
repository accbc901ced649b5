//! Verifies the order of a finished plan, independently of how it was found.
//!
//! The `after` edges of a plan are a partial order. The sets of calls that can be complete at some
//! moment are exactly its down-sets: sets that contain every predecessor of their members. The
//! planner chooses edges that are sufficient; the audit enumerates the reachable down-sets of the
//! calls that affect the votes of a request, and evaluates the decision in each of them. This is exhaustive, so a
//! plan that passes is proven to keep the decision. A request with n calls has at most 2ⁿ down-sets;
//! if n exceeds `TRIED` in `super::order`, the audit only accepts the sufficient edges, or calls
//! that are made one by one.
//!
//! It also replays the calls on a model of the service, and checks that every order the edges
//! permit is one that the service accepts.
//!
//! Example: call 1 creates an allow rule for `a.com`, call 2 deletes the old one. Without the edge
//! 1 → 2, the down-set {2} is reachable and denies `a.com`, which is a `Breach::Access`.

use std::collections::HashSet;

use thiserror::Error;

use super::order::{RequestVotes, UnavoidableGap, keeps_decision, structure, visit_votes};
use super::replay::replay;
use super::timeline::Timeline;
use crate::plan::ReplayError;
use crate::plan::graph::{CallPosition, Earlier, PrecedenceEdge};
use crate::plan::{DependencyReason, PlannedCall, TargetPlan};
use access::TooComplex;
use model::docker::DockerLiveState;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyPlanViolation {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A call does not wait for another one that the service requires first.
    #[error("call {then} does not wait for call {first}, though {}", why.words())]
    Refused {
        first: u32,
        then: u32,
        why: DependencyReason,
    },
    /// A request has the same decision before and after the run, but another one in between.
    #[error("`{witness}` is {} before and after, but may be {} in between", decision(*.allowed), decision(!*.allowed))]
    Access {
        witness: String,
        /// Whether it is allowed before and after.
        allowed: bool,
    },
    /// Access was not analyzed, but the calls are not made one by one.
    #[error(
        "call {then} does not wait for call {first}, although their effect on access is not proven"
    )]
    NotSequential {
        first: u32,
        /// The number of the next call.
        then: u32,
    },
    /// The access between calls could not be analyzed.
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

impl PolicyPlanViolation {
    /// Whether it is about access only, so that the service accepts the calls.
    pub(super) fn is_gap(&self) -> bool {
        match self {
            Self::Access { .. } | Self::TooComplex(_) => true,
            Self::Replay(_) | Self::Refused { .. } | Self::NotSequential { .. } => false,
        }
    }
}

fn decision(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
}

/// The promises that a plan breaks when its calls are applied to this state. Gaps that the plan
/// reports are accepted only if every order of its calls has them: the notes may come from a
/// manipulated file.
pub fn audit_plan(live: &DockerLiveState, plan: &TargetPlan) -> Vec<PolicyPlanViolation> {
    let mut breaches = audit(live, &plan.calls);
    let gaps = breaches.iter().filter(|breach| breach.is_gap()).count();
    if gaps > 0 && plan.gap_notes().next().is_some() {
        match UnavoidableGap::of(live, &plan.calls) {
            UnavoidableGap::Gaps(known) if gaps <= known => {
                breaches.retain(|breach| !breach.is_gap())
            }
            UnavoidableGap::Gaps(_) => {}
            UnavoidableGap::Unproved => {
                breaches.retain(|breach| !breach.is_gap());
                breaches.extend(concurrent_calls(&plan.calls));
            }
        }
    }
    breaches
}

fn concurrent_calls(calls: &[PlannedCall]) -> Vec<PolicyPlanViolation> {
    let earlier = Earlier::new(calls);
    let pairs = calls
        .windows(2)
        .enumerate()
        .filter(|(at, _)| !earlier.before(*at, at + 1));
    let breaches = pairs.filter_map(|(_, pair)| match pair {
        [first, then] => Some(PolicyPlanViolation::NotSequential {
            first: first.id.0,
            then: then.id.0,
        }),
        _ => None,
    });
    breaches.collect()
}

/// The promises that these calls break when they are applied to this state.
pub fn audit(live: &DockerLiveState, calls: &[PlannedCall]) -> Vec<PolicyPlanViolation> {
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
    let number = |at: CallPosition| calls.get(at).map_or(0, |call| call.id.0);
    let mut breaches: Vec<PolicyPlanViolation> = missing
        .map(
            |PrecedenceEdge { first, then, why }| PolicyPlanViolation::Refused {
                first: number(first),
                then: number(then),
                why,
            },
        )
        .collect();
    let mut told: HashSet<RequestVotes> = HashSet::new();
    let visited = visit_votes(&timeline, &mut |atom, _, votes| {
        if let Some(allowed) = votes.required_decision()
            && !told.contains(&votes)
            && !keeps_decision(&earlier, &votes, allowed)
        {
            let witness = atom
                .witness()
                .map(|request| request.to_string())
                .unwrap_or_default();
            breaches.push(PolicyPlanViolation::Access { witness, allowed });
            told.insert(votes);
        }
    });
    breaches.extend(visited.err().map(PolicyPlanViolation::from));
    breaches
}
