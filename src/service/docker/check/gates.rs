//! Evaluates access gates on the manifests of a target, without the server.

use std::collections::BTreeMap;

use super::access::TargetGates;
use crate::render::plan::access_view::who;
use access::{Gate, GateBreach, GateCheck, GateKind, ScopedRule, TooComplex};
use manifest::config::Target;
use model::diag::{Code, Diagnostic, Place};
use model::docker::{DesiredPolicy, PolicyContent};

/// Evaluates the gates of a target on its manifests. Unmanaged policies on the server are not known
/// here; a plan includes them.
///
/// # Errors
/// The rules overlap in too many ways to be analyzed.
pub fn check_gates(
    target: &Target,
    policies: &[DesiredPolicy],
    gates: &TargetGates,
) -> Result<Vec<Diagnostic>, TooComplex> {
    if gates.list.is_empty() {
        return Ok(Vec::new());
    }
    let mut rules = Vec::new();
    let mut places: BTreeMap<(&str, &str), Place> = BTreeMap::new();
    for policy in policies {
        let PolicyContent::Rules(declared) = &policy.content else {
            continue;
        };
        for rule in declared {
            rules.push(ScopedRule {
                policy: policy.name.as_str(),
                scope: &policy.scope,
                rule: &rule.rule,
            });
            places.insert(
                (policy.name.as_str(), rule.rule.name.as_str()),
                policy.rule_place(rule),
            );
        }
    }
    let held = GateCheck {
        before: &[],
        after: &rules,
    };
    let found = held.against(&gates.list)?.into_iter().filter_map(|breach| {
        let gate = gates.list.get(breach.gate)?;
        Some(finding(gate, &breach, &places, &people(&breach, target)))
    });
    Ok(found.collect())
}

fn finding(
    gate: &Gate<Place>,
    breach: &GateBreach<'_>,
    places: &BTreeMap<(&str, &str), Place>,
    people: &str,
) -> Diagnostic {
    let GateBreach {
        gate: _,
        people: _,
        witness,
        before: _,
        after: (_, rules),
    } = breach;
    let reason = gate
        .reason
        .as_ref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let (code, message, help) = match (gate.kind, rules.is_empty()) {
        (GateKind::Never, _) => (
            Code::AccessNever,
            format!(
                "`{witness}` is allowed for {people}, and `{}` never may be{reason}",
                gate.pattern
            ),
            "take it out of the rule, or add a deny that covers what the gate names",
        ),
        (GateKind::Always, false) => (
            Code::AccessAlways,
            format!(
                "`{witness}` is denied for {people}, and `{}` must always be allowed{reason}",
                gate.pattern
            ),
            "take it out of the deny",
        ),
        (GateKind::Always, true) => (
            Code::AccessAlways,
            format!(
                "nothing allows `{witness}` for {people}, and `{}` must always be allowed{reason}",
                gate.pattern
            ),
            "add an allow rule whose resources cover what the gate names",
        ),
    };
    let mut blamed = rules.iter().filter_map(|(rule, resource)| {
        Some((
            places.get(&(rule.policy, rule.rule.name.as_str()))?.clone(),
            format!("`{resource}` decides it"),
        ))
    });
    let finding = match blamed.next() {
        Some((place, label)) => Diagnostic::new(code, message, place)
            .label(label)
            .also(gate.source.clone(), "the gate"),
        None => Diagnostic::new(code, message, gate.source.clone()).label("the gate"),
    };
    blamed
        .fold(finding, |finding, (place, label)| {
            finding.also(place, label)
        })
        .help(help)
}

fn people(breach: &GateBreach<'_>, target: &Target) -> String {
    who(&breach.people.clone().with_team_names(target.teams()))
}
