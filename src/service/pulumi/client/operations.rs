//! The operations of Pulumi Cloud, for `polwarden call`: those of the reference page in its order, then those about groups.
//! The registry is asked below `/api/registry`, or below `/api/preview/registry` where the service has it there.

use http::operation::{ApiOperation, FieldKind, OperationField, Verb};

const ACCESS: FieldKind = FieldKind::OneOf(&["added", "available", "enabled", "private"]);
const ENTITY: FieldKind = FieldKind::OneOf(&["stacks", "accounts"]);
const MODE: FieldKind = FieldKind::OneOf(&["audit", "preventative"]);

/// All operations.
pub const OPERATIONS: &[ApiOperation] = &[
    ApiOperation {
        name: "ListPolicyPacks_orgs",
        about: "lists the complete packs of the organization with their versions",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policypacks",
        fields: &[OperationField::query("policypack", FieldKind::Text)],
    },
    ApiOperation {
        name: "CreatePolicyPack",
        about: "starts to publish a version; the answer contains the upload address",
        verb: Verb::Post,
        path: "api/orgs/{organization}/policypacks",
        fields: &[
            OperationField::body("name", FieldKind::Text).required(),
            OperationField::body("displayName", FieldKind::Text).required(),
            OperationField::body("versionTag", FieldKind::Text),
            OperationField::body("policies", FieldKind::Json).required(),
            OperationField::body("description", FieldKind::Text),
            OperationField::body("readme", FieldKind::Text),
            OperationField::body("provider", FieldKind::Text),
            OperationField::body("tags", FieldKind::Texts),
            OperationField::body("repository", FieldKind::Text),
            OperationField::body("runtime", FieldKind::Text),
            OperationField::body("metadata", FieldKind::Json),
        ],
    },
    ApiOperation {
        name: "DeletePolicyPack_orgs_policypacks",
        about: "deletes a pack with all its versions",
        verb: Verb::Delete,
        path: "api/orgs/{organization}/policypacks/{policyPackName}",
        fields: &[OperationField::path("policyPackName")],
    },
    ApiOperation {
        name: "GetPolicyPack",
        about: "reads a version and its policies",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}",
        fields: &[
            OperationField::path("policyPackName"),
            OperationField::path("version"),
        ],
    },
    ApiOperation {
        name: "DeletePolicyPackVersion",
        about: "deletes a version",
        verb: Verb::Delete,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}",
        fields: &[
            OperationField::path("policyPackName"),
            OperationField::path("version"),
        ],
    },
    ApiOperation {
        name: "CompletePolicyPack",
        about: "completes publishing a version",
        verb: Verb::Post,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}/complete",
        fields: &[
            OperationField::path("policyPackName"),
            OperationField::path("version"),
        ],
    },
    ApiOperation {
        name: "GetPolicyPackConfigSchema",
        about: "reads the configuration schemas of a version",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}/schema",
        fields: &[
            OperationField::path("policyPackName"),
            OperationField::path("version"),
        ],
    },
    ApiOperation {
        name: "GetOrgRegistryPolicyPack",
        about: "reads a pack's entry in the registry",
        verb: Verb::Get,
        path: "api/orgs/{organization}/registry/policypacks/{policyPackName}",
        fields: &[
            OperationField::path("policyPackName"),
            OperationField::query("tag", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "ListPolicyPacks",
        about: "lists a page of packs of the registry (deprecated by the service)",
        verb: Verb::Get,
        path: "api/registry/policypacks",
        fields: &[
            OperationField::query("access", FieldKind::Text),
            OperationField::query("orgLogin", FieldKind::Text),
            OperationField::query("continuationToken", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "ListPolicyPacks_post",
        about: "lists a page of packs of the registry",
        verb: Verb::Query,
        path: "api/registry/policypacks",
        fields: &[
            OperationField::query("continuationToken", FieldKind::Text),
            OperationField::body("access", ACCESS),
            OperationField::body("ids", FieldKind::Texts),
            OperationField::body("orgLogin", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "DeletePolicyPack",
        about: "deletes a pack from the registry",
        verb: Verb::Delete,
        path: "api/registry/policypacks/{source}/{publisher}/{name}",
        fields: &[
            OperationField::path("source"),
            OperationField::path("publisher"),
            OperationField::path("name"),
        ],
    },
    ApiOperation {
        name: "ListPolicyPackVersionsForRegistry",
        about: "lists a page of the versions of a pack in the registry",
        verb: Verb::Get,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions",
        fields: &[
            OperationField::path("source"),
            OperationField::path("publisher"),
            OperationField::path("name"),
            OperationField::query("continuationToken", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "PostPublishPolicyPackVersionForRegistry",
        about: "starts to publish a version to the registry",
        verb: Verb::Post,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions",
        fields: &[
            OperationField::path("source"),
            OperationField::path("publisher"),
            OperationField::path("name"),
            OperationField::body("displayName", FieldKind::Text),
            OperationField::body("versionTag", FieldKind::Text),
            OperationField::body("policies", FieldKind::Json),
            OperationField::body("description", FieldKind::Text),
            OperationField::body("readme", FieldKind::Text),
            OperationField::body("provider", FieldKind::Text),
            OperationField::body("tags", FieldKind::Texts),
            OperationField::body("repository", FieldKind::Text),
            OperationField::body("runtime", FieldKind::Text),
            OperationField::body("metadata", FieldKind::Json),
        ],
    },
    ApiOperation {
        name: "GetPolicyPackVersionForRegistry",
        about: "reads a version in the registry; `latest` is the newest",
        verb: Verb::Get,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions/{version}",
        fields: &[
            OperationField::path("source"),
            OperationField::path("publisher"),
            OperationField::path("name"),
            OperationField::path("version"),
        ],
    },
    ApiOperation {
        name: "DeleteRegistryPolicyPackVersion",
        about: "deletes a version from the registry",
        verb: Verb::Delete,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions/{version}",
        fields: &[
            OperationField::path("source"),
            OperationField::path("publisher"),
            OperationField::path("name"),
            OperationField::path("version"),
        ],
    },
    ApiOperation {
        name: "PostPublishPolicyPackVersionCompleteForRegistry",
        about: "completes publishing a version to the registry",
        verb: Verb::Post,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions/{version}/complete",
        fields: &[
            OperationField::path("source"),
            OperationField::path("publisher"),
            OperationField::path("name"),
            OperationField::path("version"),
        ],
    },
    ApiOperation {
        name: "ListPolicyGroups",
        about: "lists the groups of the organization",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policygroups",
        fields: &[],
    },
    ApiOperation {
        name: "NewPolicyGroup",
        about: "creates a group",
        verb: Verb::Post,
        path: "api/orgs/{organization}/policygroups",
        fields: &[
            OperationField::body("name", FieldKind::Text).required(),
            OperationField::body("entityType", ENTITY).required(),
            OperationField::body("mode", MODE),
            OperationField::body("agentPoolId", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "GetPolicyGroupMetadata",
        about: "counts the members of groups",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policygroups/metadata",
        fields: &[],
    },
    ApiOperation {
        name: "GetPolicyGroup",
        about: "reads a group",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policygroups/{policyGroup}",
        fields: &[OperationField::path("policyGroup")],
    },
    ApiOperation {
        name: "UpdatePolicyGroup",
        about: "changes a group",
        verb: Verb::Patch,
        path: "api/orgs/{organization}/policygroups/{policyGroup}",
        fields: &[
            OperationField::path("policyGroup"),
            OperationField::body("newName", FieldKind::Text),
            OperationField::body("addStack", FieldKind::Json),
            OperationField::body("removeStack", FieldKind::Json),
            OperationField::body("addPolicyPack", FieldKind::Json),
            OperationField::body("removePolicyPack", FieldKind::Json),
            OperationField::body("addInsightsAccount", FieldKind::Json),
            OperationField::body("removeInsightsAccount", FieldKind::Json),
            OperationField::body("stacks", FieldKind::Json),
            OperationField::body("policyPacks", FieldKind::Json),
            OperationField::body("insightsAccounts", FieldKind::Texts),
            OperationField::body("agentPoolId", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "DeletePolicyGroup",
        about: "deletes a group",
        verb: Verb::Delete,
        path: "api/orgs/{organization}/policygroups/{policyGroup}",
        fields: &[OperationField::path("policyGroup")],
    },
    ApiOperation {
        name: "GetStackPolicyGroups",
        about: "lists the groups of a stack",
        verb: Verb::Get,
        path: "api/stacks/{organization}/{projectName}/{stackName}/policygroups",
        fields: &[
            OperationField::path("projectName"),
            OperationField::path("stackName"),
        ],
    },
    ApiOperation {
        name: "GetStackPolicyPacks",
        about: "lists the packs that a stack must pass",
        verb: Verb::Get,
        path: "api/stacks/{organization}/{projectName}/{stackName}/policypacks",
        fields: &[
            OperationField::path("projectName"),
            OperationField::path("stackName"),
            OperationField::query("mode", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "ListPolicyPacksForAccount",
        about: "lists the packs that an account is analyzed with",
        verb: Verb::Get,
        path: "api/preview/insights/{organization}/accounts/{accountName}/policy/packs",
        fields: &[
            OperationField::path("accountName"),
            OperationField::query("continuationToken", FieldKind::Text),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::service::docker::client as docker;
    use http::operation::{FieldPlacement, PathTemplateSegment};

    #[test]
    fn every_operation_is_whole() {
        for operations in [OPERATIONS, docker::OPERATIONS] {
            let mut names = HashSet::new();
            for ApiOperation {
                name,
                about,
                verb: _,
                path,
                fields,
            } in operations
            {
                assert!(names.insert(name), "{name}");
                assert!(!about.is_empty() && !about.ends_with('.'), "{name}");
                let own = fields
                    .iter()
                    .map(|field| field.name)
                    .collect::<HashSet<_>>();
                assert_eq!(own.len(), fields.len(), "{name}");
                let in_path =
                    path.split('/')
                        .filter_map(|part| match PathTemplateSegment::parse(part) {
                            PathTemplateSegment::Field(name) => Some(name),
                            PathTemplateSegment::Fixed(_) | PathTemplateSegment::Organization => {
                                None
                            }
                        });
                let wanted = fields
                    .iter()
                    .filter(|field| field.place == FieldPlacement::Path)
                    .map(|field| field.name);
                assert_eq!(
                    in_path.collect::<Vec<_>>(),
                    wanted.collect::<Vec<_>>(),
                    "{name}"
                );
            }
        }
    }
}
