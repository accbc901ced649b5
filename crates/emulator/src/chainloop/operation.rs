//! The operations of the API.

use std::fmt;

use axum::http::Method;

use crate::fault::{Access, OperationName};

/// An operation, by its `operationId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChainloopOperationId {
    /// `PolicyService_Get`: reads a policy.
    Get,
    /// `PolicyService_GetGroup`: reads a policy group.
    GetGroup,
    /// `PolicyService_Create`: creates a policy.
    Create,
    /// `PolicyService_Update`: writes another version of a policy.
    Update,
}

impl ChainloopOperationId {
    pub const ALL: [Self; 4] = [Self::Get, Self::GetGroup, Self::Create, Self::Update];

    /// The name in the contract, for example `PolicyService_Get`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "PolicyService_Get",
            Self::GetGroup => "PolicyService_GetGroup",
            Self::Create => "PolicyService_Create",
            Self::Update => "PolicyService_Update",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Get | Self::GetGroup => Method::GET,
            Self::Create => Method::POST,
            Self::Update => Method::PUT,
        }
    }

    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Get => "/v1/policies/{name}",
            Self::GetGroup => "/v1/groups/{name}",
            Self::Create | Self::Update => "/v1/policies",
        }
    }

    /// The operation of a request, by its method and the route that it matched.
    pub(super) fn from_route(method: &Method, route: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.method() == *method && operation.route() == route)
    }
}

impl OperationName for ChainloopOperationId {
    const EXAMPLE: &'static str = "PolicyService_Update";

    fn all() -> &'static [Self] {
        &Self::ALL
    }

    fn as_str(self) -> &'static str {
        self.as_str()
    }

    fn access(self) -> Access {
        if self.method() == Method::GET {
            Access::Read
        } else {
            Access::Write
        }
    }
}

impl fmt::Display for ChainloopOperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
