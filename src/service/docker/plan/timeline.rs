//! What an organization holds over a run: each name, scope and rule with the calls between which it is there.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::{SmallVec, smallvec};

use super::replay::{created, patched_rule};
use crate::plan::ReplayError;
use crate::plan::{Call, CallId, PolicyRef};
use model::docker::{
    LiveContent, LivePolicy, LiveRule, LiveState, Operation, PolicyId, PolicyPatch, Rule, RuleId,
    RulePatch, Scope,
};

/// The position of a call in the list that a timeline was made from.
pub(crate) type At = usize;

/// Something that is there between two calls.
#[derive(Debug, Clone)]
pub(crate) struct Span<T> {
    pub(crate) what: T,
    /// The call that brings it; nothing for what is there before the run.
    pub(crate) from: Option<At>,
    /// The call that ends it; nothing for what is there after the run.
    pub(crate) until: Option<At>,
}

/// What becomes of one thing, span after span.
pub(crate) type Track<T> = SmallVec<[Span<T>; 1]>;

/// A policy over a run.
#[derive(Debug)]
pub(crate) struct PolicyTrack<'a> {
    pub(crate) names: Track<Cow<'a, str>>,
    pub(crate) scopes: Track<Cow<'a, Scope>>,
    /// The call that makes it.
    pub(crate) made: Option<At>,
    /// The call that deletes it.
    pub(crate) gone: Option<At>,
}

/// A rule over a run.
#[derive(Debug)]
pub(crate) struct RuleTrack<'a> {
    /// The position of its policy.
    pub(crate) policy: usize,
    /// What it says; empty for a rule that is not understood, and so never touched.
    pub(crate) contents: Track<Cow<'a, Rule>>,
}

/// All policies and rules over a run.
#[derive(Debug, Default)]
pub(crate) struct Timeline<'a> {
    pub(crate) policies: Vec<PolicyTrack<'a>>,
    pub(crate) rules: Vec<RuleTrack<'a>>,
    known_policies: HashMap<PolicyId, usize, RandomState>,
    known_rules: HashMap<(usize, &'a RuleId), usize, RandomState>,
}

impl<'a> Timeline<'a> {
    /// What the calls make of a state, in the order of the list. Policies that calls make are known by the numbers of
    /// these calls.
    ///
    /// # Errors
    /// A call that does not fit what is there when it is made.
    pub(crate) fn new(live: &'a LiveState, calls: &'a [Call]) -> Result<Self, ReplayError> {
        let mut timeline = Self::default();
        // The server's order means nothing, and must not decide which of two ways is chosen.
        let mut policies: Vec<&LivePolicy> = live.policies.iter().collect();
        policies.sort_unstable_by_key(|policy| (&policy.name, &policy.id));
        for policy in policies {
            timeline.add_live(policy);
        }
        for (at, call) in calls.iter().enumerate() {
            timeline.add_call(at, call)?;
        }
        Ok(timeline)
    }

    fn add_live(&mut self, live: &'a LivePolicy) {
        let policy = self.policies.len();
        self.known_policies.insert(live.id.clone(), policy);
        self.policies.push(PolicyTrack {
            names: smallvec![always(Cow::Borrowed(live.name.as_str()))],
            scopes: smallvec![always(Cow::Borrowed(&live.scope))],
            made: None,
            gone: None,
        });
        let LiveContent::Rules(rules) = &live.content else {
            return;
        };
        let mut rules: Vec<&LiveRule> = rules.iter().collect();
        rules.sort_unstable_by_key(|rule| (&rule.name, &rule.id));
        for rule in rules {
            self.known_rules
                .insert((policy, &rule.id), self.rules.len());
            let contents = rule
                .rule
                .as_ref()
                .ok()
                .map(|rule| always(Cow::Borrowed(rule)));
            self.rules.push(RuleTrack {
                policy,
                contents: contents.into_iter().collect(),
            });
        }
    }

