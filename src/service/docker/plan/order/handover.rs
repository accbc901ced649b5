//! Which calls must come before which, so that what is decided before and after is decided so at every step between.

use super::votes::{Ballot, Vote};
use crate::plan::Reason;
use crate::service::docker::plan::timeline::At;

/// A call that must come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) first: At,
    pub(crate) then: At,
    pub(crate) why: Reason,
}

/// The ways to keep a decision, each a list of edges that is enough; the one with the fewest edges comes first. No way
/// at all means that the decision cannot be kept.
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

/// Allowed before and after: some allow counts at every step, and no deny ever does.
fn stay_allowed(ballot: &Ballot) -> Vec<Vec<Edge>> {
    // Nothing denies before or after; what would deny in between must be kept from it.
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

/// Denied before and after: at every step, a deny counts or no allow does.
fn stay_denied(ballot: &Ballot) -> Vec<Vec<Edge>> {
    let Ballot { allows, denies } = ballot;
    let before = denies.iter().any(Vote::is_before);
    let after = denies.iter().any(Vote::is_after);
    let mut ways = Vec::new();
    if before && after {
        ways.extend(hand_over(denies, Reason::DeniesFirst));
    }
    // An allow that ends before a deny goes, or begins after one came, or never counts at all, is harmless.
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
    // The best way for each allow; then, should that run in a circle, the second best where there is one, and so on.
    for rank in 0..most {
        ways.extend(all(harmless
            .iter()
            .map(|ways| ways.get(rank).or(ways.last()).cloned())));
    }
    ways
}

/// The ways in which votes follow each other without a break: one that counts after the run comes before one that
/// counts before it goes.
fn hand_over(votes: &[Vote], why: Reason) -> Vec<Vec<Edge>> {
    let old = || votes.iter().filter(|vote| vote.is_before());
    let new = votes.iter().filter(|vote| vote.is_after());
    new.flat_map(|new| old().map(|old| product(&new.need, &old.avoid, why)))
        .collect()
}

/// An allow that is gone for good before a deny goes. One that comes in between is never gone for good before.
fn ends_before(allow: &Vote, deny: &Vote) -> Option<Vec<Edge>> {
    let last = allow.avoid.first()?;
    Some(product(&[*last], &deny.avoid, Reason::ClosesFirst))
}

/// An allow that comes only once a deny is there for good.
fn begins_after(allow: &Vote, deny: &Vote) -> Option<Vec<Edge>> {
    let first = allow.need.first()?;
    Some(product(&deny.need, &[*first], Reason::DeniesFirst))
}

/// A vote that never counts: what ends it comes before what it needs.
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

/// All of the first before all of the second; one call that is both is both at once.
fn product(first: &[At], then: &[At], why: Reason) -> Vec<Edge> {
    let pairs = first
        .iter()
        .flat_map(|first| then.iter().map(move |then| (*first, *then)));
    pairs
        .filter(|(first, then)| first != then)
        .map(|(first, then)| Edge { first, then, why })
        .collect()
}
