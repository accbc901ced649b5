//! What is stored.

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
    /// All of them.
    pub(super) const ALL: [Self; 4] = [
        Self::Advisory,
        Self::Mandatory,
        Self::Remediate,
        Self::Disabled,
    ];
}

/// What a group is about (schema `PolicyGroup`, `entityType`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EntityType {
    #[default]
    Stacks,
    Accounts,
}

/// What a group does about violations (schema `PolicyGroup`, `mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    Audit,
    Preventative,
}

impl EntityType {
    /// The mode of a group that was created without one (schema `NewPolicyGroupRequest`, `mode`).
    pub(super) fn usual_mode(self) -> Mode {
        match self {
            Self::Stacks => Mode::Preventative,
            Self::Accounts => Mode::Audit,
        }
    }
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Organization {
    pub(super) name: String,
    /// Whether it has the feature.
    pub(super) policy_as_code: bool,
    /// Whether the caller does not belong to it: it only publishes.
    pub(super) is_foreign: bool,
}

/// A pack without its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pack {
    /// The place in lists; given by the store.
    pub(super) place: i64,
    /// The UUID in the registry.
    pub(super) id: String,
    pub(super) source: String,
    pub(super) publisher: String,
    pub(super) name: String,
    /// Whether other organizations see it.
    pub(super) is_public: bool,
    /// Whether it is added to the organization that published it.
    pub(super) is_added: bool,
}

/// How far a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// It is being published: not shown, not usable.
    Incomplete,
    Complete,
    /// It is gone; its number and its tag stay taken.
    Deleted,
}

/// A version of a pack.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    pub(super) number: i64,
    pub(super) tag: String,
    pub(super) status: Status,
    pub(super) content: Content,
    /// The name of its archive at the upload host, which nobody can guess.
    pub(super) ticket: String,
    /// The SHA-256 of what was uploaded last, in hexadecimal.
    pub(super) digest: Option<String>,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    pub(super) display_name: String,
    pub(super) runtime: Option<String>,
    /// As they were sent.
    pub(super) policies: Vec<Map<String, Value>>,
    /// What is taken and never shown: description, readme, provider, tags, repository, metadata.
    pub(super) kept: Map<String, Value>,
    /// What a seed brought and the contract does not know; it is shown.
    pub(super) other: Map<String, Value>,
}

/// A group without its packs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// The place in the list; given by the store.
    pub(super) place: i64,
    pub(super) organization: String,
    pub(super) name: String,
    pub(super) body: GroupBody,
}

/// What a group has besides its name.
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
    /// What a seed brought and the contract does not know; it is shown.
    pub(super) other: Map<String, Value>,
}

impl Group {
    /// A group without members; `place` is given by the store.
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

    /// The two groups that every organization has.
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

/// A pack that a group has, in one version.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Applied {
    pub(super) pack: Pack,
    pub(super) version: Version,
    /// By the names of policies.
    pub(super) config: Map<String, Value>,
    pub(super) environments: Vec<String>,
}

/// A stack by its names (schema `AppPulumiStackReference`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StackReference {
    pub(super) name: String,
    pub(super) routing_project: String,
}

/// A stack that an organization has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stack {
    pub(super) reference: StackReference,
    pub(super) resources: i64,
}

/// An account that an organization has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) resources: i64,
}

/// A new ticket of the upload host.
pub(super) fn ticket() -> Result<String, getrandom::Error> {
    random::base32(40)
}
