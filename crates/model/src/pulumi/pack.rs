//! What a version of a pack says about its policies. The serialized form is the contract's.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PolicyName;

/// The enforcement level of a policy (contract: `AppPolicy`, `enforcementLevel`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum EnforcementLevel {
    /// The policy is not evaluated.
    Disabled,
    /// A violation is a warning.
    Advisory,
    /// A violation stops the update.
    Mandatory,
    /// A violation is fixed automatically, or stops the update if that is impossible.
    Remediate,
}

impl EnforcementLevel {
    /// All levels.
    pub const ALL: &'static [Self] = &[
        Self::Disabled,
        Self::Advisory,
        Self::Mandatory,
        Self::Remediate,
    ];

    /// The text on the wire and in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Advisory => "advisory",
            Self::Mandatory => "mandatory",
            Self::Remediate => "remediate",
        }
    }

    /// The strictness of the level: a larger number is stricter. `mandatory` and `remediate` allow nothing that
    /// violates the policy.
    pub fn strictness(self) -> u8 {
        match self {
            Self::Disabled => 0,
            Self::Advisory => 1,
            Self::Mandatory | Self::Remediate => 2,
        }
    }
}

impl fmt::Display for EnforcementLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The severity of a violation (contract: `AppPolicy`, `severity`; the contract's empty value is not supported).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "Severity")]
#[serde(rename_all = "lowercase")]
pub enum PolicySeverity {
    /// Low severity.
    Low,
    /// Medium severity.
    Medium,
    /// High severity.
    High,
    /// Critical severity.
    Critical,
}

impl PolicySeverity {
    /// The text on the wire and in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for PolicySeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The compliance framework that a policy belongs to (contract: `AppPolicyComplianceFramework`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Framework {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The part of it that the policy is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What it asks there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specification: Option<String>,
}

/// The only type that a configuration can have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ObjectType {
    #[default]
    Object,
}

/// The JSON Schema of a policy's configuration (contract: `AppPolicyConfigSchema`). Its `type` is always sent: without
/// it a version can be published and then not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigSchema {
    #[serde(rename = "type")]
    kind: ObjectType,
    /// The properties, each with its JSON Schema.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Map<String, Value>>,
    /// The required properties, except those with a default in the schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
}

impl ConfigSchema {
    /// A schema of these properties.
    pub fn new(properties: BTreeMap<String, Map<String, Value>>, required: Vec<String>) -> Self {
        Self {
            kind: ObjectType::Object,
            properties,
            required,
        }
    }
}

impl ConfigSchema {
    /// The properties, and the names of the required ones.
    pub fn parts(&self) -> (&BTreeMap<String, Map<String, Value>>, &[String]) {
        let Self {
            kind: ObjectType::Object,
            properties,
            required,
        } = self;
        (properties, required)
    }
}

/// A policy of a pack (contract: `AppPolicy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackPolicy {
    /// The name.
    pub name: PolicyName,
    /// The display name.
    pub display_name: String,
    /// The description of the policy.
    pub description: String,
    /// What happens where it is violated, unless a group says otherwise.
    pub enforcement_level: EnforcementLevel,
    /// What people see who violate it.
    pub message: String,
    /// The schema of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<ConfigSchema>,
    /// The severity of a violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<PolicySeverity>,
    /// The compliance framework that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<Framework>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The steps to fix a violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation_steps: Option<String>,
    /// The address of the documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
