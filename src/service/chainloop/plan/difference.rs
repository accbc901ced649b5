//! How a document compares with the live one: its state, and the fields that differ.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plan::{ChangedField, DocumentState, FieldChange, ValueChange};
use manifest::chainloop::inline::MAX_DOCUMENT_BYTES;
use manifest::plain_documents_up_to;
use model::chainloop::{DocumentBytes, LiveDocument};
use model::diag::Path;
use model::digest::Digest;

/// The values in the YAML; nothing if it is invalid or too large.
pub(super) fn parsed(bytes: &DocumentBytes) -> Option<Vec<Value>> {
    plain_documents_up_to(bytes.text()?, MAX_DOCUMENT_BYTES).ok()
}

/// The fields that differ between two documents. Either of them may be missing.
pub(super) fn fields(
    before: Option<(&DocumentBytes, &Digest)>,
    after: Option<(&DocumentBytes, &Digest)>,
) -> Vec<FieldChange> {
    let digest = |document: Option<(&DocumentBytes, &Digest)>| {
        document.map(|(_, digest)| digest.to_string())
    };
    let mut fields = vec![FieldChange::scalar(
        ChangedField::Digest,
        digest(before),
        digest(after),
    )];
    // For a document that is added or removed, the text already shows everything.
    if let (Some((before, _)), Some((after, _))) = (before, after)
        && let (Some(before), Some(after)) = (parsed(before), parsed(after))
    {
        fields.extend(FieldChange::set(
            ChangedField::Meaning,
            lines(&before),
            lines(&after),
        ));
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
        field: ChangedField::Text,
        value,
    });
    fields
}

/// Every value with its path. Multi-line values such as Rego are part of the text; here they are
/// replaced by their digest.
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

/// Compares the bytes of a manifest with the live document of the same name. Ownership comes first:
/// a document of another organization is never in sync with ours.
pub(super) fn state(
    bytes: &DocumentBytes,
    digest: &Digest,
    live: Option<&LiveDocument>,
    organization: &str,
) -> DocumentState {
    let Some(live) = live else {
        return DocumentState::Missing;
    };
    let LiveDocument {
        kind: _,
        name: _,
        bytes: live_bytes,
        digest: live_digest,
        latest: _,
        builtin,
        organization: owner,
        versions: _,
        inputs_schema: _,
    } = live;
    if !live.is_of(organization) {
        return DocumentState::OwnedElsewhere {
            builtin: *builtin,
            owner: owner.clone(),
        };
    }
    if live_digest == digest {
        return DocumentState::InSync;
    }
    if let Some(version) = live.version(digest) {
        return DocumentState::Behind {
            since: version.created_at.map(|time| time.to_string()),
        };
    }
    match (parsed(bytes), parsed(live_bytes)) {
        (Some(wanted), Some(there)) if wanted == there => DocumentState::FormatOnly,
        (_, _) => DocumentState::MeaningDiffers,
    }
}
