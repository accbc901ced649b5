//! Gates: requests that nobody may be allowed or denied, held against the rules of a whole organization, audience by
//! audience.

use std::collections::BTreeSet;

use super::audience::{Audience, NamedAudience};
use super::bounds::{Bound, Bounds, Breach, breaches};
use super::decide::{Reason, Verdict};
use super::relevance::may_meet;
use super::request::Request;
use super::request_pattern::RequestPattern;
use crate::model::docker::{Decision, Rule, Scope};

/// Which way a gate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GateKind {
    /// No request of the pattern may be allowed.
    Never,
    /// Every request of the pattern must be allowed.
    Always,
}

/// A gate, with where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate<S> {
    /// Which way it holds.
    pub kind: GateKind,
    /// What it is about.
    pub pattern: RequestPattern,
    /// Whom it is about; everybody, where there is none.
    pub audience: Option<NamedAudience>,
    /// Why it is there.
    pub reason: Option<String>,
    /// Where it is written.
    pub source: S,
}

impl<S> Gate<S> {
    /// Whether two gates ask the same, wherever and with whatever reason they are written.
    pub fn asks_the_same<T>(&self, other: &Gate<T>) -> bool {
        let people = |audience: &Option<NamedAudience>| audience.as_ref().map(|named| named.audience.clone());
        self.kind == other.kind && self.pattern == other.pattern && people(&self.audience) == people(&other.audience)
    }

    /// The same gate with its source told in another way.
    pub fn with_source<T>(self, source: impl FnOnce(S) -> T) -> Gate<T> {
        let Self { kind, pattern, audience, reason, source: old } = self;
        Gate { kind, pattern, audience, reason, source: source(old) }
    }
}

/// A rule of an organization.
#[derive(Debug, Clone, Copy)]
pub struct ScopedRule<'a> {
    /// The name of its policy.
    pub policy: &'a str,
    /// Whom its policy reaches.
    pub scope: &'a Scope,
    /// The rule.
    pub rule: &'a Rule,
}

/// What is held against gates: the rules of an organization before and after a change, and who is looked at besides
/// people in no team, in each team and in all.
#[derive(Debug)]
pub struct Held<'a> {
    /// The rules before.
    pub before: &'a [ScopedRule<'a>],
    /// The rules after.
    pub after: &'a [ScopedRule<'a>],
    /// Further people.
    pub audiences: &'a [NamedAudience],
}

