//! What a run's journal and the live state together want, so that what the run touched is as it was before.
//!
//! Nothing is replayed: the result is a desired state, from which a new plan is made. Objects that the run did not touch
//! are desired as they are live, so the changes of other clients are not undone.

use std::collections::BTreeSet;

use super::ledger::{Ledger, policies};
use super::outcome::has_same_fields;
use crate::plan::{ResourceKind, SentOperation, fingerprint};
use crate::run::journal::{CallResult, RunCall, TargetHistory};
use crate::run::{HeldUndo, HeldUndoReason};
use crate::run::{LiveObject, ObjectDifference, StateAfterWrite};
use model::Name;
use model::diag::DocumentId;
use model::docker::{
    DesiredPolicy, DesiredRule, DockerLiveState, DockerOperation, Extensions, LiveContent,
    LivePolicy, LiveRule, PolicyContent, PolicyId, Rule, RuleId,
};

/// What is desired of the policies that a run touched.
#[derive(Debug, Clone, Default)]
pub struct PolicyUndo {
    /// The policies that are to be there, as they are to be.
    pub desired: Vec<DesiredPolicy>,
    /// The policies that the run made and that are to go.
    pub made: BTreeSet<PolicyId>,
    /// What stays as it is, and why.
    pub held: Vec<HeldUndo>,
    /// Deleted policies of the run that are created again. The server assigns new ids.
    pub again: Vec<String>,
}

/// Compares the state after a run with the live state, and returns the desired state in which all objects that the run touched are as before it.
///
/// `document` stands for the journal. With `overwrite`, later changes of other clients are undone too.
pub fn undo_policies(
    target: &TargetHistory,
    live: &DockerLiveState,
    document: DocumentId,
    overwrite: bool,
) -> PolicyUndo {
    let before = Ledger::without_run(target);
    let after = Ledger::of_run(target);
    let mut undoing = PolicyUndoBuilder {
        target,
        live,
        before,
        after,
        document,
        overwrite,
        undo: PolicyUndo::default(),
    };
    undoing.note_unknown();
    undoing.created_policies();
    let listed: Vec<&PolicyId> = policies(target).map(|policy| &policy.id).collect();
    let found_later = undoing
        .before
        .policies()
        .filter(|policy| !listed.contains(&&policy.id));
    let known: Vec<LivePolicy> = listed
        .iter()
        .filter_map(|id| undoing.before.policy(id))
        .chain(found_later)
        .cloned()
        .collect();
    for policy in &known {
        if undoing.is_touched(&policy.id) && !undoing.undo.made.contains(&policy.id) {
            undoing.policy(policy);
        }
    }
    undoing.undo
}

struct PolicyUndoBuilder<'a> {
    target: &'a TargetHistory,
    live: &'a DockerLiveState,
    before: Ledger,
    after: Ledger,
    document: DocumentId,
    overwrite: bool,
    undo: PolicyUndo,
}

