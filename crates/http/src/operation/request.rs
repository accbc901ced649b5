//! An operation with the fields that were given.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::{Field, Operation, Place, Segment};
use crate::{Call, Effect};
use model::diag::did_you_mean;

/// Why fields do not fit an operation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldError {
    /// No operation has this name.
    #[error("there is no operation `{name}`; {hint}")]
    Operation {
        /// As it was given.
        name: String,
        /// What may be meant.
        hint: String,
    },
    /// The operation has no such field.
    #[error("{operation} has no field `{name}`; {hint}")]
    Unknown {
        /// The operation.
        operation: &'static str,
        /// As it was given.
        name: String,
        /// What may be meant.
        hint: String,
    },
    /// A field that must be there is not.
    #[error("{operation} needs the field `{name}`: add `--field {name}=…` with {wanted}")]
    Missing {
        /// The operation.
        operation: &'static str,
        /// The field.
        name: &'static str,
        /// What it may be.
        wanted: String,
    },
    /// A field that is there twice.
    #[error("the field `{0}` is given twice")]
    Twice(&'static str),
    /// A value that the field cannot have. It is not repeated: it may be long.
    #[error("the field `{name}` must be {wanted}{}", if *in_path { ", without characters that an address cannot hold" } else { "" })]
    Value {
        /// The field.
        name: &'static str,
        /// What it may be.
        wanted: String,
        /// Whether it goes into the path.
        in_path: bool,
    },
}

/// An operation with all that it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    operation: &'static Operation,
    fields: BTreeMap<&'static str, Value>,
}

/// A request that changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRequest(Request);

/// A request that may change something.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteRequest(Request);

impl Request {
    /// Finds an operation and reads its fields.
    ///
    /// # Errors
    /// There is no such operation, or a field is unknown, missing, there twice, or not what it may be.
    pub fn new(
        operations: &'static [Operation],
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
                wanted: field.wanted(),
                in_path: field.place == Place::Path,
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
                wanted: field.wanted(),
            }),
            None => Ok(Self { operation, fields }),
        }
    }

    /// The operation.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// The fields, by their names.
    pub fn fields(&self) -> &BTreeMap<&'static str, Value> {
        &self.fields
    }

    /// The request as one that reads, or else as one that writes.
    pub fn sort(self) -> Result<ReadRequest, WriteRequest> {
        match self.operation.effect() {
            Effect::Read => Ok(ReadRequest(self)),
            Effect::Write => Err(WriteRequest(self)),
        }
    }

    /// The call. `media_type` is that of the body, if there is one.
    fn call(&self, organization: &str, media_type: &'static str) -> Call {
        let text = |name: &str| match self.fields.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let path = self
            .operation
            .path
            .split('/')
            .map(|part| match Segment::of(part) {
                Segment::Fixed(text) => text.to_owned(),
                Segment::Organization => organization.to_owned(),
                Segment::Field(name) => text(name),
            });
        let of = |place: Place| {
            self.operation
                .fields
                .iter()
                .filter(move |field| field.place == place)
        };
        let said = |field: &&Field| self.fields.contains_key(field.name);
        let query = of(Place::Query)
            .filter(said)
            .map(|field| (field.name.to_owned(), text(field.name)))
            .collect();
        let about = of(Place::Path)
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
            Effect::Write => Call::write(name, about, method, path.collect()),
            Effect::Read if method == reqwest::Method::POST => {
                Call::exchange(name, about, path.collect())
            }
            Effect::Read => Call::read(name, about, path.collect()),
        };
        let call = call.with_query(query).answering_nothing();
        if of(Place::Body).next().is_none() {
            return call;
        }
        let body: Map<String, Value> = of(Place::Body)
            .filter_map(|field| Some((field.name.to_owned(), self.fields.get(field.name)?.clone())))
            .collect();
        call.with_body(media_type, &Value::Object(body))
    }
}

impl ReadRequest {
    /// The request.
    pub fn request(&self) -> &Request {
        &self.0
    }

    pub fn call(&self, organization: &str, media_type: &'static str) -> Call {
        self.0.call(organization, media_type)
    }
}

impl WriteRequest {
    /// The request.
    pub fn request(&self) -> &Request {
        &self.0
    }

    pub fn call(&self, organization: &str, media_type: &'static str) -> Call {
        self.0.call(organization, media_type)
    }
}

fn unknown(operation: &'static Operation, name: &str) -> FieldError {
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
