//! The answers about documents.

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::document::{
    DocumentOwner, StoredDocument, StoredDocumentKind, StoredDocumentVersion, digest, fields,
};
use super::options::Spelling;

/// The answer about `version`. `versions` are all versions, oldest first.
pub(super) fn answer(
    document: &StoredDocument,
    versions: &[StoredDocumentVersion],
    version: &StoredDocumentVersion,
    spelling: Spelling,
) -> Value {
    let StoredDocument {
        place: _,
        kind,
        owner,
        name,
    } = document;
    let fields = fields(&version.body).unwrap_or_default();
    let references = versions.iter().rev();
    let references: Vec<Value> = references
        .map(|version| json!({"digest": version.digest, "created_at": version.created_at.to_string()}))
        .collect();
    let (builtin, organization) = match owner {
        DocumentOwner::Builtin => (true, ""),
        DocumentOwner::Organization(name) => (false, name.as_str()),
    };
    let raw = json!({"format": version.format, "body": BASE64.encode(&version.body)});
    let mut envelope = json!({
        "version_references": references,
        "inputs_json_schema": inputs_schema(&fields),
        "builtin": builtin,
        "organization_id": if builtin { String::new() } else { organization_id(organization) },
        "digest": version.digest,
        "raw": raw,
        "organization_name": organization,
        "latest": versions.last() == Some(version),
    });
    if let Some(members) = envelope.as_object_mut() {
        match kind {
            StoredDocumentKind::Policy => {
                let policy = structured(fields);
                members.insert("data".to_owned(), policy.clone());
                members.insert("policy".to_owned(), policy);
            }
            StoredDocumentKind::Group => {
                members.insert("group".to_owned(), group(name, &fields, members));
            }
        }
    }
    match spelling {
        Spelling::Snake => envelope,
        Spelling::Camel => in_camel_case(envelope),
    }
}

/// The structured view of a document's fields: field names in snake case, without the fields that
/// the contract does not have.
fn structured(fields: Value) -> Value {
    match fields {
        Value::Object(members) => {
            let member = |(key, value): (String, Value)| {
                let value = if key == "annotations" || key == "with" {
                    value
                } else {
                    structured(value)
                };
                (snake(&key), value)
            };
            Value::Object(
                members
                    .into_iter()
                    .filter(|(key, _)| key != "ref")
                    .map(member)
                    .collect(),
            )
        }
        Value::Array(items) => items.into_iter().map(structured).collect(),
        other => other,
    }
}

/// The fields of a group's answer, including copies of the answer's common fields.
fn group(name: &str, fields: &Value, envelope: &Map<String, Value>) -> Value {
    let mut group = json!({
        "name": name,
        "description": fields.pointer("/metadata/description").cloned().unwrap_or_else(|| Value::from("")),
        "attestation": fields.pointer("/spec/policies/attestation").cloned().unwrap_or_else(|| json!([])),
        "materials": fields.pointer("/spec/policies/materials").cloned().unwrap_or_else(|| json!([])),
    });
    if let Some(members) = group.as_object_mut() {
        for key in [
            "version_references",
            "builtin",
            "organization_id",
            "digest",
            "organization_name",
        ] {
            members.extend(
                envelope
                    .get(key)
                    .map(|value| (key.to_owned(), value.clone())),
            );
        }
        members.extend(
            envelope
                .get("raw")
                .map(|raw| ("raw_group".to_owned(), raw.clone())),
        );
    }
    group
}

/// A JSON Schema of the inputs as text; empty without inputs.
fn inputs_schema(fields: &Value) -> String {
    let Some(inputs) = fields.pointer("/spec/inputs").and_then(Value::as_array) else {
        return String::new();
    };
    let mut properties = Map::new();
    let mut required = Vec::new();
    for input in inputs {
        let Some(name) = input.get("name").and_then(Value::as_str) else {
            continue;
        };
        let mut property = json!({"type": "string"});
        for key in ["description", "default"] {
            if let (Some(value), Some(members)) = (input.get(key), property.as_object_mut()) {
                members.insert(key.to_owned(), value.clone());
            }
        }
        properties.insert(name.to_owned(), property);
        if input.get("required") == Some(&Value::Bool(true)) {
            required.push(name);
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
    .to_string()
}

/// A stable id in the format of the service's ids.
fn organization_id(name: &str) -> String {
    let hex = digest(name.as_bytes());
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(7..15),
        part(15..19),
        part(19..22),
        part(22..25),
        part(25..37)
    )
}

/// `apiVersion` becomes `api_version`.
fn snake(key: &str) -> String {
    let mut text = String::with_capacity(key.len() + 2);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// The answer with field names in camel case.
fn in_camel_case(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(key, value): (String, Value)| {
                let value = if key == "annotations" || key == "with" {
                    value
                } else {
                    in_camel_case(value)
                };
                (camel(&key), value)
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(items) => items.into_iter().map(in_camel_case).collect(),
        other => other,
    }
}

fn camel(key: &str) -> String {
    let mut parts = key.split('_');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}
