//! Precedence edges that keep one decision throughout a run.
//!
//! A [`RequestVotes`] describes one request: the allow and deny votes that match it, each with the calls
//! that begin and end it. If the request has the same decision before and after the run, it must
//! have this decision after every call. This module turns the condition into alternative sets of
//! edges; every set is sufficient on its own.
//!
//! Example: an allow rule is replaced by another one. Call 1 creates the new rule, call 2 deletes
//! the old one, and `a.com` matches both. The old vote avoids call 2 (it counts until call 2 is
//! made), the new vote needs call 1. The only alternative is the edge 1 → 2: create before delete.

use super::votes::{RequestVotes, RuleVote};
use crate::plan::DependencyReason;
use crate::plan::graph::{CallPosition, PrecedenceEdge};

/// Maximum number of combinations of the alternatives of single votes.
const MOST_COMBINATIONS: usize = 256;

/// The reason of the edges that let a vote bridge the time between two others.
const BRIDGE: DependencyReason = DependencyReason::DeniesFirst;

/// Maximum number of votes to consider as bridges.
const MOST_BRIDGES: usize = 4;

/// How many alternatives to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breadth {
    /// Those that are sufficient for nearly all plans.
    Usual,
    /// Also those that combine the votes in unusual ways. There may be hundreds of them.
    All,
}

/// The usual alternatives, smallest first. An alternative without edges means that every order keeps
/// the decision; no alternative means that no order does.
pub(crate) fn alternatives(votes: &RequestVotes) -> Vec<Vec<PrecedenceEdge>> {
    find_ways(votes, Breadth::Usual)
}

/// More alternatives than [`alternatives`], for calls that have a conflict otherwise.
pub(crate) fn all_alternatives(votes: &RequestVotes) -> Vec<Vec<PrecedenceEdge>> {
    find_ways(votes, Breadth::All)
}

fn find_ways(votes: &RequestVotes, breadth: Breadth) -> Vec<Vec<PrecedenceEdge>> {
    let mut ways = match votes.required_decision() {
        None => return vec![Vec::new()],
        Some(true) => keep_allowed(votes, breadth),
        Some(false) => keep_denied(votes, breadth),
    };
    for way in &mut ways {
        way.sort_unstable();
        way.dedup();
    }
    ways.sort_by_key(Vec::len);
    ways
}

/// Allowed before and after: after every call, at least one allow vote counts and no deny vote
/// does.
fn keep_allowed(votes: &RequestVotes, breadth: Breadth) -> Vec<Vec<PrecedenceEdge>> {
    // No deny vote counts before or after the run, so each of them must never count.
    let Some(never) = all(votes
        .denies
        .iter()
        .map(|deny| exclude_vote(deny, DependencyReason::DeniesFirst)))
    else {
        return Vec::new();
    };
    let handed = overlapping_votes(&votes.allows, DependencyReason::AllowsFirst, breadth);
    handed
        .into_iter()
        .map(|way| [way, never.clone()].concat())
        .collect()
}

/// Denied before and after: after every call, a deny vote counts or no allow vote does.
fn keep_denied(votes: &RequestVotes, breadth: Breadth) -> Vec<Vec<PrecedenceEdge>> {
    let RequestVotes { allows, denies } = votes;
    let before = denies.iter().any(RuleVote::is_before);
    let after = denies.iter().any(RuleVote::is_after);
    let mut ways = Vec::new();
    if before && after {
        ways.extend(overlapping_votes(
            denies,
            DependencyReason::DeniesFirst,
            breadth,
        ));
    }
    let harmless: Vec<Vec<Vec<PrecedenceEdge>>> = allows
        .iter()
        .map(|allow| harmless(allow, denies, breadth))
        .collect();
    let count = harmless
        .iter()
        .map(Vec::len)
        .try_fold(1_usize, usize::checked_mul);
    if breadth == Breadth::All && count.is_some_and(|count| count <= MOST_COMBINATIONS) {
        ways.extend(combinations(&harmless));
        return ways;
    }
    // Each allow vote has several alternatives, and their product would be exponential. Combine the
    // best alternatives of all votes, then the second best, and so on.
    let most = harmless.iter().map(Vec::len).max().unwrap_or(0);
    for rank in 0..most {
        ways.extend(all(harmless
            .iter()
            .map(|ways| ways.get(rank).or(ways.last()).cloned())));
    }
    ways
}

