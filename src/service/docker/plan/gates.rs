//! Access gates, evaluated on the state after the plan, including unmanaged policies.

use std::collections::BTreeSet;

use super::cedar::{
    ALL_MCP, ASSUMPTION, EnforcementRows, ScopedTexts, cedar_changes, enforcement_rows,
    scoped_texts,
};
use super::impact::unknown_parts;
use super::replay::replay;
use crate::plan::{
    AccessRow, BasePlan, BreachInfo, Change, DecidingRule, GateInfo, GateNames, GateOutcome,
    GateSource, Gates, NotAnalyzed, NotAnalyzedKind, Origin, PlannedCall, ReplayError, origins,
};
use access::{
    Gate, GateBreach, GateCheck, GateKind, GatePattern, McpBreach, McpGateCheck, McpPattern,
    Outcome, RequestPattern, ScopedRule, WideningPattern,
};
use model::docker::{Decision, DockerLiveState, LiveContent, LivePolicy};

/// The states to compare the new access with, to find what a change opens: the live state after an apply of the base
/// revision's manifests.
///
/// A policy that was changed both by the change and outside of polwarden counts as changed by the change. If a state
/// of it is live, access beyond that state counts too.
fn base_states(
    base: &BasePlan,
    live: &DockerLiveState,
    head: &[Change],
) -> Result<Vec<DockerLiveState>, ReplayError> {
    let wanted = replay(live, &base.calls)?;
    let told = origins(head, &base.changes);
    let conflicts: Vec<&Change> = head
        .iter()
        .zip(&told)
        .filter(|(_, told)| told.origin == Origin::Conflict)
        .map(|(head, _)| head)
        .collect();
    if conflicts.is_empty() {
        return Ok(vec![wanted]);
    }
    let mut as_live = wanted.clone();
    for Change { id, name, .. } in conflicts {
        match id {
            Some(id) => {
                as_live
                    .policies
                    .retain(|policy| policy.id.as_str() != id.as_str());
                as_live.policies.extend(
                    live.policies
                        .iter()
                        .find(|policy| policy.id.as_str() == id.as_str())
                        .cloned(),
                );
            }
            // Both would make it: it is not live.
            None => as_live.policies.retain(|policy| policy.name != *name),
        }
    }
    Ok(vec![wanted, as_live])
}

/// Evaluates gates on the state after these calls: one outcome per gate, in order.
pub fn evaluate_gates(
    live: &DockerLiveState,
    calls: &[PlannedCall],
    gates: &Gates,
    names: &GateNames<'_>,
) -> Vec<GateOutcome> {
    evaluate_plan_gates(live, (&[], calls), gates, names)
}

/// Like [`evaluate_gates`], for a plan with known changes, so that they can be distinguished from
/// drift.
pub(super) fn evaluate_plan_gates(
    live: &DockerLiveState,
    plan: (&[Change], &[PlannedCall]),
    gates: &Gates,
    names: &GateNames<'_>,
) -> Vec<GateOutcome> {
    if gates.is_empty() {
        return Vec::new();
    }
    let Gates {
        list,
        widening,
        base: _,
    } = gates;
    let infos = list.iter().map(|gate| (info(gate), gate.source.clone()));
    let widening_info = widening.as_ref().map(|within| {
        let within = within.iter().map(ToString::to_string).collect();
        (GateInfo::DenyWidening { within }, GateSource::CommandLine)
    });
    let outcome = |(gate, source)| GateOutcome {
        gate,
        source,
        breaches: Vec::new(),
        unknown: None,
        not_analyzed: Vec::new(),
    };
    let mut outcomes: Vec<GateOutcome> = infos.map(outcome).collect();
    let mut widened = widening_info.map(outcome);
    let looked = evaluate(live, plan, gates, names, &mut outcomes, widened.as_mut());
    if let Err(why) = looked {
        // A gate that could not be evaluated fails.
        for outcome in outcomes.iter_mut().chain(&mut widened) {
            outcome.unknown = Some(why.clone());
        }
    }
    outcomes.extend(widened);
    outcomes
}

