use std::collections::BTreeSet;

use crate::plan::{ChangedField, FieldChange, ValueChange};
use model::docker::{Cedar, Extensions, LiveContent, LivePolicy, Rule, RuleValue, Scope};

/// `None` is a rule that does not exist.
pub(super) fn rule_fields(before: Option<&Rule>, after: Option<&Rule>) -> Vec<FieldChange> {
    let before = before.map(Rule::fields);
    let after = after.map(Rule::fields);
    let mut fields = Vec::new();
    for position in 0..Rule::FIELDS {
        let was = before.as_ref().map(|fields| &fields[position]);
        let is = after.as_ref().map(|fields| &fields[position]);
        match (was, is) {
            // The change itself has the name of a rule that is created or deleted.
            (None, Some(RuleValue::Name(_))) | (Some(RuleValue::Name(_)), None) => {}
            (_, _) => fields.extend(value_changes(was, is)),
        }
    }
    fields
}

/// How the value at one position differs. A change between `resources` and `httpResources` affects
/// two fields: one loses its elements, the other gains some.
fn value_changes(was: Option<&RuleValue<'_>>, is: Option<&RuleValue<'_>>) -> Vec<FieldChange> {
    if let Some(RuleValue::Extensions(_)) = was.or(is) {
        let extensions = |value: Option<&RuleValue<'_>>| match value {
            Some(RuleValue::Extensions(extensions)) => (*extensions).clone(),
            _ => Extensions::default(),
        };
        return extension_fields(&extensions(was), &extensions(is))
            .into_iter()
            .collect();
    }
    let mut fields: Vec<ChangedField> = [was, is]
        .into_iter()
        .flatten()
        .map(ChangedField::from)
        .collect();
    fields.sort_unstable();
    fields.dedup();
    let is_list = [was, is].into_iter().flatten().any(RuleValue::is_list);
    let change = |field: ChangedField| {
        let texts = |value: Option<&RuleValue<'_>>| -> BTreeSet<String> {
            let own = value.filter(|value| ChangedField::from(*value) == field);
            own.map(RuleValue::texts).into_iter().flatten().collect()
        };
        if is_list {
            return FieldChange::set(field, texts(was), texts(is));
        }
        let before = texts(was).pop_first();
        let after = texts(is).pop_first();
        (before != after).then(|| FieldChange::scalar(field, before, after))
    };
    fields.into_iter().filter_map(change).collect()
}

/// The fields that differ between two states of a policy, without its rules. A deleted policy shows
/// none.
pub(super) fn policy_fields(
    before: Option<&LivePolicy>,
    after: Option<&LivePolicy>,
) -> Vec<FieldChange> {
    let Some(after) = after else {
        return Vec::new();
    };
    let LivePolicy {
        id: _,
        name,
        scope,
        unknown_scope_fields: _,
        content,
        created_at: _,
        updated_at: _,
        unknown_fields,
    } = after;
    let mut fields = Vec::new();
    if let Some(before) = before.filter(|before| before.name != *name) {
        fields.push(FieldChange::scalar(
            ChangedField::Name,
            Some(before.name.clone()),
            Some(name.clone()),
        ));
    }
    let everyone = Scope::default();
    fields.extend(scope_fields(
        before.map_or(&everyone, |before| &before.scope),
        scope,
    ));
    let old = before.and_then(|before| cedar(&before.content));
    fields.extend(cedar_fields(old, cedar(content)));
    let old = before.map(|before| Extensions::of_live(&before.unknown_fields));
    let new = Extensions::of_live(unknown_fields);
    fields.extend(extension_fields(&old.unwrap_or_default(), &new));
    fields
}

/// The settings that differ, among those that this version does not know.
pub(super) fn extension_fields(before: &Extensions, after: &Extensions) -> Option<FieldChange> {
    let (old, new) = before.difference(after);
    let texts = |extensions: Extensions| extensions.texts().into_iter().collect();
    FieldChange::set(ChangedField::Extensions, texts(old), texts(new))
}

fn cedar(content: &LiveContent) -> Option<&Cedar> {
    match content {
        LiveContent::Cedar(cedar) => Some(cedar),
        LiveContent::Rules(_) | LiveContent::Opaque(_) => None,
    }
}

