//! The operations of the API, by their names in the contract.

use std::fmt;

use axum::http::Method;

use super::super::fault::{Access, OperationName};

/// Where the registry is, as the contract's OpenAPI text has it.
pub(super) const REGISTRY: &str = "/api/registry/";
/// The same in the contract's reference page.
pub(super) const PREVIEW_REGISTRY: &str = "/api/preview/registry/";

/// An operation, by its `operationId`; the two of the upload host, which have none, are called `UploadPolicyPack` and
/// `DownloadPolicyPack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `ListPolicyPacks_orgs`: lists the packs of an organization.
    ListOrgPacks,
    /// `CreatePolicyPack`: begins to publish a version.
    CreatePack,
    /// `DeletePolicyPack_orgs_policypacks`: deletes a pack with all versions.
    DeleteOrgPack,
    /// `GetPolicyPack`: reads a version.
    GetPack,
    /// `DeletePolicyPackVersion`: deletes a version.
    DeletePackVersion,
    /// `CompletePolicyPack`: ends publishing a version.
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
    /// `PostPublishPolicyPackVersionForRegistry`: begins to publish a version to the registry.
    PublishRegistryVersion,
    /// `GetPolicyPackVersionForRegistry`: reads a version in the registry.
    GetRegistryVersion,
    /// `DeleteRegistryPolicyPackVersion`: deletes a version from the registry.
    DeleteRegistryVersion,
    /// `PostPublishPolicyPackVersionCompleteForRegistry`: ends publishing a version to the registry.
    CompleteRegistryVersion,
    /// `ListPolicyGroups`: lists the groups of an organization.
    ListGroups,
    /// `NewPolicyGroup`: creates a group.
    CreateGroup,
    /// `GetPolicyGroupMetadata`: counts what groups protect.
    GetGroupMetadata,
    /// `GetPolicyGroup`: reads a group.
    GetGroup,
    /// `UpdatePolicyGroup`: changes a group.
    UpdateGroup,
    /// `BatchUpdatePolicyGroup`: changes a group in several ways at once.
    BatchUpdateGroup,
    /// `DeletePolicyGroup`: deletes a group.
    DeleteGroup,
    /// `GetStackPolicyGroups`: lists the groups of a stack.
    ListStackGroups,
    /// `GetStackPolicyPacks`: lists the packs that a stack must pass.
    ListStackPacks,
    /// `ListPolicyPacksForAccount`: lists the packs that an account is analyzed with.
    ListAccountPacks,
    /// `UploadPolicyPack`: uploads an archive; the contract gives it no name.
    Upload,
    /// `DownloadPolicyPack`: downloads an archive; the contract gives it no name.
    Download,
}

/// How an operation is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    name: &'static str,
    method: &'static str,
    /// As the router knows it.
    pub(super) route: &'static str,
}

impl Operation {
    /// All operations.
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

