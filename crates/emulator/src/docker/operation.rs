//! The operations of the API.

use std::fmt;

use axum::http::Method;

use crate::fault::{Access, OperationName};

/// The route of an organization's policies.
pub(super) const POLICIES_ROUTE: &str = "/v2/orgs/{organization}/governance/policies";
/// The route of an organization's teams.
pub(super) const GROUPS_ROUTE: &str = "/v2/orgs/{organization}/groups";
/// Sign-in of profile `seed`.
pub(super) const LOGIN_ROUTE: &str = "/v2/users/login";
/// Sign-in of the later profiles.
pub(super) const TOKEN_ROUTE: &str = "/v2/auth/token";

/// An operation, by its `operationId`. The two operations of Docker Hub have none and are called
/// `listGroups` and `signIn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DockerOperationId {
    /// `GET` policies.
    ListPolicies,
    /// `POST` policies.
    CreatePolicy,
    /// `GET` a policy.
    GetPolicy,
    /// `PATCH` a policy.
    UpdatePolicy,
    /// `DELETE` a policy.
    DeletePolicy,
    /// `POST` rules of a policy.
    CreateRule,
    /// `PATCH` a rule.
    UpdateRule,
    /// `DELETE` a rule.
    DeleteRule,
    /// `GET` teams.
    ListGroups,
    /// `POST` credentials.
    SignIn,
}

impl DockerOperationId {
    pub const ALL: [Self; 10] = [
        Self::ListPolicies,
        Self::CreatePolicy,
        Self::GetPolicy,
        Self::UpdatePolicy,
        Self::DeletePolicy,
        Self::CreateRule,
        Self::UpdateRule,
        Self::DeleteRule,
        Self::ListGroups,
        Self::SignIn,
    ];

    /// The name in the contract, for example `createRule`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListPolicies => "listPolicies",
            Self::CreatePolicy => "createPolicy",
            Self::GetPolicy => "getPolicy",
            Self::UpdatePolicy => "updatePolicy",
            Self::DeletePolicy => "deletePolicy",
            Self::CreateRule => "createRule",
            Self::UpdateRule => "updateRule",
            Self::DeleteRule => "deleteRule",
            Self::ListGroups => "listGroups",
            Self::SignIn => "signIn",
        }
    }

    /// The operation of a request, by its method and the route that it matched.
    pub(super) fn from_route(method: &Method, route: &str) -> Option<Self> {
        if let Some(below) = route.strip_prefix(POLICIES_ROUTE) {
            return match (method.as_str(), below) {
                ("GET", "" | "/") => Some(Self::ListPolicies),
                ("POST", "" | "/") => Some(Self::CreatePolicy),
                ("GET", "/{policy}") => Some(Self::GetPolicy),
                ("PATCH", "/{policy}") => Some(Self::UpdatePolicy),
                ("DELETE", "/{policy}") => Some(Self::DeletePolicy),
                ("POST", "/{policy}/rules") => Some(Self::CreateRule),
                ("PATCH", "/{policy}/rules/{rule}") => Some(Self::UpdateRule),
                ("DELETE", "/{policy}/rules/{rule}") => Some(Self::DeleteRule),
                _ => None,
            };
        }
        match (method.as_str(), route) {
            ("GET", GROUPS_ROUTE) => Some(Self::ListGroups),
            ("POST", LOGIN_ROUTE | TOKEN_ROUTE) => Some(Self::SignIn),
            _ => None,
        }
    }
}

impl OperationName for DockerOperationId {
    const EXAMPLE: &'static str = "createRule";

    fn all() -> &'static [Self] {
        &Self::ALL
    }

    fn as_str(self) -> &'static str {
        self.as_str()
    }

    fn access(self) -> Access {
        match self {
            Self::ListPolicies | Self::GetPolicy | Self::ListGroups => Access::Read,
            Self::CreatePolicy
            | Self::UpdatePolicy
            | Self::DeletePolicy
            | Self::CreateRule
            | Self::UpdateRule
            | Self::DeleteRule => Access::Write,
            Self::SignIn => Access::Neither,
        }
    }
}

impl fmt::Display for DockerOperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
