//! `rules-mergeable`: two rules of one policy that could be one.
//!
//! Rules with the same actions are often separated by topic, so they are only reported if they
//! share a resource. Rules with the same resources and different actions of the same kind can
//! always be merged.

use super::context::{DeclaredRule, LintContext};
use model::diag::{Code, Diagnostic};
use model::docker::{NonEmptySet, Rule, RuleAccess};

pub(super) fn check(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (
        rule,
        DeclaredRule {
            policy,
            rule: declared,
        },
    ) in context.rules.iter().enumerate()
    {
        // Covered rules are reported by `rule-covered`.
        let covered = |rule: usize| {
            context
                .usage
                .rules
                .get(rule)
                .is_some_and(|usage| !usage.covered_by.is_empty())
        };
        if covered(rule) {
            continue;
        }
        let earlier = context.rules.iter().enumerate().take(rule).rev();
        let mut siblings =
            earlier.take_while(|(_, other)| other.policy.document == policy.document);
        let other = siblings.find_map(|(other, sibling)| {
            let what = shared(&sibling.rule.rule, &declared.rule)?;
            (!covered(other)).then_some((other, what))
        });
        if let Some((other, what)) = other {
            found.extend(finding(context, rule, other, what));
        }
    }
}

fn finding(context: &LintContext<'_>, rule: usize, other: usize, what: &str) -> Option<Diagnostic> {
    let message = format!(
        "this rule and {} can be merged: {what}",
        context.name(other, rule)
    );
    let finding = Diagnostic::new(Code::RulesMergeable, message, context.rule_place(rule)?)
        .label("the second");
    Some(
        finding
            .also(context.rule_place(other)?, "the first")
            .help("move its actions or resources into the first rule"),
    )
}

/// What two rules have in common that makes them mergeable.
fn shared(one: &Rule, other: &Rule) -> Option<&'static str> {
    if one.decision != other.decision || one.extensions != other.extensions {
        return None;
    }
    match (&one.access, &other.access) {
        (
            RuleAccess::Network { actions, resources },
            RuleAccess::Network {
                actions: other_actions,
                resources: others,
            },
        ) => shared_part(actions == other_actions, resources, others),
        (
            RuleAccess::Http { actions, resources },
            RuleAccess::Http {
                actions: other_actions,
                resources: others,
            },
        ) => shared_part(actions == other_actions, resources, others),
        (
            RuleAccess::Filesystem { actions, resources },
            RuleAccess::Filesystem {
                actions: other_actions,
                resources: others,
            },
        ) => shared_part(actions == other_actions, resources, others),
        (
            RuleAccess::Network { .. } | RuleAccess::Http { .. } | RuleAccess::Filesystem { .. },
            _,
        ) => None,
    }
}

fn shared_part<T: Ord>(
    same_actions: bool,
    one: &NonEmptySet<T>,
    other: &NonEmptySet<T>,
) -> Option<&'static str> {
    if one == other {
        return Some("both are about the same resources");
    }
    let share = same_actions && !one.as_set().is_disjoint(other.as_set());
    share.then_some("both have the same actions, and share a resource")
}
