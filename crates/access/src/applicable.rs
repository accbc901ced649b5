//! The rules that apply to an audience, with their origin.

use std::collections::BTreeSet;

use super::audience::Audience;
use super::cedar::ApplicableCedarPolicies;
use super::decide::{ExplainedDecision, RuleSet};
use super::request::AccessRequest;
use super::unknown::UnknownCause;
use model::diag::Place;
use model::docker::{
    Decision, DesiredPolicy, DockerLiveState, LiveContent, LivePolicy, LiveRule, PolicyContent,
    Rule, Scope,
};

/// Identifies a rule. Names may be repeated in a live state; positions are unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulePosition {
    /// The position of its policy in the list of policies.
    pub policy: usize,
    /// The position of the rule in its policy.
    pub rule: usize,
}

/// A rule that applies to an audience.
#[derive(Debug, Clone)]
pub struct ApplicableRule<'a> {
    /// Identifies the rule.
    pub position: RulePosition,
    /// The name of its policy.
    pub policy: &'a str,
    /// The rule.
    pub rule: &'a Rule,
    /// The place where it is declared; `None` for a rule of the live state.
    pub place: Option<Place>,
}

/// All rules that apply to an audience, from all policies. Deny overrides allow across policies.
#[derive(Debug)]
pub struct ApplicableRules<'a> {
    rules: Vec<ApplicableRule<'a>>,
    set: RuleSet,
    /// Rules with settings that this version does not know, or that apply to an unknown audience. They may do more or less than they seem to.
    uncertain: Vec<UncertainRule<'a>>,
    uncertain_set: RuleSet,
    /// Causes that may affect every request.
    unknown: Vec<UnknownCause>,
}

#[derive(Debug)]
struct UncertainRule<'a> {
    rule: &'a Rule,
    cause: UnknownCause,
}

/// A decision with the deciding rules.
#[derive(Debug)]
pub struct AttributedDecision<'p, 'a> {
    /// The decision of the rules that this version understands.
    pub decision: Decision,
    /// Why the actual decision may be another one; empty if it is certain.
    pub unknown: Vec<UnknownCause>,
    /// The deciding rules, each with its matching resource. Empty if nothing matches: denied by
    /// default.
    pub rules: Vec<(&'p ApplicableRule<'a>, String)>,
}

