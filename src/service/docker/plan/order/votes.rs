//! Who says what about one request, to whom, and between which calls.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::service::docker::plan::timeline::{At, Span, Timeline, Track};
use access::{Audience, Entangled, Situation, Situations};
use model::docker::Scope;

/// Few calls: those of a rule and those of its policy's scope.
pub(super) type Few = SmallVec<[At; 2]>;

/// A rule that matches a request and counts for some people while certain calls are made and others are not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Vote {
    /// All of these must be made.
    pub(crate) need: Few,
    /// None of these may be made.
    pub(crate) avoid: Few,
}

impl Vote {
    /// Whether it counts before the run.
    pub(crate) fn is_before(&self) -> bool {
        self.need.is_empty()
    }

    /// Whether it counts after the run.
    pub(crate) fn is_after(&self) -> bool {
        self.avoid.is_empty()
    }
}

/// What is said about one request to some people over a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ballot {
    pub(crate) allows: Vec<Vote>,
    pub(crate) denies: Vec<Vote>,
}

impl Ballot {
    /// Whether the request is allowed when the votes with this property count.
    fn allowed(&self, counts: impl Fn(&Vote) -> bool) -> bool {
        self.allows.iter().any(&counts) && !self.denies.iter().any(&counts)
    }

    /// What is decided both before and after, if that is the same: then it must be decided so at every step.
    pub(crate) fn must_stay(&self) -> Option<bool> {
        let before = self.allowed(Vote::is_before);
        let after = self.allowed(Vote::is_after);
        (before == after).then_some(before)
    }

    /// Whether what is decided can never be in doubt: a deny that stays, or an allow that stays where nothing denies.
    fn is_settled(&self) -> bool {
        let stays = |vote: &Vote| vote.is_before() && vote.is_after();
        self.denies.iter().any(stays)
            || self.allows.is_empty()
            || (self.denies.is_empty() && self.allows.iter().any(stays))
    }
}

/// More teams than this in one situation are not tried in all combinations, but one by one and all together.
const COMBINED: usize = 4;

/// Visits what is said about every request that some call touches, to everybody whom it concerns, wherever the answer
/// is not settled from the start. `witness` and audience say what it is about.
///
/// # Errors
/// The patterns cross each other in too many ways.
pub(crate) fn ballots(
    timeline: &Timeline<'_>,
    visit: &mut dyn FnMut(&Situation<'_>, &Audience, Ballot),
) -> Result<(), Entangled> {
    let mut situations = Situations::default();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (rule, track) in timeline.rules.iter().enumerate() {
        for (span, content) in track.contents.iter().enumerate() {
            situations.add(spans.len(), &content.what);
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
    let counter = Counter {
        timeline,
        spans: &spans,
    };
    situations.visit(&moves, &mut |situation| {
        for audience in counter.audiences(situation) {
            let ballot = Ballot {
                allows: counter.votes(situation.allows, &audience),
                denies: counter.votes(situation.denies, &audience),
            };
            if !ballot.is_settled() {
                visit(situation, &audience, ballot);
            }
        }
    })
}

struct Counter<'c, 'a> {
    timeline: &'c Timeline<'a>,
    /// The rule and the span of each number.
    spans: &'c [(usize, usize)],
}

impl Counter<'_, '_> {
    /// The people whom the rules of a situation treat differently: those in no team, and those in the teams of the
    /// scopes of these rules.
    fn audiences(&self, situation: &Situation<'_>) -> Vec<Audience> {
        let numbers = situation.allows.iter().chain(situation.denies);
        let policies: BTreeSet<usize> = numbers
            .map(|number| self.timeline.rules[self.spans[*number].0].policy)
            .collect();
        let scopes = policies
            .iter()
            .flat_map(|policy| &self.timeline.policies[*policy].scopes);
        let members: BTreeSet<Member> = scopes.flat_map(|span| members(&span.what)).collect();
        let members: Vec<Member> = members.into_iter().collect();
        combinations(&members)
    }

    fn votes(&self, numbers: &[usize], audience: &Audience) -> Vec<Vote> {
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
                votes.extend(reached.iter().map(|scope| Vote {
                    need: content.from.into_iter().chain(scope.from).collect(),
                    avoid: content.until.into_iter().chain(scope.until).collect(),
                }));
            }
        }
        votes
    }
}

/// Spans that follow each other without a break are one.
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
enum Member {
    Team(String),
    Profile(String),
}

fn members(scope: &Scope) -> impl Iterator<Item = Member> {
    let Scope { teams, profiles } = scope;
    let teams = teams.iter().map(|team| Member::Team(team.to_string()));
    teams.chain(profiles.iter().cloned().map(Member::Profile))
}

fn combinations(members: &[Member]) -> Vec<Audience> {
    let of = |chosen: &dyn Fn(usize) -> bool| {
        let mut audience = Audience::default();
        for (_, member) in members
            .iter()
            .enumerate()
            .filter(|(position, _)| chosen(*position))
        {
            match member {
                Member::Team(team) => drop(audience.teams.insert(team.clone())),
                Member::Profile(profile) => drop(audience.profiles.insert(profile.clone())),
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