    /// The name: `CreatePolicyPack`.
    pub fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// How it is called.
    pub(super) fn facts(self) -> Facts {
        let facts = |name, method, route| Facts { name, method, route };
        match self {
            Self::ListOrgPacks => facts("ListPolicyPacks_orgs", "GET", "/api/orgs/{organization}/policypacks"),
            Self::CreatePack => facts("CreatePolicyPack", "POST", "/api/orgs/{organization}/policypacks"),
            Self::DeleteOrgPack => {
                facts("DeletePolicyPack_orgs_policypacks", "DELETE", "/api/orgs/{organization}/policypacks/{pack}")
            }
            Self::GetPack => {
                facts("GetPolicyPack", "GET", "/api/orgs/{organization}/policypacks/{pack}/versions/{version}")
            }
            Self::DeletePackVersion => facts(
                "DeletePolicyPackVersion",
                "DELETE",
                "/api/orgs/{organization}/policypacks/{pack}/versions/{version}",
            ),
            Self::CompletePack => facts(
                "CompletePolicyPack",
                "POST",
                "/api/orgs/{organization}/policypacks/{pack}/versions/{version}/complete",
            ),
            Self::GetConfigSchema => facts(
                "GetPolicyPackConfigSchema",
                "GET",
                "/api/orgs/{organization}/policypacks/{pack}/versions/{version}/schema",
            ),
            Self::GetOrgRegistryPack => {
                facts("GetOrgRegistryPolicyPack", "GET", "/api/orgs/{organization}/registry/policypacks/{pack}")
            }
            Self::ListRegistryPacks => facts("ListPolicyPacks", "GET", "/api/registry/policypacks"),
            Self::QueryRegistryPacks => facts("ListPolicyPacks_post", "POST", "/api/registry/policypacks"),
            Self::DeleteRegistryPack => {
                facts("DeletePolicyPack", "DELETE", "/api/registry/policypacks/{source}/{publisher}/{pack}")
            }
            Self::ListRegistryVersions => facts(
                "ListPolicyPackVersionsForRegistry",
                "GET",
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions",
            ),
            Self::PublishRegistryVersion => facts(
                "PostPublishPolicyPackVersionForRegistry",
                "POST",
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions",
            ),
            Self::GetRegistryVersion => facts(
                "GetPolicyPackVersionForRegistry",
                "GET",
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions/{version}",
            ),
            Self::DeleteRegistryVersion => facts(
                "DeleteRegistryPolicyPackVersion",
                "DELETE",
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions/{version}",
            ),
            Self::CompleteRegistryVersion => facts(
                "PostPublishPolicyPackVersionCompleteForRegistry",
                "POST",
                "/api/registry/policypacks/{source}/{publisher}/{pack}/versions/{version}/complete",
            ),
            Self::ListGroups => facts("ListPolicyGroups", "GET", "/api/orgs/{organization}/policygroups"),
            Self::CreateGroup => facts("NewPolicyGroup", "POST", "/api/orgs/{organization}/policygroups"),
            Self::GetGroupMetadata => {
                facts("GetPolicyGroupMetadata", "GET", "/api/orgs/{organization}/policygroups/metadata")
            }
            Self::GetGroup => facts("GetPolicyGroup", "GET", "/api/orgs/{organization}/policygroups/{group}"),
            Self::UpdateGroup => facts("UpdatePolicyGroup", "PATCH", "/api/orgs/{organization}/policygroups/{group}"),
            Self::BatchUpdateGroup => {
                facts("BatchUpdatePolicyGroup", "PATCH", "/api/orgs/{organization}/policygroups/{group}/batch")
            }
            Self::DeleteGroup => facts("DeletePolicyGroup", "DELETE", "/api/orgs/{organization}/policygroups/{group}"),
            Self::ListStackGroups => {
                facts("GetStackPolicyGroups", "GET", "/api/stacks/{organization}/{project}/{stack}/policygroups")
            }
            Self::ListStackPacks => {
                facts("GetStackPolicyPacks", "GET", "/api/stacks/{organization}/{project}/{stack}/policypacks")
            }
            Self::ListAccountPacks => facts(
                "ListPolicyPacksForAccount",
                "GET",
                "/api/preview/insights/{organization}/accounts/{account}/policy/packs",
            ),
            Self::Upload => facts("UploadPolicyPack", "PUT", "/policypacks/{ticket}"),
            Self::Download => facts("DownloadPolicyPack", "GET", "/policypacks/{ticket}"),
        }
    }

    /// Whether it is one of the upload host.
    pub(super) fn is_of_uploads(self) -> bool {
        matches!(self, Self::Upload | Self::Download)
    }

    /// Whether it needs no token (operations `ListPolicyPacks` and `ListPolicyPacks_post`).
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::ListRegistryPacks | Self::QueryRegistryPacks)
    }

    /// The operation of a request, by its method and the route that it matched.
    pub(super) fn of(method: &Method, route: &str) -> Option<Self> {
        let preview = route.strip_prefix(PREVIEW_REGISTRY).map(|rest| format!("{REGISTRY}{rest}"));
        let route = preview.as_deref().unwrap_or(route);
        Self::ALL.into_iter().find(|operation| {
            let facts = operation.facts();
            facts.method == method.as_str() && facts.route == route
        })
    }
}

impl OperationName for Operation {
    const EXAMPLE: &'static str = "CreatePolicyPack";

    fn all() -> &'static [Self] {
        &Self::ALL
    }

    fn as_str(self) -> &'static str {
        self.as_str()
    }

    fn access(self) -> Access {
        if self == Self::QueryRegistryPacks || self.facts().method == "GET" { Access::Read } else { Access::Write }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_is_found_by_its_route_with_and_without_preview() {
        for operation in Operation::ALL {
            let Facts { name: _, method, route } = operation.facts();
            let method: Method = method.parse().unwrap();
            assert_eq!(Operation::of(&method, route), Some(operation));
            let preview = route.replace(REGISTRY, PREVIEW_REGISTRY);
            assert_eq!(Operation::of(&method, &preview), Some(operation));
        }
        assert_eq!(Operation::of(&Method::PUT, "/api/registry/policypacks"), None);
    }
}