impl<'a> ApplicableRules<'a> {
    /// The rules of the manifests' policies that apply to an audience.
    pub fn desired(policies: &'a [DesiredPolicy], audience: &Audience) -> Self {
        let mut uncertain = Vec::new();
        let reached = policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| audience.is_reached_by(&policy.scope));
        for (_, policy) in reached.clone() {
            let PolicyContent::Rules(rules) = &policy.content else {
                continue;
            };
            for rule in rules {
                let listed = policy.extensions.set_names();
                let listed: Vec<&str> = listed.chain(rule.rule.extensions.set_names()).collect();
                uncertain.extend(uncertain_rule(policy.name.as_str(), &rule.rule, &listed));
            }
        }
        let rules = reached.flat_map(|(number, policy)| {
            let rules = match &policy.content {
                PolicyContent::Rules(rules) => rules.as_slice(),
                PolicyContent::Cedar(_) => &[],
            };
            rules
                .iter()
                .enumerate()
                .map(move |(index, rule)| ApplicableRule {
                    position: RulePosition {
                        policy: number,
                        rule: index,
                    },
                    policy: policy.name.as_str(),
                    rule: &rule.rule,
                    place: Some(policy.rule_place(rule)),
                })
        });
        Self::new(rules.collect(), uncertain, Vec::new())
    }

    /// The rules of the live state that apply to an audience.
    pub fn live(state: &'a DockerLiveState, audience: &Audience) -> Self {
        let mut uncertain = Vec::new();
        let mut unknown = Vec::new();
        for policy in &state.policies {
            unknown_parts(policy, audience, &mut uncertain, &mut unknown);
        }
        let reached = state
            .policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| audience.is_reached_by(&policy.scope));
        let rules = reached.flat_map(|(number, policy)| {
            let rules = match &policy.content {
                LiveContent::Rules(rules) => rules.as_slice(),
                LiveContent::Cedar(_) | LiveContent::Opaque(_) => &[],
            };
            let understood = rules
                .iter()
                .enumerate()
                .filter_map(|(index, rule)| Some((index, rule.rule.as_ref().ok()?)));
            understood.map(move |(index, rule)| ApplicableRule {
                position: RulePosition {
                    policy: number,
                    rule: index,
                },
                policy: &policy.name,
                rule,
                place: None,
            })
        });
        Self::new(rules.collect(), uncertain, unknown)
    }

    fn new(
        rules: Vec<ApplicableRule<'a>>,
        uncertain: Vec<UncertainRule<'a>>,
        mut unknown: Vec<UnknownCause>,
    ) -> Self {
        let set = RuleSet::new(&rules.iter().map(|pooled| pooled.rule).collect::<Vec<_>>());
        let uncertain_set =
            RuleSet::new(&uncertain.iter().map(|rule| rule.rule).collect::<Vec<_>>());
        unknown.extend(set.unreadable().iter().filter_map(|resource| {
            let rule = rules.get(resource.rule)?;
            Some(UnknownCause {
                policy: Some(rule.policy.to_owned()),
                reason: format!(
                    "resource `{}` of rule \"{}\": {}",
                    resource.resource, rule.rule.name, resource.why
                ),
            })
        }));
        unknown.sort();
        unknown.dedup();
        Self {
            rules,
            set,
            uncertain,
            uncertain_set,
            unknown,
        }
    }

    /// The rules, in the order of their policies.
    pub fn rules(&self) -> &[ApplicableRule<'a>] {
        &self.rules
    }

    /// Decides a request.
    pub fn decide(&self, request: &AccessRequest) -> AttributedDecision<'_, 'a> {
        let ExplainedDecision { decision, reasons } = self.set.decide(request);
        let rules: Vec<(&ApplicableRule<'a>, String)> = reasons
            .into_iter()
            .filter_map(|reason| Some((self.rules.get(reason.rule)?, reason.resource.to_string())))
            .collect();
        let unknown = self.unknown_causes(request, decision, &rules);
        AttributedDecision {
            decision,
            unknown,
            rules,
        }
    }

    /// What could change the decision. A deny that is understood decides whatever else there is.
    fn unknown_causes(
        &self,
        request: &AccessRequest,
        decision: Decision,
        deciding: &[(&ApplicableRule<'a>, String)],
    ) -> Vec<UnknownCause> {
        if self.unknown.is_empty() && self.uncertain.is_empty() {
            return Vec::new();
        }
        let is_uncertain = |rule: &Rule| {
            let mut uncertain = self.uncertain.iter();
            uncertain.any(|known| std::ptr::eq(known.rule, rule))
        };
        let is_denied =
            decision == Decision::Deny && deciding.iter().any(|(rule, _)| !is_uncertain(rule.rule));
        if is_denied {
            return Vec::new();
        }
        let mut causes = self.unknown.clone();
        let matching = self.uncertain_set.matching_rules(request);
        let matching = matching.iter().filter_map(|at| self.uncertain.get(*at));
        // Without an allow, denied by default stays denied, whatever an uncertain deny does.
        let allows = decision == Decision::Allow;
        causes.extend(
            matching
                .filter(|known| allows || known.rule.decision == Decision::Allow)
                .map(|known| known.cause.clone()),
        );
        causes.sort();
        causes.dedup();
        causes
    }
}

/// What this version does not understand about a policy, as far as it may concern an audience.
fn unknown_parts<'a>(
    policy: &'a LivePolicy,
    audience: &Audience,
    uncertain: &mut Vec<UncertainRule<'a>>,
    unknown: &mut Vec<UnknownCause>,
) {
    let LivePolicy {
        id: _,
        name,
        scope,
        content,
        created_at: _,
        updated_at: _,
        unknown_scope_fields,
        unknown_fields,
    } = policy;
    let cause = |reason: String| UnknownCause {
        policy: Some(name.clone()),
        reason,
    };
    // A scope with unknown fields may include anyone.
    if !audience.is_reached_by(scope) && unknown_scope_fields.is_empty() {
        return;
    }
    let rules = match content {
        LiveContent::Rules(rules) => rules,
        LiveContent::Cedar(_) => return,
        LiveContent::Opaque(opaque) => {
            unknown.push(cause(opaque.why.clone()));
            return;
        }
    };
    let fields: Vec<&str> = unknown_fields
        .keys()
        .chain(unknown_scope_fields.keys())
        .map(String::as_str)
        .collect();
    for rule in rules {
        let LiveRule {
            id: _,
            name,
            rule,
            unknown_fields,
        } = rule;
        match rule {
            Err(opaque) => unknown.push(cause(format!("rule \"{name}\" {}", opaque.why))),
            Ok(rule) => {
                let own = unknown_fields.keys().map(String::as_str);
                let all: Vec<&str> = fields.iter().copied().chain(own).collect();
                uncertain.extend(uncertain_rule(&policy.name, rule, &all));
            }
        }
    }
}

/// A rule that has settings which this version does not know, or whose policy has some.
fn uncertain_rule<'a>(
    policy: &str,
    rule: &'a Rule,
    settings: &[&str],
) -> Option<UncertainRule<'a>> {
    let settings: Vec<String> = settings.iter().map(|name| format!("`{name}`")).collect();
    (!settings.is_empty()).then(|| UncertainRule {
        rule,
        cause: UnknownCause {
            policy: Some(policy.to_owned()),
            reason: format!("unknown settings: {}", settings.join(", ")),
        },
    })
}

