//! The operations of the services, described one by one, for whoever wants to make a single one of them
//! (`polwarden call`). Plans and applies use the typed readers and writers.

mod field;
mod request;

use reqwest::Method;

use super::Effect;

pub use field::{Field, FieldKind, Place};
pub use request::{FieldError, ReadRequest, Request, WriteRequest};

/// An operation of a service.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name in the contract.
    pub name: &'static str,
    /// What it does, as a sentence without a full stop.
    pub about: &'static str,
    /// What is sent, and so whether it may change something.
    pub verb: Verb,
    /// The way to it, below the service's endpoint, as contracts write it: `orgs/{organization}/policies/{policy}`.
    pub path: &'static str,
    /// What can be said.
    pub fields: &'static [Field],
}

/// How a request is sent. A `Query` is a POST that only reads.
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
    /// The method on the wire.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Query | Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    /// Whether it may change something.
    pub fn effect(self) -> Effect {
        match self {
            Self::Get | Self::Query => Effect::Read,
            Self::Post | Self::Put | Self::Patch | Self::Delete => Effect::Write,
        }
    }
}

/// A part of an operation's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// As it stands.
    Fixed(&'static str),
    /// The target's organization.
    Organization,
    /// The value of a field.
    Field(&'static str),
}

impl Segment {
    /// What a part of a path between slashes means.
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
    /// Whether it may change something.
    pub fn effect(&self) -> Effect {
        self.verb.effect()
    }
}
