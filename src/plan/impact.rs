//! What a plan opens and closes, by audience.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{AccessChange, AudienceImpact, DecidingRule, Impact, SourceRef, UnreadableResource};
use crate::access::{Audience, Difference, Direction, NamedAudience, Row, RuleSet, Unreadable, Verdict, compare};
use crate::model::docker::{Decision, LiveContent, LivePolicy, LiveState, Rule};

/// A rule with the names by which people know it.
struct Known<'a> {
    policy: &'a str,
    rule: &'a Rule,
}

/// Compares what is allowed before and after a plan, for people in no team, in each team that a scope names, and in
/// all of them, and for further people. `source` finds where a rule is declared, by the names of its policy and itself.
pub(super) fn impact(
    before: &LiveState,
    after: &LiveState,
    further: &[NamedAudience],
    source: &dyn Fn(&str, &str) -> Option<SourceRef>,
) -> Impact {
    let scopes = before.policies.iter().chain(&after.policies).map(|policy| &policy.scope);
    let further = further.iter().map(|named| named.audience.spelled_as_in(scopes.clone()));
    let mut audiences: Vec<AudienceImpact> = Vec::new();
    for audience in Audience::of_interest(scopes.clone(), further) {
        let (old, new) = (rules_for(before, &audience), rules_for(after, &audience));
        let rules = |known: &[Known<'_>]| known.iter().map(|known| known.rule.clone()).collect::<Vec<Rule>>();
        let (old_rules, new_rules) = (rules(&old), rules(&new));
        let difference = compare(&old_rules.iter().collect::<Vec<_>>(), &new_rules.iter().collect::<Vec<_>>());
        let changes: Vec<AccessChange> = describe(&difference, &old, &new, source);
        // What everybody meets is told once.
        let repeats = audiences.first().is_some_and(|everybody| everybody.changes == changes);
        if audiences.is_empty() || !repeats {
            audiences.push(AudienceImpact { audience, changes });
        }
    }
    Impact { audiences, cedar: cedar_changes(before, after), unreadable: unreadable(before) }
}

fn describe(
    difference: &Difference,
    old: &[Known<'_>],
    new: &[Known<'_>],
    source: &dyn Fn(&str, &str) -> Option<SourceRef>,
) -> Vec<AccessChange> {
    let rows = difference.rows.iter().map(|row| {
        let Row { direction, resource, ports, methods, witness, before, after } = row;
        AccessChange {
            opens: *direction == Direction::Opens,
            resource: resource.clone(),
            ports: ports.as_ref().map(ToString::to_string),
            methods: methods.iter().map(|method| method.as_str().to_owned()).collect(),
            witness: witness.to_string(),
            before: deciding(before, old, source),
            after: deciding(after, new, source),
        }
    });
    rows.collect()
}

fn deciding(
    verdict: &Verdict,
    rules: &[Known<'_>],
    source: &dyn Fn(&str, &str) -> Option<SourceRef>,
) -> Vec<DecidingRule> {
    let known = verdict.reasons.iter().filter_map(|reason| Some((rules.get(reason.rule)?, reason)));
    let rules = known.map(|(known, reason)| DecidingRule {
        policy: known.policy.to_owned(),
        rule: known.rule.name.to_string(),
        allows: known.rule.decision == Decision::Allow,
        resource: reason.resource.clone(),
        source: source(known.policy, known.rule.name.as_str()),
    });
    rules.collect()
}

fn rules_for<'a>(state: &'a LiveState, audience: &Audience) -> Vec<Known<'a>> {
    known_rules(state, |policy| audience.is_reached_by(&policy.scope))
}

/// The rules of some policies, in an order that does not depend on the order of the state.
fn known_rules(state: &LiveState, of: impl Fn(&LivePolicy) -> bool) -> Vec<Known<'_>> {
    let policies = state.policies.iter().filter(|policy| of(policy));
    let rules = policies.flat_map(|policy| understood(policy).map(move |rule| Known { policy: &policy.name, rule }));
    let mut rules: Vec<Known<'_>> = rules.collect();
    // Names may repeat in live state; rules that are equal in all are the same to a reader.
    rules.sort_by(|a, b| {
        let content = |known: &Known<'_>| format!("{:?}", known.rule);
        (a.policy, &a.rule.name).cmp(&(b.policy, &b.rule.name)).then_with(|| content(a).cmp(&content(b)))
    });
    rules
}

fn understood(policy: &LivePolicy) -> impl Iterator<Item = &Rule> {
    let rules = match &policy.content {
        LiveContent::Rules(rules) => rules.as_slice(),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => &[],
    };
    rules.iter().filter_map(|rule| rule.rule.as_ref().ok())
}

fn unreadable(state: &LiveState) -> Vec<UnreadableResource> {
    let rules = known_rules(state, |_| true);
    let set = RuleSet::new(&rules.iter().map(|known| known.rule).collect::<Vec<_>>());
    let found = set.unreadable().iter().filter_map(|Unreadable { rule, resource, why }| {
        let known = rules.get(*rule)?;
        Some(UnreadableResource {
            policy: known.policy.to_owned(),
            rule: known.rule.name.to_string(),
            resource: resource.clone(),
            why: why.clone(),
        })
    });
    found.collect()
}

/// The Cedar policies whose text or scope changes: their meaning is not compared.
fn cedar_changes(before: &LiveState, after: &LiveState) -> Vec<String> {
    let cedar = |state: &LiveState| -> BTreeMap<String, String> {
        let policies = state.policies.iter().filter_map(|policy| match &policy.content {
            LiveContent::Cedar(cedar) => Some((policy.name.clone(), format!("{cedar:?}{:?}", policy.scope))),
            LiveContent::Rules(_) | LiveContent::Opaque(_) => None,
        });
        policies.collect()
    };
    let (before, after) = (cedar(before), cedar(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}
