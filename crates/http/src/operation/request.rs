//! Operations with values for their fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::description::{ApiOperation, FieldPlacement, OperationField, PathTemplateSegment};
use crate::{HttpCall, RequestEffect};
use model::diag::did_you_mean;

/// The operation or its fields are invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldError {
    /// Unknown operation.
    #[error("unknown operation `{name}`; {hint}")]
    Operation {
        /// The name as given.
        name: String,
        /// Suggestion or list of names.
        hint: String,
    },
    /// Unknown field.
    #[error("unknown field `{name}` of {operation}; {hint}")]
    Unknown {
        /// The operation.
        operation: &'static str,
        /// The name as given.
        name: String,
        /// Suggestion or list of names.
        hint: String,
    },
    /// Missing required field.
    #[error("{operation} needs the field `{name}`: add `--field {name}=…` with {wanted}")]
    Missing {
        /// The operation.
        operation: &'static str,
        /// The field.
        name: &'static str,
        /// Accepted values, as text for messages.
        wanted: String,
    },
    /// Duplicate field.
    #[error("duplicate field `{0}`")]
    Twice(&'static str),
    /// Invalid value. It is not part of the message because it may be long.
    #[error("the field `{name}` must be {wanted}{}", if *in_path { ", without characters that are special in URLs" } else { "" })]
    Value {
        /// The field.
        name: &'static str,
        /// Accepted values, as text for messages.
        wanted: String,
        /// Whether the field is part of the path.
        in_path: bool,
    },
}

/// An operation with valid values for all required fields.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRequest {
    operation: &'static ApiOperation,
    fields: BTreeMap<&'static str, Value>,
}

/// A request that only reads.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRequest(OperationRequest);

/// A request that may change state.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteRequest(OperationRequest);

impl OperationRequest {
    /// Finds an operation by name and parses its fields.
    ///
    /// # Errors
    /// The operation or a field is unknown, or a field is missing, duplicate or invalid.
    pub fn new(
        operations: &'static [ApiOperation],
        name: &str,
        given: &[(String, String)],
    ) -> Result<Self, FieldError> {
        let Some(operation) = operations
            .iter()
            .find(|operation| operation.name.eq_ignore_ascii_case(name))
        else {
            let near = did_you_mean(operations.iter().map(|operation| operation.name), name);
            let hint = near.map_or_else(
                || "`polwarden call --list` shows all".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(FieldError::Operation {
                name: name.to_owned(),
                hint,
            });
        };
        let mut fields = BTreeMap::new();
        for (name, text) in given {
            let Some(field) = operation.fields.iter().find(|field| field.name == name) else {
                return Err(unknown(operation, name));
            };
            let value = field.read(text).ok_or_else(|| FieldError::Value {
                name: field.name,
                wanted: field.expected(),
                in_path: field.place == FieldPlacement::Path,
            })?;
            if fields.insert(field.name, value).is_some() {
                return Err(FieldError::Twice(field.name));
            }
        }
        match operation
            .fields
            .iter()
            .find(|field| field.required && !fields.contains_key(field.name))
        {
            Some(field) => Err(FieldError::Missing {
                operation: operation.name,
                name: field.name,
                wanted: field.expected(),
            }),
            None => Ok(Self { operation, fields }),
        }
    }

    /// The operation.
    pub fn operation(&self) -> &'static ApiOperation {
        self.operation
    }

    /// The values by field name.
    pub fn fields(&self) -> &BTreeMap<&'static str, Value> {
        &self.fields
    }

    /// Separates reads from writes, so that code that only reads cannot send a write.
    ///
    /// # Errors
    /// Returns the request as a write if it may change state.
    pub fn sort(self) -> Result<ReadRequest, WriteRequest> {
        match self.operation.effect() {
            RequestEffect::Read => Ok(ReadRequest(self)),
            RequestEffect::Write => Err(WriteRequest(self)),
        }
    }

    /// Creates the call. `media_type` is used if the operation has a body.
    fn call(&self, organization: &str, media_type: &'static str) -> HttpCall {
        let text = |name: &str| match self.fields.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let path =
            self.operation
                .path
                .split('/')
                .map(|part| match PathTemplateSegment::parse(part) {
                    PathTemplateSegment::Fixed(text) => text.to_owned(),
                    PathTemplateSegment::Organization => organization.to_owned(),
                    PathTemplateSegment::Field(name) => text(name),
                });
        let of = |place: FieldPlacement| {
            self.operation
                .fields
                .iter()
                .filter(move |field| field.place == place)
        };
        let said = |field: &&OperationField| self.fields.contains_key(field.name);
        let query = of(FieldPlacement::Query)
            .filter(said)
            .map(|field| (field.name.to_owned(), text(field.name)))
            .collect();
        let about = of(FieldPlacement::Path)
            .map(|field| text(field.name))
            .collect::<Vec<_>>()
            .join(" ");
        let about = if about.is_empty() {
            format!("organization `{organization}`")
        } else {
            format!("`{about}`")
        };
        let name = self.operation.name;
        let method = self.operation.verb.method();
        let call = match self.operation.effect() {
            RequestEffect::Write => HttpCall::write(name, about, method, path.collect()),
            RequestEffect::Read if method == reqwest::Method::POST => {
                HttpCall::repeatable_post(name, about, path.collect())
            }
            RequestEffect::Read => HttpCall::read(name, about, path.collect()),
        };
        let call = call.with_query(query).with_empty_answer();
        if of(FieldPlacement::Body).next().is_none() {
            return call;
        }
        let body: Map<String, Value> = of(FieldPlacement::Body)
            .filter_map(|field| Some((field.name.to_owned(), self.fields.get(field.name)?.clone())))
            .collect();
        call.with_body(media_type, &Value::Object(body))
    }
}

impl ReadRequest {
    /// The request with its operation and fields.
    pub fn request(&self) -> &OperationRequest {
        &self.0
    }

    /// Creates the call. `media_type` is used if the operation has a body.
    pub fn call(&self, organization: &str, media_type: &'static str) -> HttpCall {
        self.0.call(organization, media_type)
    }
}

impl WriteRequest {
    /// The request with its operation and fields.
    pub fn request(&self) -> &OperationRequest {
        &self.0
    }

    /// Creates the call. `media_type` is used if the operation has a body.
    pub fn call(&self, organization: &str, media_type: &'static str) -> HttpCall {
        self.0.call(organization, media_type)
    }
}

fn unknown(operation: &'static ApiOperation, name: &str) -> FieldError {
    let names = || operation.fields.iter().map(|field| field.name);
    let hint = match did_you_mean(names(), name) {
        Some(near) => format!("did you mean `{near}`?"),
        None if operation.fields.is_empty() => "it has none".to_owned(),
        None => format!("it has: {}", names().collect::<Vec<_>>().join(", ")),
    };
    FieldError::Unknown {
        operation: operation.name,
        name: name.to_owned(),
        hint,
    }
}
