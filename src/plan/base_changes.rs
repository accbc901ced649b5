//! What a change does to the configuration and to the set of files, compared with the base revision.
//!
//! The comparison of configurations works on their serialized form, so that a new setting cannot be
//! forgotten here. Defaults are written out in that form: a setting that is written with its default
//! value is not a change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::types::{EventKind, PlanEvent, SourceRef, ValueChange};
use crate::workspace::ManifestSet;
use manifest::Document;
use manifest::config::{Config, Target};
use manifest::test::PolicyTestManifest;
use model::diag::{DocumentId, Path, Place, SourceMap};

/// The two revisions of a configuration.
pub struct ConfigVersions<'a> {
    pub base: &'a Config,
    pub head: &'a Config,
    /// The document of the current configuration, and the text that contains it.
    pub document: DocumentId,
    pub sources: &'a SourceMap,
}

/// The settings that differ from the base revision, except `removed`: the plan shows what it deletes.
///
/// # Errors
/// A configuration cannot be serialized, which does not happen for plain data.
pub fn config_events(versions: &ConfigVersions<'_>) -> Result<Vec<PlanEvent>, serde_json::Error> {
    let ConfigVersions {
        base,
        head,
        document,
        sources,
    } = *versions;
    let mut events = Vec::new();
    let mut report = |target: Option<&Target>, differences: SettingDifferences| {
        for (path, setting, value) in differences.found {
            events.push(PlanEvent {
                target: target.map(|target| target.name.clone()),
                source: Some(SourceRef::locate(sources, &Place::value(document, path))),
                event: EventKind::ConfigChanged { setting, value },
            });
        }
    };
    let mut common = SettingDifferences::default();
    let names = |config: &Config| -> Value {
        let names = config.targets.iter().map(|target| target.name.as_str());
        names.collect()
    };
    common.compare(
        Path::root().key("targets"),
        "targets",
        &names(base),
        &names(head),
    );
    let root = Path::root();
    common.compare(
        root.clone(),
        "",
        &settings(base, &["targets"])?,
        &settings(head, &["targets"])?,
    );
    report(None, common);
    for (index, target) in head.targets.iter().enumerate() {
        let Some(old) = base_target(base, target) else {
            continue;
        };
        let mut differences = SettingDifferences::default();
        differences.compare(
            root.clone().key("targets").index(index),
            "",
            &settings(old, &["name", "removed"])?,
            &settings(target, &["name", "removed"])?,
        );
        report(Some(target), differences);
    }
    Ok(events)
}

/// The target of the base revision that a target continues: it may have been renamed, or moved to
/// another organization.
fn base_target<'c>(base: &'c Config, target: &Target) -> Option<&'c Target> {
    let named = base.targets.iter().find(|old| old.name == target.name);
    named.or_else(|| {
        let mut all = base.targets.iter();
        all.find(|old| old.is_same_organization(target))
    })
}

fn settings(of: &impl serde::Serialize, except: &[&str]) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(of)?;
    if let Some(settings) = value.as_object_mut() {
        settings.retain(|name, _| !except.contains(&name.as_str()));
    }
    Ok(value)
}

/// Differences by the path of the setting in its file and by its name.
#[derive(Default)]
struct SettingDifferences {
    found: Vec<(Path, String, ValueChange)>,
}

impl SettingDifferences {
    fn compare(&mut self, path: Path, setting: &str, before: &Value, after: &Value) {
        let empty = Value::Object(serde_json::Map::new());
        match (before, after) {
            _ if before == after => {}
            (Value::Object(old), Value::Object(new)) => {
                let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
                for key in keys {
                    let inner = if setting.is_empty() {
                        key.clone()
                    } else {
                        format!("{setting}.{key}")
                    };
                    let value = |map: &serde_json::Map<String, Value>| {
                        map.get(key).cloned().unwrap_or_default()
                    };
                    self.compare(path.clone().key(key), &inner, &value(old), &value(new));
                }
            }
            (Value::Object(_), Value::Null) => self.compare(path, setting, before, &empty),
            (Value::Null, Value::Object(_)) => self.compare(path, setting, &empty, after),
            (Value::Array(_), Value::Array(_) | Value::Null) | (Value::Null, Value::Array(_)) => {
                let elements = |value: &Value| -> BTreeSet<String> {
                    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    list.iter().map(text).collect()
                };
                let old = &elements(before);
                let new = &elements(after);
                // The order of a list has no meaning in any setting.
                if old != new {
                    let value = ValueChange::Set {
                        added: new.difference(old).cloned().collect(),
                        removed: old.difference(new).cloned().collect(),
                        kept: old.intersection(new).count(),
                    };
                    self.found.push((path, setting.to_owned(), value));
                }
            }
            (_, _) => {
                let shown = |value: &Value| (!value.is_null()).then(|| text(value));
                let value = ValueChange::Scalar {
                    before: shown(before),
                    after: shown(after),
                };
                self.found.push((path, setting.to_owned(), value));
            }
        }
    }
}

