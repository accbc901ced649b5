//! The allow and deny votes about one request and one audience over a run.
//!
//! The set of all requests is infinite, so it is divided into atoms: sets of requests that
//! match exactly the same rules. One set of votes per atom and audience represents all of its
//! requests. An audience is a combination of the teams and profiles that the scopes of these rules
//! name. Up to [`COMBINED`] of them are tried in all combinations; if there are more, only none,
//! each one alone and all together.
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

    /// Whether the decision is constant in every order: a deny vote always counts, or an allow vote
    /// always counts and there are no deny votes.
    fn is_constant(&self) -> bool {
        let stays = |vote: &RuleVote| vote.is_before() && vote.is_after();
        self.denies.iter().any(stays)
            || self.allows.is_empty()
            || (self.denies.is_empty() && self.allows.iter().any(stays))
    }
}

/// Maximum number of teams and profiles that are tried in all combinations.
const COMBINED: usize = 4;

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
    atoms.visit(&moves, &mut |atom| {
        for audience in counter.audiences(atom) {
            let votes = RequestVotes {
                allows: counter.votes(atom.allows, &audience),
                denies: counter.votes(atom.denies, &audience),
            };
            if !votes.is_constant() {
                visit(atom, &audience, votes);
            }
        }
    })
}

struct VoteCounter<'c, 'a> {
    timeline: &'c Timeline<'a>,
    /// The rule and the index of its version, by the number used in `Atom`.
    spans: &'c [(usize, usize)],
}

impl VoteCounter<'_, '_> {
    /// The audiences that the rules of a situation distinguish: people without any of the named
    /// teams and profiles, and combinations of those.
    fn audiences(&self, atom: &Atom<'_>) -> Vec<Audience> {
        let numbers = atom.allows.iter().chain(atom.denies);
        let policies: BTreeSet<usize> = numbers
            .map(|number| self.timeline.rules[self.spans[*number].0].policy)
            .collect();
        let scopes = policies
            .iter()
            .flat_map(|policy| &self.timeline.policies[*policy].scopes);
        let members: BTreeSet<AudienceMember> =
            scopes.flat_map(|span| members(&span.what)).collect();
        let members: Vec<AudienceMember> = members.into_iter().collect();
        combinations(&members)
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

fn members(scope: &Scope) -> impl Iterator<Item = AudienceMember> {
    let Scope { teams, profiles } = scope;
    let teams = teams
        .iter()
        .map(|team| AudienceMember::Team(team.to_string()));
    teams.chain(profiles.iter().cloned().map(AudienceMember::Profile))
}

fn combinations(members: &[AudienceMember]) -> Vec<Audience> {
    let of = |chosen: &dyn Fn(usize) -> bool| {
        let mut audience = Audience::default();
        for (_, member) in members
            .iter()
            .enumerate()
            .filter(|(position, _)| chosen(*position))
        {
            match member {
                AudienceMember::Team(team) => drop(audience.teams.insert(team.clone())),
                AudienceMember::Profile(profile) => drop(audience.profiles.insert(profile.clone())),
            }
        }
        audience
    };
    if members.len() <= COMBINED {
        return (0..1_usize << members.len())
            .map(|set| of(&|position| set >> position & 1 == 1))
            .collect();
    }
    let single = (0..members.len()).map(|only| of(&|position| position == only));
    [of(&|_| false)]
        .into_iter()
        .chain(single)
        .chain([of(&|_| true)])
        .collect()
}
