//! An interval model of a run: every name, scope and rule content with the call that begins it and
//! the call that ends it.
//!
//! The order of calls is unknown when a timeline is built, so an interval does not mean a period of
//! time but a condition: its content applies in every state in which the call `from` was made and
//! the call `until` was not. This makes it possible to ask about any subset of the calls without
//! replaying it.
//!
//! Example: call 3 updates rule `r` from v1 to v2, and nothing else changes `r`. Its track is v1
//! (until call 3), v2 (from call 3).

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::{SmallVec, smallvec};

use super::replay::created;
use crate::plan::ReplayError;
use crate::plan::graph::CallPosition;
use crate::plan::{CallId, PlannedCall, PolicyRef};
use model::docker::{
    DockerLiveState, DockerOperation, LiveContent, LivePolicy, LiveRule, PolicyId, PolicyPatch,
    Rule, RuleId, RulePatch, Scope,
};

#[derive(Debug, Clone)]
pub(crate) struct Span<T> {
    pub(crate) what: T,
    /// `None` if it exists before the run.
    pub(crate) from: Option<CallPosition>,
    /// `None` if it exists after the run.
    pub(crate) until: Option<CallPosition>,
}

/// The consecutive versions of one object.
pub(crate) type Track<T> = SmallVec<[Span<T>; 1]>;

#[derive(Debug)]
pub(crate) struct PolicyTrack<'a> {
    pub(crate) names: Track<Cow<'a, str>>,
    pub(crate) scopes: Track<Cow<'a, Scope>>,
    /// The call that creates the policy.
    pub(crate) made: Option<CallPosition>,
    /// The call that deletes the policy.
    pub(crate) gone: Option<CallPosition>,
}

#[derive(Debug)]
pub(crate) struct RuleTrack<'a> {
    /// The index of its policy.
    pub(crate) policy: usize,
    /// Empty for a rule that could not be decoded: no call touches it.
    pub(crate) contents: Track<Cow<'a, Rule>>,
}

#[derive(Debug, Default)]
pub(crate) struct Timeline<'a> {
    pub(crate) policies: Vec<PolicyTrack<'a>>,
    pub(crate) rules: Vec<RuleTrack<'a>>,
    known_policies: HashMap<PolicyId, usize, RandomState>,
    known_rules: HashMap<(usize, &'a RuleId), usize, RandomState>,
}

impl<'a> Timeline<'a> {
    /// Applies the calls in the order of the list. Policies that they create are identified by the
    /// numbers of the creating calls.
    ///
    /// # Errors
    /// A call that does not fit the state before it.
    pub(crate) fn new(
        live: &'a DockerLiveState,
        calls: &'a [PlannedCall],
    ) -> Result<Self, ReplayError> {
        let mut timeline = Self::default();
        // The server's order has no meaning, and must not influence which alternative is chosen.
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
            names: smallvec![unbounded(Cow::Borrowed(live.name.as_str()))],
            scopes: smallvec![unbounded(Cow::Borrowed(&live.scope))],
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
                .map(|rule| unbounded(Cow::Borrowed(rule)));
            self.rules.push(RuleTrack {
                policy,
                contents: contents.into_iter().collect(),
            });
        }
    }

    fn add_call(&mut self, at: CallPosition, call: &'a PlannedCall) -> Result<(), ReplayError> {
        match call
            .send
            .docker()
            .ok_or(ReplayError::OtherService { call: call.id.0 })?
        {
            DockerOperation::CreatePolicy { policy } => {
                self.known_policies
                    .insert(created(call.id), self.policies.len());
                let span = |what| Span {
                    what,
                    from: Some(at),
                    until: None,
                };
                self.policies.push(PolicyTrack {
                    names: smallvec![span(Cow::Borrowed(policy.name.as_str()))],
                    // The rules of a new policy are created later and have intervals of their own,
                    // so the scope can apply from the start.
                    scopes: smallvec![unbounded(Cow::Borrowed(&policy.scope))],
                    made: Some(at),
                    gone: None,
                });
            }
            DockerOperation::UpdatePolicy { id, patch } => {
                let PolicyPatch {
                    name,
                    teams,
                    cedar: _,
                    extensions: _,
                } = patch;
                let policy = self.policy(id, call.id)?;
                let track = &mut self.policies[policy];
                if let Some(name) = name {
                    begin_span(&mut track.names, at, Cow::Borrowed(name.as_str()));
                }
                if let (Some(teams), Some(last)) = (teams, track.scopes.last()) {
                    let Scope { teams: _, profiles } = &*last.what;
                    let scope = Scope {
                        teams: teams.clone(),
                        profiles: profiles.clone(),
                    };
                    begin_span(&mut track.scopes, at, Cow::Owned(scope));
                }
            }
            DockerOperation::DeletePolicy { id } => self.delete_policy(at, id, call.id)?,
            DockerOperation::CreateRule { policy, rule } => {
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
            DockerOperation::UpdateRule { policy, id, patch } => {
                self.update_rule(at, (policy, id), patch, call.id)?
            }
            DockerOperation::DeleteRule { policy, id } => {
                let rule = self.rule(policy, id, call.id)?;
                end_span(&mut self.rules[rule].contents, at);
            }
        }
        Ok(())
    }

    fn delete_policy(
        &mut self,
        at: CallPosition,
        id: &PolicyId,
        call: CallId,
    ) -> Result<(), ReplayError> {
        let policy = self.policy(id, call)?;
        let track = &mut self.policies[policy];
        end_span(&mut track.names, at);
        track.gone = Some(at);
        for rule in self.rules.iter_mut().filter(|rule| rule.policy == policy) {
            end_span(&mut rule.contents, at);
        }
        Ok(())
    }

    fn update_rule(
        &mut self,
        at: CallPosition,
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
        let after = patch
            .apply(&before.what)
            .map_err(|error| ReplayError::InvalidRule {
                call: call.0,
                error,
            })?;
        begin_span(contents, at, Cow::Owned(after));
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

fn unbounded<T>(what: T) -> Span<T> {
    Span {
        what,
        from: None,
        until: None,
    }
}

fn begin_span<T>(track: &mut Track<T>, at: CallPosition, what: T) {
    end_span(track, at);
    track.push(Span {
        what,
        from: Some(at),
        until: None,
    });
}

fn end_span<T>(track: &mut Track<T>, at: CallPosition) {
    if let Some(last) = track.last_mut().filter(|last| last.until.is_none()) {
        last.until = Some(at);
    }
}
