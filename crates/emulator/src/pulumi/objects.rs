//! Stored objects.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::random;

/// The name of the built-in group of stacks.
pub(crate) const DEFAULT_GROUP: &str = "default-policy-group";
/// The name of the built-in group of accounts.
pub(crate) const DEFAULT_ACCOUNTS_GROUP: &str = "default-accounts-policy-group";

/// How strictly a policy is enforced (schema `AppPolicy`, `enforcementLevel`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PackPolicyLevel {
    Advisory,
    Mandatory,
    Remediate,
    Disabled,
}

impl PackPolicyLevel {
    pub(crate) const ALL: [Self; 4] = [
        Self::Advisory,
        Self::Mandatory,
        Self::Remediate,
        Self::Disabled,
    ];
}

/// The members of a group (schema `PolicyGroup`, `entityType`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GroupEntityType {
    #[default]
    Stacks,
    Accounts,
}

/// How a group handles violations (schema `PolicyGroup`, `mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GroupMode {
    Audit,
    Preventative,
}

impl GroupEntityType {
    /// The default mode of a new group (schema `NewPolicyGroupRequest`, `mode`).
    pub(crate) fn usual_mode(self) -> GroupMode {
        match self {
            Self::Stacks => GroupMode::Preventative,
            Self::Accounts => GroupMode::Audit,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PulumiOrganization {
    pub(crate) name: String,
    /// Whether the organization has the feature.
    pub(crate) policy_as_code: bool,
    /// Whether the caller is not a member. The organization then only publishes packs.
    pub(crate) is_foreign: bool,
}

/// A pack without its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredPack {
    /// The position in lists, set by the store.
    pub(crate) place: i64,
    /// The UUID in the registry.
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) publisher: String,
    pub(crate) name: String,
    /// Whether other organizations can see it.
    pub(crate) is_public: bool,
    /// Whether it is added to its publisher's organization.
    pub(crate) is_added: bool,
}

/// The state of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VersionStatus {
    /// Being published: hidden and not usable.
    Incomplete,
    Complete,
    /// Deleted; its number and its tag stay reserved.
    Deleted,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredPackVersion {
    pub(crate) number: i64,
    pub(crate) tag: String,
    pub(crate) status: VersionStatus,
    pub(crate) content: PublishedContent,
    /// The random name of its archive at the upload host.
    pub(crate) ticket: String,
    /// The SHA-256 of the last upload in hexadecimal.
    pub(crate) digest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishedContent {
    pub(crate) display_name: String,
    pub(crate) runtime: Option<String>,
    /// The policies as sent.
    pub(crate) policies: Vec<Map<String, Value>>,
    /// Stored and never returned: description, readme, provider, tags, repository, metadata.
    pub(crate) kept: Map<String, Value>,
    /// Unknown fields from a seed; returned unchanged.
    pub(crate) other: Map<String, Value>,
}

/// A group without its packs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredGroup {
    /// The position in the list, set by the store.
    pub(crate) place: i64,
    pub(crate) organization: String,
    pub(crate) name: String,
    pub(crate) body: StoredGroupBody,
}

/// The stored fields of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredGroupBody {
    pub(crate) entity_type: GroupEntityType,
    pub(crate) mode: GroupMode,
    pub(crate) is_default: bool,
    pub(crate) agent_pool: Option<String>,
    /// Empty in a built-in group, whose members are all that no other group has.
    pub(crate) stacks: Vec<StackIdentity>,
    pub(crate) accounts: Vec<String>,
    /// Unknown fields from a seed; returned unchanged.
    pub(crate) other: Map<String, Value>,
}

impl StoredGroup {
    /// A group without members; the store sets `place`.
    pub(crate) fn new(
        organization: &str,
        name: &str,
        entity_type: GroupEntityType,
        mode: Option<GroupMode>,
    ) -> Self {
        let body = StoredGroupBody {
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
    pub(crate) fn built_in(organization: &str) -> [Self; 2] {
        [
            (DEFAULT_GROUP, GroupEntityType::Stacks),
            (DEFAULT_ACCOUNTS_GROUP, GroupEntityType::Accounts),
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
pub(crate) struct AppliedPack {
    pub(crate) pack: StoredPack,
    pub(crate) version: StoredPackVersion,
    /// By policy names.
    pub(crate) config: Map<String, Value>,
    pub(crate) environments: Vec<String>,
}

/// The names of a stack (schema `AppPulumiStackReference`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StackIdentity {
    pub(crate) name: String,
    pub(crate) routing_project: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredStack {
    pub(crate) reference: StackIdentity,
    pub(crate) resources: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAccount {
    pub(crate) name: String,
    pub(crate) resources: i64,
}

/// A new ticket for the upload host.
pub(crate) fn ticket() -> Result<String, getrandom::Error> {
    random::base32(40)
}
