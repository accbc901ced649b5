//! `pulumi.com/v1 PolicyPack`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{PulumiApiVersion, PulumiPackKind};
use crate::NAME_PATTERN;
use model::pulumi::{EnforcementLevel, PolicySeverity};

/// A policy pack: what its wanted version says about its policies, and where its source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Pulumi policy pack")]
pub struct PolicyPackManifest {
    /// The version of this format.
    pub api_version: PulumiApiVersion,
    /// The kind of this manifest.
    pub kind: PulumiPackKind,
    /// What the pack is called, and how it may be treated.
    pub metadata: PolicyPackMetadata,
    /// The version that is wanted.
    pub spec: PolicyPackSpec,
}

/// What a pack is called, and how it may be treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PolicyPackMetadata")]
pub struct PolicyPackMetadata {
    /// The name of the pack, unique in the organization: 1 to 100 letters, digits, `_`, `.` or `-`. It is the identity,
    /// and the service knows no way to change it.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"cost-guard")]
    pub name: String,
}

/// The version of a pack that is wanted. What was published under a tag never changes: raise `versionTag` with every
/// change of the source or of the policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyPackSpec {
    /// The display name.
    pub display_name: String,
    /// The tag of the version: 1 to 100 letters, digits, `_`, `.` or `-`, neither `latest` nor `all`. A tag that was
    /// published is never free again.
    #[schemars(length(min = 1), example = &"1.0.0")]
    pub version_tag: String,
    /// What is put behind the tag. With `source-digest` every change of the source has a tag of its own, and the lock file
    /// is not needed for this pack.
    #[serde(default, skip_serializing_if = "TagSuffix::is_none")]
    pub version_tag_suffix: TagSuffix,
    /// The directory that contains `PulumiPolicy.yaml`, relative to this file and inside the repository. The archive contains
    /// what the vendor's tool would publish (`npm pack` for Node.js). Keep it outside of the target's `paths`: its YAML and
    /// JSON files are not manifests.
    #[schemars(length(min = 1), example = &"../packs/cost-guard")]
    pub source: String,
    /// What runs the pack. It is read from `PulumiPolicy.yaml`, and checked against it if it is written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"nodejs")]
    pub runtime: Option<String>,
    /// What the pack is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A longer text about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
    /// The cloud that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"aws")]
    pub provider: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(length(min = 1)))]
    pub tags: Option<Vec<String>>,
    /// The address where its source is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://github.com/example/policies")]
    pub repository: Option<String>,
    /// The policies that the source contains, with the names that the service and the groups use.
    #[schemars(length(min = 1))]
    pub policies: Vec<PackPolicySpec>,
}

/// What is put behind the tag of a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TagSuffix {
    /// Nothing.
    #[default]
    None,
    /// `-` and the first 12 digits of the digest of the source.
    SourceDigest,
}

impl TagSuffix {
    /// Whether the tag is used as written.
    pub fn is_none(&self) -> bool {
        match self {
            Self::None => true,
            Self::SourceDigest => false,
        }
    }
}

/// A policy of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackPolicySpec {
    /// The name, unique in the pack: 1 to 100 letters, digits, `_`, `.` or `-`, and not `all`.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"instance-size")]
    pub name: String,
    /// The name for people; the name itself if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The description of the policy.
    pub description: String,
    /// What happens where it is violated, unless a group says otherwise.
    pub enforcement_level: EnforcementLevel,
    /// What people see who violate it.
    pub message: String,
    /// What groups can configure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<ConfigSchemaSpec>,
    /// The severity of a violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<PolicySeverity>,
    /// The compliance framework that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<FrameworkSpec>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(length(min = 1)))]
    pub tags: Option<Vec<String>>,
    /// The steps to fix a violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation_steps: Option<String>,
    /// The address of the documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The JSON Schema of a policy's configuration. Its type is `object`, which need not be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigSchemaSpec {
    /// `object`, if it is written.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ConfigObjectType>,
    /// The properties, each with its JSON Schema (draft 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, Map<String, Value>>>,
    /// The properties that must be there, unless they have a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Vec<String>>,
}

/// The only type of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ObjectType")]
#[serde(rename_all = "lowercase")]
pub enum ConfigObjectType {
    /// An object.
    Object,
}

/// A compliance framework.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrameworkSpec {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"CIS")]
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The part of it that the policy is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What it asks there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specification: Option<String>,
}
