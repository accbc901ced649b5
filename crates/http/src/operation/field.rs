//! Fields of operations.

use serde_json::Value;

use crate::check_segment;

/// A field of an operation, set with `polwarden call -f NAME=VALUE`.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the API contract.
    pub name: &'static str,
    /// The part of the request that contains the field.
    pub place: Place,
    /// Accepted values, as text for messages.
    pub kind: FieldKind,
    /// Whether the field is required.
    pub required: bool,
}

/// The part of a request that contains a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The path.
    Path,
    /// The query.
    Query,
    /// The JSON body.
    Body,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A string.
    Text,
    /// A list of strings: a JSON array, or strings separated by commas.
    Texts,
    /// Any JSON value.
    Json,
    /// One of these strings.
    OneOf(&'static [&'static str]),
}

impl Field {
    /// Creates a required field of the path.
    pub const fn path(name: &'static str) -> Self {
        Self {
            name,
            place: Place::Path,
            kind: FieldKind::Text,
            required: true,
        }
    }

    /// Creates an optional field of the query.
    pub const fn query(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            place: Place::Query,
            kind,
            required: false,
        }
    }

    /// Creates an optional field of the body.
    pub const fn body(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            place: Place::Body,
            kind,
            required: false,
        }
    }

    /// Makes the field required.
    #[must_use]
    pub const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// The accepted values, for messages.
    pub fn wanted(&self) -> String {
        match self.kind {
            FieldKind::Text => "a text".to_owned(),
            FieldKind::Texts => "a list of texts, as JSON or with commas".to_owned(),
            FieldKind::Json => "JSON".to_owned(),
            FieldKind::OneOf(texts) => format!("one of {}", texts.join(", ")),
        }
    }

    /// Parses a value. Returns `None` if the field does not accept it.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        if self.place == Place::Path && check_segment(text).is_err() {
            return None;
        }
        match self.kind {
            FieldKind::Text => Some(Value::from(text)),
            FieldKind::Texts if text.trim_start().starts_with('[') => {
                let texts: Vec<String> = serde_json::from_str(text).ok()?;
                Some(Value::from(texts))
            }
            FieldKind::Texts => Some(
                text.split(',')
                    .map(|text| Value::from(text.trim()))
                    .collect(),
            ),
            FieldKind::Json => serde_json::from_str(text).ok(),
            FieldKind::OneOf(texts) => texts.contains(&text).then(|| Value::from(text)),
        }
    }
}
