//! Packs and groups as the server has them, with what this version does not understand.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EntityType, Mode, PackPolicy, StackReference, VersionRef, VersionTag};
use crate::Opaque;

/// The number that the server gave a version; it counts up from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct VersionNumber(pub u64);

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A policy of a live version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePackPolicy {
    /// The name as the server has it.
    pub name: String,
    /// What it says, or why that is not understood.
    pub policy: Result<PackPolicy, Opaque>,
    /// Fields of it that this version does not know.
    pub unknown_fields: Map<String, Value>,
}

/// What the server tells about a version when it is asked for it: not its source, readme, tags or metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionDetail {
    /// The pack's name for people, as of this version.
    pub display_name: String,
    /// Its policies, in the server's order.
    pub policies: Vec<LivePackPolicy>,
    /// Whether a group uses it.
    pub applied: bool,
    /// Fields of it that this version does not know.
    pub unknown_fields: Map<String, Value>,
}

/// A complete version of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveVersion {
    /// The number.
    pub number: VersionNumber,
    /// The tag as the server has it. What old clients published may have none: then it is empty.
    pub tag: String,
    /// What it holds, where it was read: of the newest version, of those that groups use, and of those that were asked for.
    pub detail: Option<VersionDetail>,
}

impl LiveVersion {
    /// How a call names it.
    pub fn reference(&self) -> VersionRef {
        match VersionTag::new(&self.tag) {
            Ok(tag) => VersionRef::Tag(tag),
            Err(_) => VersionRef::Number(self.number),
        }
    }
}

/// A pack as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePack {
    /// The name, unique in the organization.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// The organization that publishes it, where the registry told it. A pack of another one cannot be changed.
    pub publisher: Option<String>,
    /// Its complete versions, from the oldest to the newest.
    pub versions: Vec<LiveVersion>,
    /// Fields of it that this version does not know.
    pub unknown_fields: Map<String, Value>,
}

impl LivePack {
    /// The version with this tag.
    pub fn version(&self, tag: &VersionTag) -> Option<&LiveVersion> {
        self.versions
            .iter()
            .find(|version| version.tag == tag.as_str())
    }

    /// Whether an organization may change it. Where the registry does not tell, the service will.
    pub fn is_of(&self, organization: &str) -> bool {
        self.publisher
            .as_ref()
            .is_none_or(|publisher| publisher.eq_ignore_ascii_case(organization))
    }

    /// The newest version.
    pub fn newest(&self) -> Option<&LiveVersion> {
        self.versions.last()
    }
}

/// A pack that a group has, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGroupPack {
    /// The pack.
    pub name: String,
    /// The version's number.
    pub version: VersionNumber,
    /// The version's tag.
    pub tag: String,
    /// The configuration, by the names of policies; none where the server tells none. What is no object is kept as it is.
    pub config: Option<Map<String, Value>>,
    /// The environments whose values it gets; they go along when the version is switched.
    pub environments: Vec<String>,
    /// Fields of it that this version does not know.
    pub unknown_fields: Map<String, Value>,
}

/// What a group is, if it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGroupBody {
    /// What it is about.
    pub entity_type: EntityType,
    /// What it does about violations.
    pub mode: Mode,
    /// Its stacks. A built-in group has all that no other group has.
    pub stacks: Vec<StackReference>,
    /// Its cloud accounts; they are not managed.
    pub accounts: Vec<String>,
    /// Its packs.
    pub packs: Vec<LiveGroupPack>,
    /// The agent pool that evaluates it; it is not managed.
    pub agent_pool: Option<String>,
}

/// A group as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGroup {
    /// The name, unique in the organization.
    pub name: String,
    /// Whether it is built in: it can neither be renamed nor deleted nor be given members.
    pub is_default: bool,
    /// What it is, or why that is not understood.
    pub body: Result<LiveGroupBody, Opaque>,
    /// Fields of it that this version does not know.
    pub unknown_fields: Map<String, Value>,
}

/// All that an organization holds, completely read: a reader that failed anywhere has none to give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveState {
    /// The packs, in the server's order.
    pub packs: Vec<LivePack>,
    /// The groups, in the server's order.
    pub groups: Vec<LiveGroup>,
}

impl LiveState {
    /// The pack of this name.
    pub fn pack(&self, name: &str) -> Option<&LivePack> {
        self.packs.iter().find(|pack| pack.name == name)
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<&LiveGroup> {
        self.groups.iter().find(|group| group.name == name)
    }
}
