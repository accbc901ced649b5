//! Drafts the calls for the rules of one policy.

use std::collections::HashMap;

use super::PolicyPlanner;
use super::draft::{CallDraft, DraftPolicy, SplittableUpdate};
use crate::plan::{Change, ChangeKind, HeldChange, HeldReason, ResourceKind, SourceRef};
use crate::service::docker::plan::difference::rule_fields;
use crate::service::docker::plan::effect::CallEffect;
use crate::service::docker::plan::matching::{Pairing, nearest, pair_rules};
use model::docker::{
    DesiredPolicy, DesiredRule, DockerOperation, Domain, LivePolicy, LiveRule, Rule, RuleId,
    RulePatch,
};

impl PolicyPlanner<'_> {
    /// Creates rules in a policy that has this name by then.
    pub(super) fn create_rules<'r>(
        &mut self,
        desired: &DesiredPolicy,
        name: &str,
        rules: impl Iterator<Item = &'r DesiredRule>,
        policy: &DraftPolicy,
    ) -> Vec<Change> {
        let mut rules: Vec<&DesiredRule> = rules.collect();
        rules.sort_by(|a, b| a.rule.name.cmp(&b.rule.name));
        let mut changes = Vec::new();
        for item in rules {
            let rule = &item.rule;
            let send = DockerOperation::CreateRule {
                policy: policy.clone(),
                rule: rule.clone(),
            };
            let effect = CallEffect::adding(rule.decision);
            self.drafts
                .push(CallDraft::new(name, Some(rule.name.as_str()), effect, send));
            let source = self.locate(&desired.rule_place(item));
            changes.push(change(ChangeKind::Create, None, None, Some(rule), source));
        }
        changes
    }

    pub(super) fn update_rules(
        &mut self,
        live: &LivePolicy,
        live_rules: &[LiveRule],
        desired: &DesiredPolicy,
        rules: &[DesiredRule],
    ) -> Vec<Change> {
        let mut live_rules: Vec<&LiveRule> = live_rules.iter().collect();
        live_rules.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let mut rules: Vec<&DesiredRule> = rules.iter().collect();
        rules.sort_by(|a, b| a.rule.name.cmp(&b.rule.name));
        let moves = changes_domain(&live_rules, &rules);
        if moves && let Some(opaque) = live_rules.iter().find_map(|rule| rule.rule.as_ref().err()) {
            let why = format!(
                "changes its domain, but has a rule that must be deleted first and {}",
                opaque.why
            );
            self.add_held_policy(
                &live.name,
                self.locate(&desired.place()),
                HeldReason::NotUnderstood { why },
            );
            return Vec::new();
        }
        let pairing = if let Some(pairs) = self.rule_pairs.get(&live.id) {
            given_pairing(pairs, &live_rules, &rules)
        } else if moves {
            self.domain_change(&live_rules, &rules)
        } else {
            pair_rules(&live_rules, &rules)
        };

        let mut changes = Vec::new();
        for (live_index, desired_index) in &pairing.pairs {
            changes.extend(self.update_rule(
                live,
                live_rules[*live_index],
                desired,
                rules[*desired_index],
            ));
        }
        for live_index in &pairing.only_live {
            changes.extend(self.delete_rule(live, live_rules[*live_index]));
        }
        let new = pairing.only_desired.iter().map(|index| rules[*index]);
        let name = self.name_after(desired, Some(live));
        changes.extend(self.create_rules(
            desired,
            &name,
            new,
            &DraftPolicy::Existing(live.id.clone()),
        ));
        changes.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
        changes
    }

    /// The rules of a policy that changes its domain. The service requires a policy to be emptied
    /// first, but the last remaining rule may be updated across domains, which saves one call.
    fn domain_change(&self, live: &[&LiveRule], desired: &[&DesiredRule]) -> Pairing {
        let last = self
            .request
            .profile()
            .allows_domain_change()
            .then(|| nearest(live, desired))
            .flatten();
        Pairing::from_pairs(last.into_iter().collect(), live.len(), desired.len())
    }

    fn update_rule(
        &mut self,
        live: &LivePolicy,
        live_rule: &LiveRule,
        desired: &DesiredPolicy,
        item: &DesiredRule,
    ) -> Option<Change> {
        // Only changed rules need a location, and most rules do not change.
        let source = |planner: &Self| planner.locate(&desired.rule_place(item));
        if let Err(opaque) = &live_rule.rule {
            self.add_held_rule(live, &live_rule.name, source(self), opaque.why.clone());
            return None;
        }
        let after = &item.rule;
        // Most rules do not change, and comparing is cheaper than making a patch.
        if live_rule.is(after) {
            return None;
        }
        let before = live_rule.comparable_to(after)?;
        let patch = RulePatch::between(&before, after);
        if patch.is_empty() {
            return None;
        }
        let send = DockerOperation::UpdateRule {
            policy: live.id.clone(),
            id: live_rule.id.clone(),
            patch,
        };
        let effect = CallEffect::of_update(&before, after);
        let name = self.name_after(desired, Some(live));
        let draft = CallDraft::new(&name, Some(after.name.as_str()), effect, send);
        self.drafts.push(draft.updating(SplittableUpdate::Rule {
            before: before.clone(),
            after: after.clone(),
        }));
        Some(change(
            ChangeKind::Update,
            Some(live_rule),
            Some(&before),
            Some(after),
            source(self),
        ))
    }

    fn delete_rule(&mut self, live: &LivePolicy, live_rule: &LiveRule) -> Option<Change> {
        let rule = match &live_rule.rule {
            Ok(rule) => rule,
            Err(opaque) => {
                self.add_held_rule(live, &live_rule.name, None, opaque.why.clone());
                return None;
            }
        };
        let send = DockerOperation::DeleteRule {
            policy: live.id.clone(),
            id: live_rule.id.clone(),
        };
        let effect = CallEffect::removing(rule.decision);
        self.drafts.push(CallDraft::new(
            &live.name,
            Some(&live_rule.name),
            effect,
            send,
        ));
        Some(change(
            ChangeKind::Delete,
            Some(live_rule),
            Some(rule),
            None,
            None,
        ))
    }

    /// The rules of a deleted policy, for display.
    pub(super) fn removed_rules(&self, live: &LivePolicy) -> Vec<Change> {
        let gone = |rule: &LiveRule| {
            change(
                ChangeKind::Delete,
                Some(rule),
                rule.rule.as_ref().ok(),
                None,
                None,
            )
        };
        let mut changes: Vec<Change> = live.rules().iter().map(gone).collect();
        changes.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        changes
    }

    fn add_held_rule(
        &mut self,
        live: &LivePolicy,
        rule: &str,
        source: Option<SourceRef>,
        why: String,
    ) {
        self.held.push(HeldChange {
            resource: ResourceKind::Rule,
            name: live.name.clone(),
            part: Some(rule.to_owned()),
            source,
            reason: HeldReason::NotUnderstood { why },
        });
    }
}