/// An allow vote is harmless if it ends before a deny vote does, begins after a deny vote has begun,
/// or never counts.
fn harmless(allow: &RuleVote, denies: &[RuleVote], breadth: Breadth) -> Vec<Vec<PrecedenceEdge>> {
    let going: Vec<&RuleVote> = denies.iter().filter(|deny| deny.is_before()).collect();
    let coming: Vec<&RuleVote> = denies.iter().filter(|deny| deny.is_after()).collect();
    let mut ways: Vec<Vec<PrecedenceEdge>> = Vec::new();
    for deny in &going {
        ways.extend(ends_before(allow, deny, breadth));
    }
    for deny in &coming {
        ways.extend(begins_after(allow, deny, breadth));
    }
    ways.extend(exclude_vote(allow, DependencyReason::ClosesFirst));
    // A deny vote that counts for a while bridges the time to one that counts before or after.
    for bridge in passing(denies, breadth) {
        for ends in ends_before(allow, bridge, breadth) {
            let bridges = going
                .iter()
                .map(|deny| product(&bridge.need, &deny.avoid, BRIDGE));
            ways.extend(joined(&ends, bridges));
        }
        for begins in begins_after(allow, bridge, breadth) {
            let bridges = coming
                .iter()
                .map(|deny| product(&deny.need, &bridge.avoid, BRIDGE));
            ways.extend(joined(&begins, bridges));
        }
    }
    ways.sort_by_key(Vec::len);
    ways
}

/// Every way to take one alternative of each vote.
fn combinations(votes: &[Vec<Vec<PrecedenceEdge>>]) -> Vec<Vec<PrecedenceEdge>> {
    votes.iter().fold(vec![Vec::new()], |ways, alternatives| {
        ways.iter()
            .flat_map(|way: &Vec<PrecedenceEdge>| joined(way, alternatives.iter().cloned()))
            .collect()
    })
}

/// Votes that count neither before nor after the run, but for a while.
fn passing(votes: &[RuleVote], breadth: Breadth) -> impl Iterator<Item = &RuleVote> {
    let most = match breadth {
        Breadth::Usual => 0,
        Breadth::All => MOST_BRIDGES,
    };
    let passing = votes
        .iter()
        .filter(|vote| !vote.is_before() && !vote.is_after());
    passing.take(most)
}

/// The first set together with each of the second ones.
fn joined(
    first: &[PrecedenceEdge],
    second: impl Iterator<Item = Vec<PrecedenceEdge>>,
) -> Vec<Vec<PrecedenceEdge>> {
    second.map(|second| [first, &second].concat()).collect()
}

/// Covers the run with two votes of the same kind: one that counts after the run must begin before
/// one that counts before it ends. A third one that counts for a while may bridge the time between
/// the two.
fn overlapping_votes(
    votes: &[RuleVote],
    why: DependencyReason,
    breadth: Breadth,
) -> Vec<Vec<PrecedenceEdge>> {
    let old = || votes.iter().filter(|vote| vote.is_before());
    let new = || votes.iter().filter(|vote| vote.is_after());
    let mut ways: Vec<Vec<PrecedenceEdge>> = new()
        .flat_map(|new| old().map(|old| product(&new.need, &old.avoid, why)))
        .collect();
    for bridge in passing(votes, breadth) {
        for new in new() {
            let ends = product(&new.need, &bridge.avoid, why);
            let begins = old().map(|old| product(&bridge.need, &old.avoid, why));
            ways.extend(joined(&ends, begins));
        }
    }
    ways
}

/// The allow vote has ended for good before the deny vote ends. Any of the calls that end it is
/// sufficient.
fn ends_before(allow: &RuleVote, deny: &RuleVote, breadth: Breadth) -> Vec<Vec<PrecedenceEdge>> {
    let ends = some(&allow.avoid, breadth);
    ends.map(|end| product(&[end], &deny.avoid, DependencyReason::ClosesFirst))
        .collect()
}

/// The allow vote begins only after the deny vote has begun for good. Any of the calls that it needs
/// is sufficient.
fn begins_after(allow: &RuleVote, deny: &RuleVote, breadth: Breadth) -> Vec<Vec<PrecedenceEdge>> {
    let begins = some(&allow.need, breadth);
    begins
        .map(|begin| product(&deny.need, &[begin], DependencyReason::DeniesFirst))
        .collect()
}

fn some(calls: &[CallPosition], breadth: Breadth) -> impl Iterator<Item = CallPosition> {
    let most = match breadth {
        Breadth::Usual => 1,
        Breadth::All => calls.len(),
    };
    calls.iter().take(most).copied()
}

/// The vote never counts: a call that ends it comes before a call that it needs.
fn exclude_vote(vote: &RuleVote, why: DependencyReason) -> Option<Vec<PrecedenceEdge>> {
    let end = vote.avoid.first()?;
    let need = vote.need.first()?;
    (end != need).then(|| {
        vec![PrecedenceEdge {
            first: *end,
            then: *need,
            why,
        }]
    })
}

fn all(parts: impl Iterator<Item = Option<Vec<PrecedenceEdge>>>) -> Option<Vec<PrecedenceEdge>> {
    parts
        .collect::<Option<Vec<_>>>()
        .map(|parts| parts.concat())
}

/// All of the first before all of the second. A call that is in both lists does both at once and
/// needs no edge.
fn product(
    first: &[CallPosition],
    then: &[CallPosition],
    why: DependencyReason,
) -> Vec<PrecedenceEdge> {
    let pairs = first
        .iter()
        .flat_map(|first| then.iter().map(move |then| (*first, *then)));
    pairs
        .filter(|(first, then)| first != then)
        .map(|(first, then)| PrecedenceEdge { first, then, why })
        .collect()
}
