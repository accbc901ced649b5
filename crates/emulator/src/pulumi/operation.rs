//! The operations of the API.

use std::fmt;

use axum::http::Method;

use crate::fault::{Access, OperationName};

/// The registry's path in the contract's OpenAPI text.
pub(super) const REGISTRY: &str = "/api/registry/";
/// The registry's path on the contract's reference page.
pub(super) const PREVIEW_REGISTRY: &str = "/api/preview/registry/";

/// An operation, by its `operationId`. The two operations of the upload host have none and are
/// called `UploadPolicyPack` and `DownloadPolicyPack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PulumiOperationId {
    /// `ListPolicyPacks_orgs`: lists the packs of an organization.
    ListOrgPacks,
    /// `CreatePolicyPack`: starts publishing a version.
    CreatePack,
    /// `DeletePolicyPack_orgs_policypacks`: deletes a pack with all versions.
    DeleteOrgPack,
    /// `GetPolicyPack`: reads a version.
    GetPack,
    /// `DeletePolicyPackVersion`: deletes a version.
    DeletePackVersion,
    /// `CompletePolicyPack`: finishes publishing a version.
    CompletePack,
    /// `GetPolicyPackConfigSchema`: reads the config schemas of a version.
    GetConfigSchema,
    /// `GetOrgRegistryPolicyPack`: reads a pack's registry entry.
    GetOrgRegistryPack,
    /// `ListPolicyPacks`: lists packs of the registry; deprecated.
    ListRegistryPacks,
    /// `ListPolicyPacks_post`: lists packs of the registry.
    QueryRegistryPacks,
    /// `DeletePolicyPack`: deletes a pack from the registry.
    DeleteRegistryPack,
    /// `ListPolicyPackVersionsForRegistry`: lists the versions of a pack in the registry.
    ListRegistryVersions,
    /// `PostPublishPolicyPackVersionForRegistry`: starts publishing a version to the registry.
    PublishRegistryVersion,
    /// `GetPolicyPackVersionForRegistry`: reads a version in the registry.
    GetRegistryVersion,
    /// `DeleteRegistryPolicyPackVersion`: deletes a version from the registry.
    DeleteRegistryVersion,
    /// `PostPublishPolicyPackVersionCompleteForRegistry`: finishes publishing a version to the
    /// registry.
    CompleteRegistryVersion,
    /// `ListPolicyGroups`: lists the groups of an organization.
    ListGroups,
    /// `NewPolicyGroup`: creates a group.
    CreateGroup,
    /// `GetPolicyGroupMetadata`: counts protected stacks, accounts and resources.
    GetGroupMetadata,
    /// `GetPolicyGroup`: reads a group.
    GetGroup,
    /// `UpdatePolicyGroup`: changes a group.
    UpdateGroup,
    /// `BatchUpdatePolicyGroup`: makes several changes to a group at once.
    BatchUpdateGroup,
    /// `DeletePolicyGroup`: deletes a group.
    DeleteGroup,
    /// `GetStackPolicyGroups`: lists the groups of a stack.
    ListStackGroups,
    /// `GetStackPolicyPacks`: lists the packs that apply to a stack.
    ListStackPacks,
    /// `ListPolicyPacksForAccount`: lists the packs that apply to an account.
    ListAccountPacks,
    /// `UploadPolicyPack`: uploads an archive. The contract does not name this operation.
    Upload,
    /// `DownloadPolicyPack`: downloads an archive. The contract does not name this operation.
    Download,
}

impl PulumiOperationId {
    pub const ALL: [Self; 28] = [
        Self::ListOrgPacks,
        Self::CreatePack,
        Self::DeleteOrgPack,
        Self::GetPack,
        Self::DeletePackVersion,
        Self::CompletePack,
        Self::GetConfigSchema,
        Self::GetOrgRegistryPack,
        Self::ListRegistryPacks,
        Self::QueryRegistryPacks,
        Self::DeleteRegistryPack,
        Self::ListRegistryVersions,
        Self::PublishRegistryVersion,
        Self::GetRegistryVersion,
        Self::DeleteRegistryVersion,
        Self::CompleteRegistryVersion,
        Self::ListGroups,
        Self::CreateGroup,
        Self::GetGroupMetadata,
        Self::GetGroup,
        Self::UpdateGroup,
        Self::BatchUpdateGroup,
        Self::DeleteGroup,
        Self::ListStackGroups,
        Self::ListStackPacks,
        Self::ListAccountPacks,
        Self::Upload,
        Self::Download,
    ];

