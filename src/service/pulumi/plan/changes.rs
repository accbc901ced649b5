//! What differs between two states of an organization, as a person reads it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::model::Model;
use crate::plan::{Change, ChangeKind, Field, FieldChange, ResourceKind, SourceRef, ValueChange};
use crate::plan::{group_id, pack_id};
use model::pulumi::{
    LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LivePackPolicy, LiveState, LiveVersion,
    PackPolicy,
};

/// What is known besides the two states.
pub(crate) trait Known {
    /// Where a pack or a policy of it is declared.
    fn pack(&self, name: &str, policy: Option<&str>) -> Option<SourceRef>;
    /// Where a group or a pack of it is declared.
    fn group(&self, name: &str, pack: Option<&str>) -> Option<SourceRef>;
    /// How the files of a pack's source differ from those of its last version.
    fn files(&self, pack: &str) -> Option<ValueChange>;
}

/// The changes from a state to what a model holds.
pub(crate) fn changes(before: &LiveState, after: &Model, known: &dyn Known) -> Vec<Change> {
    let Model { state, renamed, .. } = after;
    let mut found = Vec::new();
    let packs: BTreeSet<&str> = before
        .packs
        .iter()
        .chain(&state.packs)
        .map(|pack| pack.name.as_str())
        .collect();
    found.extend(
        packs
            .into_iter()
            .filter_map(|name| pack(before.pack(name), state.pack(name), known)),
    );
    let mut left: BTreeMap<&str, &LiveGroup> = before
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group))
        .collect();
    for after in &state.groups {
        let old = renamed
            .get(&after.name)
            .map_or(after.name.as_str(), String::as_str);
        found.extend(group(left.remove(old), Some(after), known));
    }
    found.extend(
        left.into_values()
            .filter_map(|gone| group(Some(gone), None, known)),
    );
    found.sort_by(|a, b| (a.resource, &a.name, a.kind).cmp(&(b.resource, &b.name, b.kind)));
    found
}

fn kind(was: bool, is: bool, differs: bool, within: bool) -> Option<ChangeKind> {
    match (was, is) {
        (false, true) => Some(ChangeKind::Create),
        (true, false) => Some(ChangeKind::Delete),
        (true, true) if differs => Some(ChangeKind::Update),
        (true, true) if within => Some(ChangeKind::Within),
        (true | false, _) => None,
    }
}

fn pack(before: Option<&LivePack>, after: Option<&LivePack>, known: &dyn Known) -> Option<Change> {
    let shown = after.or(before)?;
    let versions = |pack: Option<&LivePack>| -> Vec<LiveVersion> {
        pack.map(|pack| pack.versions.clone()).unwrap_or_default()
    };
    let old = versions(before);
    let new = versions(after);
    let is_in = |all: &[LiveVersion], version: &LiveVersion| {
        all.iter().any(|other| other.number == version.number)
    };
    let published = new.iter().rev().find(|version| !is_in(&old, version));
    let last = old.last();
    let mut fields = Vec::new();
    let mut children = Vec::new();
    if let Some(version) = published {
        let tag = |version: &LiveVersion| version.tag.clone();
        fields.push(scalar(Field::VersionTag, last.map(tag), Some(tag(version))));
        let name = |version: &LiveVersion| {
            version
                .detail
                .as_ref()
                .map(|detail| detail.display_name.clone())
        };
        let was = last.and_then(name);
        let is = name(version);
        if was != is {
            fields.push(scalar(Field::DisplayName, was, is));
        }
        fields.extend(known.files(&shown.name).map(|value| FieldChange {
            field: Field::Files,
            value,
        }));
        children = policies(last, version, |policy| {
            known.pack(&shown.name, Some(policy))
        });
    }
    let gone = old
        .iter()
        .filter(|version| !is_in(&new, version))
        .map(|version| Change {
            kind: ChangeKind::Delete,
            resource: ResourceKind::Version,
            name: version.reference().to_string(),
            id: Some(version.number.to_string()),
            source: None,
            fields: Vec::new(),
            children: Vec::new(),
        });
    children.extend(gone);
    Some(Change {
        kind: kind(
            before.is_some(),
            after.is_some(),
            !fields.is_empty(),
            !children.is_empty(),
        )?,
        resource: ResourceKind::Pack,
        name: shown.name.clone(),
        id: before.map(|before| pack_id(&before.name).to_string()),
        source: after.and_then(|after| known.pack(&after.name, None)),
        fields,
        children,
    })
}