/// A gate that does not hold for some people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateBreach<'a> {
    /// The position of the gate.
    pub gate: usize,
    /// The people.
    pub audience: Audience,
    /// One request that shows it.
    pub witness: Request,
    /// The decision about it before, with the rules that decide and the resources that match.
    pub before: (Decision, Vec<(ScopedRule<'a>, String)>),
    /// The decision about it after.
    pub after: (Decision, Vec<(ScopedRule<'a>, String)>),
}

impl PartialEq for ScopedRule<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.policy == other.policy && self.scope == other.scope && self.rule == other.rule
    }
}

impl Eq for ScopedRule<'_> {}

impl<'a> Held<'a> {
    /// The gates that do not hold. None is a proof that all hold for every request and, since one team more can only
    /// add denies to what is allowed, for every combination of teams.
    pub fn against<S>(&self, gates: &[Gate<S>]) -> Vec<GateBreach<'a>> {
        // What no gate is about cannot break one, and most rules are about something else.
        let patterns: Vec<&Rule> = gates.iter().map(|gate| gate.pattern.rule()).collect();
        let concerned = |rule: &ScopedRule<'_>| patterns.iter().any(|pattern| may_meet(pattern, rule.rule));
        let kept = |rules: &[ScopedRule<'a>]| rules.iter().copied().filter(concerned).collect::<Vec<_>>();
        let (before, after) = (kept(self.before), kept(self.after));
        let people = gates.iter().filter_map(|gate| gate.audience.as_ref());
        self.each_audience(&before, &after, people, |audience| {
            let positions = |kind: GateKind| -> Vec<usize> {
                let counts = |gate: &Gate<S>| {
                    gate.audience.as_ref().is_none_or(|named| named.audience.spelled_as_in(self.scopes()) == *audience)
                };
                let gates = gates.iter().enumerate().filter(|(_, gate)| gate.kind == kind && counts(gate));
                gates.map(|(position, _)| position).collect()
            };
            let (never, always) = (positions(GateKind::Never), positions(GateKind::Always));
            let of = |positions: &[usize]| positions.iter().filter_map(|at| Some(&gates.get(*at)?.pattern)).collect();
            let bounds = Bounds { never: of(&never), always: of(&always), widening: None };
            (bounds, [never, always])
        })
    }

    /// What opens outside of some patterns; the position of the gate is 0.
    pub fn widened(&self, within: &[RequestPattern]) -> Vec<GateBreach<'a>> {
        self.each_audience(self.before, self.after, std::iter::empty(), |_| {
            let bounds = Bounds { widening: Some(within.iter().collect()), ..Bounds::default() };
            (bounds, [Vec::new(), Vec::new()])
        })
    }

    fn scopes(&self) -> impl Iterator<Item = &'a Scope> + Clone {
        self.before.iter().chain(self.after).map(|rule| rule.scope)
    }

    fn each_audience<'g>(
        &'g self,
        before: &[ScopedRule<'a>],
        after: &[ScopedRule<'a>],
        people: impl Iterator<Item = &'g NamedAudience>,
        bounds: impl Fn(&Audience) -> (Bounds<'g>, [Vec<usize>; 2]),
    ) -> Vec<GateBreach<'a>> {
        let further = people.chain(self.audiences).map(|named| named.audience.spelled_as_in(self.scopes()));
        let audiences = Audience::of_interest(self.scopes(), further);
        let mut known = BTreeSet::new();
        let mut found: Vec<GateBreach<'a>> = Vec::new();
        for audience in audiences {
            let reached = |rules: &[ScopedRule<'a>]| -> Vec<usize> {
                (0..rules.len()).filter(|at| audience.is_reached_by(rules[*at].scope)).collect()
            };
            let (old, new) = (reached(before), reached(after));
            let (bounds, gates) = bounds(&audience);
            // People whom the same rules and gates count for need not be asked about twice.
            if !known.insert((old.clone(), new.clone(), gates.clone())) {
                continue;
            }
            let rules = |all: &[ScopedRule<'a>], positions: &[usize]| -> Vec<&'a Rule> {
                positions.iter().map(|at| all[*at].rule).collect()
            };
            for breach in breaches(&rules(before, &old), &rules(after, &new), &bounds) {
                let Breach { bound, witness, before: decided_before, after: decided_after } = breach;
                let [never, always] = &gates;
                let gate = match bound {
                    Bound::Never(at) => never.get(at).copied().unwrap_or(at),
                    Bound::Always(at) => always.get(at).copied().unwrap_or(at),
                    Bound::Widening => 0,
                };
                let before = named(decided_before, before, &old);
                let after = named(decided_after, after, &new);
                let said = |other: &GateBreach<'_>| {
                    other.gate == gate
                        && other.before == before
                        && other.after == after
                        && other.audience.is_part_of(&audience)
                };
                // What people in fewer teams meet is told once.
                if !found.iter().any(said) {
                    found.push(GateBreach { gate, audience: audience.clone(), witness, before, after });
                }
            }
        }
        found.sort_by_key(|breach| breach.gate);
        found
    }
}

/// The rules of a verdict, by their positions among all rules.
fn named<'a>(
    verdict: Verdict,
    rules: &[ScopedRule<'a>],
    positions: &[usize],
) -> (Decision, Vec<(ScopedRule<'a>, String)>) {
    let Verdict { decision, reasons } = verdict;
    let rule = |at: usize| positions.get(at).and_then(|position| rules.get(*position)).copied();
    let named = reasons.into_iter().filter_map(|Reason { rule: at, resource }| Some((rule(at)?, resource)));
    (decision, named.collect())
}
