//! The access that a plan opens and closes, by audience.
//!
//! Comparing two policies of rules means comparing two functions from requests to decisions.
//! [`Comparison`] divides the requests that both sides distinguish into finitely many classes and
//! compares the decisions in each; this module prepares its input and puts the result into words. A
//! rule applies to some audiences before and to others after the plan, so one comparison covers all
//! audiences.
//!
//! Example: everyone is allowed `**`, and a policy for team T gains `deny b.com`. For everyone else
//! nothing changes; for members of T, `b.com` closes. The rows of an audience are omitted if they
//! equal those of the first audience, everyone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::plan::{
    AccessChange, AccessImpact, AudienceImpact, DecidingRule, SourceRef, UnreadableResource,
};
use access::{
    AccessDifference, Audience, Comparison, ComparisonResult, DifferenceRow, Direction,
    ExplainedDecision, InvalidResource, NamedAudience, TooComplex,
};
use model::docker::{Cedar, Decision, DockerLiveState, LiveContent, LivePolicy, Rule, Scope};

/// A rule with its display names, and the audiences that it applies to (by number).
struct NamedRule<'a> {
    policy: &'a str,
    rule: &'a Rule,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Compares access before and after a plan for everyone, members of each team that a
/// scope names, members of all of them, and further audiences. `source` finds where a rule is
/// declared, by the names of its policy and itself.
///
/// # Errors
/// The rules overlap in too many ways to be compared.
pub(super) fn impact(
    before: &DockerLiveState,
    after: &DockerLiveState,
    further: &[NamedAudience],
    source: &dyn Fn(&str, &str) -> Option<SourceRef>,
) -> Result<AccessImpact, TooComplex> {
    let scopes = before
        .policies
        .iter()
        .chain(&after.policies)
        .map(|policy| &policy.scope);
    let further = further
        .iter()
        .map(|named| named.audience.with_team_spelling(scopes.clone()));
    let audiences = Audience::relevant(scopes.clone(), further);
    let rules = known_rules(before, after, &audiences);
    let mut comparison = Comparison::new(audiences.len());
    for (
        position,
        NamedRule {
            policy: _,
            rule,
            before,
            after,
        },
    ) in rules.iter().enumerate()
    {
        comparison.add(
            position,
            rule,
            before.iter().copied(),
            after.iter().copied(),
        );
    }
    let ComparisonResult {
        differences,
        unreadable: found,
    } = comparison.run()?;
    let mut words = ImpactText {
        rules: &rules,
        source,
        deciding: HashMap::new(),
        rows: HashMap::new(),
    };
    let mut told: Vec<AudienceImpact> = Vec::new();
    for (audience, difference) in audiences.into_iter().zip(&differences) {
        // Do not repeat what affects everyone.
        let repeats = differences
            .first()
            .is_some_and(|everybody| everybody.rows == difference.rows);
        if told.is_empty() || !repeats {
            told.push(AudienceImpact {
                audience,
                changes: words.describe(difference),
            });
        }
    }
    let unreadable = unreadable(&rules, &found);
    Ok(AccessImpact {
        audiences: told,
        cedar: cedar_changes(before, after),
        unreadable,
    })
}

/// Puts rows into words. Audiences share most rows, and rows share most rules, so each is described
/// once.
struct ImpactText<'w> {
    rules: &'w [NamedRule<'w>],
    source: &'w dyn Fn(&str, &str) -> Option<SourceRef>,
    deciding: HashMap<(usize, &'w str), DecidingRule>,
    rows: HashMap<*const DifferenceRow, Arc<AccessChange>>,
}

impl<'w> ImpactText<'w> {
    fn describe(&mut self, difference: &'w AccessDifference) -> Vec<Arc<AccessChange>> {
        let rows = difference.rows.iter().map(|row| {
            if let Some(known) = self.rows.get(&Arc::as_ptr(row)) {
                return Arc::clone(known);
            }
            let change = Arc::new(self.change(row));
            self.rows.insert(Arc::as_ptr(row), Arc::clone(&change));
            change
        });
        rows.collect()
    }

