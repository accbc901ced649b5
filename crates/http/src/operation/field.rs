//! What can be said to an operation.

use serde_json::Value;

use crate::check_segment;

/// A field of an operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the contract.
    pub name: &'static str,
    /// Where it goes.
    pub place: Place,
    /// What it may be.
    pub kind: FieldKind,
    /// Whether it must be said.
    pub required: bool,
}

/// Where a field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Into the path.
    Path,
    /// Into the query.
    Query,
    /// Into the body.
    Body,
}

/// What a field may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A list of texts: JSON, or texts with commas between them.
    Texts,
    /// Anything that is written as JSON.
    Json,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

impl Field {
    /// A field of the path; it must be said.
    pub const fn path(name: &'static str) -> Self {
        Self {
            name,
            place: Place::Path,
            kind: FieldKind::Text,
            required: true,
        }
    }

    /// A field of the query.
    pub const fn query(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            place: Place::Query,
            kind,
            required: false,
        }
    }

    /// A field of the body.
    pub const fn body(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            place: Place::Body,
            kind,
            required: false,
        }
    }

    /// The field, if it must be said.
    #[must_use]
    pub const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// What it may be, in words.
    pub fn wanted(&self) -> String {
        match self.kind {
            FieldKind::Text => "a text".to_owned(),
            FieldKind::Texts => "a list of texts, as JSON or with commas".to_owned(),
            FieldKind::Json => "JSON".to_owned(),
            FieldKind::OneOf(texts) => format!("one of {}", texts.join(", ")),
        }
    }

    /// What a text stands for; nothing where it is not what the field may be.
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
