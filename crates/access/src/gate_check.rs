//! Checks gates against the rules of a whole organization.

use super::audience::{Audience, NamedAudience};
use super::bounds::{Bound, BoundViolation, Bounds};
use super::budget::TooComplex;
use super::decide::{DecidingResource, ExplainedDecision};
use super::gate::Gate;
use super::request::AccessRequest;
use super::request_pattern::RequestPattern;
use model::docker::{Decision, Rule, Scope};

/// A rule of an organization with its policy.
#[derive(Debug, Clone, Copy)]
pub struct ScopedRule<'a> {
    /// The name of its policy.
    pub policy: &'a str,
    /// The scope of its policy.
    pub scope: &'a Scope,
    /// The rule.
    pub rule: &'a Rule,
}

/// The input of a gate check: the rules of an organization before and after a change.
#[derive(Debug)]
pub struct GateCheck<'a> {
    /// The rules before the change.
    pub before: &'a [ScopedRule<'a>],
    /// The rules after the change.
    pub after: &'a [ScopedRule<'a>],
    /// Additional audiences to check. Everyone outside of all teams, each team and profile in a
    /// scope, and members of all of them are always checked.
    pub audiences: &'a [NamedAudience],
}

/// A failed gate, for one audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateBreach<'a> {
    /// The position of the gate in the list of gates.
    pub gate: usize,
    /// The audience.
    pub audience: Audience,
    /// One request that violates the gate.
    pub witness: AccessRequest,
    /// The decision about it before the change, with the deciding rules and their matching
    /// resources.
    pub before: (Decision, Vec<(ScopedRule<'a>, String)>),
    /// The decision about it after the change.
    pub after: (Decision, Vec<(ScopedRule<'a>, String)>),
}

impl PartialEq for ScopedRule<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.policy == other.policy && self.scope == other.scope && self.rule == other.rule
    }
}

impl Eq for ScopedRule<'_> {}

impl<'a> GateCheck<'a> {
    /// Checks all gates. An empty result proves that all of them pass for every request. A gate
    /// with an audience is checked for that audience, any other gate for every combination of
    /// teams.
    ///
    /// Checking single teams is enough for combinations. A member of several teams who is allowed
    /// is allowed by a rule of one of them and denied by none, so that a member of that team alone
    /// is allowed too (`Never`). A member of several teams who is denied is either denied by a rule
    /// of one of them, or no rule of any of them allows the request; in both cases a member of one
    /// team alone is denied too (`Always`).
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn against<S>(&self, gates: &[Gate<S>]) -> Result<Vec<GateBreach<'a>>, TooComplex> {
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
        Ok(self.to_breaches(&audiences, bounds.breaches()?))
    }

    /// Returns what the change opens outside of some patterns; the position of the gate is 0.
    /// Unlike gates, this depends on combinations of teams: only the listed audiences are checked.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn widened(&self, within: &[RequestPattern]) -> Result<Vec<GateBreach<'a>>, TooComplex> {
        let (audiences, mut bounds) = self.prepared(std::iter::empty());
        bounds.limit_widening(within);
        Ok(self.to_breaches(&audiences, bounds.breaches()?))
    }

    fn scopes(&self) -> impl Iterator<Item = &'a Scope> + Clone {
        self.before.iter().chain(self.after).map(|rule| rule.scope)
    }

    fn spelled(&self, named: &NamedAudience) -> Audience {
        named.audience.with_team_spelling(self.scopes())
    }

    /// The audiences, and bounds with all rules. Rules before the change are numbered first, then
    /// those after it.
    fn prepared<'g>(
        &self,
        named: impl Iterator<Item = &'g NamedAudience>,
    ) -> (Vec<Audience>, Bounds) {
        let further: Vec<Audience> = named
            .map(|named| self.spelled(named))
            .chain(self.audiences.iter().map(|named| self.spelled(named)))
            .collect();
        let audiences = Audience::relevant(self.scopes(), further);
        let mut bounds = Bounds::new(audiences.len());
        let reached = |scope: &Scope| -> Vec<usize> {
            (0..audiences.len())
                .filter(|at| audiences[*at].is_reached_by(scope))
                .collect()
        };
        // The rules of one policy share a scope, so the last result is usually valid.
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

    fn to_breaches(
        &self,
        audiences: &[Audience],
        breaches: Vec<BoundViolation>,
    ) -> Vec<GateBreach<'a>> {
        let mut breaches = breaches;
        breaches.sort_by_key(|breach| (breach.bound, breach.audience));
        let mut found: Vec<GateBreach<'a>> = Vec::new();
        for BoundViolation {
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
            // A breach with the same rules is reported once, for the smallest audience.
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

    /// Replaces rule numbers by rules.
    fn named(&self, verdict: ExplainedDecision) -> (Decision, Vec<(ScopedRule<'a>, String)>) {
        let ExplainedDecision { decision, reasons } = verdict;
        let rule = |at: usize| {
            self.before
                .get(at)
                .or_else(|| self.after.get(at.checked_sub(self.before.len())?))
                .copied()
        };
        let named = reasons
            .into_iter()
            .filter_map(|DecidingResource { rule: at, resource }| {
                Some((rule(at)?, resource.to_string()))
            });
        (decision, named.collect())
    }
}
