//! The access that a plan opens and closes, and the people concerned.
//!
//! Comparing two policies of rules means comparing two functions from requests and people to
//! decisions. [`Comparison`] divides the requests that both sides distinguish into finitely many
//! classes and compares the decisions in each, for all combinations of teams at once; this module
//! prepares its input and names rules, teams and places in the result.
//!
//! Example: everyone is allowed `**.b.com`, and a policy for team T gains `deny b.com`. The result is
//! one closed row, `tcp b.com` for members of T, and one strengthened guard for the same people.

use std::collections::BTreeSet;

use super::cedar::{
    CedarChanges, DecisionRow, EnforcementRows, Locate, cedar_changes, enforcement_rows,
};
use crate::plan::{
    AccessImpact, AccessRow, DecidingRule, GuardRows, NotAnalyzed, NotAnalyzedKind, RuleReference,
};
use access::{
    Comparison, ComparisonResult, ExplainedDecision, GroupTable, NotListed, Outcome, RowKind,
};
use model::docker::{Decision, DockerLiveState, LiveContent, LivePolicy, Rule};

/// A rule with its display names, and the groups that it applies to (by number).
struct NamedRule<'a> {
    policy: &'a str,
    rule: &'a Rule,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Compares access before and after a plan for every combination of teams.
pub(super) fn impact(
    before: &DockerLiveState,
    after: &DockerLiveState,
    locate: &Locate<'_>,
) -> AccessImpact {
    let policies = || before.policies.iter().chain(&after.policies);
    let groups = GroupTable::of(policies().map(|policy| &policy.scope));
    let rules = known_rules(before, after, &groups);
    let mut comparison = Comparison::new();
    for (position, rule) in rules.iter().enumerate() {
        let NamedRule {
            policy: _,
            rule,
            before,
            after,
        } = rule;
        let before = before.iter().copied();
        comparison.add(position, rule, before, after.iter().copied());
    }
    let ComparisonResult {
        difference,
        unreadable,
    } = comparison.run(&groups);
    let names = RowNames {
        rules: &rules,
        locate,
    };
    let CedarChanges {
        statements,
        mut not_analyzed,
        only_close: _,
        rows: decisions,
    } = cedar_changes(before, after, locate, &[]);
    let EnforcementRows {
        opens,
        closes,
        not_analyzed: not_listed,
    } = enforcement_rows(before, after, locate);
    not_analyzed.extend(not_listed);
    not_analyzed.extend(unknown_parts(before, after, locate));
    for (rule, reason) in &difference.not_listed {
        let reason = match reason {
            NotListed::People => "it concerns more than 64 combinations of teams",
            NotListed::Requests => "its wildcards cross others in too many ways to compare them",
        };
        not_analyzed.extend(names.not_analyzed(*rule, NotAnalyzedKind::TooComplex, reason));
    }
    for resource in &unreadable {
        // Manifests cannot contain them, so only rules that apply before the plan are listed.
        let is_live = |rule: &NamedRule<'_>| !rule.before.is_empty();
        if rules.get(resource.rule).is_some_and(is_live) {
            let reason = format!("live resource `{}`: {}", resource.resource, resource.why);
            let kind = NotAnalyzedKind::InvalidResource;
            not_analyzed.extend(names.not_analyzed(resource.rule, kind, &reason));
        }
    }
    let mut impact = AccessImpact {
        proven: not_analyzed.is_empty(),
        not_analyzed: not_analyzed.into_iter().collect(),
        statements,
        ..AccessImpact::default()
    };
    for row in difference.rows {
        let access::AccessRow {
            kind,
            rule,
            people,
            what,
            except,
            witness,
            before,
            after,
        } = row;
        let Some(rule) = names.rule(rule) else {
            continue;
        };
        let GuardRows {
            weakened,
            strengthened,
        } = &mut impact.guards;
        let rows = match kind {
            RowKind::Opens => &mut impact.opens,
            RowKind::Closes => &mut impact.closes,
            RowKind::WeakensGuard => weakened,
            RowKind::StrengthensGuard => strengthened,
        };
        rows.push(AccessRow {
            who: people,
            what,
            except,
            witness: witness.to_string(),
            rule,
            before: names.deciding(&before),
            after: names.deciding(&after),
            assumption: None,
        });
    }
    for DecisionRow { before, after, row } in decisions {
        let rows = match (before, after) {
            (Outcome::Deny, Outcome::Allow) => &mut impact.opens,
            (Outcome::Allow, Outcome::Deny) => &mut impact.closes,
            _ => &mut impact.approval,
        };
        rows.push(row);
    }
    impact.opens.extend(opens);
    impact.closes.extend(closes);
    impact
}