    /// The name in the contract, for example `CreatePolicyPack`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListOrgPacks => "ListPolicyPacks_orgs",
            Self::CreatePack => "CreatePolicyPack",
            Self::DeleteOrgPack => "DeletePolicyPack_orgs_policypacks",
            Self::GetPack => "GetPolicyPack",
            Self::DeletePackVersion => "DeletePolicyPackVersion",
            Self::CompletePack => "CompletePolicyPack",
            Self::GetConfigSchema => "GetPolicyPackConfigSchema",
            Self::GetOrgRegistryPack => "GetOrgRegistryPolicyPack",
            Self::ListRegistryPacks => "ListPolicyPacks",
            Self::QueryRegistryPacks => "ListPolicyPacks_post",
            Self::DeleteRegistryPack => "DeletePolicyPack",
            Self::ListRegistryVersions => "ListPolicyPackVersionsForRegistry",
            Self::PublishRegistryVersion => "PostPublishPolicyPackVersionForRegistry",
            Self::GetRegistryVersion => "GetPolicyPackVersionForRegistry",
            Self::DeleteRegistryVersion => "DeleteRegistryPolicyPackVersion",
            Self::CompleteRegistryVersion => "PostPublishPolicyPackVersionCompleteForRegistry",
            Self::ListGroups => "ListPolicyGroups",
            Self::CreateGroup => "NewPolicyGroup",
            Self::GetGroupMetadata => "GetPolicyGroupMetadata",
            Self::GetGroup => "GetPolicyGroup",
            Self::UpdateGroup => "UpdatePolicyGroup",
            Self::BatchUpdateGroup => "BatchUpdatePolicyGroup",
            Self::DeleteGroup => "DeletePolicyGroup",
            Self::ListStackGroups => "GetStackPolicyGroups",
            Self::ListStackPacks => "GetStackPolicyPacks",
            Self::ListAccountPacks => "ListPolicyPacksForAccount",
            Self::Upload => "UploadPolicyPack",
            Self::Download => "DownloadPolicyPack",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::ListOrgPacks
            | Self::GetPack
            | Self::GetConfigSchema
            | Self::GetOrgRegistryPack
            | Self::ListRegistryPacks
            | Self::ListRegistryVersions
            | Self::GetRegistryVersion
            | Self::ListGroups
            | Self::GetGroupMetadata
            | Self::GetGroup
            | Self::ListStackGroups
            | Self::ListStackPacks
            | Self::ListAccountPacks
            | Self::Download => Method::GET,
            Self::CreatePack
            | Self::CompletePack
            | Self::QueryRegistryPacks
            | Self::PublishRegistryVersion
            | Self::CompleteRegistryVersion
            | Self::CreateGroup => Method::POST,
            Self::DeleteOrgPack
            | Self::DeletePackVersion
            | Self::DeleteRegistryPack
            | Self::DeleteRegistryVersion
            | Self::DeleteGroup => Method::DELETE,
            Self::UpdateGroup | Self::BatchUpdateGroup => Method::PATCH,
            Self::Upload => Method::PUT,
        }
    }

    /// The route as the router reports it.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::ListOrgPacks | Self::CreatePack => "/api/orgs/{organization}/policypacks",
            Self::DeleteOrgPack => "/api/orgs/{organization}/policypacks/{pack}",
            Self::GetPack | Self::DeletePackVersion => {
                "/api/orgs/{organization}/policypacks/{pack}/versions/{version}"
            }
            Self::CompletePack => {
                "/api/orgs/{organization}/policypacks/{pack}/versions/{version}/complete"
            }
            Self::GetConfigSchema => {
                "/api/orgs/{organization}/policypacks/{pack}/versions/{version}/schema"
            }
            Self::GetOrgRegistryPack => "/api/orgs/{organization}/registry/policypacks/{pack}",
            Self::ListRegistryPacks | Self::QueryRegistryPacks => "/api/registry/policypacks",
            Self::DeleteRegistryPack => "/api/registry/policypacks/{source}/{publisher}/{pack}",
            Self::ListRegistryVersions | Self::PublishRegistryVersion => {
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions"
            }
            Self::GetRegistryVersion | Self::DeleteRegistryVersion => {
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions/{version}"
            }
            Self::CompleteRegistryVersion => {
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions/{version}/complete"
            }
            Self::ListGroups | Self::CreateGroup => "/api/orgs/{organization}/policygroups",
            Self::GetGroupMetadata => "/api/orgs/{organization}/policygroups/metadata",
            Self::GetGroup | Self::UpdateGroup | Self::DeleteGroup => {
                "/api/orgs/{organization}/policygroups/{group}"
            }
            Self::BatchUpdateGroup => "/api/orgs/{organization}/policygroups/{group}/batch",
            Self::ListStackGroups => "/api/stacks/{organization}/{project}/{stack}/policygroups",
            Self::ListStackPacks => "/api/stacks/{organization}/{project}/{stack}/policypacks",
            Self::ListAccountPacks => {
                "/api/preview/insights/{organization}/accounts/{account}/policy/packs"
            }
            Self::Upload | Self::Download => "/policypacks/{ticket}",
        }
    }

    /// Whether it belongs to the upload host.
    pub(super) fn is_of_uploads(self) -> bool {
        matches!(self, Self::Upload | Self::Download)
    }

    /// Whether the token is optional (operations `ListPolicyPacks` and `ListPolicyPacks_post`).
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::ListRegistryPacks | Self::QueryRegistryPacks)
    }

    /// The operation of a request, by its method and the route that it matched.
    pub(super) fn from_route(method: &Method, route: &str) -> Option<Self> {
        let preview = route
            .strip_prefix(PREVIEW_REGISTRY)
            .map(|rest| format!("{REGISTRY}{rest}"));
        let route = preview.as_deref().unwrap_or(route);
        Self::ALL
            .into_iter()
            .find(|operation| operation.method() == *method && operation.route() == route)
    }
}

impl OperationName for PulumiOperationId {
    const EXAMPLE: &'static str = "CreatePolicyPack";

    fn all() -> &'static [Self] {
        &Self::ALL
    }

    fn as_str(self) -> &'static str {
        self.as_str()
    }

    fn access(self) -> Access {
        if self == Self::QueryRegistryPacks || self.method() == Method::GET {
            Access::Read
        } else {
            Access::Write
        }
    }
}

impl fmt::Display for PulumiOperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_is_found_by_its_route_with_and_without_preview() {
        for operation in PulumiOperationId::ALL {
            let method = operation.method();
            let route = operation.route();
            assert_eq!(
                PulumiOperationId::from_route(&method, route),
                Some(operation)
            );
            let preview = route.replace(REGISTRY, PREVIEW_REGISTRY);
            assert_eq!(
                PulumiOperationId::from_route(&method, &preview),
                Some(operation)
            );
        }
        assert_eq!(
            PulumiOperationId::from_route(&Method::PUT, "/api/registry/policypacks"),
            None
        );
    }
}
