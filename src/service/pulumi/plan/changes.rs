//! The differences between two states of an organization, as a plan shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::model::PackModel;
use crate::plan::{
    Change, ChangeKind, ChangedField, FieldChange, ResourceKind, SourceRef, ValueChange,
};
use crate::plan::{group_id, pack_id};
use model::pulumi::{
    LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LivePackPolicy, LiveVersion, PackPolicy,
    PulumiLiveState, VersionDetail,
};

/// Information that the two states do not contain.
pub(crate) trait SourceLookup {
    /// Where a pack or one of its policies is declared.
    fn pack(&self, name: &str, policy: Option<&str>) -> Option<SourceRef>;
    /// Where a group or one of its packs is declared.
    fn group(&self, name: &str, pack: Option<&str>) -> Option<SourceRef>;
    /// How the files of a pack's source differ from those of its latest version.
    fn files(&self, pack: &str) -> Option<ValueChange>;
}

pub(crate) fn changes(
    before: &PulumiLiveState,
    after: &PackModel,
    known: &dyn SourceLookup,
) -> Vec<Change> {
    let PackModel { state, renamed, .. } = after;
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

fn pack(
    before: Option<&LivePack>,
    after: Option<&LivePack>,
    known: &dyn SourceLookup,
) -> Option<Change> {
    let LivePack {
        name: pack_name,
        // Shown for the version that is published.
        display_name: _,
        publisher: _,
        versions: _,
        unknown_fields: _,
    } = after.or(before)?;
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
        let parts = |version: &LiveVersion| {
            let LiveVersion {
                number: _,
                tag,
                detail,
            } = version;
            (tag.clone(), detail.as_ref().map(display_name))
        };
        let (old_tag, old_name) = last.map(parts).unzip();
        let (tag, name) = parts(version);
        fields.push(scalar(ChangedField::VersionTag, old_tag, Some(tag)));
        let old_name = old_name.flatten();
        if old_name != name {
            fields.push(scalar(ChangedField::DisplayName, old_name, name));
        }
        fields.extend(known.files(pack_name).map(|value| FieldChange {
            field: ChangedField::Files,
            value,
        }));
        children = policies(last, version, |policy| known.pack(pack_name, Some(policy)));
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
        name: pack_name.clone(),
        id: before.map(|before| pack_id(&before.name).to_string()),
        source: after.and_then(|after| known.pack(&after.name, None)),
        fields,
        children,
    })
}

