//! `docker.com/governance/v1 Policy`: the manifest of one policy of the Docker AI Governance API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::NAME_PATTERN;
use model::docker::Decision;

/// The `apiVersion` of Docker governance manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ApiVersion")]
pub enum DockerApiVersion {
    /// The only version so far.
    #[serde(rename = "docker.com/governance/v1")]
    V1,
}

/// The `kind` of a policy manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Kind")]
pub enum DockerPolicyKind {
    /// A policy.
    Policy,
}

/// One policy of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PolicyManifest")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Docker governance policy")]
pub struct DockerPolicyManifest {
    /// The version of this format.
    pub api_version: DockerApiVersion,
    /// The kind of this manifest.
    pub kind: DockerPolicyKind,
    /// The name and the protection of the policy.
    pub metadata: DockerPolicyMetadata,
    /// The scope and the rules or Cedar text of the policy.
    pub spec: DockerPolicySpec,
}

/// The name and the protection of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Metadata")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerPolicyMetadata {
    /// The name of the policy, unique in the organization. It is the identity: to rename a policy, put the old name
    /// into `aliases`.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"Package registries")]
    pub name: String,
    /// Former names of the policy. A live policy with one of them is renamed instead of replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub aliases: Vec<String>,
    /// While this manifest exists, require an acknowledgement to delete this policy or all its rules.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
}

/// The content of a policy: rules, or Cedar text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PolicySpec")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerPolicySpec {
    /// The teams and profiles that the policy applies to. Omit it for the whole organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeSpec>,
    /// The rules, all of one domain: network (HTTP included) or filesystem. Order does not matter: deny always wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleSpec>>,
    /// Cedar text instead of rules (profile `current`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cedar: Option<CedarSpec>,
    /// Settings of the policy that this version of polwarden does not support, named as in the API. They are sent
    /// unchanged; null means not set. Unlisted settings are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"approval": {"required": true}}))]
    pub extensions: Option<Map<String, Value>>,
}

/// The teams and profiles that a policy applies to. A list must not be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScopeSpec {
    /// Teams: an alias from `teams` in `polwarden.yaml`, the name of a team at the server, or its uuid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["security", "platform"]))]
    pub teams: Option<Vec<String>>,
    /// Profiles of users (profile `seed` of the API only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub profiles: Option<Vec<String>>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// The name of the rule, unique in its policy.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"Allow the registry")]
    pub name: String,
    /// Former names of the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub aliases: Vec<String>,
    /// The decision for matching requests. Deny always wins over allow; other requests are denied by default.
    pub decision: Decision,
    /// The actions of the rule: network, filesystem or HTTP actions, never mixed.
    #[schemars(length(min = 1), example = serde_json::json!(["connect:tcp"]), example = serde_json::json!(["read", "write"]), example = serde_json::json!(["request:get"]))]
    pub actions: Vec<ActionSpec>,
    /// Hosts and CIDRs for network actions, paths for filesystem actions.
    ///
    /// `example.com` is that name alone, `*.example.com` one label more, `**.example.com` one label or more; a port may
    /// follow (`example.com:443`). In paths `*` is one segment, `**` any depth, `~` the home directory. `**` alone is every
    /// host, or every path of every format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1),
        inner(length(min = 1)),
        example = serde_json::json!(["registry.example.com:443", "**.example.com", "10.0.0.0/8"]),
        example = serde_json::json!(["~/projects/**"])
    )]
    pub resources: Option<Vec<String>>,
    /// Requests, for HTTP actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub http_resources: Option<Vec<HttpResourceSpec>>,
    /// Names of `ResourceList` manifests whose entries are added to the resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["package-registries"]))]
    pub resources_from: Option<Vec<String>>,
    /// Settings of the rule that this version of polwarden does not support, named as in the API. They are sent
    /// unchanged; null means not set. Unlisted settings are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"expires_at": "2027-01-01T00:00:00Z"}))]
    pub extensions: Option<Map<String, Value>>,
}

/// An action of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ActionSpec {
    /// Open TCP connections.
    #[serde(rename = "connect:tcp")]
    ConnectTcp,
    /// Send UDP datagrams; rarely needed.
    #[serde(rename = "connect:udp")]
    ConnectUdp,
    /// Mount for reading.
    #[serde(rename = "read")]
    Read,
    /// Mount for writing; a writable mount needs `read` too.
    #[serde(rename = "write")]
    Write,
    /// GET requests.
    #[serde(rename = "request:get")]
    RequestGet,
    /// POST requests.
    #[serde(rename = "request:post")]
    RequestPost,
    /// PUT requests.
    #[serde(rename = "request:put")]
    RequestPut,
    /// DELETE requests.
    #[serde(rename = "request:delete")]
    RequestDelete,
    /// PATCH requests.
    #[serde(rename = "request:patch")]
    RequestPatch,
    /// HEAD requests.
    #[serde(rename = "request:head")]
    RequestHead,
    /// OPTIONS requests.
    #[serde(rename = "request:options")]
    RequestOptions,
    /// CONNECT requests.
    #[serde(rename = "request:connect")]
    RequestConnect,
    /// TRACE requests.
    #[serde(rename = "request:trace")]
    RequestTrace,
}

/// A target of HTTP requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpResourceSpec {
    /// A host name or host glob, without scheme and port. `**` alone is every host.
    #[schemars(length(min = 1), example = &"api.example.com")]
    pub host: String,
    /// The port. Every port where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 443)]
    pub port: Option<u16>,
    /// An absolute path: `*` matches one segment, `**` any depth, the bare path included.
    #[schemars(regex(pattern = "^/"), example = &"/v1/**")]
    pub path: String,
}

/// Cedar text, written here or kept in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CedarSpec {
    /// The Cedar statements. They must not contain `@id`: the server assigns ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file with the Cedar statements, relative to this manifest and inside the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"cedar/tools.cedar")]
    pub file: Option<String>,
    /// The schema that the text was written against.
    #[schemars(length(min = 1), example = &"https://schemas.example.com/mcp.cedarschema")]
    pub schema_url: String,
}