fn change(
    kind: ChangeKind,
    live: Option<&LiveRule>,
    before: Option<&Rule>,
    after: Option<&Rule>,
    source: Option<SourceRef>,
) -> Change {
    let name = after
        .map(|rule| rule.name.to_string())
        .or_else(|| live.map(|rule| rule.name.clone()));
    Change {
        kind,
        resource: ResourceKind::Rule,
        name: name.unwrap_or_default(),
        id: live.map(|rule| rule.id.to_string()),
        source,
        fields: rule_fields(before, after),
        children: Vec::new(),
    }
}

/// The pairing that consists of these pairs. Rules that could not be decoded are in none of them and
/// are paired as in any other plan.
fn given_pairing(
    pairs: &[(RuleId, String)],
    live: &[&LiveRule],
    desired: &[&DesiredRule],
) -> Pairing {
    let live_at: HashMap<&RuleId, usize> = live
        .iter()
        .enumerate()
        .map(|(at, rule)| (&rule.id, at))
        .collect();
    let desired_at: HashMap<&str, usize> = desired
        .iter()
        .enumerate()
        .map(|(at, item)| (item.rule.name.as_str(), at))
        .collect();
    let mut found: Vec<(usize, usize)> = pairs
        .iter()
        .filter_map(|(id, name)| Some((*live_at.get(id)?, *desired_at.get(name.as_str())?)))
        .collect();
    if live.iter().any(|rule| rule.rule.is_err()) {
        let usual = pair_rules(live, desired).pairs.into_iter();
        found.extend(usual.filter(|(at, _)| live[*at].rule.is_err()));
    }
    Pairing::from_pairs(found, live.len(), desired.len())
}

fn changes_domain(live: &[&LiveRule], desired: &[&DesiredRule]) -> bool {
    let before: Option<Domain> = live
        .iter()
        .find_map(|rule| Some(rule.rule.as_ref().ok()?.access.layer().domain()));
    let after: Option<Domain> = desired
        .first()
        .map(|rule| rule.rule.access.layer().domain());
    matches!((before, after), (Some(before), Some(after)) if before != after)
}
