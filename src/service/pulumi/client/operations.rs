//! The operations of Pulumi Cloud, for `polwarden call`: those of the reference page in its order, then those about groups.
//! The registry is asked below `/api/registry`, or below `/api/preview/registry` where the service has it there.

use http::operation::{Field, FieldKind, Operation, Verb};

const ACCESS: FieldKind = FieldKind::OneOf(&["added", "available", "enabled", "private"]);
const ENTITY: FieldKind = FieldKind::OneOf(&["stacks", "accounts"]);
const MODE: FieldKind = FieldKind::OneOf(&["audit", "preventative"]);

/// All operations.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "ListPolicyPacks_orgs",
        about: "lists the complete packs of the organization with their versions",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policypacks",
        fields: &[Field::query("policypack", FieldKind::Text)],
    },
    Operation {
        name: "CreatePolicyPack",
        about: "begins to publish a version; the answer says where the archive goes",
        verb: Verb::Post,
        path: "api/orgs/{organization}/policypacks",
        fields: &[
            Field::body("name", FieldKind::Text).required(),
            Field::body("displayName", FieldKind::Text).required(),
            Field::body("versionTag", FieldKind::Text),
            Field::body("policies", FieldKind::Json).required(),
            Field::body("description", FieldKind::Text),
            Field::body("readme", FieldKind::Text),
            Field::body("provider", FieldKind::Text),
            Field::body("tags", FieldKind::Texts),
            Field::body("repository", FieldKind::Text),
            Field::body("runtime", FieldKind::Text),
            Field::body("metadata", FieldKind::Json),
        ],
    },
    Operation {
        name: "DeletePolicyPack_orgs_policypacks",
        about: "deletes a pack with all its versions",
        verb: Verb::Delete,
        path: "api/orgs/{organization}/policypacks/{policyPackName}",
        fields: &[Field::path("policyPackName")],
    },
    Operation {
        name: "GetPolicyPack",
        about: "reads a version and its policies",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}",
        fields: &[Field::path("policyPackName"), Field::path("version")],
    },
    Operation {
        name: "DeletePolicyPackVersion",
        about: "deletes a version",
        verb: Verb::Delete,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}",
        fields: &[Field::path("policyPackName"), Field::path("version")],
    },
    Operation {
        name: "CompletePolicyPack",
        about: "ends publishing a version",
        verb: Verb::Post,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}/complete",
        fields: &[Field::path("policyPackName"), Field::path("version")],
    },
    Operation {
        name: "GetPolicyPackConfigSchema",
        about: "reads the configuration schemas of a version",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policypacks/{policyPackName}/versions/{version}/schema",
        fields: &[Field::path("policyPackName"), Field::path("version")],
    },
    Operation {
        name: "GetOrgRegistryPolicyPack",
        about: "reads a pack's entry in the registry",
        verb: Verb::Get,
        path: "api/orgs/{organization}/registry/policypacks/{policyPackName}",
        fields: &[
            Field::path("policyPackName"),
            Field::query("tag", FieldKind::Text),
        ],
    },
    Operation {
        name: "ListPolicyPacks",
        about: "lists a page of packs of the registry (deprecated by the service)",
        verb: Verb::Get,
        path: "api/registry/policypacks",
        fields: &[
            Field::query("access", FieldKind::Text),
            Field::query("orgLogin", FieldKind::Text),
            Field::query("continuationToken", FieldKind::Text),
        ],
    },
    Operation {
        name: "ListPolicyPacks_post",
        about: "lists a page of packs of the registry",
        verb: Verb::Query,
        path: "api/registry/policypacks",
        fields: &[
            Field::query("continuationToken", FieldKind::Text),
            Field::body("access", ACCESS),
            Field::body("ids", FieldKind::Texts),
            Field::body("orgLogin", FieldKind::Text),
        ],
    },
    Operation {
        name: "DeletePolicyPack",
        about: "deletes a pack from the registry",
        verb: Verb::Delete,
        path: "api/registry/policypacks/{source}/{publisher}/{name}",
        fields: &[
            Field::path("source"),
            Field::path("publisher"),
            Field::path("name"),
        ],
    },
    Operation {
        name: "ListPolicyPackVersionsForRegistry",
        about: "lists a page of the versions of a pack in the registry",
        verb: Verb::Get,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions",
        fields: &[
            Field::path("source"),
            Field::path("publisher"),
            Field::path("name"),
            Field::query("continuationToken", FieldKind::Text),
        ],
    },
    Operation {
        name: "PostPublishPolicyPackVersionForRegistry",
        about: "begins to publish a version to the registry",
        verb: Verb::Post,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions",
        fields: &[
            Field::path("source"),
            Field::path("publisher"),
            Field::path("name"),
            Field::body("displayName", FieldKind::Text),
            Field::body("versionTag", FieldKind::Text),
            Field::body("policies", FieldKind::Json),
            Field::body("description", FieldKind::Text),
            Field::body("readme", FieldKind::Text),
            Field::body("provider", FieldKind::Text),
            Field::body("tags", FieldKind::Texts),
            Field::body("repository", FieldKind::Text),
            Field::body("runtime", FieldKind::Text),
            Field::body("metadata", FieldKind::Json),
        ],
    },
    Operation {
        name: "GetPolicyPackVersionForRegistry",
        about: "reads a version in the registry; `latest` is the newest",
        verb: Verb::Get,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions/{version}",
        fields: &[
            Field::path("source"),
            Field::path("publisher"),
            Field::path("name"),
            Field::path("version"),
        ],
    },
    Operation {
        name: "DeleteRegistryPolicyPackVersion",
        about: "deletes a version from the registry",
        verb: Verb::Delete,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions/{version}",
        fields: &[
            Field::path("source"),
            Field::path("publisher"),
            Field::path("name"),
            Field::path("version"),
        ],
    },
    Operation {
        name: "PostPublishPolicyPackVersionCompleteForRegistry",
        about: "ends publishing a version to the registry",
        verb: Verb::Post,
        path: "api/registry/policypacks/{source}/{publisher}/{name}/versions/{version}/complete",
        fields: &[
            Field::path("source"),
            Field::path("publisher"),
            Field::path("name"),
            Field::path("version"),
        ],
    },
    Operation {
        name: "ListPolicyGroups",
        about: "lists the groups of the organization",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policygroups",
        fields: &[],
    },
    Operation {
        name: "NewPolicyGroup",
        about: "creates a group",
        verb: Verb::Post,
        path: "api/orgs/{organization}/policygroups",
        fields: &[
            Field::body("name", FieldKind::Text).required(),
            Field::body("entityType", ENTITY).required(),
            Field::body("mode", MODE),
            Field::body("agentPoolId", FieldKind::Text),
        ],
    },
    Operation {
        name: "GetPolicyGroupMetadata",
        about: "counts what groups protect",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policygroups/metadata",
        fields: &[],
    },
    Operation {
        name: "GetPolicyGroup",
        about: "reads a group",
        verb: Verb::Get,
        path: "api/orgs/{organization}/policygroups/{policyGroup}",
        fields: &[Field::path("policyGroup")],
    },
    Operation {
        name: "UpdatePolicyGroup",
        about: "changes a group",
        verb: Verb::Patch,
        path: "api/orgs/{organization}/policygroups/{policyGroup}",
        fields: &[
            Field::path("policyGroup"),
            Field::body("newName", FieldKind::Text),
            Field::body("addStack", FieldKind::Json),
            Field::body("removeStack", FieldKind::Json),
            Field::body("addPolicyPack", FieldKind::Json),
            Field::body("removePolicyPack", FieldKind::Json),
            Field::body("addInsightsAccount", FieldKind::Json),
            Field::body("removeInsightsAccount", FieldKind::Json),
            Field::body("stacks", FieldKind::Json),
            Field::body("policyPacks", FieldKind::Json),
            Field::body("insightsAccounts", FieldKind::Texts),
            Field::body("agentPoolId", FieldKind::Text),
        ],
    },
    Operation {
        name: "DeletePolicyGroup",
        about: "deletes a group",
        verb: Verb::Delete,
        path: "api/orgs/{organization}/policygroups/{policyGroup}",
        fields: &[Field::path("policyGroup")],
    },
    Operation {
        name: "GetStackPolicyGroups",
        about: "lists the groups of a stack",
        verb: Verb::Get,
        path: "api/stacks/{organization}/{projectName}/{stackName}/policygroups",
        fields: &[Field::path("projectName"), Field::path("stackName")],
    },
    Operation {
        name: "GetStackPolicyPacks",
        about: "lists the packs that a stack must pass",
        verb: Verb::Get,
        path: "api/stacks/{organization}/{projectName}/{stackName}/policypacks",
        fields: &[
            Field::path("projectName"),
            Field::path("stackName"),
            Field::query("mode", FieldKind::Text),
        ],
    },
    Operation {
        name: "ListPolicyPacksForAccount",
        about: "lists the packs that an account is analyzed with",
        verb: Verb::Get,
        path: "api/preview/insights/{organization}/accounts/{accountName}/policy/packs",
        fields: &[
            Field::path("accountName"),
            Field::query("continuationToken", FieldKind::Text),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::service::docker::client as docker;
    use http::operation::{Place, Segment};

    #[test]
    fn every_operation_is_whole() {
        for operations in [OPERATIONS, docker::OPERATIONS] {
            let mut names = HashSet::new();
            for Operation {
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
                let in_path = path.split('/').filter_map(|part| match Segment::of(part) {
                    Segment::Field(name) => Some(name),
                    Segment::Fixed(_) | Segment::Organization => None,
                });
                let wanted = fields
                    .iter()
                    .filter(|field| field.place == Place::Path)
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