/// A value on one line, in the flow style of YAML, without quotes.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(text).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(map) => {
            let fields: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}: {}", text(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// What happened to manifests that a plan does not show: protection that was removed, policy tests
/// that do not exist any more, and manifests whose new names are not read.
pub fn manifest_events(base: &ManifestSet, head: &ManifestSet, target: &Target) -> Vec<PlanEvent> {
    let Some(old_target) = base_target(&base.config, target) else {
        return Vec::new();
    };
    let old = base.documents(old_target);
    let new = head.documents(target);
    let all = removed_protection(&old, &new, head)
        .into_iter()
        .chain(removed_tests(&old, &new, base))
        .chain(unread_manifests(base, &old, head, &new));
    all.map(|(source, event)| PlanEvent {
        target: Some(target.name.clone()),
        source,
        event,
    })
    .collect()
}

type Event = (Option<SourceRef>, EventKind);

fn removed_protection(old: &[&Document], new: &[&Document], head: &ManifestSet) -> Vec<Event> {
    let protected: BTreeSet<&str> = old
        .iter()
        .filter_map(|document| document.manifest.policy())
        .filter(|policy| policy.metadata.protect)
        .map(|policy| policy.metadata.name.as_str())
        .collect();
    let mut events = Vec::new();
    for document in new {
        let Some(policy) = document.manifest.policy() else {
            continue;
        };
        let metadata = &policy.metadata;
        let mut names = metadata.aliases.iter().chain([&metadata.name]);
        if !metadata.protect && names.any(|name| protected.contains(name.as_str())) {
            let place = Place::value(document.id, Path::root().key("metadata").key("name"));
            let event = EventKind::ProtectionRemoved {
                name: metadata.name.clone(),
            };
            events.push((Some(SourceRef::locate(&head.sources, &place)), event));
        }
    }
    events
}

fn removed_tests(old: &[&Document], new: &[&Document], base: &ManifestSet) -> Vec<Event> {
    let tests = |documents: &[&Document]| -> BTreeMap<String, BTreeSet<String>> {
        let tests = documents
            .iter()
            .filter_map(|document| document.manifest.policy_test());
        tests
            .map(|test| (test.metadata.name.clone(), case_names(test)))
            .collect()
    };
    let kept = tests(new);
    let mut events = Vec::new();
    for document in old {
        let Some(test) = document.manifest.policy_test() else {
            continue;
        };
        let name = &test.metadata.name;
        let place = Place::value(document.id, Path::root().key("metadata").key("name"));
        let mut removed = |case: Option<String>| {
            let event = EventKind::TestRemoved {
                name: name.clone(),
                case,
                declared: SourceRef::locate(&base.sources, &place),
            };
            events.push((None, event));
        };
        match kept.get(name) {
            None => removed(None),
            Some(cases) => {
                for case in case_names(test).difference(cases) {
                    removed(Some(case.clone()));
                }
            }
        }
    }
    events
}

fn case_names(test: &PolicyTestManifest) -> BTreeSet<String> {
    let cases = test.spec.cases.iter().map(|case| case.name.clone());
    cases.collect()
}

/// Manifests of the base revision that are gone while a file with almost the same name is now
/// skipped: `policies/.a.yaml`, `policies/a.yaml.disabled` or `policies/.old/a.yaml` instead of
/// `policies/a.yaml`.
fn unread_manifests(
    base: &ManifestSet,
    old: &[&Document],
    head: &ManifestSet,
    new: &[&Document],
) -> Vec<Event> {
    let names = |manifests: &ManifestSet, documents: &[&Document]| -> BTreeSet<String> {
        let names = documents
            .iter()
            .map(|document| manifests.sources.file(document.id.file).name().to_owned());
        names.collect()
    };
    let before = names(base, old);
    let after = names(head, new);
    let skipped: Vec<&camino::Utf8PathBuf> = head
        .loaded
        .skipped
        .iter()
        .filter(|path| !base.loaded.skipped.contains(path))
        .collect();
    let mut events = Vec::new();
    for file in before.difference(&after) {
        let path = camino::Utf8Path::new(file);
        let renamed = skipped
            .iter()
            .find(|other| other.parent() == path.parent() && first_part(other) == first_part(path));
        let similar = renamed.or_else(|| {
            let mut hidden = skipped.iter();
            hidden.find(|other| is_in_hidden_folder(other) && other.file_name() == path.file_name())
        });
        if let Some(now) = similar {
            let event = EventKind::ManifestNotRead {
                file: file.clone(),
                now: now.to_string(),
            };
            let source = SourceRef {
                file: now.to_string(),
                line: 1,
            };
            events.push((Some(source), event));
        }
    }
    events
}

fn is_in_hidden_folder(path: &camino::Utf8Path) -> bool {
    let folders = path.parent().into_iter().flat_map(|parent| parent.iter());
    folders.into_iter().any(|name| name.starts_with('.'))
}

/// The name of a file without what hides or disables it.
fn first_part(path: &camino::Utf8Path) -> Option<&str> {
    let name = path.file_name()?.trim_start_matches(['.', '_', '#', '~']);
    name.split('.').next()
}
