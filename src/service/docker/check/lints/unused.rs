//! `rule-never-matches`, `exception-denied` and `rule-covered`: rules and resources without effect.

use std::collections::BTreeSet;

use super::context::LintContext;
use access::{BlockingDeny, ResourcePosition, RuleUsage, UsageStatus};
use model::diag::{Code, Diagnostic};
use model::docker::Decision;

/// Maximum number of deny rules to name.
const NAMED: usize = 3;

pub(super) fn check(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (rule, usage) in context.usage.rules.iter().enumerate() {
        let Some(declared) = context.rules.get(rule) else {
            continue;
        };
        if let Some(covered) = covered(context, rule, usage) {
            found.push(covered);
        } else if declared.rule.rule.decision == Decision::Allow {
            if usage.decides() {
                found.extend((0..usage.resources.len()).filter_map(|resource| {
                    exception(context, ResourcePosition { rule, resource })
                }));
            } else {
                found.extend(never_decides(context, rule, usage));
            }
        }
    }
}

/// An allow rule whose resources are all denied.
fn never_decides(context: &LintContext<'_>, rule: usize, usage: &RuleUsage) -> Option<Diagnostic> {
    let blockers: Vec<&BlockingDeny> = usage
        .resources
        .iter()
        .flat_map(|resource| blockers(&resource.used))
        .collect();
    let witness = &blockers.first()?.witness;
    let denies: BTreeSet<ResourcePosition> = blockers.iter().map(|blocker| blocker.deny).collect();
    if !denies.iter().all(|deny| context.is_understood(deny.rule)) {
        return None;
    }
    let message = format!(
        "this rule never allows anything: all its requests are denied, for example `{witness}`"
    );
    let finding = Diagnostic::new(Code::RuleNeverMatches, message, context.rule_place(rule)?)
        .label("never decides");
    let more = denies.len().saturating_sub(NAMED);
    let finding = denies
        .into_iter()
        .take(NAMED)
        .fold(finding, |finding, deny| {
            match context.resource_place(deny) {
                Some(place) => finding.also(
                    place,
                    format!("denied by {}", context.name(deny.rule, rule)),
                ),
                None => finding,
            }
        });
    let more = match more {
        0 => String::new(),
        1 => " (together with 1 more deny rule)".to_owned(),
        _ => format!(" (together with {more} more deny rules)"),
    };
    Some(finding.help(format!(
        "a deny wins over every allow: remove this rule, or narrow the deny rules{more}"
    )))
}

/// A resource of an allow rule that is probably meant as an exception to a wider deny rule. Deny
/// rules have no exceptions.
fn exception(context: &LintContext<'_>, spot: ResourcePosition) -> Option<Diagnostic> {
    let usage = context
        .usage
        .rules
        .get(spot.rule)?
        .resources
        .get(spot.resource)?;
    let mut blockers = blockers(&usage.used).iter();
    let blocker =
        blockers.find(|blocker| blocker.alone && context.is_understood(blocker.deny.rule))?;
    let allowed = &usage.resource;
    let denied = context.text(blocker.deny)?;
    let message =
        format!("`{allowed}` is never allowed: `{denied}` denies it, and a deny has no exceptions");
    let finding = Diagnostic::new(
        Code::ExceptionDenied,
        message,
        context.resource_place(spot)?,
    )
    .label("never allowed");
    let by = format!("denied by {}", context.name(blocker.deny.rule, spot.rule));
    let finding = finding.also(context.resource_place(blocker.deny)?, by);
    Some(
        finding
            .help("deny less, so the allowed requests are not denied, or remove it from this rule"),
    )
}

/// A rule that is covered by another one with the same decision. Of two equal rules, the later one.
fn covered(context: &LintContext<'_>, rule: usize, usage: &RuleUsage) -> Option<Diagnostic> {
    let by = usage.covered_by.iter().copied().find(|by| {
        let back = context
            .usage
            .rules
            .get(*by)
            .is_some_and(|other| other.covered_by.contains(&rule));
        (!back || *by < rule) && context.is_understood(rule) && context.is_understood(*by)
    })?;
    let name = context.name(by, rule);
    let message = format!("this rule has no effect: {name} covers all its requests");
    let finding =
        Diagnostic::new(Code::RuleCovered, message, context.rule_place(rule)?).label("covered");
    Some(
        finding
            .also(context.rule_place(by)?, "covers it")
            .help("remove it, or write the intended resource"),
    )
}

fn blockers(used: &UsageStatus) -> &[BlockingDeny] {
    match used {
        UsageStatus::Blocked(blockers) => blockers,
        UsageStatus::Decides(_) | UsageStatus::DeniesNothing | UsageStatus::MatchesNothing => &[],
    }
}