fn evaluate(
    live: &DockerLiveState,
    (changes, calls): (&[Change], &[PlannedCall]),
    gates: &Gates,
    names: &GateNames<'_>,
    outcomes: &mut [GateOutcome],
    widened: Option<&mut GateOutcome>,
) -> Result<(), String> {
    let Gates {
        list,
        widening,
        base,
    } = gates;
    let state = replay(live, calls).map_err(|error| error.to_string())?;
    let before = rules(live);
    let after = rules(&state);
    let check = GateCheck {
        before: &before,
        after: &after,
    };
    for breach in check.against(list).map_err(|error| error.to_string())? {
        if let (Some(gate), Some(outcome)) = (list.get(breach.gate), outcomes.get_mut(breach.gate))
        {
            outcome
                .breaches
                .push(breach_info(Some(gate.kind), &breach, names));
        }
    }
    let locate = |policy: &str, _: Option<&str>| (names.policy)(policy);
    mcp_gates(live, &state, list, names, outcomes);
    let unknown = unknown_parts(live, &state, &locate);
    for outcome in outcomes.iter_mut() {
        // A policy that the plan deletes decides nothing afterwards.
        let remains = |entry: &&NotAnalyzed| {
            let mut policies = state.policies.iter();
            policies.any(|policy| policy.name == entry.policy)
        };
        outcome
            .not_analyzed
            .extend(unknown.iter().filter(remains).cloned());
    }
    let Some((within, outcome)) = widening.as_deref().zip(widened) else {
        return Ok(());
    };
    let permits_mcp = within.iter().any(WideningPattern::is_all_mcp);
    let mut requests: Vec<RequestPattern> = Vec::new();
    let mut mcp: Vec<McpPattern> = Vec::new();
    for pattern in within {
        match pattern {
            WideningPattern::Requests(pattern) => requests.push(pattern.clone()),
            WideningPattern::Mcp(_) if permits_mcp => {}
            WideningPattern::Mcp(pattern) => mcp.push((**pattern).clone()),
            WideningPattern::McpRow(_) => {}
        }
    }
    let states = base
        .as_ref()
        .map(|base| base_states(base, live, changes))
        .transpose()
        .map_err(|error| error.to_string())?;
    let compared: Vec<&DockerLiveState> = match &states {
        Some(states) => states.iter().collect(),
        // Without calls, no access opens.
        None if calls.is_empty() => Vec::new(),
        None => vec![live],
    };
    for state_before in compared {
        let before = rules(state_before);
        let check = GateCheck {
            before: &before,
            after: &after,
        };
        let changes = cedar_changes(state_before, &state, &locate, &mcp);
        let widening = changes.rows.iter().filter(|row| row.widens());
        let beyond = widening.filter(|decision| {
            let is_within = |pattern: &String| {
                let own = WideningPattern::McpRow(pattern.clone());
                within.contains(&own)
            };
            !permits_mcp && !decision.row.what.iter().all(is_within)
        });
        let decided: Vec<BreachInfo> = beyond
            .map(|decision| changed(&decision.row, names))
            .collect();
        let only_closes = |entry: &NotAnalyzed| changes.only_close.contains(&entry.policy);
        let unestablished = changes.not_analyzed.iter();
        let unestablished = unestablished.filter(|entry| !only_closes(entry)).cloned();
        outcome.not_analyzed.extend(unestablished);
        let EnforcementRows {
            opens,
            closes: _,
            not_analyzed,
        } = enforcement_rows(state_before, &state, &locate);
        outcome.not_analyzed.extend(not_analyzed);
        let outside = opens.iter().filter(|_| !permits_mcp);
        let unenforced: Vec<BreachInfo> = outside.map(|row| unenforced(row, names)).collect();
        if loses_a_deny(state_before, &state) || !is_unchanged(state_before, &state, &unknown) {
            outcome.not_analyzed.extend(unknown.iter().cloned());
        }
        let found = check
            .widened(&requests)
            .map_err(|error| error.to_string())?;
        let found = found.iter().map(|breach| breach_info(None, breach, names));
        for breach in found.chain(unenforced).chain(decided) {
            if !outcome.breaches.contains(&breach) {
                outcome.breaches.push(breach);
            }
        }
    }
    Ok(())
}

