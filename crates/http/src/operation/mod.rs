//! Descriptions of the operations of a service, for `polwarden call`. Plans and applies use typed
//! readers and writers instead.

mod field;
mod request;

use reqwest::Method;

use super::Effect;

pub use field::{Field, FieldKind, Place};
pub use request::{FieldError, ReadRequest, Request, WriteRequest};

/// An operation of a service.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
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
    pub fields: &'static [Field],
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
    pub fn effect(self) -> Effect {
        match self {
            Self::Get | Self::Query => Effect::Read,
            Self::Post | Self::Put | Self::Patch | Self::Delete => Effect::Write,
        }
    }
}

/// A segment of a path template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Literal text.
    Fixed(&'static str),
    /// The organization of the target.
    Organization,
    /// The value of the field with this name.
    Field(&'static str),
}

impl Segment {
    /// Parses one segment of a path template.
    pub fn of(part: &'static str) -> Self {
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

impl Operation {
    /// Whether the operation may change state.
    pub fn effect(&self) -> Effect {
        self.verb.effect()
    }
}
