//! The allow and deny votes about one request and one audience over a run.
//!
//! The set of all requests is infinite, so it is divided into atoms: sets of requests that
//! match exactly the same rules. One set of votes per atom and audience represents all of its
//! requests. An audience is a set S of the teams and profiles that the scopes of these rules name.
//!
//! There are exponentially many sets, but those with at most three members are enough. Assume that
//! some S has the same decision before and after the run and another one at a moment k in between.
//! If S is allowed at k, choose a member that an allow applies to at k, one that a deny applies to
//! before the run (if any), and one that a deny applies to after the run (if any): the set of these
//! members is allowed at k and denied before and after, too. If S is denied at k, choose a member
//! that an allow applies to before, one that an allow applies to after, and one that a deny applies
//! to at k (if any): the set of these is allowed before and after and denied at k. Without a deny
//! rule, two members are enough. Members with equal votes are interchangeable, so that only one of
//! them is tried.
//!
//! Example: rule `r` of a policy for team T allows `a.com` and is deleted by call 4. For members of
//! T, `a.com` has one allow vote that avoids call 4; for everyone else it has no
//! votes.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::plan::graph::CallPosition;
use crate::service::docker::plan::timeline::{Span, Timeline, Track};
use access::{Atom, AtomFinder, Audience, TooComplex};
use model::docker::Scope;

pub(super) type CallPositions = SmallVec<[CallPosition; 2]>;

/// A rule that matches the request and applies to the audience after all calls in `need` and before
/// any call in `avoid`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RuleVote {
    pub(crate) need: CallPositions,
    pub(crate) avoid: CallPositions,
}

impl RuleVote {
    pub(crate) fn is_before(&self) -> bool {
        self.need.is_empty()
    }

