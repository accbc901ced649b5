//! Replaces the invalid values of a document, so that the rest of it can still be checked.
//!
//! Each schema error is answered by the smallest change that removes it: an unknown field is
//! removed, a missing field is added, and any other invalid value is replaced. The new values carry
//! no meaning. They keep the types, the indices of lists and the presence of fields, and the paths
//! of all changed values are returned so that nothing is concluded from them.
//!
//! Example: `{name: a, decision: alow, actions: [read], resources: [1, /x]}` becomes
//! `{name: a, decision: allow, actions: [read], resources: ["1", /x]}` with the invalid paths
//! `decision` and `resources[0]`.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use super::check::{CompiledSchema, compiled, segment};
use super::{ManifestKind, expected};
use crate::config::SHARE_PATTERN;
use crate::{InvalidValues, NAME_PATTERN};
use model::diag::{Path, PathSegment, did_you_mean};

/// A replaced value can violate its schema once more, for example in a branch of the schema that
/// only applies to the new value.
const MAX_ROUNDS: usize = 5;
/// A document with more errors is not repaired. More are never shown.
const MAX_REPAIRS: usize = 200;
/// Maximum nesting of generated values. Schemas can be recursive.
const MAX_DEPTH: usize = 20;

/// A document that matches its schema, because invalid values were replaced.
pub(crate) struct RepairedValue {
    pub(crate) value: Value,
    pub(crate) invalid: InvalidValues,
}

/// One change of a document.
enum Repair {
    Remove(Path),
    Set(Path, Value),
    /// Adds a field, unless a misspelled one was renamed to it.
    Add(Path, Value),
    /// Renames a field of the mapping at the path.
    Rename {
        mapping: Path,
        from: String,
        to: String,
    },
}

/// Repairs a document that does not match the schema of its kind, if that is possible.
pub(crate) fn repair(kind: ManifestKind, value: &Value) -> Option<RepairedValue> {
    let CompiledSchema { schema, validator } = compiled(kind);
    let validator = validator.as_ref()?;
    let mut repaired = RepairedValue {
        value: value.clone(),
        invalid: InvalidValues::default(),
    };
    for _ in 0..MAX_ROUNDS {
        let mut repairs = Vec::new();
        for error in validator.iter_errors(&repaired.value) {
            add_repairs(schema, &error, &mut repairs)?;
            if let ValidationErrorKind::AdditionalProperties { .. } = error.kind() {
                repaired.invalid.with_unknown_fields.push(path_of(&error));
            }
            if repaired.invalid.paths.len() + repairs.len() > MAX_REPAIRS {
                return None;
            }
        }
        if repairs.is_empty() {
            return Some(repaired);
        }
        repairs.sort_by_key(|repair| !matches!(repair, Repair::Rename { .. }));
        for repair in repairs {
            repaired.apply(repair);
        }
    }
    None
}

/// The changes that remove one error, or nothing if no change is known.
fn add_repairs(
    schema: &Value,
    error: &ValidationError<'_>,
    repairs: &mut Vec<Repair>,
) -> Option<()> {
    let path = path_of(error);
    let keyword = error.schema_path().as_str();
    // The schema that contains the violated keyword.
    let own = keyword
        .rsplit_once('/')
        .and_then(|(own, _)| schema.pointer(own));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = expected::fields(schema, keyword);
            for name in unexpected.iter().take(MAX_REPAIRS + 1) {
                repairs.push(match did_you_mean(known.iter().copied(), name) {
                    Some(near) => Repair::Rename {
                        mapping: path.clone(),
                        from: name.clone(),
                        to: near.to_owned(),
                    },
                    None => Repair::Remove(path.clone().key(name)),
                });
            }
        }
        ValidationErrorKind::Required {
            property: Value::String(name),
        } => {
            let field = own?.get("properties")?.get(name)?;
            repairs.push(Repair::Add(
                path.key(name),
                replacement(schema, field, None, 0)?,
            ));
        }
        ValidationErrorKind::FalseSchema => repairs.push(Repair::Remove(path)),
        _ => {
            let value = replacement(schema, own?, Some(error.instance()), 0)?;
            repairs.push(Repair::Set(path, value));
        }
    }
    Some(())
}