/// Adds what breaks gates about MCP requests, which Cedar policies decide.
fn mcp_gates(
    before: &DockerLiveState,
    after: &DockerLiveState,
    gates: &[Gate<GateSource>],
    names: &GateNames<'_>,
    outcomes: &mut [GateOutcome],
) {
    let is_mcp = |gate: &Gate<GateSource>| matches!(gate.pattern, GatePattern::Mcp(_));
    if !gates.iter().any(is_mcp) {
        return;
    }
    let ScopedTexts { groups, texts } = scoped_texts(before, after);
    let mut check = McpGateCheck::new();
    for (position, text) in texts.iter().enumerate() {
        check.add(position, text.text, &text.before, &text.after);
    }
    let name = |position: usize| texts.get(position).map_or("", |text| text.policy);
    for (gate, outcome) in gates.iter().zip(outcomes) {
        let GatePattern::Mcp(pattern) = &gate.pattern else {
            continue;
        };
        let audience = gate.audience.as_ref().map(|named| &named.audience);
        let found = check.check(gate.kind, pattern, audience, &groups);
        let breaches = found.breaches.into_iter();
        outcome
            .breaches
            .extend(breaches.map(|breach| mcp_breach(gate, breach, &name, names)));
        let entries = found.not_analyzed.into_iter();
        outcome
            .not_analyzed
            .extend(entries.map(|(position, reason)| NotAnalyzed {
                kind: NotAnalyzedKind::Cedar,
                policy: name(position).to_owned(),
                reason,
                source: (names.policy)(name(position)),
            }));
    }
}

/// What a breach of `always` assumes for people without a Cedar policy (contract: MCP, "Decision").
const ASSUMED_ACTIVE: &str = "MCP enforcement is active for people without a Cedar policy, so that \
     every request is denied; the service does not document this";

fn mcp_breach<'t>(
    gate: &Gate<GateSource>,
    breach: McpBreach,
    name: &dyn Fn(usize) -> &'t str,
    names: &GateNames<'_>,
) -> BreachInfo {
    let McpBreach {
        people,
        witness,
        before,
        after,
    } = breach;
    let deciding = |decided: &Option<(Outcome, Vec<usize>)>| -> Vec<DecidingRule> {
        let (outcome, positions) = match decided {
            Some((outcome, positions)) => (*outcome, positions.as_slice()),
            None => (Outcome::Deny, &[][..]),
        };
        let rules = positions.iter().map(|position| DecidingRule {
            policy: name(*position).to_owned(),
            rule: None,
            allows: outcome != Outcome::Deny,
            asks: outcome == Outcome::Approval,
            resource: gate.pattern.to_string(),
            source: (names.policy)(name(*position)),
        });
        rules.collect()
    };
    let is_broken = |(outcome, _): &(Outcome, Vec<usize>)| match gate.kind {
        GateKind::Never => *outcome != Outcome::Deny,
        GateKind::Always => *outcome != Outcome::Allow,
    };
    let already = match (&before, &after) {
        (Some(before), Some(_)) => is_broken(before),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let old = deciding(&before);
    let new = deciding(&after);
    let assumption = after.is_none().then(|| match gate.kind {
        GateKind::Never => ASSUMPTION.to_owned(),
        GateKind::Always => ASSUMED_ACTIVE.to_owned(),
    });
    BreachInfo {
        who: people.with_team_names(names.teams),
        witness,
        already,
        blame: if new.is_empty() {
            old.clone()
        } else {
            new.clone()
        },
        before: if assumption.is_some() {
            Vec::new()
        } else {
            old
        },
        after: new,
        assumption,
    }
}

/// A breach because Cedar policies permit more.
fn changed(row: &AccessRow, names: &GateNames<'_>) -> BreachInfo {
    let AccessRow {
        who,
        what: _,
        except: _,
        witness,
        rule: _,
        before,
        after,
        assumption,
    } = row;
    // Blamed is what permits it, or else what no longer denies it.
    let blame = if after.is_empty() { before } else { after };
    BreachInfo {
        who: who.clone().with_team_names(names.teams),
        witness: witness.clone(),
        already: false,
        blame: blame.clone(),
        before: before.clone(),
        after: after.clone(),
        assumption: assumption.clone(),
    }
}

/// A breach because MCP enforcement may end for some people.
fn unenforced(row: &AccessRow, names: &GateNames<'_>) -> BreachInfo {
    let AccessRow {
        who,
        what: _,
        except: _,
        witness,
        rule,
        before: _,
        after: _,
        assumption,
    } = row;
    BreachInfo {
        who: who.clone().with_team_names(names.teams),
        witness: witness.clone(),
        already: false,
        blame: vec![DecidingRule {
            policy: rule.policy.clone(),
            rule: None,
            allows: false,
            asks: false,
            resource: ALL_MCP.to_owned(),
            source: rule.source.clone(),
        }],
        before: Vec::new(),
        after: Vec::new(),
        assumption: assumption.clone(),
    }
}

/// Whether some deny rule is no longer in effect. Only then can a policy that is not understood, and
/// does not change, open something: it may allow what the deny matched.
fn loses_a_deny(before: &DockerLiveState, after: &DockerLiveState) -> bool {
    let kept = rules(after);
    rules(before).iter().any(|rule| {
        rule.rule.decision == Decision::Deny
            && !kept.iter().any(|other| {
                (other.scope, &other.rule.access) == (rule.scope, &rule.rule.access)
                    && other.rule.decision == Decision::Deny
            })
    })
}

/// Whether the policies of these entries are the same before and after.
fn is_unchanged(
    before: &DockerLiveState,
    after: &DockerLiveState,
    entries: &BTreeSet<NotAnalyzed>,
) -> bool {
    entries.iter().all(|entry| {
        let of = |state: &DockerLiveState| -> Vec<LivePolicy> {
            let policies = state.policies.iter();
            let own = policies.filter(|policy| policy.name == entry.policy);
            own.cloned().collect()
        };
        of(before) == of(after)
    })
}

fn info(gate: &Gate<GateSource>) -> GateInfo {
    let Gate {
        kind,
        pattern,
        audience,
        reason,
        source: _,
    } = gate;
    let request = pattern.to_string();
    let reason = reason.clone();
    let audience = audience.as_ref().map(|named| named.name.clone());
    match kind {
        GateKind::Never => GateInfo::Never {
            request,
            audience,
            reason,
        },
        GateKind::Always => GateInfo::Always {
            request,
            audience,
            reason,
        },
    }
}

/// All rules that could be decoded, in an order that does not depend on the order of the state.
fn rules(state: &DockerLiveState) -> Vec<ScopedRule<'_>> {
    let rules = state.policies.iter().flat_map(|policy| {
        let rules = match &policy.content {
            LiveContent::Rules(rules) => rules.as_slice(),
            LiveContent::Cedar(_) | LiveContent::Opaque(_) => &[],
        };
        let understood = rules.iter().filter_map(|rule| rule.rule.as_ref().ok());
        understood.map(|rule| ScopedRule {
            policy: &policy.name,
            scope: &policy.scope,
            rule,
        })
    });
    let mut rules: Vec<ScopedRule<'_>> = rules.collect();
    rules.sort_by(|a, b| (a.policy, &a.rule.name).cmp(&(b.policy, &b.rule.name)));
    rules
}