    pub(crate) fn is_after(&self) -> bool {
        self.avoid.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RequestVotes {
    pub(crate) allows: Vec<RuleVote>,
    pub(crate) denies: Vec<RuleVote>,
}

impl RequestVotes {
    /// The approximate size in memory.
    pub(super) fn bytes(&self) -> usize {
        (self.allows.len() + self.denies.len()) * size_of::<RuleVote>() + size_of::<Self>()
    }

    /// The decision if exactly the votes with this property count.
    fn allowed(&self, counts: impl Fn(&RuleVote) -> bool) -> bool {
        self.allows.iter().any(&counts) && !self.denies.iter().any(&counts)
    }

    /// The decision if it is the same before and after the run. It must then be the same after
    /// every call.
    pub(crate) fn required_decision(&self) -> Option<bool> {
        let before = self.allowed(RuleVote::is_before);
        let after = self.allowed(RuleVote::is_after);
        (before == after).then_some(before)
    }

    /// The decision after exactly these calls.
    pub(crate) fn decision_after(&self, made: impl Fn(CallPosition) -> bool) -> bool {
        self.allowed(|vote| {
            vote.need.iter().all(|at| made(*at)) && !vote.avoid.iter().any(|at| made(*at))
        })
    }

    /// The calls that affect the decision, in the order of the list.
    pub(crate) fn calls(&self) -> Vec<CallPosition> {
        let votes = self.allows.iter().chain(&self.denies);
        let mut calls: Vec<CallPosition> = votes
            .flat_map(|vote| vote.need.iter().chain(&vote.avoid))
            .copied()
            .collect();
        calls.sort_unstable();
        calls.dedup();
        calls
    }

    /// Whether a required decision is the same after each of these calls, made one by one.
    pub(crate) fn is_kept_by_sequence(&self, calls: &[CallPosition], required: bool) -> bool {
        (0..=calls.len()).all(|made| {
            let made = &calls[..made];
            self.decision_after(|at| made.contains(&at)) == required
        })
    }

    /// Whether the decision is constant in every order: a deny vote always counts, or an allow vote
    /// always counts and there are no deny votes.
    fn is_constant(&self) -> bool {
        let stays = |vote: &RuleVote| vote.is_before() && vote.is_after();
        self.denies.iter().any(stays)
            || self.allows.is_empty()
            || (self.denies.is_empty() && self.allows.iter().any(stays))
    }
}

/// Maximum number of sets of votes for one plan; beyond it, the order is not analyzed.
const MOST_VOTES: usize = 1 << 22;

/// Visits the votes of all requests that some call affects, except those with a constant
/// decision.
///
/// # Errors
/// The patterns overlap in too many ways to be enumerated.
pub(crate) fn visit_votes(
    timeline: &Timeline<'_>,
    visit: &mut dyn FnMut(&Atom<'_>, &Audience, RequestVotes),
) -> Result<(), TooComplex> {
    let mut atoms = AtomFinder::default();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (rule, track) in timeline.rules.iter().enumerate() {
        for (span, content) in track.contents.iter().enumerate() {
            atoms.add(spans.len(), &content.what);
            spans.push((rule, span));
        }
    }
    let moves = |number: usize| {
        let (rule, span) = spans[number];
        let track = &timeline.rules[rule];
        let span = &track.contents[span];
        span.from.is_some()
            || span.until.is_some()
            || timeline.policies[track.policy].scopes.len() > 1
    };
    let counter = VoteCounter {
        timeline,
        spans: &spans,
    };
    let mut left = MOST_VOTES;
    let mut is_complete = true;
    atoms.visit(&moves, &mut |atom| {
        let audiences = counter.audiences(atom, left);
        is_complete &= audiences.is_some();
        for audience in audiences.unwrap_or_default() {
            left = left.saturating_sub(1);
            let votes = RequestVotes {
                allows: counter.votes(atom.allows, &audience),
                denies: counter.votes(atom.denies, &audience),
            };
            if !votes.is_constant() {
                visit(atom, &audience, votes);
            }
        }
    })?;
    if is_complete { Ok(()) } else { Err(TooComplex) }
}

struct VoteCounter<'c, 'a> {
    timeline: &'c Timeline<'a>,
    /// The rule and the index of its version, by the number used in `Atom`.
    spans: &'c [(usize, usize)],
}

impl VoteCounter<'_, '_> {
    /// The audiences to try for an atom (see above); `None` if there are more than `most`.
    fn audiences(&self, atom: &Atom<'_>, most: usize) -> Option<Vec<Audience>> {
        let numbers = atom.allows.iter().chain(atom.denies);
        let policies: BTreeSet<usize> = numbers
            .map(|number| self.timeline.rules[self.spans[*number].0].policy)
            .collect();
        let scopes = policies
            .iter()
            .flat_map(|policy| &self.timeline.policies[*policy].scopes);
        let members: BTreeSet<AudienceMember> =
            scopes.flat_map(|span| members(&span.what)).collect();
        let everyone = Audience::default();
        let votes_of = |audience: &Audience| {
            (
                self.votes(atom.allows, audience),
                self.votes(atom.denies, audience),
            )
        };
        // Members who have the votes of everyone make no difference.
        let mut known = BTreeSet::from([votes_of(&everyone)]);
        let mut audiences = vec![everyone];
        let singles: Vec<Audience> = members
            .into_iter()
            .map(AudienceMember::alone)
            .filter(|audience| known.insert(votes_of(audience)))
            .collect();
        let largest = if atom.denies.is_empty() { 2 } else { 3 };
        let mut last: Vec<(usize, Audience)> = vec![(0, Audience::default())];
        for _ in 0..largest {
            let mut larger = Vec::new();
            for (next, audience) in &last {
                for (position, single) in singles.iter().enumerate().skip(*next) {
                    larger.push((position + 1, audience.union(single)));
                }
                if audiences.len() + larger.len() > most {
                    return None;
                }
            }
            audiences.extend(larger.iter().map(|(_, audience)| audience.clone()));
            last = larger;
        }
        Some(audiences)
    }

    fn votes(&self, numbers: &[usize], audience: &Audience) -> Vec<RuleVote> {
        let mut votes = Vec::new();
        let mut rest = numbers;
        while let Some(first) = rest.first() {
            let rule = self.spans[*first].0;
            let own = rest
                .iter()
                .take_while(|number| self.spans[**number].0 == rule)
                .count();
            let (of_rule, others) = rest.split_at(own);
            rest = others;
            let track = &self.timeline.rules[rule];
            let contents = joined(
                of_rule
                    .iter()
                    .map(|number| &track.contents[self.spans[*number].1]),
            );
            let scopes = &self.timeline.policies[track.policy].scopes;
            let reached = joined(
                scopes
                    .iter()
                    .filter(|span| audience.is_reached_by(&span.what)),
            );
            for content in &contents {
                votes.extend(reached.iter().map(|scope| RuleVote {
                    need: content.from.into_iter().chain(scope.from).collect(),
                    avoid: content.until.into_iter().chain(scope.until).collect(),
                }));
            }
        }
        votes
    }
}

/// Merges spans that follow each other without a gap.
fn joined<'t, T: 't>(spans: impl Iterator<Item = &'t Span<T>>) -> Track<()> {
    let mut track: Track<()> = Track::new();
    for span in spans {
        match track.last_mut() {
            Some(last) if last.until.is_some() && last.until == span.from => {
                last.until = span.until
            }
            _ => track.push(Span {
                what: (),
                from: span.from,
                until: span.until,
            }),
        }
    }
    track
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum AudienceMember {
    Team(String),
    Profile(String),
}

impl AudienceMember {
    fn alone(self) -> Audience {
        let mut audience = Audience::default();
        match self {
            Self::Team(team) => drop(audience.teams.insert(team)),
            Self::Profile(profile) => drop(audience.profiles.insert(profile)),
        }
        audience
    }
}

fn members(scope: &Scope) -> impl Iterator<Item = AudienceMember> {
    let Scope { teams, profiles } = scope;
    let teams = teams
        .iter()
        .map(|team| AudienceMember::Team(team.to_string()));
    teams.chain(profiles.iter().cloned().map(AudienceMember::Profile))
}
