//! What calls wait for besides their effect on access: names that must be free, domains that must be empty, policies
//! that must be there.

use std::collections::{BTreeSet, HashMap};

use super::docker::{DraftId, Need};
use super::stage::Stage;
use super::types::{After, CallId, Reason};

/// A call at one position that waits for the call at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    /// The position of the one that waits.
    pub call: usize,
    /// The position of the one that must be made first.
    pub first: usize,
    /// Why.
    pub why: Reason,
}

/// The order that stages and needs make of calls.
pub(super) struct Settled {
    /// The positions of the calls as they were given, in their new order.
    pub order: Vec<usize>,
    /// The stage of each position as it was given; later than it was where a need makes it so.
    pub stages: Vec<Stage>,
    /// The positions whose stage is later than it was.
    pub raised: BTreeSet<usize>,
    /// What waits for what, by positions as they were given.
    pub edges: Vec<Edge>,
}

/// Puts calls in the order of their stages, each behind all that it needs: in a later stage, or in the same one.
///
/// A draft may stand for two calls, the parts of an exchange; the first of them gives up and takes names.
pub(super) fn settle(calls: &[(Stage, DraftId)], needs: &[Need]) -> Settled {
    let edges = edges(calls, needs);
    let mut stages: Vec<Stage> = calls.iter().map(|(stage, _)| *stage).collect();
    let mut depths = vec![0_usize; calls.len()];
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); calls.len()];
    let mut open = vec![0_usize; calls.len()];
    for edge in &edges {
        behind[edge.first].push(edge.call);
        open[edge.call] += 1;
    }
    let mut ready: Vec<usize> = (0..calls.len()).filter(|call| open[*call] == 0).collect();
    while let Some(first) = ready.pop() {
        for call in &behind[first] {
            // Depths of an earlier stage count in a later one too, which does no harm.
            stages[*call] = stages[*call].max(stages[first]);
            depths[*call] = depths[*call].max(depths[first] + 1);
            open[*call] -= 1;
            if open[*call] == 0 {
                ready.push(*call);
            }
        }
    }
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|call| (stages[*call], depths[*call], calls[*call].1));
    let raised = (0..calls.len()).filter(|call| stages[*call] != calls[*call].0).collect();
    Settled { order, stages, raised, edges }
}

fn edges(calls: &[(Stage, DraftId)], needs: &[Need]) -> Vec<Edge> {
    let mut parts: HashMap<DraftId, Vec<usize>> = HashMap::new();
    for (position, (_, draft)) in calls.iter().enumerate() {
        parts.entry(*draft).or_default().push(position);
    }
    let mut edges = Vec::new();
    for Need { call, first, why } in needs {
        let first = parts.get(first).and_then(|parts| parts.first());
        let waiting = parts.get(call).into_iter().flatten();
        edges.extend(waiting.zip(first.into_iter().cycle()).map(|(call, first)| Edge {
            call: *call,
            first: *first,
            why: *why,
        }));
    }
    for parts in parts.values() {
        let steps = parts.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
        edges.extend(steps.map(|(first, call)| Edge { call: *call, first: *first, why: Reason::DeniesFirst }));
    }
    edges.sort_by_key(|edge| (edge.call, edge.first, edge.why));
    edges
}

/// What a call waits for by its needs, as ranges of numbers; what its stage waits for anyway (the calls up to `stage`)
/// is left out, but for names, as people should see why those wait.
pub(super) fn waits(numbers: impl Iterator<Item = (CallId, Reason)>, stage: u32) -> Vec<After> {
    let mut numbers: Vec<(Reason, CallId)> = numbers
        .filter(|(number, why)| number.0 > stage || *why == Reason::FreesName)
        .map(|(number, why)| (why, number))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut ranges: Vec<After> = Vec::new();
    for (why, number) in numbers {
        match ranges.last_mut() {
            Some(After { last, why: same, .. }) if *same == why && last.0 + 1 == number.0 => *last = number,
            Some(_) | None => ranges.push(After { first: number, last: number, why }),
        }
    }
    ranges
}
