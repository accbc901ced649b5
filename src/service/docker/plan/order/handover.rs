//! Precedence edges that keep one decision throughout a run.
//!
//! A [`Ballot`] describes one request: the allow and deny votes that match it, each with the calls
//! that begin and end it. If the request has the same decision before and after the run, it must
//! have this decision after every call. This module turns the condition into alternative sets of
//! edges; every set is sufficient on its own.
//!
//! Example: an allow rule is replaced by another one. Call 1 creates the new rule, call 2 deletes
//! the old one, and `a.com` matches both. The old vote avoids call 2 (it counts until call 2 is
//! made), the new vote needs call 1. The only alternative is the edge 1 → 2: create before delete.

use super::votes::{Ballot, Vote};
use crate::plan::Reason;
use crate::plan::graph::{At, Edge};

/// The alternatives, smallest first. An alternative without edges means that every order keeps the
/// decision; no alternative means that no order does.
pub(crate) fn ways(ballot: &Ballot) -> Vec<Vec<Edge>> {
    let mut ways = match ballot.must_stay() {
        None => return vec![Vec::new()],
        Some(true) => stay_allowed(ballot),
        Some(false) => stay_denied(ballot),
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
fn stay_allowed(ballot: &Ballot) -> Vec<Vec<Edge>> {
    // No deny vote counts before or after the run, so each of them must never count.
    let Some(never) = all(ballot
        .denies
        .iter()
        .map(|deny| never(deny, Reason::DeniesFirst)))
    else {
        return Vec::new();
    };
    let handed = hand_over(&ballot.allows, Reason::AllowsFirst);
    handed
        .into_iter()
        .map(|way| [way, never.clone()].concat())
        .collect()
}

/// Denied before and after: after every call, a deny vote counts or no allow vote does.
fn stay_denied(ballot: &Ballot) -> Vec<Vec<Edge>> {
    let Ballot { allows, denies } = ballot;
    let before = denies.iter().any(Vote::is_before);
    let after = denies.iter().any(Vote::is_after);
    let mut ways = Vec::new();
    if before && after {
        ways.extend(hand_over(denies, Reason::DeniesFirst));
    }
    // An allow vote is harmless if it ends before a deny vote does, begins after a deny vote has
    // begun, or never counts.
    let going: Vec<&Vote> = denies.iter().filter(|deny| deny.is_before()).collect();
    let coming: Vec<&Vote> = denies.iter().filter(|deny| deny.is_after()).collect();
    let harmless = |allow: &Vote| {
        let ends = going.iter().filter_map(|deny| ends_before(allow, deny));
        let begins = coming.iter().filter_map(|deny| begins_after(allow, deny));
        let mut ways: Vec<Vec<Edge>> = ends
            .chain(begins)
            .chain(never(allow, Reason::ClosesFirst))
            .collect();
        ways.sort_by_key(Vec::len);
        ways
    };
    let harmless: Vec<Vec<Vec<Edge>>> = allows.iter().map(harmless).collect();
    let most = harmless.iter().map(Vec::len).max().unwrap_or(0);
    // Each allow vote has several alternatives, and their product would be exponential. Combine the
    // best alternatives of all votes, then the second best, and so on.
    for rank in 0..most {
        ways.extend(all(harmless
            .iter()
            .map(|ways| ways.get(rank).or(ways.last()).cloned())));
    }
    ways
}

/// Covers the run with two votes of the same kind: one that counts after the run must begin before
/// one that counts before it ends.
fn hand_over(votes: &[Vote], why: Reason) -> Vec<Vec<Edge>> {
    let old = || votes.iter().filter(|vote| vote.is_before());
    let new = votes.iter().filter(|vote| vote.is_after());
    new.flat_map(|new| old().map(|old| product(&new.need, &old.avoid, why)))
        .collect()
}

/// The allow vote has ended for good before the deny vote ends.
fn ends_before(allow: &Vote, deny: &Vote) -> Option<Vec<Edge>> {
    let last = allow.avoid.first()?;
    Some(product(&[*last], &deny.avoid, Reason::ClosesFirst))
}

/// The allow vote begins only after the deny vote has begun for good.
fn begins_after(allow: &Vote, deny: &Vote) -> Option<Vec<Edge>> {
    let first = allow.need.first()?;
    Some(product(&deny.need, &[*first], Reason::DeniesFirst))
}

/// The vote never counts: a call that ends it comes before a call that it needs.
fn never(vote: &Vote, why: Reason) -> Option<Vec<Edge>> {
    let end = vote.avoid.first()?;
    let need = vote.need.first()?;
    (end != need).then(|| {
        vec![Edge {
            first: *end,
            then: *need,
            why,
        }]
    })
}

fn all(parts: impl Iterator<Item = Option<Vec<Edge>>>) -> Option<Vec<Edge>> {
    parts
        .collect::<Option<Vec<_>>>()
        .map(|parts| parts.concat())
}

/// All of the first before all of the second. A call that is in both lists does both at once and
/// needs no edge.
fn product(first: &[At], then: &[At], why: Reason) -> Vec<Edge> {
    let pairs = first
        .iter()
        .flat_map(|first| then.iter().map(move |then| (*first, *then)));
    pairs
        .filter(|(first, then)| first != then)
        .map(|(first, then)| Edge { first, then, why })
        .collect()
}
