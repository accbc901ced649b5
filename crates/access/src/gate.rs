//! Gates: requests that nobody may be allowed or denied, held against the rules of a whole organization, audience by
//! audience.

use super::audience::{Audience, NamedAudience};
use super::bounds::{Bound, Bounds, Breach};
use super::budget::Entangled;
use super::decide::{Reason, Verdict};
use super::request::Request;
use super::request_pattern::RequestPattern;
use super::sets::RequestSet;
use model::docker::{Decision, Rule, Scope};

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
    /// Whether this gate asks for all that another asks for, of the same people, however both are written: a pattern may
    /// have become wider. Where that cannot be worked out, it does only if the patterns are equal.
    pub fn asks_as_much_as<T>(&self, other: &Gate<T>) -> bool {
        let people = |audience: &Option<NamedAudience>| {
            audience.as_ref().map(|named| named.audience.clone())
        };
        let takes_in = || {
            let [wide, narrow] =
                [&self.pattern, &other.pattern].map(|pattern| RequestSet::matching([pattern]));
            self.pattern == other.pattern || narrow.is_subset(&wide).unwrap_or(false)
        };
        self.kind == other.kind && people(&self.audience) == people(&other.audience) && takes_in()
    }

    /// The same gate with its source told in another way.
    pub fn with_source<T>(self, source: impl FnOnce(S) -> T) -> Gate<T> {
        let Self {
            kind,
            pattern,
            audience,
            reason,
            source: old,
        } = self;
        Gate {
            kind,
            pattern,
            audience,
            reason,
            source: source(old),
        }
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
pub struct GateCheck<'a> {
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

impl<'a> GateCheck<'a> {
    /// The gates that do not hold. None is a proof that all hold for every request and, since one team more can only
    /// add denies to what is allowed, for every combination of teams.
    ///
    /// # Errors
    /// The patterns cross each other in too many ways.
    pub fn against<S>(&self, gates: &[Gate<S>]) -> Result<Vec<GateBreach<'a>>, Entangled> {
        if gates.is_empty() {
            return Ok(Vec::new());
        }
        let named = gates.iter().filter_map(|gate| gate.audience.as_ref());
        let (audiences, mut bounds) = self.prepared(named);
        for gate in gates {
            let audience = gate.audience.as_ref().map(|named| self.spelled(named));
            let audience = audience
                .and_then(|people| audiences.iter().position(|audience| *audience == people));
            bounds.gate(gate.kind, &gate.pattern, audience);
        }
        Ok(self.told(&audiences, bounds.breaches()?))
    }

    /// What opens outside of some patterns; the position of the gate is 0.
    ///
    /// # Errors
    /// The patterns cross each other in too many ways.
    pub fn widened(&self, within: &[RequestPattern]) -> Result<Vec<GateBreach<'a>>, Entangled> {
        let (audiences, mut bounds) = self.prepared(std::iter::empty());
        bounds.within(within);
        Ok(self.told(&audiences, bounds.breaches()?))
    }

    fn scopes(&self) -> impl Iterator<Item = &'a Scope> + Clone {
        self.before.iter().chain(self.after).map(|rule| rule.scope)
    }

    fn spelled(&self, named: &NamedAudience) -> Audience {
        named.audience.spelled_as_in(self.scopes())
    }

    /// The audiences, and bounds that know the rules: those before by their positions, those after by what follows.
    fn prepared<'g>(
        &self,
        named: impl Iterator<Item = &'g NamedAudience>,
    ) -> (Vec<Audience>, Bounds) {
        let further: Vec<Audience> = named
            .map(|named| self.spelled(named))
            .chain(self.audiences.iter().map(|named| self.spelled(named)))
            .collect();
        let audiences = Audience::of_interest(self.scopes(), further);
        let mut bounds = Bounds::new(audiences.len());
        let reached = |scope: &Scope| -> Vec<usize> {
            (0..audiences.len())
                .filter(|at| audiences[*at].is_reached_by(scope))
                .collect()
        };
        // The rules of one policy reach the same people.
        let mut last: Option<(&Scope, Vec<usize>)> = None;
        for (position, rule) in self.before.iter().chain(self.after).enumerate() {
            let people = match last.take() {
                Some((scope, people)) if scope == rule.scope => people,
                Some(_) | None => reached(rule.scope),
            };
            bounds.rule(position, rule.rule, position >= self.before.len(), &people);
            last = Some((rule.scope, people));
        }
        (audiences, bounds)
    }

    fn told(&self, audiences: &[Audience], breaches: Vec<Breach>) -> Vec<GateBreach<'a>> {
        let mut breaches = breaches;
        breaches.sort_by_key(|breach| (breach.bound, breach.audience));
        let mut found: Vec<GateBreach<'a>> = Vec::new();
        for Breach {
            bound,
            audience,
            witness,
            before,
            after,
        } in breaches
        {
            let Some(audience) = audiences.get(audience).cloned() else {
                continue;
            };
            let gate = match bound {
                Bound::Gate(position) => position,
                Bound::Widening => 0,
            };
            let before = self.named(before);
            let after = self.named(after);
            let said = |other: &GateBreach<'_>| {
                other.gate == gate
                    && other.before == before
                    && other.after == after
                    && other.audience.is_part_of(&audience)
            };
            // What people in fewer teams meet is told once.
            if !found.iter().any(said) {
                found.push(GateBreach {
                    gate,
                    audience,
                    witness,
                    before,
                    after,
                });
            }
        }
        found
    }

    /// The rules of a verdict.
    fn named(&self, verdict: Verdict) -> (Decision, Vec<(ScopedRule<'a>, String)>) {
        let Verdict { decision, reasons } = verdict;
        let rule = |at: usize| {
            self.before
                .get(at)
                .or_else(|| self.after.get(at.checked_sub(self.before.len())?))
                .copied()
        };
        let named = reasons
            .into_iter()
            .filter_map(|Reason { rule: at, resource }| Some((rule(at)?, resource.to_string())));
        (decision, named.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(kind: GateKind, pattern: &str) -> Gate<()> {
        Gate {
            kind,
            pattern: pattern.parse().unwrap(),
            audience: None,
            reason: None,
            source: (),
        }
    }

    #[test]
    fn a_gate_asks_as_much_as_another_whose_requests_it_takes_in() {
        for (wide, narrow, expected) in [
            ("tcp **.example.com", "tcp a.example.com:443", true),
            ("tcp a.example.com:443", "tcp **.example.com", false),
            ("tcp 10.0.0.2/32", "tcp 10.0.0.2", true),
            ("read /data/**", "read /data/*/x", true),
            ("read /data/*", "read /data/**", false),
            ("tcp api.example.com", "get https://api.example.com/x", true),
            ("http api.example.com/**", "tcp api.example.com", false),
        ] {
            let one = gate(GateKind::Never, wide);
            let two = gate(GateKind::Never, narrow);
            assert_eq!(one.asks_as_much_as(&two), expected, "{wide} and {narrow}");
            assert!(!gate(GateKind::Always, wide).asks_as_much_as(&two));
        }
    }
}
