//! Drafts the calls for one policy: create, update or replace.

use super::PolicyPlanner;
use super::draft::{CallDraft, DraftPolicy, SplittableUpdate};
use super::effect::content_effect;
use crate::plan::{
    Change, ChangeKind, ChangedField, FieldChange, HeldReason, PlanNote, ResourceKind,
};
use crate::service::docker::plan::difference::{cedar_fields, extension_fields, scope_fields};
use crate::service::docker::plan::effect::CallEffect;
use model::docker::{
    Cedar, Decision, DesiredPolicy, DockerOperation, DockerOperationKind, Extensions, LiveContent,
    LivePolicy, LiveRule, NewPolicy, PolicyContent, PolicyPatch, Scope,
};
use serde_json::{Map, Value};

impl PolicyPlanner<'_> {
    pub(super) fn create_policy(&mut self, desired: &DesiredPolicy) {
        let DesiredPolicy {
            name,
            aliases: _,
            protect: _,
            scope,
            content,
            extensions,
            document: _,
        } = desired;
        let mut fields = scope_fields(&Scope::default(), scope);
        let (cedar, rules) = match content {
            PolicyContent::Rules(rules) => (None, rules.as_slice()),
            PolicyContent::Cedar(cedar) => (Some(cedar), [].as_slice()),
        };
        fields.extend(cedar_fields(None, cedar));
        fields.extend(extension_fields(&Extensions::default(), extensions));
        let effect = cedar.map_or(CallEffect::NONE, |_| cedar_effect());
        let policy = NewPolicy {
            name: name.clone(),
            scope: scope.clone(),
            cedar: cedar.cloned(),
            extensions: extensions.clone(),
        };
        let draft = CallDraft::new(
            name.as_str(),
            None,
            effect,
            DockerOperation::CreatePolicy { policy },
        );
        let id = self.drafts.push(draft);
        let children = self.create_rules(
            desired,
            name.as_str(),
            rules.iter(),
            &DraftPolicy::Created(id),
        );
        self.push_policy_change(ChangeKind::Create, desired, None, fields, children);
    }

    pub(super) fn update_policy(&mut self, live: &LivePolicy, desired: &DesiredPolicy) {
        self.note_unknown_fields(live, desired);
        match (&live.content, &desired.content) {
            (LiveContent::Opaque(opaque), PolicyContent::Rules(_) | PolicyContent::Cedar(_)) => {
                let reason = HeldReason::NotUnderstood {
                    why: opaque.why.clone(),
                };
                self.add_held_policy(&live.name, self.locate(&desired.place()), reason);
            }
            (LiveContent::Rules(live_rules), PolicyContent::Rules(rules)) => {
                let fields = self.update_fields(live, desired, None);
                let children = self.update_rules(live, live_rules, desired, rules);
                self.push_update(live, desired, fields, children);
            }
            (LiveContent::Cedar(before), PolicyContent::Cedar(after)) => {
                let fields = self.update_fields(live, desired, Some((before, after)));
                self.push_update(live, desired, fields, Vec::new());
            }
            (LiveContent::Rules(_), PolicyContent::Cedar(_)) => {
                self.replace(live, desired, "from rules to Cedar text")
            }
            (LiveContent::Cedar(_), PolicyContent::Rules(_)) => {
                self.replace(live, desired, "from Cedar text to rules")
            }
        }
    }

    /// The service cannot change a policy between rules and Cedar text, so the policy is deleted
    /// and created again.
    fn replace(&mut self, live: &LivePolicy, desired: &DesiredPolicy, how: &str) {
        let wanted = format!("change it {how}, which requires deleting and creating it again");
        if !self.request.profile().has_policy_writes() {
            let reason = HeldReason::ProfileLacks {
                operation: DockerOperationKind::DeletePolicy,
                wanted,
            };
            self.add_held_policy(&live.name, self.locate(&desired.place()), reason);
            return;
        }
        self.delete_policy(live);
        self.create_policy(desired);
    }

    /// Drafts one `updatePolicy` for all fields that differ, and returns them. Fields that the
    /// profile cannot change are held.
    fn update_fields(
        &mut self,
        live: &LivePolicy,
        desired: &DesiredPolicy,
        cedar: Option<(&Cedar, &Cedar)>,
    ) -> Vec<FieldChange> {
        let LivePolicy {
            id,
            name: old_name,
            scope: old_scope,
            unknown_scope_fields: _,
            content: _,
            created_at: _,
            updated_at: _,
            unknown_fields,
        } = live;
        let DesiredPolicy {
            name,
            aliases: _,
            protect: _,
            scope,
            content: _,
            extensions,
            document: _,
        } = desired;
        let mut fields = Vec::new();
        let mut patch = PolicyPatch::default();
        let mut effect = CallEffect::NONE;
        if old_name != name.as_str() {
            let before = old_name.clone();
            let after = name.to_string();
            let wanted = format!("rename it from `{before}` to `{after}`");
            if self.can_update(live, desired, wanted) {
                fields.push(FieldChange::scalar(
                    ChangedField::Name,
                    Some(before),
                    Some(after),
                ));
                patch.name = Some(name.clone());
            }
        }
        if old_scope != scope {
            let wanted = format!(
                "change its scope from {} to {}",
                describe(old_scope),
                describe(scope)
            );
            if self.can_update(live, desired, wanted) {
                fields.extend(scope_fields(old_scope, scope));
                // `updatePolicy` cannot change profiles.
                let Scope { teams, profiles: _ } = scope;
                patch.teams = Some(teams.clone());
                effect = effect | scope_effect(live, desired);
                self.note_scope(live, desired);
            }
        }
        if let Some((before, after)) = cedar
            && before != after
            && self.check_cedar_fields(live, desired)
        {
            fields.extend(cedar_fields(Some(before), Some(after)));
            patch.cedar = Some(after.clone());
            effect = effect | cedar_effect();
        }
        let old_extensions = extensions.as_in(unknown_fields);
        let extensions_patch = extensions.patch_from(&old_extensions);
        if !extensions_patch.is_empty() {
            let names: Vec<String> = extensions_patch
                .names()
                .map(|name| format!("`{name}`"))
                .collect();
            let wanted = format!("set {}", names.join(", "));
            if self.can_update(live, desired, wanted) {
                fields.extend(extension_fields(&old_extensions, extensions));
                patch.extensions = extensions_patch;
            }
        }
        if !patch.is_empty() {
            let send = DockerOperation::UpdatePolicy {
                id: id.clone(),
                patch,
            };
            let scopes = SplittableUpdate::Scope {
                before: old_scope.clone(),
                after: scope.clone(),
            };
            let name = self.name_after(desired, Some(live));
            self.drafts
                .push(CallDraft::new(&name, None, effect, send).updating(scopes));
        }
        fields
    }

    fn check_cedar_fields(&mut self, live: &LivePolicy, desired: &DesiredPolicy) -> bool {
        let unknown = live
            .unknown_fields
            .get("cedar_v1")
            .and_then(serde_json::Value::as_object);
        let Some(field) = unknown.and_then(|fields| fields.keys().next()) else {
            return true;
        };
        let why =
            format!("has the unknown field `cedar_v1.{field}`, which a new Cedar text would drop");
        self.add_held_policy(
            &live.name,
            self.locate(&desired.place()),
            HeldReason::NotUnderstood { why },
        );
        false
    }

    fn can_update(&mut self, live: &LivePolicy, desired: &DesiredPolicy, wanted: String) -> bool {
        let can = self.request.profile().has_policy_writes();
        if !can {
            let reason = HeldReason::ProfileLacks {
                operation: DockerOperationKind::UpdatePolicy,
                wanted,
            };
            self.add_held_policy(&live.name, self.locate(&desired.place()), reason);
        }
        can
    }

    fn push_update(
        &mut self,
        live: &LivePolicy,
        desired: &DesiredPolicy,
        fields: Vec<FieldChange>,
        children: Vec<Change>,
    ) {
        let kind = match (fields.is_empty(), children.is_empty()) {
            (true, true) => return,
            (true, false) => ChangeKind::Within,
            (false, _) => ChangeKind::Update,
        };
        self.push_policy_change(kind, desired, Some(live), fields, children);
    }

    fn push_policy_change(
        &mut self,
        kind: ChangeKind,
        desired: &DesiredPolicy,
        live: Option<&LivePolicy>,
        fields: Vec<FieldChange>,
        children: Vec<Change>,
    ) {
        self.changes.push(Change {
            kind,
            resource: ResourceKind::Policy,
            name: self.name_after(desired, live),
            id: live.map(|live| live.id.to_string()),
            source: self.locate(&desired.place()),
            fields,
            children,
        });
    }

    /// The policy's name after the calls: a profile that cannot rename keeps the live name.
    pub(super) fn name_after(&self, desired: &DesiredPolicy, live: Option<&LivePolicy>) -> String {
        let kept = live.filter(|_| !self.request.profile().has_policy_writes());
        kept.map_or_else(|| desired.name.to_string(), |live| live.name.clone())
    }

    fn note_scope(&mut self, live: &LivePolicy, desired: &DesiredPolicy) {
        if desired.scope.is_organization_wide() && !live.scope.is_organization_wide() {
            self.notes.push(PlanNote::ScopeWidens {
                policy: desired.name.to_string(),
            });
        }
    }

    /// Notes the unknown fields that the manifest does not list. They are left alone.
    fn note_unknown_fields(&mut self, live: &LivePolicy, desired: &DesiredPolicy) {
        let left_alone = |fields: &Map<String, Value>, listed: &Extensions| -> Vec<String> {
            let is_listed = |field: &String| listed.iter().any(|(name, _)| name == field);
            let fields = fields.keys().filter(|field| !is_listed(field));
            fields.cloned().collect()
        };
        let scope = live
            .unknown_scope_fields
            .keys()
            .map(|field| format!("scope.{field}"));
        let mut fields = left_alone(&live.unknown_fields, &desired.extensions);
        fields.extend(scope);
        self.note_fields(live, None, fields);
        let desired_rules = match &desired.content {
            PolicyContent::Rules(rules) => rules.as_slice(),
            PolicyContent::Cedar(_) => &[],
        };
        let none = Extensions::default();
        if let LiveContent::Rules(rules) = &live.content {
            for LiveRule {
                id: _,
                name,
                rule: _,
                unknown_fields,
            } in rules
            {
                if unknown_fields.is_empty() {
                    continue;
                }
                let listed = desired_rules
                    .iter()
                    .find(|item| item.rule.name.as_str() == name)
                    .map_or(&none, |item| &item.rule.extensions);
                self.note_fields(live, Some(name), left_alone(unknown_fields, listed));
            }
        }
    }

    fn note_fields(&mut self, live: &LivePolicy, rule: Option<&String>, mut fields: Vec<String>) {
        if !fields.is_empty() {
            fields.sort();
            self.notes.push(PlanNote::UnknownFields {
                policy: live.name.clone(),
                rule: rule.cloned(),
                fields,
            });
        }
    }
}