pub(super) fn scope_fields(before: &Scope, after: &Scope) -> Vec<FieldChange> {
    let Scope {
        teams: old_teams,
        profiles: old_profiles,
    } = before;
    let Scope { teams, profiles } = after;
    let ids = |teams: &BTreeSet<_>| teams.iter().map(ToString::to_string).collect();
    let teams = FieldChange::set(ChangedField::Teams, ids(old_teams), ids(teams));
    let profiles = FieldChange::set(
        ChangedField::Profiles,
        old_profiles.clone(),
        profiles.clone(),
    );
    teams.into_iter().chain(profiles).collect()
}

pub(super) fn cedar_fields(before: Option<&Cedar>, after: Option<&Cedar>) -> Vec<FieldChange> {
    let parts = |cedar: &Cedar| {
        let Cedar { text, schema_url } = cedar.clone();
        (text, schema_url)
    };
    let (old_text, old_url) = before.map(parts).unzip();
    let (text, url) = after.map(parts).unzip();
    let mut fields = Vec::new();
    let old_text = old_text.unwrap_or_default();
    let text = text.unwrap_or_default();
    if old_text != text {
        fields.push(FieldChange {
            field: ChangedField::CedarText,
            value: ValueChange::Text {
                before: old_text,
                after: text,
            },
        });
    }
    if old_url != url {
        fields.push(FieldChange::scalar(ChangedField::SchemaUrl, old_url, url));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Name;
    use model::docker::{Action, Decision, HttpResource, Resources, RuleAccess};

    fn rule(name: &str, decision: Decision, action: &str, resources: Resources) -> Rule {
        let action: Action = action.parse().unwrap();
        Rule {
            name: Name::new(name).unwrap(),
            decision,
            access: RuleAccess::new([action], resources).unwrap(),
            extensions: Extensions::default(),
        }
    }

    fn network() -> Rule {
        let hosts = vec!["a.example.com".to_owned(), "b.example.com".to_owned()];
        rule("a", Decision::Allow, "connect:tcp", Resources::Plain(hosts))
    }

    fn scalar_text(before: Option<&str>, after: Option<&str>) -> ValueChange {
        ValueChange::Scalar {
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    fn set_text(added: &[&str], removed: &[&str]) -> ValueChange {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        ValueChange::Set {
            added: texts(added),
            removed: texts(removed),
            kept: 0,
        }
    }

    fn listed(fields: Vec<FieldChange>) -> Vec<(ChangedField, ValueChange)> {
        fields
            .into_iter()
            .map(|FieldChange { field, value }| (field, value))
            .collect()
    }

    #[test]
    fn a_rule_that_is_created_or_deleted_shows_all_fields_but_its_name() {
        let hosts = ["a.example.com", "b.example.com"];
        let created = listed(rule_fields(None, Some(&network())));
        assert_eq!(
            created,
            [
                (ChangedField::Decision, scalar_text(None, Some("allow"))),
                (ChangedField::Actions, set_text(&["connect:tcp"], &[])),
                (ChangedField::Resources, set_text(&hosts, &[])),
            ]
        );
        let deleted = listed(rule_fields(Some(&network()), None));
        assert_eq!(
            deleted,
            [
                (ChangedField::Decision, scalar_text(Some("allow"), None)),
                (ChangedField::Actions, set_text(&[], &["connect:tcp"])),
                (ChangedField::Resources, set_text(&[], &hosts)),
            ]
        );
    }

    #[test]
    fn a_rule_that_changes_to_http_shows_both_resource_fields() {
        let target = HttpResource {
            host: "a.example.com".to_owned(),
            port: None,
            path: "/x".to_owned(),
        };
        let http = rule(
            "b",
            Decision::Deny,
            "request:get",
            Resources::Http(vec![target]),
        );
        assert_eq!(
            listed(rule_fields(Some(&network()), Some(&http))),
            [
                (ChangedField::Name, scalar_text(Some("a"), Some("b"))),
                (
                    ChangedField::Decision,
                    scalar_text(Some("allow"), Some("deny"))
                ),
                (
                    ChangedField::Actions,
                    set_text(&["request:get"], &["connect:tcp"])
                ),
                (
                    ChangedField::Resources,
                    set_text(&[], &["a.example.com", "b.example.com"])
                ),
                (
                    ChangedField::HttpResources,
                    set_text(&["a.example.com/x"], &[])
                ),
            ]
        );
        assert_eq!(rule_fields(Some(&http), Some(&http)), []);
        assert_eq!(rule_fields(None, None), []);
    }
}
