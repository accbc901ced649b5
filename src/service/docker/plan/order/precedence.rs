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

/// Maximum number of alternatives of each kind. Requests that match more than this number of
/// changing rules have further ones. They are hardly ever needed, and their number grows with the
/// square of the number of rules.
const MOST_ALTERNATIVES: usize = 64;

/// The alternatives, smallest first. An alternative without edges means that every order keeps the
/// decision; no alternative means that no order does.
pub(crate) fn alternatives(votes: &RequestVotes) -> Vec<Vec<PrecedenceEdge>> {
    let mut ways = match votes.required_decision() {
        None => return vec![Vec::new()],
        Some(true) => keep_allowed(votes),
        Some(false) => keep_denied(votes),
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
fn keep_allowed(votes: &RequestVotes) -> Vec<Vec<PrecedenceEdge>> {
    // No deny vote counts before or after the run, so each of them must never count.
    let Some(never) = all(votes
        .denies
        .iter()
        .map(|deny| exclude_vote(deny, DependencyReason::DeniesFirst)))
    else {
        return Vec::new();
    };
    let handed = overlapping_votes(&votes.allows, DependencyReason::AllowsFirst);
    handed
        .into_iter()
        .map(|way| [way, never.clone()].concat())
        .collect()
}

/// Denied before and after: after every call, a deny vote counts or no allow vote does.
fn keep_denied(votes: &RequestVotes) -> Vec<Vec<PrecedenceEdge>> {
    let RequestVotes { allows, denies } = votes;
    let before = denies.iter().any(RuleVote::is_before);
    let after = denies.iter().any(RuleVote::is_after);
    let mut ways = Vec::new();
    if before && after {
        ways.extend(overlapping_votes(denies, DependencyReason::DeniesFirst));
    }
    // An allow vote is harmless if it ends before a deny vote does, begins after a deny vote has
    // begun, or never counts.
    let going: Vec<&RuleVote> = denies.iter().filter(|deny| deny.is_before()).collect();
    let coming: Vec<&RuleVote> = denies.iter().filter(|deny| deny.is_after()).collect();
    let harmless = |allow: &RuleVote| {
        let ends = going.iter().filter_map(|deny| ends_before(allow, deny));
        let begins = coming.iter().filter_map(|deny| begins_after(allow, deny));
        let mut ways: Vec<Vec<PrecedenceEdge>> = ends
            .chain(begins)
            .take(MOST_ALTERNATIVES - 1)
            .chain(exclude_vote(allow, DependencyReason::ClosesFirst))
            .collect();
        ways.sort_by_key(Vec::len);
        ways
    };
    let harmless: Vec<Vec<Vec<PrecedenceEdge>>> = allows.iter().map(harmless).collect();
    let most = harmless.iter().map(Vec::len).max().unwrap_or(0);
    let most = most.min(MOST_ALTERNATIVES);
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
fn overlapping_votes(votes: &[RuleVote], why: DependencyReason) -> Vec<Vec<PrecedenceEdge>> {
    let old = || votes.iter().filter(|vote| vote.is_before());
    let new = votes.iter().filter(|vote| vote.is_after());
    new.flat_map(|new| old().map(|old| product(&new.need, &old.avoid, why)))
        .take(MOST_ALTERNATIVES)
        .collect()
}

/// The allow vote has ended for good before the deny vote ends.
fn ends_before(allow: &RuleVote, deny: &RuleVote) -> Option<Vec<PrecedenceEdge>> {
    let last = allow.avoid.first()?;
    Some(product(
        &[*last],
        &deny.avoid,
        DependencyReason::ClosesFirst,
    ))
}

/// The allow vote begins only after the deny vote has begun for good.
fn begins_after(allow: &RuleVote, deny: &RuleVote) -> Option<Vec<PrecedenceEdge>> {
    let first = allow.need.first()?;
    Some(product(
        &deny.need,
        &[*first],
        DependencyReason::DeniesFirst,
    ))
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

#[cfg(test)]
mod tests {
    use super::super::votes::CallPositions;
    use super::*;

    /// Rules that all match one request, each created by a call of its own.
    fn created(calls: std::ops::Range<CallPosition>) -> Vec<RuleVote> {
        calls
            .map(|call| RuleVote {
                need: [call].into_iter().collect(),
                avoid: CallPositions::new(),
            })
            .collect()
    }

    #[test]
    fn the_number_of_edges_grows_with_the_number_of_rules_and_not_with_its_square() {
        let edges = |rules: usize| -> usize {
            let votes = RequestVotes {
                allows: created(0..rules),
                denies: created(rules..2 * rules),
            };
            alternatives(&votes).iter().map(Vec::len).sum()
        };
        assert!(edges(10) > 0);
        assert_eq!(edges(1000), 10 * edges(100));
    }
}