impl PolicyUndoBuilder<'_> {
    fn applied(&self) -> impl Iterator<Item = &RunCall> {
        self.target
            .calls
            .iter()
            .filter(|made| made.state_after().is_some())
    }

    fn is_touched(&self, id: &PolicyId) -> bool {
        self.applied()
            .any(|made| policy_of(&made.intent.send) == Some(id))
    }

    fn live(&self, id: &PolicyId) -> Option<&LivePolicy> {
        self.live.policies.iter().find(|policy| policy.id == *id)
    }

    fn add_held(&mut self, policy: &str, rule: Option<&str>, why: HeldUndoReason) {
        self.undo.held.push(HeldUndo {
            resource: ResourceKind::Policy,
            name: policy.to_owned(),
            part: rule.map(str::to_owned),
            why,
        });
    }

    fn note_unknown(&mut self) {
        let unknown = |made: &&RunCall| {
            made.answer
                .as_ref()
                .is_none_or(|answer| matches!(answer.result, CallResult::Unknown))
        };
        let calls: Vec<_> = self
            .target
            .calls
            .iter()
            .filter(unknown)
            .map(|made| made.intent.clone())
            .collect();
        for intent in calls {
            self.add_held(
                &intent.name,
                intent.part.as_deref(),
                HeldUndoReason::Unknown,
            );
        }
    }

    /// Policies that the run created are deleted, unless another client has changed them since or has
    /// created rules in them during the run. Only the run's own rules are deleted then.
    fn created_policies(&mut self) {
        let created: BTreeSet<PolicyId> = self
            .applied()
            .filter_map(|made| match (&made.intent.send, made.state_after()?) {
                (
                    SentOperation::Docker(DockerOperation::CreatePolicy { .. }),
                    StateAfterWrite::Policy(policy),
                ) => Some(policy.id.clone()),
                _ => None,
            })
            .collect();
        let made: Vec<LivePolicy> = self
            .after
            .policies()
            .filter(|policy| created.contains(&policy.id))
            .cloned()
            .collect();
        for policy in made {
            let Some(found) = self.live(&policy.id).cloned() else {
                continue;
            };
            let is_shared = self.before.has_seen(&policy.id);
            let is_unchanged = fingerprint(&found) == fingerprint(&policy);
            if (is_unchanged && !is_shared) || self.overwrite {
                self.undo.made.insert(policy.id);
            } else {
                let name = policy.name.clone();
                self.add_held(
                    &name,
                    None,
                    changed(Some(policy_object(&policy)), Some(policy_object(&found))),
                );
            }
        }
    }

    /// A policy that was there before.
    fn policy(&mut self, before: &LivePolicy) {
        let after = self.after.policy(&before.id).cloned();
        let live = self.live(&before.id).cloned();
        let taken = self.live.policies.iter().any(|other| {
            other.name == before.name
                && other.id != before.id
                && !self.undo.made.contains(&other.id)
        });
        if taken && live.as_ref().is_none_or(|live| live.name != before.name) {
            self.add_held(&before.name, None, HeldUndoReason::NameTaken);
            return;
        }
        match (after, live) {
            (None, None) => self.recreate(before),
            // The run deleted it, and ids are never given twice.
            (None, Some(_)) => self.add_held(&before.name, None, HeldUndoReason::Unknown),
            (Some(_), None) if self.overwrite => self.recreate(before),
            (Some(after), None) => self.add_held(
                &before.name,
                None,
                changed(Some(policy_object(&after)), None),
            ),
            (Some(after), Some(live)) => self.restore_policy(before, &after, &live),
        }
    }

    fn recreate(&mut self, before: &LivePolicy) {
        let wanted = self.desired_rules(before, before.rules());
        if let Some(desired) = self.desired(before, wanted, None, None) {
            self.undo.again.push(before.name.clone());
            self.undo.desired.push(desired);
        }
    }

    fn restore_policy(&mut self, before: &LivePolicy, after: &LivePolicy, live: &LivePolicy) {
        let updated = self.applied().any(
            |made| matches!(&made.intent.send, SentOperation::Docker(DockerOperation::UpdatePolicy { id, .. }) if *id == live.id),
        );
        let mut head = live;
        if updated {
            if has_same_fields(live, after) || self.overwrite {
                head = before;
            } else {
                self.add_held(
                    &live.name,
                    None,
                    changed(Some(policy_object(after)), Some(policy_object(live))),
                );
            }
        }
        let mut wanted = Vec::new();
        for rule in live.rules() {
            match self.touched_rule(&live.id, &rule.id) {
                false => wanted.push((rule.clone(), None)),
                true => wanted.extend(self.existing_rule(before, after, rule)),
            }
        }
        for rule in before.rules() {
            let is_live = live.rules().iter().any(|other| other.id == rule.id);
            if !is_live && self.touched_rule(&live.id, &rule.id) {
                wanted.extend(self.missing_rule(&before.name, after, rule, live));
            }
        }
        let wanted = self.understood_rules(&live.name, wanted, live.rules());
        let desired = self.desired(head, wanted, Some(&live.name), Some(live));
        self.undo.desired.extend(desired);
    }

    fn touched_rule(&self, policy: &PolicyId, id: &RuleId) -> bool {
        let created = |made: &RunCall| match made.state_after() {
            Some(StateAfterWrite::Rule { policy: of, rule }) => of == policy && rule.id == *id,
            Some(
                StateAfterWrite::Policy(_)
                | StateAfterWrite::NoPolicy { .. }
                | StateAfterWrite::NoRule { .. }
                | StateAfterWrite::Begun { .. }
                | StateAfterWrite::AsSent,
            )
            | None => false,
        };
        self.applied()
            .any(|made| created(made) || rule_of(&made.intent.send) == Some((policy, id)))
    }

    /// A rule that the run made or changed and that is live: what it is to be, with the name that it has now.
    fn existing_rule(
        &mut self,
        before: &LivePolicy,
        after: &LivePolicy,
        rule: &LiveRule,
    ) -> Option<(LiveRule, Option<String>)> {
        let find = |policy: &LivePolicy| {
            policy
                .rules()
                .iter()
                .find(|other| other.id == rule.id)
                .cloned()
        };
        let was = find(before);
        let left = find(after);
        if left.as_ref() != Some(rule) && !self.overwrite {
            let object = |rule: &LiveRule| LiveObject::Rule(Box::new(rule.clone()));
            let why = changed(left.as_ref().map(object), Some(object(rule)));
            self.add_held(&before.name, Some(&rule.name), why);
            return Some((rule.clone(), None));
        }
        was.map(|was| (was, Some(rule.name.clone())))
    }

    /// A rule that the run deleted or changed and that is not live.
    fn missing_rule(
        &mut self,
        policy: &str,
        after: &LivePolicy,
        rule: &LiveRule,
        live: &LivePolicy,
    ) -> Option<(LiveRule, Option<String>)> {
        let left = after.rules().iter().find(|other| other.id == rule.id);
        let namesake = live
            .rules()
            .iter()
            .any(|other| other.name == rule.name && !self.touched_rule(&live.id, &other.id));
        if namesake {
            self.add_held(policy, Some(&rule.name), HeldUndoReason::NameTaken);
            return None;
        }
        if let Some(left) = left.filter(|_| !self.overwrite) {
            let left = LiveObject::Rule(Box::new(left.clone()));
            self.add_held(policy, Some(&rule.name), changed(Some(left), None));
            return None;
        }
        Some((rule.clone(), None))
    }

    fn desired_rules(&mut self, policy: &LivePolicy, wanted: &[LiveRule]) -> Vec<DesiredRule> {
        self.understood_rules(
            &policy.name,
            wanted.iter().map(|rule| (rule.clone(), None)).collect(),
            &[],
        )
    }

    /// Rules as they can be written. One that is live and not understood is left to the plan, which leaves it alone.
    fn understood_rules(
        &mut self,
        policy: &str,
        wanted: Vec<(LiveRule, Option<String>)>,
        live: &[LiveRule],
    ) -> Vec<DesiredRule> {
        let mut desired = Vec::new();
        for (index, (rule, name_now)) in wanted.into_iter().enumerate() {
            let LiveRule {
                id,
                name,
                rule,
                unknown_fields,
            } = rule;
            match rule {
                Ok(wanted) => {
                    let now = live.iter().find(|live| live.id == id);
                    let now = now.map(|live| &live.unknown_fields);
                    let alias = name_now
                        .filter(|now| *now != name)
                        .and_then(|now| Name::new(&now).ok());
                    desired.push(DesiredRule {
                        rule: Rule {
                            extensions: Extensions::restoring(&unknown_fields, now),
                            ..wanted
                        },
                        aliases: alias.into_iter().collect(),
                        index,
                    });
                }
                Err(opaque) => self.add_held(
                    policy,
                    Some(&name),
                    HeldUndoReason::NotUnderstood(opaque.why),
                ),
            }
        }
        desired
    }

    fn desired(
        &mut self,
        head: &LivePolicy,
        rules: Vec<DesiredRule>,
        name_now: Option<&str>,
        live: Option<&LivePolicy>,
    ) -> Option<DesiredPolicy> {
        let LivePolicy {
            id: _,
            name: head_name,
            scope,
            unknown_scope_fields: _,
            content,
            created_at: _,
            updated_at: _,
            unknown_fields,
        } = head;
        let content = match content {
            LiveContent::Rules(_) => PolicyContent::Rules(rules),
            LiveContent::Cedar(cedar) => PolicyContent::Cedar(cedar.clone()),
            LiveContent::Opaque(opaque) => {
                let why = opaque.why.clone();
                self.add_held(head_name, None, HeldUndoReason::NotUnderstood(why));
                return None;
            }
        };
        let name = match Name::new(head_name) {
            Ok(name) => name,
            Err(error) => {
                let why = format!("has a name that cannot be written: {error}");
                self.add_held(head_name, None, HeldUndoReason::NotUnderstood(why));
                return None;
            }
        };
        let alias = name_now
            .filter(|now| now != head_name)
            .and_then(|now| Name::new(now).ok());
        let aliases = alias.into_iter().collect();
        Some(DesiredPolicy {
            name,
            aliases,
            protect: false,
            scope: scope.clone(),
            content,
            extensions: Extensions::restoring(
                unknown_fields,
                live.map(|live| &live.unknown_fields),
            ),
            document: self.document,
        })
    }
}

fn changed(planned: Option<LiveObject>, found: Option<LiveObject>) -> HeldUndoReason {
    HeldUndoReason::ChangedSince(Box::new(ObjectDifference { planned, found }))
}

fn policy_object(policy: &LivePolicy) -> LiveObject {
    LiveObject::Policy(Box::new(policy.clone()))
}

fn policy_of(sent: &SentOperation) -> Option<&PolicyId> {
    match sent {
        SentOperation::Docker(send) => send.existing(),
        SentOperation::Pulumi(_) | SentOperation::Chainloop(_) => None,
    }
}

fn rule_of(sent: &SentOperation) -> Option<(&PolicyId, &RuleId)> {
    let SentOperation::Docker(send) = sent else {
        return None;
    };
    match send {
        DockerOperation::CreatePolicy { .. }
        | DockerOperation::UpdatePolicy { .. }
        | DockerOperation::DeletePolicy { .. }
        | DockerOperation::CreateRule { .. } => None,
        DockerOperation::UpdateRule { policy, id, .. }
        | DockerOperation::DeleteRule { policy, id } => Some((policy, id)),
    }
}
