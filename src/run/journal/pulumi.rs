//! Policy packs and groups as a journal keeps them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::image::OpaqueImage;
use model::pulumi::{
    EntityType, LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LiveVersion, Mode,
    StackReference, VersionNumber,
};

/// A pack with its versions; what they hold never changes, and is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalPack")]
pub struct PackImage {
    /// The name.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// Who publishes it, if that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// The versions, from the oldest to the newest.
    pub versions: Vec<VersionImage>,
    /// Fields that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

/// A version by its number and tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalVersion")]
pub struct VersionImage {
    /// The number.
    pub number: VersionNumber,
    /// The tag.
    pub tag: String,
}

/// A group as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalGroup")]
pub struct GroupImage {
    /// The name.
    pub name: String,
    /// Whether it is built in.
    pub is_default: bool,
    /// What it is.
    pub body: GroupSays,
    /// Fields that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

/// What a group was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "JournalGroupSays")]
pub enum GroupSays {
    /// A group.
    Group {
        /// What it is about.
        entity_type: EntityType,
        /// What it does about violations.
        mode: Mode,
        /// Its stacks.
        stacks: Vec<StackReference>,
        /// Its cloud accounts.
        accounts: Vec<String>,
        /// Its packs.
        packs: Vec<GroupPackImage>,
        /// The agent pool that evaluates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_pool: Option<String>,
    },
    /// What the version of the run did not understand.
    Opaque(OpaqueImage),
}

/// A pack that a group had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalGroupPack")]
pub struct GroupPackImage {
    /// The pack.
    pub name: String,
    /// The version's number.
    pub version: VersionNumber,
    /// The version's tag.
    pub tag: String,
    /// The configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// The environments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Fields that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

impl From<&LivePack> for PackImage {
    fn from(pack: &LivePack) -> Self {
        let LivePack {
            name,
            display_name,
            publisher,
            versions,
            unknown_fields,
        } = pack.clone();
        let version = |LiveVersion {
                           number,
                           tag,
                           detail: _,
                       }: LiveVersion| VersionImage { number, tag };
        let versions = versions.into_iter().map(version).collect();
        Self {
            name,
            display_name,
            publisher,
            versions,
            unknown_fields,
        }
    }
}

impl From<PackImage> for LivePack {
    fn from(image: PackImage) -> Self {
        let PackImage {
            name,
            display_name,
            publisher,
            versions,
            unknown_fields,
        } = image;
        let version = |VersionImage { number, tag }: VersionImage| LiveVersion {
            number,
            tag,
            detail: None,
        };
        let versions = versions.into_iter().map(version).collect();
        Self {
            name,
            display_name,
            publisher,
            versions,
            unknown_fields,
        }
    }
}

impl From<&LiveGroup> for GroupImage {
    fn from(group: &LiveGroup) -> Self {
        let LiveGroup {
            name,
            is_default,
            body,
            unknown_fields,
        } = group.clone();
        let body = match body {
            Ok(LiveGroupBody {
                entity_type,
                mode,
                stacks,
                accounts,
                packs,
                agent_pool,
            }) => {
                let pack = |LiveGroupPack {
                                name,
                                version,
                                tag,
                                config,
                                environments,
                                unknown_fields,
                            }: LiveGroupPack| {
                    GroupPackImage {
                        name,
                        version,
                        tag,
                        config,
                        environments,
                        unknown_fields,
                    }
                };
                let packs = packs.into_iter().map(pack).collect();
                GroupSays::Group {
                    entity_type,
                    mode,
                    stacks,
                    accounts,
                    packs,
                    agent_pool,
                }
            }
            Err(opaque) => GroupSays::Opaque(opaque.into()),
        };
        Self {
            name,
            is_default,
            body,
            unknown_fields,
        }
    }
}

impl From<GroupImage> for LiveGroup {
    fn from(image: GroupImage) -> Self {
        let GroupImage {
            name,
            is_default,
            body,
            unknown_fields,
        } = image;
        let body = match body {
            GroupSays::Group {
                entity_type,
                mode,
                stacks,
                accounts,
                packs,
                agent_pool,
            } => {
                let pack = |GroupPackImage {
                                name,
                                version,
                                tag,
                                config,
                                environments,
                                unknown_fields,
                            }| {
                    LiveGroupPack {
                        name,
                        version,
                        tag,
                        config,
                        environments,
                        unknown_fields,
                    }
                };
                let packs = packs.into_iter().map(pack).collect();
                Ok(LiveGroupBody {
                    entity_type,
                    mode,
                    stacks,
                    accounts,
                    packs,
                    agent_pool,
                })
            }
            GroupSays::Opaque(opaque) => Err(opaque.into()),
        };
        Self {
            name,
            is_default,
            body,
            unknown_fields,
        }
    }
}
