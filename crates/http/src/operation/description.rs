//! Operations and their fields.

use reqwest::Method;
use serde_json::Value;

use crate::call::RequestEffect;
use crate::endpoint::check_segment;

/// An operation of a service.
#[derive(Debug, PartialEq, Eq)]
pub struct ApiOperation {
    /// Name in the API contract.
    pub name: &'static str,
    /// Summary without a period.
    pub about: &'static str,
    /// The HTTP method, which decides whether the operation may change state.
    pub verb: Verb,
    /// Path template below the endpoint, as in the contract:
    /// `orgs/{organization}/policies/{policy}`.
    pub path: &'static str,
    /// The accepted fields.
    pub fields: &'static [OperationField],
}

/// The HTTP method. `Query` is a POST that only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// GET.
    Get,
    /// POST that changes nothing.
    Query,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Verb {
    /// The HTTP method.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Query | Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    /// Whether the operation may change state.
    pub fn effect(self) -> RequestEffect {
        match self {
            Self::Get | Self::Query => RequestEffect::Read,
            Self::Post | Self::Put | Self::Patch | Self::Delete => RequestEffect::Write,
        }
    }
}

/// A segment of a path template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathTemplateSegment {
    /// Literal text.
    Fixed(&'static str),
    /// The organization of the target.
    Organization,
    /// The value of the field with this name.
    Field(&'static str),
}

impl PathTemplateSegment {
    /// Parses one segment of a path template.
    pub fn parse(part: &'static str) -> Self {
        match part
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some("organization") => Self::Organization,
            Some(name) => Self::Field(name),
            None => Self::Fixed(part),
        }
    }
}

impl ApiOperation {
    /// Whether the operation may change state.
    pub fn effect(&self) -> RequestEffect {
        self.verb.effect()
    }
}

/// A field of an operation, set with `polwarden call -F KEY=VALUE`.
#[derive(Debug, PartialEq, Eq)]
pub struct OperationField {
    /// Name in the API contract.
    pub name: &'static str,
    /// The part of the request that contains the field.
    pub place: FieldPlacement,
    /// Accepted values.
    pub kind: FieldKind,
    /// Whether the field is required.
    pub required: bool,
}

/// The part of a request that contains a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldPlacement {
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

impl OperationField {
    /// Creates a required field of the path.
    pub const fn path(name: &'static str) -> Self {
        Self {
            name,
            place: FieldPlacement::Path,
            kind: FieldKind::Text,
            required: true,
        }
    }

    /// Creates an optional field of the query.
    pub const fn query(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            place: FieldPlacement::Query,
            kind,
            required: false,
        }
    }

    /// Creates an optional field of the body.
    pub const fn body(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            place: FieldPlacement::Body,
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
    pub fn expected(&self) -> String {
        match self.kind {
            FieldKind::Text => "a string".to_owned(),
            FieldKind::Texts => "a list of strings, as JSON or separated by commas".to_owned(),
            FieldKind::Json => "JSON".to_owned(),
            FieldKind::OneOf(texts) => format!("one of {}", texts.join(", ")),
        }
    }

    /// Parses a value. Returns `None` if the field does not accept it.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        if self.place == FieldPlacement::Path && check_segment(text).is_err() {
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
