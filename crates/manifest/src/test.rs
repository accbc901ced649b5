//! `polwarden/v1 PolicyTest`: requests that must be allowed or denied.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::NAME_PATTERN;
use super::list::PolwardenApiVersion;

/// The `kind` of a policy test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Kind")]
pub enum PolicyTestKind {
    /// A policy test.
    PolicyTest,
}

/// What policies must allow and deny. It exists in the repository only: `polwarden test` runs it, and plans ignore it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Policy test")]
pub struct PolicyTestManifest {
    /// The version of this format.
    pub api_version: PolwardenApiVersion,
    /// The kind of this manifest.
    pub kind: PolicyTestKind,
    /// What the test is called.
    pub metadata: PolicyTestMetadata,
    /// What the test asks.
    pub spec: PolicyTestSpec,
}

/// What a test is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Metadata")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyTestMetadata {
    /// The name, unique among the tests of a target.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"Package managers")]
    pub name: String,
}

/// What a test asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyTestSpec {
    /// The target whose policies are asked. Leave it out for every target that loads this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"production")]
    pub target: Option<String>,
    /// The cases.
    #[schemars(length(min = 1))]
    pub cases: Vec<CaseSpec>,
}

/// Requests of some people, with the expected answers: at least one of `allow`, `approval` and `deny`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaseSpec {
    /// The name of the case, unique in its test.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"mirrors are open")]
    pub name: String,
    /// The requester. Omit it for users outside of all teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<TestAudienceSpec>,
    /// Several requesters; every request is checked for each. Replaces `audience`. `{}` means users outside of all teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = serde_json::json!([{}, {"teams": ["security"]}]))]
    pub audiences: Option<Vec<TestAudienceSpec>>,
    /// Values for placeholders: a request is asked once for each combination of the placeholders in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"host": ["a.example.com", "b.example.com"], "port": [80, 443]}))]
    pub matrix: Option<BTreeMap<String, Vec<MatrixValue>>>,
    /// What `mcp` requests give in addition to the action and the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpSpec>,
    /// Requests that must be allowed: `tcp HOST:PORT`, `udp HOST:PORT`, `get URL` and the other HTTP methods, `read PATH`,
    /// `write PATH`, `mcp ACTION NAME`. `{name}` is a placeholder, `{{` the character `{`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1),
        inner(length(min = 1)),
        example = serde_json::json!(["tcp api.example.com:443", "get https://{host}/v1", "read ~/projects/x"])
    )]
    pub allow: Option<Vec<String>>,
    /// `mcp` requests that must need an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["mcp invokeTool delete_issue"]))]
    pub approval: Option<Vec<String>>,
    /// Requests that must be denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["mcp invokeTool delete_repository"]))]
    pub deny: Option<Vec<String>>,
}

/// People, by what they are in. All of it counts for them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AudienceSpec")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestAudienceSpec {
    /// All their teams, each by an alias from `teams` in `polwarden.yaml`, its name at the server, or its uuid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["security", "platform"]))]
    pub teams: Option<Vec<String>>,
    /// All their profiles (profile `seed` of the API only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub profiles: Option<Vec<String>>,
}

/// What `mcp` requests give. Anything else has its documented default or is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct McpSpec {
    /// The registered name of the server that the tool, resource or prompt is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"github")]
    pub server: Option<String>,
    /// Attributes of the tool, or of the server for `register`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"readOnly": true}))]
    pub attributes: Option<Map<String, Value>>,
    /// Arguments of the call; null for one that is absent. Other arguments are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({"amount": 700}))]
    pub args: Option<Map<String, Value>>,
    /// An error: no statement can match a principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("deprecated" = true))]
    pub principal: Option<String>,
    /// Fields of the context, `request_time` and `args` with all arguments; null for one that is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub context: Option<Value>,
}

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MatrixValue {
    /// A number, such as a port.
    Number(u64),
    /// A text.
    Text(String),
}

impl fmt::Display for MatrixValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl JsonSchema for MatrixValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MatrixValue".into()
    }
    /// One schema for both forms, so that an error names the mistake instead of reporting that no branch matches.
    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A text or a number.",
            "type": ["string", "integer"],
            "minimum": 0,
            "maximum": u64::MAX,
            "minLength": 1
        })
    }
}
