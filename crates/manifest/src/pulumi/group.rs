//! `pulumi.com/v1 PolicyGroup`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{PulumiApiVersion, PulumiGroupKind};
use crate::NAME_PATTERN;
use model::pulumi::{EntityType, Mode};

// Examples are constants: the derive macro of schemars reads array expressions only if another crate enables the
// feature `full` of syn, and then this crate would not compile alone.
const EXAMPLE_ACCOUNTS: &[&str] = &["aws-production"];
const EXAMPLE_ENVIRONMENTS: &[&str] = &["policies/production"];

/// A policy group: which packs, in which versions, are enforced on which stacks or accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PolicyGroupManifest")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Pulumi policy group")]
pub struct PulumiPolicyGroupManifest {
    /// The version of this format.
    pub api_version: PulumiApiVersion,
    /// The kind of this manifest.
    pub kind: PulumiGroupKind,
    /// What the group is called, and how it may be treated.
    pub metadata: PolicyGroupMetadata,
    /// What the group holds.
    pub spec: PolicyGroupSpec,
}

/// What a group is called, and how it may be treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PolicyGroupMetadata")]
pub struct PolicyGroupMetadata {
    /// The name of the group, unique in the organization: 1 to 100 letters, digits, `_`, `.` or `-`. It is the identity: to
    /// rename a group, put the old name into `aliases`.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"production")]
    pub name: String,
    /// Names that the group had before. A live group with one of them is renamed rather than replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub aliases: Vec<String>,
}

/// What a group holds. What is left out is not managed and stays as it is; `[]` means none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyGroupSpec {
    /// What the group is about. It cannot change.
    #[serde(default)]
    pub entity_type: EntityType,
    /// What the group does about violations; for stacks `preventative` and for accounts `audit` if it is left out. It
    /// cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The stacks that it is enforced on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stacks: Option<Vec<StackSpec>>,
    /// The names of the Insights accounts that it is about; only for `entityType: accounts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(length(min = 1)), example = EXAMPLE_ACCOUNTS)]
    pub accounts: Option<Vec<String>>,
    /// The id of the agent pool that evaluates its policies. An empty string selects the pool that Pulumi hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_pool_id: Option<String>,
    /// The packs that it enforces, each once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_packs: Option<Vec<GroupPackSpec>>,
}

/// A stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StackSpec {
    /// The name of the stack in its project.
    #[schemars(length(min = 1), example = &"prod")]
    pub name: String,
    /// The project.
    #[schemars(length(min = 1), example = &"web")]
    pub routing_project: String,
}

/// A pack that a group enforces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupPackSpec {
    /// The name of the pack.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"cost-guard")]
    pub name: String,
    /// The version. Left out, it is the one that the pack's manifest wants, so that the group follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"1.0.0")]
    pub version_tag: Option<String>,
    /// For each policy of the pack, or for `all`, a mapping with `enforcementLevel` and what the policy's `configSchema`
    /// knows. Left out, the configuration is not managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"instance-size": {"enforcementLevel": "advisory", "largest": 16}}))]
    pub config: Option<BTreeMap<String, Map<String, Value>>>,
    /// The ESC environments that the pack gets values from, as `project/environment`. Later ones override earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(length(min = 1)), example = EXAMPLE_ENVIRONMENTS)]
    pub environments: Option<Vec<String>>,
}
