//! Access gates, evaluated on the state after the plan, including unmanaged policies.

use std::collections::BTreeMap;

use super::replay::{ReplayError, replay};
use crate::plan::origins;
use crate::plan::{
    BreachInfo, Call, Change, DecidingRule, GateInfo, GateOutcome, GateSource, Origin, SourceRef,
    TargetPlan,
};
use access::{
    Audience, Gate, GateBreach, GateCheck, GateKind, NamedAudience, RequestPattern, ScopedRule,
};
use model::docker::{Decision, LiveContent, LiveState};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates {
    pub list: Vec<Gate<GateSource>>,
    /// Audiences to check in addition to everyone, members of each team, and members
    /// of all teams.
    pub audiences: Vec<NamedAudience>,
    /// The requests that a plan may open; `None` permits all.
    pub widening: Option<Vec<RequestPattern>>,
    /// The plan of the base revision, to distinguish what the change opens from drift. Without it,
    /// all opened access counts.
    pub base: Option<BasePlan>,
}

/// The plan that would bring the same server to the manifests of the base revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePlan {
    changes: Vec<Change>,
    calls: Vec<Call>,
}

impl From<&TargetPlan> for BasePlan {
    fn from(plan: &TargetPlan) -> Self {
        Self {
            changes: plan.changes.clone(),
            calls: plan.calls.clone(),
        }
    }
}

impl BasePlan {
    /// The states that access after the plan is compared with. The first one is the server with the
    /// manifests of the base revision.
    ///
    /// If a policy was changed both by this change and outside of polwarden, there is a second state
    /// in which this policy is as it is live, so access that opens beyond either state counts.
    fn states(&self, live: &LiveState, head: &[Change]) -> Result<Vec<LiveState>, ReplayError> {
        let wanted = replay(live, &self.calls)?;
        let told = origins(head, &self.changes);
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
                // Both revisions would create it, so it is not live.
                None => as_live.policies.retain(|policy| policy.name != *name),
            }
        }
        Ok(vec![wanted, as_live])
    }
}

impl Gates {
    pub fn is_empty(&self) -> bool {
        let Self {
            list,
            audiences: _,
            widening,
            base: _,
        } = self;
        list.is_empty() && widening.is_none()
    }
}

/// Where rules are declared, and the short names of teams.
pub struct Names<'a> {
    /// The line of a rule, by the names of its policy and itself.
    pub rule: &'a dyn Fn(&str, &str) -> Option<SourceRef>,
    /// The line of a policy, for rules that the plan deletes.
    pub policy: &'a dyn Fn(&str) -> Option<SourceRef>,
    pub teams: &'a BTreeMap<String, String>,
}

/// Evaluates gates on the state after these calls: one outcome per gate, in order.
pub fn hold_gates(
    live: &LiveState,
    calls: &[Call],
    gates: &Gates,
    names: &Names<'_>,
) -> Vec<GateOutcome> {
    hold_gates_of(live, (&[], calls), gates, names)
}

/// Like [`hold_gates`], for a plan with known changes, so that they can be distinguished from
/// drift.
pub(super) fn hold_gates_of(
    live: &LiveState,
    plan: (&[Change], &[Call]),
    gates: &Gates,
    names: &Names<'_>,
) -> Vec<GateOutcome> {
    if gates.is_empty() {
        return Vec::new();
    }
    let Gates {
        list,
        audiences: _,
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
    };
    let mut outcomes: Vec<GateOutcome> = infos.map(outcome).collect();
    let mut widened = widening_info.map(outcome);
    let looked = look(live, plan, gates, names, &mut outcomes, widened.as_mut());
    if let Err(why) = looked {
        // A gate that could not be evaluated fails.
        for outcome in outcomes.iter_mut().chain(&mut widened) {
            outcome.unknown = Some(why.clone());
        }
    }
    outcomes.extend(widened);
    outcomes
}

fn look(
    live: &LiveState,
    (changes, calls): (&[Change], &[Call]),
    gates: &Gates,
    names: &Names<'_>,
    outcomes: &mut [GateOutcome],
    widened: Option<&mut GateOutcome>,
) -> Result<(), String> {
    let Gates {
        list,
        audiences,
        widening,
        base,
    } = gates;
    let state = replay(live, calls).map_err(|error| error.to_string())?;
    let before = rules(live);
    let after = rules(&state);
    let check = GateCheck {
        before: &before,
        after: &after,
        audiences,
    };
    for breach in check.against(list).map_err(|error| error.to_string())? {
        if let (Some(gate), Some(outcome)) = (list.get(breach.gate), outcomes.get_mut(breach.gate))
        {
            outcome.breaches.push(told(Some(gate.kind), &breach, names));
        }
    }
    let (Some(within), Some(outcome)) = (widening, widened) else {
        return Ok(());
    };
    let states = base
        .as_ref()
        .map(|base| base.states(live, changes))
        .transpose()
        .map_err(|error| error.to_string())?;
    let compared: Vec<&LiveState> = match &states {
        Some(states) => states.iter().collect(),
        // Without calls, no access opens.
        None if calls.is_empty() => Vec::new(),
        None => vec![live],
    };
    for state in compared {
        let before = rules(state);
        let check = GateCheck {
            before: &before,
            after: &after,
            audiences,
        };
        for breach in check.widened(within).map_err(|error| error.to_string())? {
            let breach = told(None, &breach, names);
            if !outcome.breaches.contains(&breach) {
                outcome.breaches.push(breach);
            }
        }
    }
    Ok(())
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
fn rules(state: &LiveState) -> Vec<ScopedRule<'_>> {
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

fn told(kind: Option<GateKind>, breach: &GateBreach<'_>, names: &Names<'_>) -> BreachInfo {
    let GateBreach {
        gate: _,
        audience,
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
            .map(|rule| at_its_policy(rule, names))
            .collect(),
        None | Some(GateKind::Never) => new.clone(),
        // Required access is blocked by deny rules, or by the removal of an allow rule.
        Some(GateKind::Always) if new.is_empty() && before.0 == Decision::Allow => old
            .iter()
            .cloned()
            .map(|rule| at_its_policy(rule, names))
            .collect(),
        Some(GateKind::Always) => new.clone(),
    };
    BreachInfo {
        audience: people(audience, names.teams),
        witness: witness.to_string(),
        already: before.0 == after.0,
        blame,
        before: old,
        after: new,
    }
}

fn deciding(rule: &ScopedRule<'_>, resource: &str, names: &Names<'_>) -> DecidingRule {
    DecidingRule {
        policy: rule.policy.to_owned(),
        rule: rule.rule.name.to_string(),
        allows: rule.rule.decision == Decision::Allow,
        resource: resource.to_owned(),
        source: (names.rule)(rule.policy, rule.rule.name.as_str()),
    }
}

/// A deleted rule has no line; use the line of its policy.
fn at_its_policy(mut rule: DecidingRule, names: &Names<'_>) -> DecidingRule {
    rule.source = rule.source.or_else(|| (names.policy)(&rule.policy));
    rule
}

fn people(audience: &Audience, teams: &BTreeMap<String, String>) -> Audience {
    let name = |id: &String| {
        let known = teams.iter().find(|(_, uuid)| uuid.eq_ignore_ascii_case(id));
        known.map_or_else(|| id.clone(), |(name, _)| name.clone())
    };
    Audience {
        teams: audience.teams.iter().map(name).collect(),
        profiles: audience.profiles.clone(),
    }
}