fn path_of(error: &ValidationError<'_>) -> Path {
    error.instance_path().iter().map(segment).collect()
}

impl RepairedValue {
    fn apply(&mut self, repair: Repair) {
        let changed = match repair {
            Repair::Remove(path) => {
                if let Some((mapping, name)) = self.entry(&path) {
                    mapping.shift_remove(&name);
                }
                path
            }
            Repair::Set(path, value) => {
                if let Some(node) = node(&mut self.value, path.segments()) {
                    *node = value;
                }
                path
            }
            Repair::Add(path, value) => {
                if let Some((mapping, name)) = self.entry(&path) {
                    mapping.entry(name).or_insert(value);
                }
                path
            }
            Repair::Rename { mapping, from, to } => {
                if let Some(Value::Object(fields)) = node(&mut self.value, mapping.segments())
                    && let Some(value) = fields.shift_remove(&from)
                {
                    fields.entry(&to).or_insert(value);
                }
                self.mark(mapping.clone().key(from));
                mapping.key(to)
            }
        };
        self.mark(changed);
    }

    fn mark(&mut self, path: Path) {
        if !self.invalid.paths.contains(&path) {
            self.invalid.paths.push(path);
        }
    }

    /// The mapping that contains the field at a path, and the name of the field.
    fn entry(&mut self, path: &Path) -> Option<(&mut Map<String, Value>, String)> {
        let (last, parents) = path.segments().split_last()?;
        let PathSegment::Key(name) = last else {
            return None;
        };
        match node(&mut self.value, parents) {
            Some(Value::Object(mapping)) => Some((mapping, name.clone())),
            Some(_) | None => None,
        }
    }
}

fn node<'v>(value: &'v mut Value, path: &[PathSegment]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, segment| match segment {
        PathSegment::Key(key) => value.get_mut(key),
        PathSegment::Index(index) => value.get_mut(index),
    })
}

/// A value that a schema accepts; `old` is the value in its place.
fn replacement(root: &Value, schema: &Value, old: Option<&Value>, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let first_of = |key: &str| schema.get(key)?.as_array()?.first();
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let schema = root.pointer(reference.strip_prefix('#')?)?;
        return replacement(root, schema, old, depth + 1);
    }
    if let Some(only) = schema.get("const").or_else(|| first_of("enum")) {
        return Some(only.clone());
    }
    if let Some(branch) = first_of("anyOf").or_else(|| first_of("oneOf"))
        && schema.get("type").is_none()
    {
        return replacement(root, branch, old, depth + 1);
    }
    let kind = schema
        .get("type")
        .and_then(Value::as_str)
        .or_else(|| first_of("type")?.as_str());
    Some(match kind {
        None => Value::Null,
        Some("string") => string(schema, old)?.into(),
        Some("boolean") => false.into(),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 0.into()),
        Some("array") => {
            let item = schema
                .get("items")
                .filter(|_| schema.get("minItems").is_some());
            let item = item.map(|item| replacement(root, item, None, depth + 1));
            Value::Array(item.into_iter().collect::<Option<_>>()?)
        }
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array);
            let fields = required.into_iter().flatten().map(|name| {
                let name = name.as_str()?;
                let field = schema.get("properties")?.get(name)?;
                Some((name.to_owned(), replacement(root, field, None, depth + 1)?))
            });
            Value::Object(fields.collect::<Option<_>>()?)
        }
        Some(_) => return None,
    })
}