/// Replaces positions of rules by names and places.
struct RowNames<'n> {
    rules: &'n [NamedRule<'n>],
    locate: &'n Locate<'n>,
}

impl RowNames<'_> {
    fn rule(&self, position: usize) -> Option<RuleReference> {
        let known = self.rules.get(position)?;
        Some(RuleReference {
            policy: known.policy.to_owned(),
            rule: Some(known.rule.name.to_string()),
            source: (self.locate)(known.policy, Some(known.rule.name.as_str())),
        })
    }

    fn deciding(&self, decision: &ExplainedDecision) -> Vec<DecidingRule> {
        let rules = decision.reasons.iter().filter_map(|reason| {
            let RuleReference {
                policy,
                rule,
                source,
            } = self.rule(reason.rule)?;
            Some(DecidingRule {
                policy,
                rule,
                asks: false,
                allows: decision.decision == Decision::Allow,
                resource: reason.resource.to_string(),
                source,
            })
        });
        rules.collect()
    }

    fn not_analyzed(
        &self,
        rule: usize,
        kind: NotAnalyzedKind,
        reason: &str,
    ) -> Option<NotAnalyzed> {
        let RuleReference {
            policy,
            rule,
            source,
        } = self.rule(rule)?;
        Some(NotAnalyzed {
            kind,
            policy,
            reason: format!("rule \"{}\": {reason}", rule.unwrap_or_default()),
            source,
        })
    }
}

/// The rules of both states, in an order that does not depend on the order of the states. A rule
/// that is equal in both occurs once. In live state, names may repeat.
fn known_rules<'a>(
    before: &'a DockerLiveState,
    after: &'a DockerLiveState,
    groups: &GroupTable,
) -> Vec<NamedRule<'a>> {
    let mut rules: Vec<NamedRule<'a>> = Vec::new();
    for policy in &before.policies {
        let before = groups.groups(&policy.scope);
        rules.extend(decoded_rules(policy).map(|rule| NamedRule {
            policy: &policy.name,
            rule,
            before: before.clone(),
            after: Vec::new(),
        }));
    }
    for policy in &after.policies {
        let after = groups.groups(&policy.scope);
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

/// Live policies that contain something that this version does not understand. They may decide any
/// request otherwise, before or after the plan.
pub(super) fn unknown_parts(
    before: &DockerLiveState,
    after: &DockerLiveState,
    locate: &Locate<'_>,
) -> BTreeSet<NotAnalyzed> {
    let policies = before.policies.iter().chain(&after.policies);
    let unknown = policies.filter_map(|policy| {
        Some(NotAnalyzed {
            kind: NotAnalyzedKind::Unknown,
            policy: policy.name.clone(),
            reason: not_understood(policy)?,
            source: locate(&policy.name, None),
        })
    });
    unknown.collect()
}

/// What this version does not understand about a live policy, as a clause.
fn not_understood(policy: &LivePolicy) -> Option<String> {
    let LivePolicy {
        id: _,
        name: _,
        scope: _,
        content,
        created_at: _,
        updated_at: _,
        unknown_scope_fields,
        unknown_fields,
    } = policy;
    if let LiveContent::Opaque(opaque) = content {
        return Some(opaque.why.clone());
    }
    let undecoded = policy.rules().iter().find_map(|rule| {
        let why = &rule.rule.as_ref().err()?.why;
        Some(format!("rule \"{}\" {why}", rule.name))
    });
    if undecoded.is_some() {
        return undecoded;
    }
    let fields = unknown_fields
        .keys()
        .chain(unknown_scope_fields.keys())
        .chain(
            policy
                .rules()
                .iter()
                .flat_map(|rule| rule.unknown_fields.keys()),
        );
    let fields: BTreeSet<String> = fields.map(|field| format!("`{field}`")).collect();
    let fields: Vec<String> = fields.into_iter().collect();
    (!fields.is_empty()).then(|| format!("unknown settings: {}", fields.join(", ")))
}
