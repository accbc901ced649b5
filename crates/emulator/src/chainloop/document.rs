//! Documents: their bytes, and their fields.

use data_encoding::HEXLOWER;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The maximum nesting depth of a document.
const DEEPEST: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredDocumentKind {
    Policy,
    Group,
}

impl StoredDocumentKind {
    /// The value of the column `kind`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Group => "group",
        }
    }
}

/// The owner of a document. Built-in documents belong to the service itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DocumentOwner {
    Builtin,
    Organization(String),
}

/// A document without its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredDocument {
    /// The position in the order of creation, set by the store.
    pub(super) place: i64,
    pub(super) kind: StoredDocumentKind,
    pub(super) owner: DocumentOwner,
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredDocumentVersion {
    /// The digest that the service reports. A seed can make it differ from the actual digest.
    pub(super) digest: String,
    pub(super) format: String,
    pub(super) body: Vec<u8>,
    pub(super) created_at: jiff::Timestamp,
}

impl StoredDocumentVersion {
    /// A version with the current time.
    pub(super) fn now(body: Vec<u8>) -> Self {
        let digest = digest(&body);
        let format = "FORMAT_YAML".to_owned();
        Self {
            digest,
            format,
            body,
            created_at: jiff::Timestamp::now(),
        }
    }
}

/// `sha256:` and the digest of the unmodified bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// The fields of a text that is one YAML document without aliases. Scalars become strings, except
/// for unquoted booleans and nulls. Returns `None` for any other text.
pub(super) fn fields(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut parser = Parser::new_from_str(text.trim_start_matches('\u{feff}'));
    let mut next = || {
        parser
            .next_event()
            .and_then(Result::ok)
            .map(|(event, _)| event)
    };
    let mut found = None;
    loop {
        match next()? {
            Event::StreamEnd => return found,
            Event::DocumentStart(_) if found.is_some() => return None,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            first => found = Some(value(first, &mut next, 0)?),
        }
    }
}

/// The value that begins with the event `first`.
fn value<'t>(
    first: Event<'t>,
    next: &mut impl FnMut() -> Option<Event<'t>>,
    depth: usize,
) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    match first {
        Event::Scalar(text, ScalarStyle::Plain, _, _) => Some(match text.as_ref() {
            "" | "~" | "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => Value::from(text),
        }),
        Event::Scalar(text, _, _, _) => Some(Value::from(text.as_ref())),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next()? {
                    Event::SequenceEnd => return Some(Value::Array(items)),
                    event => items.push(value(event, next, depth + 1)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut members = Map::new();
            loop {
                match next()? {
                    Event::MappingEnd => return Some(Value::Object(members)),
                    Event::Scalar(key, _, _, _) => {
                        let key = key.into_owned();
                        let event = next()?;
                        if members
                            .insert(key, value(event, next, depth + 1)?)
                            .is_some()
                        {
                            return None;
                        }
                    }
                    _ => return None,
                }
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_document_has_fields_and_anything_else_has_none() {
        let text = b"\xef\xbb\xbfa: {b: [1.10, 'true', true]}\r\nc: |\n  x\n  y\n";
        assert_eq!(
            fields(text),
            Some(json!({"a": {"b": ["1.10", "true", true]}, "c": "x\ny\n"}))
        );
        for bad in [
            &b""[..],
            b"a: 1\n---\nb: 2\n",
            b"a: [",
            b"a: 1\na: 2\n",
            b"\xff",
            b"a: &x 1\nb: *x\n",
        ] {
            assert_eq!(fields(bad), None, "{bad:?}");
        }
        assert_eq!(
            digest(b""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