    fn add_call(&mut self, at: At, call: &'a Call) -> Result<(), ReplayError> {
        match call
            .send
            .docker()
            .ok_or(ReplayError::Foreign { call: call.id.0 })?
        {
            Operation::CreatePolicy { policy } => {
                self.known_policies
                    .insert(created(call.id), self.policies.len());
                let span = |what| Span {
                    what,
                    from: Some(at),
                    until: None,
                };
                self.policies.push(PolicyTrack {
                    names: smallvec![span(Cow::Borrowed(policy.name.as_str()))],
                    // Its rules come later than itself, so that they alone say when it counts.
                    scopes: smallvec![always(Cow::Borrowed(&policy.scope))],
                    made: Some(at),
                    gone: None,
                });
            }
            Operation::UpdatePolicy { id, patch } => {
                let PolicyPatch {
                    name,
                    teams,
                    cedar: _,
                } = patch;
                let policy = self.policy(id, call.id)?;
                let track = &mut self.policies[policy];
                if let Some(name) = name {
                    becomes(&mut track.names, at, Cow::Borrowed(name.as_str()));
                }
                if let (Some(teams), Some(last)) = (teams, track.scopes.last()) {
                    let scope = Scope {
                        teams: teams.clone(),
                        profiles: last.what.profiles.clone(),
                    };
                    becomes(&mut track.scopes, at, Cow::Owned(scope));
                }
            }
            Operation::DeletePolicy { id } => self.delete_policy(at, id, call.id)?,
            Operation::CreateRule { policy, rule } => {
                let policy = match policy {
                    PolicyRef::Existing(id) => self.policy(id, call.id)?,
                    PolicyRef::CreatedBy(by) => self.policy(&created(*by), call.id)?,
                };
                let contents = smallvec![Span {
                    what: Cow::Borrowed(rule),
                    from: Some(at),
                    until: None
                }];
                self.rules.push(RuleTrack { policy, contents });
            }
            Operation::UpdateRule { policy, id, patch } => {
                self.update_rule(at, (policy, id), patch, call.id)?
            }
            Operation::DeleteRule { policy, id } => {
                let rule = self.rule(policy, id, call.id)?;
                end(&mut self.rules[rule].contents, at);
            }
        }
        Ok(())
    }

    fn delete_policy(&mut self, at: At, id: &PolicyId, call: CallId) -> Result<(), ReplayError> {
        let policy = self.policy(id, call)?;
        let track = &mut self.policies[policy];
        end(&mut track.names, at);
        track.gone = Some(at);
        for rule in self.rules.iter_mut().filter(|rule| rule.policy == policy) {
            end(&mut rule.contents, at);
        }
        Ok(())
    }

    fn update_rule(
        &mut self,
        at: At,
        (policy, id): (&PolicyId, &RuleId),
        patch: &RulePatch,
        call: CallId,
    ) -> Result<(), ReplayError> {
        let rule = self.rule(policy, id, call)?;
        let contents = &mut self.rules[rule].contents;
        let before = contents
            .last()
            .filter(|span| span.until.is_none())
            .ok_or(ReplayError::NoRule { call: call.0 })?;
        let after = patched_rule(&before.what, patch).map_err(|error| ReplayError::NotARule {
            call: call.0,
            error,
        })?;
        becomes(contents, at, Cow::Owned(after));
        Ok(())
    }

    fn policy(&self, id: &PolicyId, call: CallId) -> Result<usize, ReplayError> {
        let found = self
            .known_policies
            .get(id)
            .copied()
            .filter(|policy| self.policies[*policy].gone.is_none());
        found.ok_or(ReplayError::NoPolicy { call: call.0 })
    }

    fn rule(&self, policy: &PolicyId, id: &RuleId, call: CallId) -> Result<usize, ReplayError> {
        let policy = self.policy(policy, call)?;
        self.known_rules
            .get(&(policy, id))
            .copied()
            .ok_or(ReplayError::NoRule { call: call.0 })
    }
}

fn always<T>(what: T) -> Span<T> {
    Span {
        what,
        from: None,
        until: None,
    }
}

fn becomes<T>(track: &mut Track<T>, at: At, what: T) {
    end(track, at);
    track.push(Span {
        what,
        from: Some(at),
        until: None,
    });
}

fn end<T>(track: &mut Track<T>, at: At) {
    if let Some(last) = track.last_mut().filter(|last| last.until.is_none()) {
        last.until = Some(at);
    }
}