/// Cedar text may permit and forbid anything, so every change counts as an exchange.
fn cedar_effect() -> CallEffect {
    CallEffect::adding(Decision::Allow)
        | CallEffect::adding(Decision::Deny)
        | CallEffect::removing(Decision::Allow)
        | CallEffect::removing(Decision::Deny)
}

/// The effect of a scope change on all rules that the policy has before or after the run.
fn scope_effect(live: &LivePolicy, desired: &DesiredPolicy) -> CallEffect {
    let of = |effect: fn(Decision) -> CallEffect| {
        let after = match &desired.content {
            PolicyContent::Rules(rules) => rules.iter().fold(CallEffect::NONE, |sum, rule| {
                sum | effect(rule.rule.decision)
            }),
            PolicyContent::Cedar(_) => effect(Decision::Allow) | effect(Decision::Deny),
        };
        content_effect(live, effect) | after
    };
    let grows = if is_narrower(&desired.scope, &live.scope) {
        CallEffect::NONE
    } else {
        of(CallEffect::adding)
    };
    let shrinks = if is_narrower(&live.scope, &desired.scope) {
        CallEffect::NONE
    } else {
        of(CallEffect::removing)
    };
    grows | shrinks
}

/// Whether everyone reached by `narrow` is also reached by `wide`.
fn is_narrower(narrow: &Scope, wide: &Scope) -> bool {
    let Scope { teams, profiles } = narrow;
    wide.is_organization_wide()
        || (!narrow.is_organization_wide()
            && teams.is_subset(&wide.teams)
            && profiles.is_subset(&wide.profiles))
}

fn describe(scope: &Scope) -> String {
    let Scope { teams, profiles } = scope;
    let mut parts: Vec<String> = teams.iter().map(|team| format!("team {team}")).collect();
    parts.extend(profiles.iter().map(|profile| format!("profile {profile}")));
    if parts.is_empty() {
        "the whole organization".to_owned()
    } else {
        parts.join(", ")
    }
}
