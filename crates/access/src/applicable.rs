//! The rules that apply to an audience, with their origin.

use super::audience::Audience;
use super::cedar::ApplicableCedarPolicies;
use super::decide::{ExplainedDecision, RuleSet};
use super::request::AccessRequest;
use model::diag::Place;
use model::docker::{
    Decision, DesiredPolicy, DockerLiveState, LiveContent, PolicyContent, Rule, Scope,
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
}

/// A decision with the deciding rules.
#[derive(Debug)]
pub struct AttributedDecision<'p, 'a> {
    /// The decision.
    pub decision: Decision,
    /// The deciding rules, each with its matching resource. Empty if nothing matches: denied by
    /// default.
    pub rules: Vec<(&'p ApplicableRule<'a>, String)>,
}

impl<'a> ApplicableRules<'a> {
    /// The rules of the manifests' policies that apply to an audience.
    pub fn desired(policies: &'a [DesiredPolicy], audience: &Audience) -> Self {
        let reached = policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| audience.is_reached_by(&policy.scope));
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
        Self::new(rules.collect())
    }

    /// The rules of the live state that apply to an audience. Rules that this version does not
    /// understand are left out.
    pub fn live(state: &'a DockerLiveState, audience: &Audience) -> Self {
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
        Self::new(rules.collect())
    }

    fn new(rules: Vec<ApplicableRule<'a>>) -> Self {
        let set = RuleSet::new(&rules.iter().map(|pooled| pooled.rule).collect::<Vec<_>>());
        Self { rules, set }
    }

    /// The rules, in the order of their policies.
    pub fn rules(&self) -> &[ApplicableRule<'a>] {
        &self.rules
    }

    /// Decides a request.
    pub fn decide(&self, request: &AccessRequest) -> AttributedDecision<'_, 'a> {
        let ExplainedDecision { decision, reasons } = self.set.decide(request);
        let rules = reasons
            .into_iter()
            .filter_map(|reason| Some((self.rules.get(reason.rule)?, reason.resource.to_string())));
        AttributedDecision {
            decision,
            rules: rules.collect(),
        }
    }
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
