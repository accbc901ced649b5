//! Checks gates against the rules of a whole organization.

use std::collections::BTreeSet;

use super::bounds::{Bound, BoundViolation, Bounds};
use super::budget::TooComplex;
use super::decide::{DecidingResource, ExplainedDecision};
use super::gate::{Gate, GatePattern};
use super::parsed::parse;
use super::people::{GroupTable, People};
use super::reading::{Reading, varies};
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
}

/// A failed gate, for some people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateBreach<'a> {
    /// The position of the gate in the list of gates.
    pub gate: usize,
    /// The people. For a gate with an audience, the groups of that audience.
    pub people: People,
    /// One request that breaks the gate.
    pub witness: AccessRequest,
    /// The decision about it before the change, for members of the groups that the first term of
    /// `people` requires, with the deciding rules and their matching resources.
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
    /// Checks all gates about requests that rules decide. An empty result proves that all of them pass for every request, under
    /// every reading of the contract (see `reading`). A gate with an audience is checked for members of
    /// exactly its groups, any other gate for every combination of groups.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn against<S>(&self, gates: &[Gate<S>]) -> Result<Vec<GateBreach<'a>>, TooComplex> {
        // Cedar policies decide the other gates (see `cedar::gate`).
        let gates: Vec<(usize, &Gate<S>, &RequestPattern)> = gates
            .iter()
            .enumerate()
            .filter_map(|(position, gate)| match &gate.pattern {
                GatePattern::Requests(pattern) => Some((position, gate, pattern)),
                GatePattern::Mcp(_) => None,
            })
            .collect();
        if gates.is_empty() {
            return Ok(Vec::new());
        }
        let mut hosts_vary = false;
        let mut paths_vary = false;
        let mut note = |(hosts, paths): (bool, bool)| {
            hosts_vary |= hosts;
            paths_vary |= paths;
        };
        for rule in self.before.iter().chain(self.after) {
            parse(rule.rule, |_, parsed| {
                if let Ok(parsed) = parsed {
                    note(varies(&parsed));
                }
            });
        }
        for (_, _, pattern) in &gates {
            for part in pattern.parts() {
                note(varies(part));
            }
        }
        let mut found: Vec<GateBreach<'a>> = Vec::new();
        for reading in Reading::all(hosts_vary, paths_vary) {
            let (groups, mut bounds) = self.prepared(reading);
            for (_, gate, pattern) in &gates {
                let members = gate
                    .audience
                    .as_ref()
                    .map(|named| groups.members(&named.audience));
                bounds.gate(gate.kind, pattern, members);
            }
            for mut breach in self.attributed(&groups, bounds.breaches()?) {
                let Some((position, gate, _)) = gates.get(breach.gate) else {
                    continue;
                };
                breach.gate = *position;
                if let Some(named) = &gate.audience {
                    breach.people = People::members_of(&named.audience);
                }
                let is_same = |known: &GateBreach<'_>| {
                    (known.gate, &known.people, &known.before, &known.after)
                        == (breach.gate, &breach.people, &breach.before, &breach.after)
                };
                if !found.iter().any(is_same) {
                    found.push(breach);
                }
            }
        }
        found.sort_by_key(|breach| breach.gate);
        Ok(found)
    }

    /// Returns what the change opens outside of some patterns, for every combination of groups; the
    /// position of the gate is 0.
    ///
    /// # Errors
    /// The question exceeds the work budget.
    pub fn widened(&self, within: &[RequestPattern]) -> Result<Vec<GateBreach<'a>>, TooComplex> {
        let (groups, mut bounds) = self.prepared(Reading::default());
        bounds.limit_widening(within);
        Ok(self.attributed(&groups, bounds.breaches()?))
    }

    /// The groups, and bounds with all rules. Rules before the change are numbered first, then
    /// those after it.
    fn prepared(&self, reading: Reading) -> (GroupTable, Bounds) {
        let rules = || self.before.iter().chain(self.after);
        let groups = GroupTable::of(rules().map(|rule| rule.scope));
        let mut bounds = Bounds::new(groups.len(), reading);
        for (position, rule) in rules().enumerate() {
            let scope = groups.groups(rule.scope);
            bounds.rule(position, rule.rule, position >= self.before.len(), &scope);
        }
        (groups, bounds)
    }

    fn attributed(
        &self,
        groups: &GroupTable,
        breaches: Vec<BoundViolation>,
    ) -> Vec<GateBreach<'a>> {
        let mut breaches = breaches;
        breaches.sort_by_key(|breach| breach.bound);
        let mut known = BTreeSet::new();
        let mut found: Vec<GateBreach<'a>> = Vec::new();
        for BoundViolation {
            bound,
            people,
            witness,
            before,
            after,
        } in breaches
        {
            let gate = match bound {
                Bound::Gate(position) => position,
                Bound::Widening => 0,
            };
            if known.insert((
                gate,
                people.clone(),
                before.reasons.clone(),
                after.reasons.clone(),
            )) {
                found.push(GateBreach {
                    gate,
                    people: groups.people(&people),
                    witness,
                    before: self.named(before),
                    after: self.named(after),
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