fn policies(
    before: Option<&LiveVersion>,
    after: &LiveVersion,
    locate: impl Fn(&str) -> Option<SourceRef>,
) -> Vec<Change> {
    let all = |version: Option<&LiveVersion>| -> BTreeMap<String, LivePackPolicy> {
        let detail = version.and_then(|version| version.detail.as_ref());
        let policies = detail
            .map(|detail| detail.policies.as_slice())
            .unwrap_or_default();
        policies
            .iter()
            .map(|policy| (policy.name.clone(), policy.clone()))
            .collect()
    };
    let old = all(before);
    let new = all(Some(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| {
        let was = old.get(name);
        let is = new.get(name);
        let says = |policy: Option<&LivePackPolicy>| {
            policy.and_then(|policy| policy.policy.as_ref().ok().cloned())
        };
        let fields = policy_fields(says(was).as_ref(), says(is).as_ref());
        Some(Change {
            kind: kind(was.is_some(), is.is_some(), !fields.is_empty(), false)?,
            resource: ResourceKind::PackPolicy,
            name: name.clone(),
            id: None,
            source: is.and_then(|_| locate(name)),
            fields,
            children: Vec::new(),
        })
    };
    names.into_iter().filter_map(change).collect()
}

fn scalar(field: Field, before: Option<String>, after: Option<String>) -> FieldChange {
    FieldChange {
        field,
        value: ValueChange::Scalar { before, after },
    }
}

/// How two sets differ.
pub(super) fn set(
    before: impl IntoIterator<Item = String>,
    after: impl IntoIterator<Item = String>,
) -> Option<ValueChange> {
    let before: BTreeSet<String> = before.into_iter().collect();
    let after: BTreeSet<String> = after.into_iter().collect();
    let added: Vec<String> = after.difference(&before).cloned().collect();
    let removed: Vec<String> = before.difference(&after).cloned().collect();
    let kept = after.intersection(&before).count();
    (!added.is_empty() || !removed.is_empty()).then_some(ValueChange::Set {
        added,
        removed,
        kept,
    })
}

fn pretty(value: &Value) -> String {
    if value.is_null() {
        String::new()
    } else {
        format!("{value:#}\n")
    }
}

fn text(field: Field, before: &Value, after: &Value) -> FieldChange {
    FieldChange {
        field,
        value: ValueChange::Text {
            before: pretty(before),
            after: pretty(after),
        },
    }
}

/// How two policies of a pack differ; of one that comes or goes, what matters.
pub(crate) fn policy_fields(
    before: Option<&PackPolicy>,
    after: Option<&PackPolicy>,
) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    let mut field = |field: Field, of: &dyn Fn(&PackPolicy) -> Option<String>| {
        let was = before.and_then(of);
        let is = after.and_then(of);
        if was != is {
            fields.push(scalar(field, was, is));
        }
    };
    field(Field::EnforcementLevel, &|policy| {
        Some(policy.enforcement_level.to_string())
    });
    field(Field::Severity, &|policy| {
        policy.severity.map(|severity| severity.to_string())
    });
    let (Some(before), Some(after)) = (before, after) else {
        return fields;
    };
    field(Field::DisplayName, &|policy| {
        Some(policy.display_name.clone())
    });
    field(Field::Description, &|policy| {
        Some(policy.description.clone())
    });
    field(Field::Message, &|policy| Some(policy.message.clone()));
    field(Field::RemediationSteps, &|policy| {
        policy.remediation_steps.clone()
    });
    field(Field::Url, &|policy| policy.url.clone());
    field(Field::Framework, &|policy| {
        policy
            .framework
            .as_ref()
            .map(|framework| json!(framework).to_string())
    });
    let tags = set(before.tags.iter().cloned(), after.tags.iter().cloned());
    fields.extend(tags.map(|value| FieldChange {
        field: Field::Tags,
        value,
    }));
    if before.config_schema != after.config_schema {
        fields.push(text(
            Field::ConfigSchema,
            &json!(before.config_schema),
            &json!(after.config_schema),
        ));
    }
    fields
}

fn group(
    before: Option<&LiveGroup>,
    after: Option<&LiveGroup>,
    known: &dyn Known,
) -> Option<Change> {
    let shown = after.or(before)?;
    let body =
        |group: Option<&LiveGroup>| group.and_then(|group| group.body.as_ref().ok().cloned());
    let old = body(before);
    let new = body(after);
    let mut fields = Vec::new();
    if let (Some(before), Some(after)) = (before, after)
        && before.name != after.name
    {
        fields.push(scalar(
            Field::Name,
            Some(before.name.clone()),
            Some(after.name.clone()),
        ));
    }
    let one =
        |body: &Option<LiveGroupBody>, of: fn(&LiveGroupBody) -> String| body.as_ref().map(of);
    if before.is_none() {
        fields.push(scalar(
            Field::EntityType,
            None,
            one(&new, |body| body.entity_type.to_string()),
        ));
        fields.push(scalar(
            Field::Mode,
            None,
            one(&new, |body| body.mode.to_string()),
        ));
    }
    let mut children = Vec::new();
    if after.is_some() {
        let stacks = |body: &Option<LiveGroupBody>| -> Vec<String> {
            body.iter()
                .flat_map(|body| &body.stacks)
                .map(ToString::to_string)
                .collect()
        };
        let stacks = set(stacks(&old), stacks(&new));
        fields.extend(stacks.map(|value| FieldChange {
            field: Field::Stacks,
            value,
        }));
        children = group_packs(old.as_ref(), new.as_ref(), |pack| {
            known.group(&shown.name, Some(pack))
        });
    }
    Some(Change {
        kind: kind(
            before.is_some(),
            after.is_some(),
            !fields.is_empty(),
            !children.is_empty(),
        )?,
        resource: ResourceKind::Group,
        name: shown.name.clone(),
        id: before.map(|before| group_id(&before.name).to_string()),
        source: after.and_then(|after| known.group(&after.name, None)),
        fields,
        children,
    })
}

fn group_packs(
    before: Option<&LiveGroupBody>,
    after: Option<&LiveGroupBody>,
    locate: impl Fn(&str) -> Option<SourceRef>,
) -> Vec<Change> {
    let all = |body: Option<&LiveGroupBody>| -> BTreeMap<String, LiveGroupPack> {
        body.iter()
            .flat_map(|body| &body.packs)
            .map(|pack| (pack.name.clone(), pack.clone()))
            .collect()
    };
    let old = all(before);
    let new = all(after);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| {
        let was = old.get(name);
        let is = new.get(name);
        let mut fields = Vec::new();
        let tag = |pack: Option<&LiveGroupPack>| pack.map(|pack| pack.tag.clone());
        if tag(was) != tag(is) {
            fields.push(scalar(Field::VersionTag, tag(was), tag(is)));
        }
        let config = |pack: Option<&LiveGroupPack>| pack.map_or(Value::Null, config);
        if config(was) != config(is) && is.is_some() {
            fields.push(text(Field::Config, &config(was), &config(is)));
        }
        Some(Change {
            kind: kind(was.is_some(), is.is_some(), !fields.is_empty(), false)?,
            resource: ResourceKind::EnabledPack,
            name: name.clone(),
            id: None,
            source: is.and_then(|_| locate(name)),
            fields,
            children: Vec::new(),
        })
    };
    names.into_iter().filter_map(change).collect()
}

/// The configuration that a group gives a pack; an empty one is none.
pub(super) fn config(pack: &LiveGroupPack) -> Value {
    let empty = Map::new();
    let config = pack.config.as_ref().unwrap_or(&empty);
    if config.is_empty() {
        Value::Null
    } else {
        Value::Object(config.clone())
    }
}
