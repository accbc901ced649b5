//! `polwarden/v1 ResourceList`: a named list that rules include with `resourcesFrom`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NAME_PATTERN;
use super::docker::HttpResourceSpec;

/// The `apiVersion` of polwarden's own manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ApiVersion")]
pub enum PolwardenApiVersion {
    /// The only version so far.
    #[serde(rename = "polwarden/v1")]
    V1,
}

/// The `kind` of a resource list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Kind")]
pub enum ResourceListKind {
    /// A resource list.
    ResourceList,
}

/// A named list of hosts, paths or HTTP targets. It exists in the repository only: rules pull it in by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Resource list")]
pub struct ResourceListManifest {
    /// The version of this format.
    pub api_version: PolwardenApiVersion,
    /// The kind of this manifest.
    pub kind: ResourceListKind,
    /// What the list is called.
    pub metadata: ResourceListMetadata,
    /// The content of the list: exactly one of `hosts`, `paths` and `httpResources`.
    pub spec: ResourceListSpec,
}

/// What a list is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Metadata")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceListMetadata {
    /// The name, unique among the lists of a target.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"package-registries")]
    pub name: String,
}

/// The content of a list: exactly one of the three fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceListSpec {
    /// Hosts and CIDRs, for network rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["registry.example.com:443", "**.example.com"]))]
    pub hosts: Option<Vec<String>>,
    /// Paths, for filesystem rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["~/projects/**"]))]
    pub paths: Option<Vec<String>>,
    /// HTTP targets, for HTTP rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub http_resources: Option<Vec<HttpResourceSpec>>,
}