    fn change(&mut self, row: &'w DifferenceRow) -> AccessChange {
        let DifferenceRow {
            direction,
            resource,
            ports,
            methods,
            witness,
            before,
            after,
        } = row;
        AccessChange {
            opens: *direction == Direction::Opens,
            resource: resource.to_string(),
            ports: ports.as_ref().map(ToString::to_string),
            methods: methods
                .iter()
                .map(|method| method.as_str().to_owned())
                .collect(),
            witness: witness.to_string(),
            before: self.deciding(before),
            after: self.deciding(after),
        }
    }

    fn deciding(&mut self, verdict: &'w ExplainedDecision) -> Vec<DecidingRule> {
        let rules = verdict.reasons.iter().filter_map(|reason| {
            let known = self.rules.get(reason.rule)?;
            let words = self
                .deciding
                .entry((reason.rule, &*reason.resource))
                .or_insert_with(|| DecidingRule {
                    policy: known.policy.to_owned(),
                    rule: known.rule.name.to_string(),
                    allows: known.rule.decision == Decision::Allow,
                    resource: reason.resource.to_string(),
                    source: (self.source)(known.policy, known.rule.name.as_str()),
                });
            Some(words.clone())
        });
        rules.collect()
    }
}

/// The rules of both states, in an order that does not depend on the order of the states. A rule
/// that is equal in both occurs once. In live state, names may repeat.
fn known_rules<'a>(
    before: &'a DockerLiveState,
    after: &'a DockerLiveState,
    audiences: &[Audience],
) -> Vec<NamedRule<'a>> {
    let reached = |policy: &LivePolicy| -> Vec<usize> {
        let numbered = audiences.iter().enumerate();
        numbered
            .filter(|(_, audience)| audience.is_reached_by(&policy.scope))
            .map(|(number, _)| number)
            .collect()
    };
    let mut rules: Vec<NamedRule<'a>> = Vec::new();
    for policy in &before.policies {
        let before = reached(policy);
        rules.extend(decoded_rules(policy).map(|rule| NamedRule {
            policy: &policy.name,
            rule,
            before: before.clone(),
            after: Vec::new(),
        }));
    }
    for policy in &after.policies {
        let after = reached(policy);
        rules.extend(decoded_rules(policy).map(|rule| NamedRule {
            policy: &policy.name,
            rule,
            before: Vec::new(),
            after: after.clone(),
        }));
    }
    rules.sort_by(|a, b| (a.policy, a.rule).cmp(&(b.policy, b.rule)));
    rules.dedup_by(|later, first| {
        let same = later.policy == first.policy && later.rule == first.rule;
        if same {
            first.before.append(&mut later.before);
            first.after.append(&mut later.after);
        }
        same
    });
    rules
}

fn decoded_rules(policy: &LivePolicy) -> impl Iterator<Item = &Rule> {
    policy
        .rules()
        .iter()
        .filter_map(|rule| rule.rule.as_ref().ok())
}

/// Live resources that are not valid patterns. Manifests cannot contain them, so only rules that
/// apply before the plan are listed.
fn unreadable(rules: &[NamedRule<'_>], found: &[InvalidResource]) -> Vec<UnreadableResource> {
    let found = found.iter().filter_map(
        |InvalidResource {
             rule,
             resource,
             why,
         }| {
            let known = rules.get(*rule).filter(|known| !known.before.is_empty())?;
            Some(UnreadableResource {
                policy: known.policy.to_owned(),
                rule: known.rule.name.to_string(),
                resource: resource.clone(),
                why: why.clone(),
            })
        },
    );
    found.collect()
}

/// The Cedar policies whose text or scope changes. Their meaning is not compared.
fn cedar_changes(before: &DockerLiveState, after: &DockerLiveState) -> Vec<String> {
    let before = cedar_policies(before);
    let after = cedar_policies(after);
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    names
        .into_iter()
        .filter(|name| before.get(name) != after.get(name))
        .map(str::to_owned)
        .collect()
}

fn cedar_policies(state: &DockerLiveState) -> BTreeMap<&str, (&Cedar, &Scope)> {
    let cedar = state
        .policies
        .iter()
        .filter_map(|policy| match &policy.content {
            LiveContent::Cedar(cedar) => Some((policy.name.as_str(), (cedar, &policy.scope))),
            LiveContent::Rules(_) | LiveContent::Opaque(_) => None,
        });
    cedar.collect()
}
