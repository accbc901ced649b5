//! The write operations of plans, as values. Their serialized form is that of the API contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    EntityType, GroupName, Mode, PackName, PackPolicy, StackReference, VersionRef, VersionTag,
};
use crate::digest::{ArchiveDigest, SourceDigest};

/// createPackVersion: the published version without the archive (contract: `AppCreatePolicyPackRequest`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewVersion {
    /// The pack.
    pub name: PackName,
    /// The display name.
    pub display_name: String,
    /// The tag of the version. Versions without a tag are not supported.
    pub version_tag: VersionTag,
    /// The policies; at least one.
    pub policies: Vec<PackPolicy>,
    /// What the pack is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A longer text about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
    /// The cloud that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The repository of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Its runtime: `nodejs`, `python`, `opa`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Metadata of its origin, such as `git.head`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// createGroup (contract: `NewPolicyGroupRequest`). A group is made empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGroup {
    /// The name.
    pub name: GroupName,
    /// The entity type.
    pub entity_type: EntityType,
    /// The mode; by default the usual mode of the entity type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The agent pool that evaluates it; by default the hosted pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_pool_id: Option<String>,
}

/// updateGroup: one change per call, which is applied completely or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "change",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum GroupChange {
    /// Renames the group.
    Rename {
        /// The new name.
        name: GroupName,
    },
    /// Adds a stack.
    AddStack {
        /// The stack.
        stack: StackReference,
    },
    /// Removes a stack.
    RemoveStack {
        /// The stack.
        stack: StackReference,
    },
    /// Adds an Insights account.
    AddAccount {
        /// The name of the account.
        account: String,
    },
    /// Removes an Insights account.
    RemoveAccount {
        /// The name of the account.
        account: String,
    },
    /// Sets the agent pool.
    SetAgentPool {
        /// The id of the pool; an empty string selects the hosted pool.
        agent_pool_id: String,
    },
    /// Adds a pack, or replaces the version, the configuration and the environments that the group has of it.
    AddPack {
        /// The pack.
        pack: PackName,
        /// The version.
        tag: VersionTag,
        /// The complete configuration; `None` is not sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<Map<String, Value>>,
        /// The environments that provide values.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        environments: Vec<String>,
    },
    /// Removes a pack.
    RemovePack {
        /// The pack.
        pack: PackName,
        /// The version that the group has of it.
        version: VersionRef,
    },
}

/// One write of the API, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Operation")]
#[serde(
    tag = "operation",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum PulumiOperation {
    /// `POST …/policypacks`: the first step of publishing. The answer says where the archive goes.
    CreatePackVersion {
        /// The published version.
        version: Box<NewVersion>,
    },
    /// `PUT` of the archive to the address that the first step answered: the second step. Another host, without the token.
    PutArchive {
        /// The pack.
        pack: PackName,
        /// The version.
        tag: VersionTag,
        /// The digest of the source.
        source: SourceDigest,
        /// The bytes that are sent.
        archive: ArchiveDigest,
    },
    /// `POST …/policypacks/{pack}/versions/{tag}/complete`: the third step.
    CompletePackVersion {
        /// The pack.
        pack: PackName,
        /// The version.
        tag: VersionTag,
    },
    /// `DELETE …/policypacks/{pack}/versions/{version}`. Its tag is never free again.
    DeletePackVersion {
        /// The pack.
        pack: PackName,
        /// The version.
        version: VersionRef,
    },
    /// `DELETE …/policypacks/{pack}`, with all its versions.
    DeletePack {
        /// The pack.
        pack: PackName,
    },
    /// `POST …/policygroups`.
    CreateGroup {
        /// The group.
        group: NewGroup,
    },
    /// `PATCH …/policygroups/{group}`.
    UpdateGroup {
        /// The group.
        group: GroupName,
        /// What changes.
        change: GroupChange,
    },
    /// `DELETE …/policygroups/{group}`.
    DeleteGroup {
        /// The group.
        group: GroupName,
    },
}

/// The kind of a write.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "OperationKind")]
#[serde(rename_all = "camelCase")]
pub enum PulumiOperationKind {
    /// The first step of publishing.
    CreatePackVersion,
    /// The second step.
    PutArchive,
    /// The third step.
    CompletePackVersion,
    /// Deletes a version.
    DeletePackVersion,
    /// Deletes a pack with all versions.
    DeletePack,
    /// Creates a group.
    CreateGroup,
    /// Changes a group.
    UpdateGroup,
    /// Deletes a group.
    DeleteGroup,
}

impl PulumiOperationKind {
    /// The operation in words, such as "publish version".
    pub fn words(self) -> &'static str {
        match self {
            Self::CreatePackVersion => "begin version",
            Self::PutArchive => "upload archive",
            Self::CompletePackVersion => "complete version",
            Self::DeletePackVersion => "delete version",
            Self::DeletePack => "delete pack",
            Self::CreateGroup => "create group",
            Self::UpdateGroup => "update group",
            Self::DeleteGroup => "delete group",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreatePackVersion => "createPackVersion",
            Self::PutArchive => "putArchive",
            Self::CompletePackVersion => "completePackVersion",
            Self::DeletePackVersion => "deletePackVersion",
            Self::DeletePack => "deletePack",
            Self::CreateGroup => "createGroup",
            Self::UpdateGroup => "updateGroup",
            Self::DeleteGroup => "deleteGroup",
        }
    }
}

impl PulumiOperation {
    pub fn kind(&self) -> PulumiOperationKind {
        match self {
            Self::CreatePackVersion { .. } => PulumiOperationKind::CreatePackVersion,
            Self::PutArchive { .. } => PulumiOperationKind::PutArchive,
            Self::CompletePackVersion { .. } => PulumiOperationKind::CompletePackVersion,
            Self::DeletePackVersion { .. } => PulumiOperationKind::DeletePackVersion,
            Self::DeletePack { .. } => PulumiOperationKind::DeletePack,
            Self::CreateGroup { .. } => PulumiOperationKind::CreateGroup,
            Self::UpdateGroup { .. } => PulumiOperationKind::UpdateGroup,
            Self::DeleteGroup { .. } => PulumiOperationKind::DeleteGroup,
        }
    }
}
