//! Evaluates access gates on the manifests of a target, without the server.

use std::collections::{BTreeMap, BTreeSet};

use super::access::TargetGates;
use crate::render::plan::access_view::who;
use crate::render::text::plural;
use access::{
    Gate, GateBreach, GateCheck, GateKind, GatePattern, GroupTable, McpBreach, McpGateCheck,
    McpGateResult, Outcome, ScopedRule, TooComplex,
};
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
    let mut found: Vec<Diagnostic> = found.collect();
    found.extend(mcp_findings(target, policies, gates));
    found.extend(unknown_settings(policies, gates));
    Ok(found)
}

/// The policies with settings that this version does not know. What they decide is not known, so that
/// no gate is proven.
fn unknown_settings(policies: &[DesiredPolicy], gates: &TargetGates) -> Vec<Diagnostic> {
    let Some(first) = gates.list.first() else {
        return Vec::new();
    };
    let found = policies.iter().filter_map(|policy| {
        let own = policy.extensions.set_names().map(str::to_owned);
        let rules = match &policy.content {
            PolicyContent::Rules(rules) => rules.as_slice(),
            PolicyContent::Cedar(_) => &[],
        };
        let of_rules = rules
            .iter()
            .flat_map(|rule| rule.rule.extensions.set_names().map(str::to_owned));
        let names: BTreeSet<String> = own.chain(of_rules).collect();
        if names.is_empty() {
            return None;
        }
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let count = plural(gates.list.len(), "gate is", "gates are");
        let message = format!(
            "{count} not analyzed: policy \"{}\" has settings that this version does not know: {}",
            policy.name,
            names.join(", ")
        );
        Some(
            Diagnostic::new(Code::AccessNotAnalyzed, message, policy.place())
                .also(first.source.clone(), "the first gate")
                .help("`apply` accepts this with --ack not-analyzed=N, as its plan shows"),
        )
    });
    found.collect()
}

/// What Cedar policies break of the gates about MCP requests.
fn mcp_findings(
    target: &Target,
    policies: &[DesiredPolicy],
    gates: &TargetGates,
) -> Vec<Diagnostic> {
    let groups = GroupTable::of(policies.iter().map(|policy| &policy.scope));
    let mut check = McpGateCheck::new();
    for (position, policy) in policies.iter().enumerate() {
        if let PolicyContent::Cedar(cedar) = &policy.content {
            check.add(position, &cedar.text, &[], &groups.groups(&policy.scope));
        }
    }
    let place = |position: &usize| policies.get(*position).map(DesiredPolicy::place);
    let name = |position: usize| policies.get(position).map_or("", |it| it.name.as_str());
    let mut found = Vec::new();
    for gate in &gates.list {
        let GatePattern::Mcp(pattern) = &gate.pattern else {
            continue;
        };
        let audience = gate.audience.as_ref().map(|named| &named.audience);
        let McpGateResult {
            breaches,
            not_analyzed,
        } = check.check(gate.kind, pattern, audience, &groups);
        for breach in breaches {
            let people = who(&breach.people.clone().with_team_names(target.teams()));
            found.push(mcp_finding(gate, &breach, &people, &place));
        }
        found.extend(not_analyzed.into_iter().filter_map(|(position, reason)| {
            let message = format!(
                "the gate `{pattern}` is not analyzed: policy \"{}\": {reason}",
                name(position)
            );
            Some(
                Diagnostic::new(Code::AccessNotAnalyzed, message, place(&position)?)
                    .also(gate.source.clone(), "the gate")
                    .help("`apply` accepts this with --ack mcp=N, as its plan shows"),
            )
        }));
    }
    found
}

fn mcp_finding(
    gate: &Gate<Place>,
    breach: &McpBreach,
    people: &str,
    place: &dyn Fn(&usize) -> Option<Place>,
) -> Diagnostic {
    let McpBreach {
        people: _,
        witness,
        before: _,
        after,
    } = breach;
    let reason = gate
        .reason
        .as_ref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let pattern = &gate.pattern;
    let Some((outcome, policies)) = after else {
        // A policy that no manifest declares may apply to these people.
        let message = format!(
            "the gate `{pattern}` is not analyzed for {people}: no Cedar policy of the manifests applies to them, and the service does not document what is then permitted"
        );
        return Diagnostic::new(Code::AccessNotAnalyzed, message, gate.source.clone())
            .label("the gate")
            .help("add a Cedar policy whose scope includes them");
    };
    let decided = match outcome {
        Outcome::Allow => "is allowed",
        Outcome::Approval => "is allowed after an approval",
        Outcome::Deny => "is denied",
    };
    let (code, message, help) = match gate.kind {
        GateKind::Never => (
            Code::AccessNever,
            format!("`{witness}` {decided} for {people}, and `{pattern}` never may be{reason}"),
            "narrow the permit, or add a forbid that covers what the gate names",
        ),
        GateKind::Always => (
            Code::AccessAlways,
            format!(
                "`{witness}` {decided} for {people}, and `{pattern}` must always be allowed{reason}"
            ),
            "add a permit that covers what the gate names, or narrow what overrides it",
        ),
    };
    let mut blamed = policies.iter().filter_map(place);
    match blamed.next() {
        Some(first) => {
            let finding = Diagnostic::new(code, message, first)
                .label("its statements decide it")
                .also(gate.source.clone(), "the gate");
            blamed.fold(finding, |finding, place| {
                finding.also(place, "its statements decide it")
            })
        }
        None => Diagnostic::new(code, message, gate.source.clone()).label("the gate"),
    }
    .help(help)
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
                "`{witness}` is allowed for {people}, but `{}` must never be allowed{reason}",
                gate.pattern
            ),
            "remove it from the rule, or add a deny rule for the requests of the gate",
        ),
        (GateKind::Always, false) => (
            Code::AccessAlways,
            format!(
                "`{witness}` is denied for {people}, but `{}` must always be allowed{reason}",
                gate.pattern
            ),
            "remove it from the deny rule",
        ),
        (GateKind::Always, true) => (
            Code::AccessAlways,
            format!(
                "`{witness}` is denied by default for {people}, but `{}` must always be allowed{reason}",
                gate.pattern
            ),
            "add an allow rule for the requests of the gate",
        ),
    };
    let mut blamed = rules.iter().filter_map(|(rule, resource)| {
        Some((
            places.get(&(rule.policy, rule.rule.name.as_str()))?.clone(),
            format!("`{resource}` decides"),
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
