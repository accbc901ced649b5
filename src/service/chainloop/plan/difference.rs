//! The fields in which two documents differ: what they say, value by value, and their texts line by line.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plan::{Field, FieldChange, ValueChange};
pub(crate) use crate::service::docker::plan::difference::{scalar, set};
use manifest::plain_documents;
use model::chainloop::DocumentBytes;
use model::diag::Path;
use model::digest::Digest;

/// What the YAML says; nothing where it is none, or too large to be read.
pub(super) fn parsed(bytes: &DocumentBytes) -> Option<Vec<Value>> {
    plain_documents(bytes.text()?).ok()
}

/// The fields that differ between two documents, of which one may not be there.
pub(super) fn fields(
    before: Option<(&DocumentBytes, &Digest)>,
    after: Option<(&DocumentBytes, &Digest)>,
) -> Vec<FieldChange> {
    let digest = |document: Option<(&DocumentBytes, &Digest)>| {
        document.map(|(_, digest)| digest.to_string())
    };
    let mut fields = vec![scalar(Field::Digest, digest(before), digest(after))];
    // Of what comes or goes as a whole, the text says it all.
    if let (Some((before, _)), Some((after, _))) = (before, after)
        && let (Some(before), Some(after)) = (parsed(before), parsed(after))
    {
        fields.extend(set(Field::Meaning, lines(&before), lines(&after)));
    }
    let text = |document: Option<(&DocumentBytes, &Digest)>| -> String {
        let bytes = document
            .map(|(bytes, _)| bytes.as_slice())
            .unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let value = ValueChange::Text {
        before: text(before),
        after: text(after),
    };
    fields.push(FieldChange {
        field: Field::Text,
        value,
    });
    fields
}

/// Every value with the path to it. What has many lines, such as Rego, stands in the text; here it is named by its digest.
fn lines(documents: &[Value]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for document in documents {
        walk(document, &Path::root(), &mut lines);
    }
    lines
}

fn walk(value: &Value, path: &Path, lines: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                walk(value, &path.clone().key(name), lines);
            }
        }
        Value::Array(entries) if !entries.is_empty() => {
            for (index, value) in entries.iter().enumerate() {
                walk(value, &path.clone().index(index), lines);
            }
        }
        Value::String(text) if text.contains('\n') => {
            let digest = Digest::of(text.as_bytes());
            let count = text.lines().count();
            let noun = if count == 1 { "line" } else { "lines" };
            lines.insert(format!("{path}: {count} {noun}, {}", digest.short()));
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            lines.insert(format!("{path}: {value}"));
        }
    }
}