/// The policies of one organization, from either source.
#[derive(Debug, Clone, Copy)]
pub enum OrganizationPolicies<'a> {
    /// The desired state: the policies of the manifests.
    Desired(&'a [DesiredPolicy]),
    /// The live state.
    Live(&'a DockerLiveState),
}

impl<'a> OrganizationPolicies<'a> {
    /// The rules that apply to an audience.
    pub fn rules(self, audience: &Audience) -> ApplicableRules<'a> {
        match self {
            Self::Desired(policies) => ApplicableRules::desired(policies, audience),
            Self::Live(state) => ApplicableRules::live(state, audience),
        }
    }

    /// The Cedar policies that apply to an audience.
    pub fn cedar(self, audience: &Audience) -> ApplicableCedarPolicies<'a> {
        match self {
            Self::Desired(policies) => ApplicableCedarPolicies::desired(policies, audience),
            Self::Live(state) => ApplicableCedarPolicies::live(state, audience),
        }
    }

    /// The teams that scopes of Cedar policies name.
    pub fn cedar_teams(self) -> BTreeSet<String> {
        let scopes: Vec<&Scope> = match self {
            Self::Desired(policies) => policies
                .iter()
                .filter(|policy| matches!(policy.content, PolicyContent::Cedar(_)))
                .map(|policy| &policy.scope)
                .collect(),
            Self::Live(state) => state
                .policies
                .iter()
                .filter(|policy| matches!(policy.content, LiveContent::Cedar(_)))
                .map(|policy| &policy.scope)
                .collect(),
        };
        let teams = scopes.iter().flat_map(|scope| &scope.teams);
        teams.map(ToString::to_string).collect()
    }

    /// An audience that every policy applies to.
    pub fn universal_audience(self) -> Audience {
        let scopes: Vec<&Scope> = match self {
            Self::Desired(policies) => policies.iter().map(|policy| &policy.scope).collect(),
            Self::Live(state) => state.policies.iter().map(|policy| &policy.scope).collect(),
        };
        Audience {
            teams: scopes
                .iter()
                .flat_map(|scope| scope.teams.iter().map(ToString::to_string))
                .collect(),
            profiles: scopes
                .iter()
                .flat_map(|scope| scope.profiles.iter().cloned())
                .collect(),
        }
    }
}
