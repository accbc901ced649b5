//! The rules that count for some people, with where each comes from: what a question about access is asked of.

use super::audience::Audience;
use super::decide::{RuleSet, Verdict};
use super::request::Request;
use model::diag::Place;
use model::docker::{Content, Decision, DesiredPolicy, LiveContent, LiveState, Rule};

/// Which rule of all policies is meant: names may repeat in a live state, positions do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulePosition {
    /// The position of its policy among all.
    pub policy: usize,
    /// The position of the rule in its policy.
    pub rule: usize,
}

/// A rule that counts for some people.
#[derive(Debug, Clone)]
pub struct PooledRule<'a> {
    /// Which of all rules it is.
    pub position: RulePosition,
    /// The name of its policy.
    pub policy: &'a str,
    /// The rule.
    pub rule: &'a Rule,
    /// Where it is declared; nothing for a rule that was read from the server.
    pub place: Option<Place>,
}

/// All rules that count for some people, whichever policies they stand in.
#[derive(Debug)]
pub struct Pool<'a> {
    rules: Vec<PooledRule<'a>>,
    set: RuleSet,
}

/// What is decided about a request, by rules that can be named.
#[derive(Debug)]
pub struct Answer<'p, 'a> {
    /// Allow or deny.
    pub decision: Decision,
    /// The rules that decide, each with the resource that matches; none where nothing matches, which denies.
    pub rules: Vec<(&'p PooledRule<'a>, String)>,
}

impl<'a> Pool<'a> {
    /// The rules of these policies that reach some people.
    pub fn desired(policies: &'a [DesiredPolicy], audience: &Audience) -> Self {
        let reached = policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| audience.is_reached_by(&policy.scope));
        let rules = reached.flat_map(|(number, policy)| {
            let rules = match &policy.content {
                Content::Rules(rules) => rules.as_slice(),
                Content::Cedar(_) => &[],
            };
            rules
                .iter()
                .enumerate()
                .map(move |(index, rule)| PooledRule {
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

    /// The rules of an organization that reach some people. What this version does not understand is not among them.
    pub fn live(state: &'a LiveState, audience: &Audience) -> Self {
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
            understood.map(move |(index, rule)| PooledRule {
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

    fn new(rules: Vec<PooledRule<'a>>) -> Self {
        let set = RuleSet::new(&rules.iter().map(|pooled| pooled.rule).collect::<Vec<_>>());
        Self { rules, set }
    }

    /// The rules, in the order of their policies.
    pub fn rules(&self) -> &[PooledRule<'a>] {
        &self.rules
    }

    /// Decides a request.
    pub fn decide(&self, request: &Request) -> Answer<'_, 'a> {
        let Verdict { decision, reasons } = self.set.decide(request);
        let rules = reasons
            .into_iter()
            .filter_map(|reason| Some((self.rules.get(reason.rule)?, reason.resource.to_string())));
        Answer {
            decision,
            rules: rules.collect(),
        }
    }
}