/// Shown for a version in addition to its policies, which are children of the change.
fn display_name(detail: &VersionDetail) -> String {
    let VersionDetail {
        display_name,
        policies: _,
        applied: _,
        unknown_fields: _,
    } = detail;
    display_name.clone()
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

fn scalar(field: ChangedField, before: Option<String>, after: Option<String>) -> FieldChange {
    FieldChange {
        field,
        value: ValueChange::Scalar { before, after },
    }
}

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

fn text(field: ChangedField, before: &Value, after: &Value) -> FieldChange {
    FieldChange {
        field,
        value: ValueChange::Text {
            before: pretty(before),
            after: pretty(after),
        },
    }
}

/// The value of a field in the form in which it is compared and shown.
#[derive(PartialEq)]
enum FieldValue {
    /// `None` if it is not set.
    Scalar(Option<String>),
    Set(BTreeSet<String>),
    /// A multi-line value.
    Text(Value),
}

/// The fields of a policy in display order, without its name: policies of two versions are the same
/// policy if they have the same name.
fn shown(policy: &PackPolicy) -> [(ChangedField, FieldValue); 10] {
    let PackPolicy {
        name: _,
        display_name,
        description,
        enforcement_level,
        message,
        config_schema,
        severity,
        framework,
        tags,
        remediation_steps,
        url,
    } = policy;
    let said = |text: &String| FieldValue::Scalar(Some(text.clone()));
    let framework = framework
        .as_ref()
        .map(|framework| json!(framework).to_string());
    let severity = severity.map(|severity| severity.to_string());
    [
        (
            ChangedField::EnforcementLevel,
            said(&enforcement_level.to_string()),
        ),
        (ChangedField::Severity, FieldValue::Scalar(severity)),
        (ChangedField::DisplayName, said(display_name)),
        (ChangedField::Description, said(description)),
        (ChangedField::Message, said(message)),
        (
            ChangedField::RemediationSteps,
            FieldValue::Scalar(remediation_steps.clone()),
        ),
        (ChangedField::Url, FieldValue::Scalar(url.clone())),
        (ChangedField::Framework, FieldValue::Scalar(framework)),
        (
            ChangedField::Tags,
            FieldValue::Set(tags.iter().cloned().collect()),
        ),
        (
            ChangedField::ConfigSchema,
            FieldValue::Text(json!(config_schema)),
        ),
    ]
}

/// The differences between two versions of a policy. A policy that is added or removed only shows
/// the fields that affect enforcement.
pub(crate) fn policy_fields(
    before: Option<&PackPolicy>,
    after: Option<&PackPolicy>,
) -> Vec<FieldChange> {
    match (before.map(shown), after.map(shown)) {
        (Some(before), Some(after)) => before
            .into_iter()
            .zip(after)
            .filter(|((_, was), (_, is))| was != is)
            .filter_map(|((field, was), (_, is))| change_of(field, was, is))
            .collect(),
        (None, Some(after)) => enforced(after)
            .map(|(field, is)| scalar(field, None, Some(is)))
            .collect(),
        (Some(before), None) => enforced(before)
            .map(|(field, was)| scalar(field, Some(was), None))
            .collect(),
        (None, None) => Vec::new(),
    }
}

fn change_of(field: ChangedField, was: FieldValue, is: FieldValue) -> Option<FieldChange> {
    match (was, is) {
        (FieldValue::Scalar(was), FieldValue::Scalar(is)) => Some(scalar(field, was, is)),
        (FieldValue::Set(was), FieldValue::Set(is)) => {
            set(was, is).map(|value| FieldChange { field, value })
        }
        (FieldValue::Text(was), FieldValue::Text(is)) => Some(text(field, &was, &is)),
        (FieldValue::Scalar(_) | FieldValue::Set(_) | FieldValue::Text(_), _) => None,
    }
}

/// The fields that affect enforcement.
fn enforced(
    fields: impl IntoIterator<Item = (ChangedField, FieldValue)>,
) -> impl Iterator<Item = (ChangedField, String)> {
    fields.into_iter().filter_map(|(field, value)| match value {
        FieldValue::Scalar(Some(value))
            if matches!(
                field,
                ChangedField::EnforcementLevel | ChangedField::Severity
            ) =>
        {
            Some((field, value))
        }
        FieldValue::Scalar(_) | FieldValue::Set(_) | FieldValue::Text(_) => None,
    })
}

fn group(
    before: Option<&LiveGroup>,
    after: Option<&LiveGroup>,
    known: &dyn SourceLookup,
) -> Option<Change> {
    let LiveGroup {
        name,
        is_default: _,
        body: _,
        unknown_fields: _,
    } = after.or(before)?;
    let body = |group: Option<&LiveGroup>| group.and_then(|group| group.body.clone().ok());
    let old = body(before);
    let new = body(after);
    let mut fields = Vec::new();
    if let (Some(before), Some(after)) = (before, after)
        && before.name != after.name
    {
        fields.push(scalar(
            ChangedField::Name,
            Some(before.name.clone()),
            Some(after.name.clone()),
        ));
    }
    let mut children = Vec::new();
    if after.is_some() {
        fields.extend(body_fields(before.is_none(), old.as_ref(), new.as_ref()));
        children = group_packs(old.as_ref(), new.as_ref(), |pack| {
            known.group(name, Some(pack))
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
        name: name.clone(),
        id: before.map(|before| group_id(&before.name).to_string()),
        source: after.and_then(|after| known.group(&after.name, None)),
        fields,
        children,
    })
}

/// The differences between two bodies of a group, apart from its packs. `None` is a body that could
/// not be decoded or does not exist.
fn body_fields(
    is_new: bool,
    before: Option<&LiveGroupBody>,
    after: Option<&LiveGroupBody>,
) -> Vec<FieldChange> {
    struct Parts {
        entity_type: String,
        mode: String,
        stacks: Vec<String>,
        accounts: Vec<String>,
        agent_pool: Option<String>,
    }
    let parts = |body: &LiveGroupBody| {
        let LiveGroupBody {
            entity_type,
            mode,
            stacks,
            // Children of the change.
            packs: _,
            accounts,
            agent_pool,
        } = body;
        Parts {
            entity_type: entity_type.to_string(),
            mode: mode.to_string(),
            stacks: stacks.iter().map(ToString::to_string).collect(),
            accounts: accounts.clone(),
            agent_pool: agent_pool.clone(),
        }
    };
    let old = before.map(parts);
    let new = after.map(parts);
    let mut fields = Vec::new();
    // An existing group can change neither of the two.
    if is_new {
        let entity_type = new.as_ref().map(|new| new.entity_type.clone());
        let mode = new.as_ref().map(|new| new.mode.clone());
        fields.push(scalar(ChangedField::EntityType, None, entity_type));
        fields.push(scalar(ChangedField::Mode, None, mode));
    }
    let none = || Parts {
        entity_type: String::new(),
        mode: String::new(),
        stacks: Vec::new(),
        accounts: Vec::new(),
        agent_pool: None,
    };
    let old = old.unwrap_or_else(none);
    let new = new.unwrap_or_else(none);
    let members = [
        (ChangedField::Stacks, set(old.stacks, new.stacks)),
        (ChangedField::Accounts, set(old.accounts, new.accounts)),
    ];
    let changed = members.into_iter().filter_map(|(field, value)| {
        Some(FieldChange {
            field,
            value: value?,
        })
    });
    fields.extend(changed);
    if old.agent_pool != new.agent_pool {
        fields.push(scalar(
            ChangedField::AgentPoolId,
            old.agent_pool,
            new.agent_pool,
        ));
    }
    fields
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
        let parts = |pack: &LiveGroupPack| {
            let LiveGroupPack {
                name: _,
                // A version is shown by its tag.
                version: _,
                tag,
                config: _,
                environments,
                unknown_fields: _,
            } = pack;
            let environments = (!environments.is_empty()).then(|| environments.join(", "));
            (tag.clone(), (config(pack), environments))
        };
        let (old_tag, old_settings) = was.map(parts).unzip();
        let (tag, settings) = is.map(parts).unzip();
        let (old_config, old_environments) = old_settings.unzip();
        let (config, environments) = settings.unzip();
        let mut fields = Vec::new();
        if old_tag != tag {
            fields.push(scalar(ChangedField::VersionTag, old_tag, tag));
        }
        let old_config = old_config.unwrap_or_default();
        if let Some(config) = config.filter(|config| *config != old_config) {
            fields.push(text(ChangedField::Config, &old_config, &config));
        }
        let old_environments = old_environments.flatten();
        if let Some(environments) = environments.filter(|new| *new != old_environments) {
            fields.push(scalar(
                ChangedField::Environments,
                old_environments,
                environments,
            ));
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

/// The configuration of a pack in a group. An empty one equals a missing one.
pub(super) fn config(pack: &LiveGroupPack) -> Value {
    let empty = Map::new();
    let config = pack.config.as_ref().unwrap_or(&empty);
    if config.is_empty() {
        Value::Null
    } else {
        Value::Object(config.clone())
    }
}
