//! Stored objects.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::random;

/// The name of the built-in group of stacks.
pub(super) const DEFAULT_GROUP: &str = "default-policy-group";
/// The name of the built-in group of accounts.
pub(super) const DEFAULT_ACCOUNTS_GROUP: &str = "default-accounts-policy-group";

/// How strictly a policy is enforced (schema `AppPolicy`, `enforcementLevel`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EnforcementLevel {
    Advisory,
    Mandatory,
    Remediate,
    Disabled,
}

impl EnforcementLevel {
    pub(super) const ALL: [Self; 4] = [
        Self::Advisory,
        Self::Mandatory,
        Self::Remediate,
        Self::Disabled,
    ];
}

/// The members of a group (schema `PolicyGroup`, `entityType`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EntityType {
    #[default]
    Stacks,
    Accounts,
}

/// How a group handles violations (schema `PolicyGroup`, `mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    Audit,
    Preventative,
}

impl EntityType {
    /// The default mode of a new group (schema `NewPolicyGroupRequest`, `mode`).
    pub(super) fn usual_mode(self) -> Mode {
        match self {
            Self::Stacks => Mode::Preventative,
            Self::Accounts => Mode::Audit,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Organization {
    pub(super) name: String,
    /// Whether the organization has the feature.
    pub(super) policy_as_code: bool,
    /// Whether the caller is not a member. The organization then only publishes packs.
    pub(super) is_foreign: bool,
}

/// A pack without its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pack {
    /// The position in lists, set by the store.
    pub(super) place: i64,
    /// The UUID in the registry.
    pub(super) id: String,
    pub(super) source: String,
    pub(super) publisher: String,
    pub(super) name: String,
    /// Whether other organizations can see it.
    pub(super) is_public: bool,
    /// Whether it is added to its publisher's organization.
    pub(super) is_added: bool,
}

/// The state of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Being published: hidden and not usable.
    Incomplete,
    Complete,
    /// Deleted; its number and its tag stay reserved.
    Deleted,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    pub(super) number: i64,
    pub(super) tag: String,
    pub(super) status: Status,
    pub(super) content: Content,
    /// The random name of its archive at the upload host.
    pub(super) ticket: String,
    /// The SHA-256 of the last upload in hexadecimal.
    pub(super) digest: Option<String>,
}

/// The published content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    pub(super) display_name: String,
    pub(super) runtime: Option<String>,
    /// The policies as sent.
    pub(super) policies: Vec<Map<String, Value>>,
    /// Stored and never returned: description, readme, provider, tags, repository, metadata.
    pub(super) kept: Map<String, Value>,
    /// Unknown fields from a seed; returned unchanged.
    pub(super) other: Map<String, Value>,
}

/// A group without its packs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// The position in the list, set by the store.
    pub(super) place: i64,
    pub(super) organization: String,
    pub(super) name: String,
    pub(super) body: GroupBody,
}

/// The stored fields of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupBody {
    pub(super) entity_type: EntityType,
    pub(super) mode: Mode,
    pub(super) is_default: bool,
    pub(super) agent_pool: Option<String>,
    /// Empty in a built-in group, whose members are all that no other group has.
    pub(super) stacks: Vec<StackReference>,
    pub(super) accounts: Vec<String>,
    /// Unknown fields from a seed; returned unchanged.
    pub(super) other: Map<String, Value>,
}

impl Group {
    /// A group without members; the store sets `place`.
    pub(super) fn new(
        organization: &str,
        name: &str,
        entity_type: EntityType,
        mode: Option<Mode>,
    ) -> Self {
        let body = GroupBody {
            entity_type,
            mode: mode.unwrap_or_else(|| entity_type.usual_mode()),
            is_default: false,
            agent_pool: None,
            stacks: Vec::new(),
            accounts: Vec::new(),
            other: Map::new(),
        };
        Self {
            place: 0,
            organization: organization.to_owned(),
            name: name.to_owned(),
            body,
        }
    }

    /// The two built-in groups of every organization.
    pub(super) fn built_in(organization: &str) -> [Self; 2] {
        [
            (DEFAULT_GROUP, EntityType::Stacks),
            (DEFAULT_ACCOUNTS_GROUP, EntityType::Accounts),
        ]
        .map(|(name, entity)| {
            let mut group = Self::new(organization, name, entity, None);
            group.body.is_default = true;
            group
        })
    }
}

/// A version of a pack that a group enables.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Applied {
    pub(super) pack: Pack,
    pub(super) version: Version,
    /// By policy names.
    pub(super) config: Map<String, Value>,
    pub(super) environments: Vec<String>,
}

/// The names of a stack (schema `AppPulumiStackReference`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StackReference {
    pub(super) name: String,
    pub(super) routing_project: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stack {
    pub(super) reference: StackReference,
    pub(super) resources: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) resources: i64,
}

/// A new ticket for the upload host.
pub(super) fn ticket() -> Result<String, getrandom::Error> {
    random::base32(40)
}