/// The text of a scalar where it is one, so that messages can still name it.
fn string(schema: &Value, old: Option<&Value>) -> Option<String> {
    match schema.get("pattern").and_then(Value::as_str) {
        None | Some(NAME_PATTERN) => Some(match old {
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(bool)) => bool.to_string(),
            Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
            Some(_) | None => "(invalid)".to_owned(),
        }),
        Some("^/") => Some("/".to_owned()),
        Some(SHARE_PATTERN) => Some("0%".to_owned()),
        Some(_) => {
            let example = schema.get("examples")?.get(0)?.as_str()?;
            Some(example.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use super::super::check;
    use super::*;
    use model::diag::{DocumentId, Path as NodePath, SourceMap};

    fn rule(rule: &Value) -> Value {
        json!({
            "apiVersion": "docker.com/governance/v1",
            "kind": "Policy",
            "metadata": {"name": "p"},
            "spec": {"rules": [rule]},
        })
    }

    fn paths(repaired: &RepairedValue) -> Vec<String> {
        repaired
            .invalid
            .paths
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn only_invalid_values_are_replaced() {
        for (given, wanted, invalid) in [
            (
                json!({"name": 7, "decision": "alow", "actions": ["read", "rite"], "resources": ["/x", 1]}),
                json!({"name": "7", "decision": "allow", "actions": ["read", "connect:tcp"], "resources": ["/x", "1"]}),
                vec!["name", "decision", "actions[1]", "resources[1]"],
            ),
            (
                json!({"decison": "deny", "actions": [], "hosts": ["x"]}),
                json!({"actions": ["connect:tcp"], "decision": "deny", "name": "(invalid)"}),
                vec!["decison", "decision", "hosts", "actions", "name"],
            ),
            (
                json!("text"),
                json!({"name": "(invalid)", "decision": "allow", "actions": ["connect:tcp"]}),
                vec![""],
            ),
        ] {
            let repaired = repair(ManifestKind::Policy, &rule(&given)).unwrap();
            let mut found = paths(&repaired);
            found.sort();
            let at = |path: &str| match path {
                "" => "spec.rules[0]".to_owned(),
                path => format!("spec.rules[0].{path}"),
            };
            let mut invalid: Vec<String> = invalid.into_iter().map(at).collect();
            invalid.sort();
            assert_eq!(found, invalid, "{given}");
            assert_eq!(repaired.value["spec"]["rules"][0], wanted, "{given}");
        }
    }

    /// Every value of every example is replaced by every type of value, and left out.
    #[test]
    fn every_document_with_one_invalid_value_is_repaired() {
        let values = [
            json!(null),
            json!(true),
            json!(-7),
            json!("x "),
            json!([]),
            json!({}),
            json!([null]),
            json!({"x": 1}),
        ];
        let mut repaired = 0;
        let file = SourceMap::default().add("a.yaml", "");
        let id = DocumentId { file, index: 0 };
        for document in example_documents() {
            let kind = check(id, &document).unwrap();
            for path in places(&document) {
                if matches!(path.segments(), [PathSegment::Key(key)] if ["apiVersion", "api_version", "kind"].contains(&key.as_str()))
                {
                    continue;
                }
                for value in &values {
                    let mut broken = document.clone();
                    *node(&mut broken, path.segments()).unwrap() = value.clone();
                    if check(id, &broken).is_err() {
                        let result = repair(kind, &broken);
                        let result =
                            result.unwrap_or_else(|| panic!("{path} of {kind:?} is {value}"));
                        assert!(!result.invalid.paths.is_empty());
                        repaired += 1;
                    }
                }
            }
        }
        assert!(repaired > 1_000, "{repaired}");
    }

    /// All documents in the folders with examples.
    fn example_documents() -> Vec<Value> {
        let mut found = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "yaml")
                {
                    let documents = crate::plain_documents(&fs::read_to_string(path).unwrap());
                    let manifests = documents.unwrap_or_default().into_iter();
                    found.extend(manifests.filter(|document| {
                        document.get("kind").is_some() && document.get("metadata").is_some()
                            || document.get("targets").is_some()
                    }));
                }
            }
        }
        found
    }

    /// The paths of all values except the root.
    fn places(value: &Value) -> Vec<NodePath> {
        let mut found = Vec::new();
        let mut open = vec![(NodePath::root(), value)];
        while let Some((path, value)) = open.pop() {
            if !path.segments().is_empty() {
                found.push(path.clone());
            }
            match value {
                Value::Object(fields) => {
                    open.extend(
                        fields
                            .iter()
                            .map(|(key, value)| (path.clone().key(key), value)),
                    );
                }
                Value::Array(items) => open.extend(
                    items
                        .iter()
                        .enumerate()
                        .map(|(index, value)| (path.clone().index(index), value)),
                ),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        found
    }
}
