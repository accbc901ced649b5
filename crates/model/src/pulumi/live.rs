//! Live packs and groups, including content that this version does not support.
//!
//! The serialized form is that of journals, which golden files fix.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EntityType, Mode, PackPolicy, StackReference, VersionNumber, VersionRef, VersionTag};
use crate::Opaque;

/// A policy of a live version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePackPolicy {
    /// The name as returned by the server.
    pub name: String,
    /// The policy, or the reason why it is not supported.
    pub policy: Result<PackPolicy, Opaque>,
    /// Unknown fields.
    pub unknown_fields: Map<String, Value>,
}

/// The details of a version. The server does not return its source, readme, tags and metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionDetail {
    /// The display name of the pack in this version.
    pub display_name: String,
    /// The policies in the order of the server.
    pub policies: Vec<LivePackPolicy>,
    pub applied: bool,
    /// Unknown fields.
    pub unknown_fields: Map<String, Value>,
}

// Only complete versions are read.
/// A version by its number and tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalVersion")]
pub struct LiveVersion {
    /// The number.
    pub number: VersionNumber,
    // Empty for a version without a tag, which old clients published.
    /// The tag.
    pub tag: String,
    /// Its contents, if they were read: those of the newest version, of versions that groups use,
    /// and of requested versions. They never change, so a journal does not keep them.
    #[serde(skip)]
    pub detail: Option<VersionDetail>,
}

impl LiveVersion {
    /// The reference to the version in calls.
    pub fn reference(&self) -> VersionRef {
        match VersionTag::new(&self.tag) {
            Ok(tag) => VersionRef::Tag(tag),
            Err(_) => VersionRef::Number(self.number),
        }
    }
}

/// A pack with its versions. The content of a version never changes and is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalPack")]
pub struct LivePack {
    // Unique in the organization.
    /// The name.
    pub name: String,
    /// The display name.
    pub display_name: String,
    // The value comes from the registry. A pack of another organization cannot be changed.
    /// The publisher, if the service returns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// The versions, from the oldest to the newest.
    pub versions: Vec<LiveVersion>,
    /// Fields that the version of the run did not support.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

impl LivePack {
    pub fn version(&self, tag: &VersionTag) -> Option<&LiveVersion> {
        self.versions
            .iter()
            .find(|version| version.tag == tag.as_str())
    }

    /// Whether an organization may change the pack. If the registry does not return the owner, the
    /// service decides.
    pub fn is_of(&self, organization: &str) -> bool {
        self.publisher
            .as_ref()
            .is_none_or(|publisher| publisher.eq_ignore_ascii_case(organization))
    }

    pub fn newest(&self) -> Option<&LiveVersion> {
        self.versions.last()
    }
}

/// A pack that a group had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalGroupPack")]
pub struct LiveGroupPack {
    /// The pack.
    pub name: String,
    /// The version's number.
    pub version: VersionNumber,
    /// The version's tag.
    pub tag: String,
    // By the names of policies; none if the server returns none. A value that is not an object is
    // kept as it is.
    /// The configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    // Later ones override earlier ones, so the order matters.
    /// The environments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Fields that the version of the run did not support.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

/// The content of a supported group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
// In the schema, the variant of `GroupOrOpaque` has the description.
#[schemars(inline, description = "")]
pub struct LiveGroupBody {
    /// The entity type.
    pub entity_type: EntityType,
    /// The mode.
    pub mode: Mode,
    // A built-in group has all stacks that no other group has.
    /// Its stacks.
    pub stacks: Vec<StackReference>,
    // A built-in group has all accounts that no other group has.
    /// Its cloud accounts.
    pub accounts: Vec<String>,
    /// Its packs.
    pub packs: Vec<LiveGroupPack>,
    // `None` for the hosted pool.
    /// The agent pool that evaluates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_pool: Option<String>,
}

/// A group as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalGroup")]
pub struct LiveGroup {
    // Unique in the organization.
    /// The name.
    pub name: String,
    // A built-in group can neither be renamed nor deleted nor be given members.
    /// Whether it is built in.
    pub is_default: bool,
    /// The kind of the object.
    #[serde(with = "GroupOrOpaque")]
    pub body: Result<LiveGroupBody, Opaque>,
    /// Fields that the version of the run did not support.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

/// The content of a group.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Result<LiveGroupBody, Opaque>")]
#[schemars(rename = "JournalGroupSays")]
enum GroupOrOpaque {
    /// A group.
    #[serde(rename = "group")]
    Ok(LiveGroupBody),
    /// Content that the version of the run did not support.
    #[serde(rename = "opaque")]
    Err(Opaque),
}

/// The complete live state of an organization. A failed read results in an error, never in a
/// partial state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PulumiLiveState {
    /// The packs in the order of the server.
    pub packs: Vec<LivePack>,
    /// The groups in the order of the server.
    pub groups: Vec<LiveGroup>,
}

impl PulumiLiveState {
    /// The pack of this name.
    pub fn pack(&self, name: &str) -> Option<&LivePack> {
        self.packs.iter().find(|pack| pack.name == name)
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<&LiveGroup> {
        self.groups.iter().find(|group| group.name == name)
    }
}