fn breach_info(
    kind: Option<GateKind>,
    breach: &GateBreach<'_>,
    names: &GateNames<'_>,
) -> BreachInfo {
    let GateBreach {
        gate: _,
        people,
        witness,
        before,
        after,
    } = breach;
    let decided = |(_, rules): &(Decision, Vec<(ScopedRule<'_>, String)>)| -> Vec<DecidingRule> {
        rules
            .iter()
            .map(|(rule, resource)| deciding(rule, resource, names))
            .collect()
    };
    let old = decided(before);
    let new = decided(after);
    // The request was opened by the deny rule that was removed, or else by the allow rule that was
    // added.
    let opened_by_a_deny =
        before.0 == Decision::Deny && !old.is_empty() && after.0 == Decision::Allow;
    let blame = match kind {
        None if opened_by_a_deny => old
            .iter()
            .cloned()
            .map(|rule| located_at_policy(rule, names))
            .collect(),
        None | Some(GateKind::Never) => new.clone(),
        // Required access is blocked by deny rules, or by the removal of an allow rule.
        Some(GateKind::Always) if new.is_empty() && before.0 == Decision::Allow => old
            .iter()
            .cloned()
            .map(|rule| located_at_policy(rule, names))
            .collect(),
        Some(GateKind::Always) => new.clone(),
    };
    BreachInfo {
        who: people.clone().with_team_names(names.teams),
        witness: witness.to_string(),
        already: before.0 == after.0,
        blame,
        before: old,
        after: new,
        assumption: None,
    }
}

fn deciding(rule: &ScopedRule<'_>, resource: &str, names: &GateNames<'_>) -> DecidingRule {
    DecidingRule {
        policy: rule.policy.to_owned(),
        rule: Some(rule.rule.name.to_string()),
        allows: rule.rule.decision == Decision::Allow,
        asks: false,
        resource: resource.to_owned(),
        source: (names.rule)(rule.policy, rule.rule.name.as_str()),
    }
}

/// A deleted rule has no line; use the line of its policy.
fn located_at_policy(mut rule: DecidingRule, names: &GateNames<'_>) -> DecidingRule {
    rule.source = rule.source.or_else(|| (names.policy)(&rule.policy));
    rule
}
