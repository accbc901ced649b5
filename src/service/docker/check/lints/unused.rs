//! `rule-never-matches`, `exception-denied` and `rule-covered`: rules and resources without effect.

use std::collections::BTreeSet;

use super::scene::Scene;
use access::{Blocker, RuleUsage, Spot, Use};
use model::diag::{Code, Diagnostic};
use model::docker::Decision;

/// Maximum number of deny rules to name.
const NAMED: usize = 3;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    for (rule, usage) in scene.usage.rules.iter().enumerate() {
        let Some(declared) = scene.rules.get(rule) else {
            continue;
        };
        if let Some(covered) = covered(scene, rule, usage) {
            found.push(covered);
        } else if declared.rule.rule.decision == Decision::Allow {
            if usage.decides() {
                found.extend(
                    (0..usage.resources.len())
                        .filter_map(|resource| exception(scene, Spot { rule, resource })),
                );
            } else {
                found.extend(never(scene, rule, usage));
            }
        }
    }
}

/// An allow rule whose resources are all denied.
fn never(scene: &Scene<'_>, rule: usize, usage: &RuleUsage) -> Option<Diagnostic> {
    let blockers: Vec<&Blocker> = usage
        .resources
        .iter()
        .flat_map(|resource| blockers(&resource.used))
        .collect();
    let witness = &blockers.first()?.witness;
    let denies: BTreeSet<Spot> = blockers.iter().map(|blocker| blocker.deny).collect();
    let message = format!(
        "this rule never allows anything: all that it matches is denied, such as `{witness}`"
    );
    let finding = Diagnostic::new(Code::RuleNeverMatches, message, scene.rule_place(rule)?)
        .label("never decides");
    let more = denies.len().saturating_sub(NAMED);
    let finding = denies
        .into_iter()
        .take(NAMED)
        .fold(finding, |finding, deny| match scene.resource_place(deny) {
            Some(place) => {
                finding.also(place, format!("denied by {}", scene.name(deny.rule, rule)))
            }
            None => finding,
        });
    let more = match more {
        0 => String::new(),
        1 => " (1 more deny has a part in it)".to_owned(),
        _ => format!(" ({more} more denies have a part in it)"),
    };
    Some(finding.help(format!(
        "a deny wins over every allow: remove this rule, or narrow the denies{more}"
    )))
}

/// A resource of an allow rule that is probably meant as an exception to a wider deny rule. Deny
/// rules have no exceptions.
fn exception(scene: &Scene<'_>, spot: Spot) -> Option<Diagnostic> {
    let usage = scene
        .usage
        .rules
        .get(spot.rule)?
        .resources
        .get(spot.resource)?;
    let blocker = blockers(&usage.used).iter().find(|blocker| blocker.alone)?;
    let allowed = &usage.resource;
    let denied = scene.text(blocker.deny)?;
    let message =
        format!("`{allowed}` is never allowed: `{denied}` denies it, and a deny has no exceptions");
    let finding = Diagnostic::new(Code::ExceptionDenied, message, scene.resource_place(spot)?)
        .label("never allowed");
    let by = format!("denied by {}", scene.name(blocker.deny.rule, spot.rule));
    let finding = finding.also(scene.resource_place(blocker.deny)?, by);
    Some(finding.help(
        "deny less, so that what is to be allowed is not denied; or take it out of this rule",
    ))
}

/// A rule that is covered by another one with the same decision. Of two equal rules, the later one.
fn covered(scene: &Scene<'_>, rule: usize, usage: &RuleUsage) -> Option<Diagnostic> {
    let by = usage.covered_by.iter().copied().find(|by| {
        let back = scene
            .usage
            .rules
            .get(*by)
            .is_some_and(|other| other.covered_by.contains(&rule));
        !back || *by < rule
    })?;
    let name = scene.name(by, rule);
    let message = format!("this rule adds nothing: {name} covers all that it matches");
    let finding =
        Diagnostic::new(Code::RuleCovered, message, scene.rule_place(rule)?).label("covered");
    Some(
        finding
            .also(scene.rule_place(by)?, "covers it")
            .help("remove it, or say what it should add"),
    )
}

fn blockers(used: &Use) -> &[Blocker] {
    match used {
        Use::Blocked(blockers) => blockers,
        Use::Decides(_) | Use::TakesNothing | Use::MatchesNothing => &[],
    }
}
