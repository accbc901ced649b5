//! How two rules or two policies differ: the smallest patch, and the same in words.

use std::collections::BTreeSet;

use crate::plan::{Field, FieldChange, ValueChange};
use model::docker::{Cedar, Resources, Rule, RuleAccess, RulePatch, Scope};

/// The patch that turns `before` into `after`: only what differs, arrays whole.
///
/// A rule that changes between network and HTTP gets the matching resource field in the same patch (contract:
/// `UpdateRuleRequest`), which follows from the resources differing.
pub(super) fn rule_patch(before: &Rule, after: &Rule) -> RulePatch {
    let Rule {
        name,
        decision,
        access,
    } = after;
    RulePatch {
        name: (*name != before.name).then(|| name.clone()),
        decision: (*decision != before.decision).then_some(*decision),
        actions: (access.actions() != before.access.actions()).then(|| access.actions()),
        resources: (access.resources() != before.access.resources()).then(|| access.resources()),
    }
}

/// The fields in which two rules differ; `None` stands for a rule that does not exist.
pub(super) fn rule_fields(before: Option<&Rule>, after: Option<&Rule>) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    if let (Some(before), Some(after)) = (before, after)
        && before.name != after.name
    {
        fields.push(scalar(
            Field::Name,
            Some(before.name.to_string()),
            Some(after.name.to_string()),
        ));
    }
    let decision = |rule: &Rule| rule.decision.to_string();
    if before.map(decision) != after.map(decision) {
        fields.push(scalar(
            Field::Decision,
            before.map(decision),
            after.map(decision),
        ));
    }
    let actions = |rule: &Rule| {
        rule.access
            .actions()
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    fields.extend(set(
        Field::Actions,
        texts(before, actions),
        texts(after, actions),
    ));
    fields.extend(set(
        Field::Resources,
        texts(before, plain),
        texts(after, plain),
    ));
    fields.extend(set(
        Field::HttpResources,
        texts(before, http),
        texts(after, http),
    ));
    fields
}

/// The fields in which two scopes differ.
pub(super) fn scope_fields(before: &Scope, after: &Scope) -> Vec<FieldChange> {
    let Scope { teams, profiles } = after;
    let ids = |teams: &BTreeSet<_>| teams.iter().map(ToString::to_string).collect();
    let teams = set(Field::Teams, ids(&before.teams), ids(teams));
    let profiles = set(Field::Profiles, before.profiles.clone(), profiles.clone());
    teams.into_iter().chain(profiles).collect()
}

/// The fields in which two Cedar bodies differ.
pub(super) fn cedar_fields(before: Option<&Cedar>, after: Option<&Cedar>) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    let text = |cedar: Option<&Cedar>| cedar.map(|cedar| cedar.text.clone()).unwrap_or_default();
    if text(before) != text(after) {
        let value = ValueChange::Text {
            before: text(before),
            after: text(after),
        };
        fields.push(FieldChange {
            field: Field::CedarText,
            value,
        });
    }
    let url = |cedar: &Cedar| cedar.schema_url.clone();
    if before.map(url) != after.map(url) {
        fields.push(scalar(Field::SchemaUrl, before.map(url), after.map(url)));
    }
    fields
}

/// A single value that differs.
pub(crate) fn scalar(field: Field, before: Option<String>, after: Option<String>) -> FieldChange {
    FieldChange {
        field,
        value: ValueChange::Scalar { before, after },
    }
}

pub(crate) fn set(
    field: Field,
    before: BTreeSet<String>,
    after: BTreeSet<String>,
) -> Option<FieldChange> {
    let added: Vec<String> = after.difference(&before).cloned().collect();
    let removed: Vec<String> = before.difference(&after).cloned().collect();
    let kept = after.intersection(&before).count();
    (!added.is_empty() || !removed.is_empty()).then_some(FieldChange {
        field,
        value: ValueChange::Set {
            added,
            removed,
            kept,
        },
    })
}

fn texts(rule: Option<&Rule>, of: impl Fn(&Rule) -> BTreeSet<String>) -> BTreeSet<String> {
    rule.map(of).unwrap_or_default()
}

fn plain(rule: &Rule) -> BTreeSet<String> {
    match &rule.access {
        RuleAccess::Network { resources, .. } | RuleAccess::Filesystem { resources, .. } => {
            resources.as_set().clone()
        }
        RuleAccess::Http { .. } => BTreeSet::new(),
    }
}

fn http(rule: &Rule) -> BTreeSet<String> {
    match rule.access.resources() {
        Resources::Http(targets) => targets.iter().map(ToString::to_string).collect(),
        Resources::Plain(_) => BTreeSet::new(),
    }
}
