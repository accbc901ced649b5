//! The `access` section of `polwarden.yaml`: requests that must never be allowed or blocked, and
//! for whom.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NAME_PATTERN;
use super::test::McpSpec;

/// Gates of access. A pull request can edit them, but those of the revision that it branched from hold too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Access")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccessSection {
    /// Requests that nobody may be allowed: patterns such as `tcp **.paste.example.com`, `post https://example.com/**`,
    /// `write /etc/**` or `mcp invokeTool delete_*`. `tcp` includes everything that is sent on the connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["tcp **.paste.example.com"]))]
    pub never: Vec<GateSpec>,
    /// Requests that nobody may be denied: patterns, all of whose requests must be allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["tcp proxy.example.com:443"]))]
    pub always: Vec<GateSpec>,
    /// People who are in several teams at once. Gates and plans look at them as well as at people in no team, in each
    /// team, and in all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<NamedAudienceSpec>,
}

impl AccessSection {
    pub fn is_empty(&self) -> bool {
        let Self {
            never,
            always,
            audiences,
        } = self;
        never.is_empty() && always.is_empty() && audiences.is_empty()
    }
}

/// People who are in several teams at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AudienceSpec")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedAudienceSpec {
    /// What they are called.
    #[schemars(regex(pattern = NAME_PATTERN), example = &"on-call")]
    pub name: String,
    /// All their teams: short names from `teams` of the target, or uuids.
    #[schemars(length(min = 1), inner(length(min = 1)), example = serde_json::json!(["platform", "security"]))]
    pub teams: Vec<String>,
}

/// A pattern of requests with optional audience and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "GateText", into = "GateText")]
pub struct GateSpec {
    /// The pattern as written.
    pub request: String,
    /// Name of an audience; everyone if missing.
    pub audience: Option<String>,
    /// What an MCP pattern gives in addition to the action and the resource.
    pub mcp: Option<McpSpec>,
    /// The reason, shown if the gate fails.
    pub reason: Option<String>,
}

/// The two forms of a [`GateSpec`] in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum GateText {
    Text(String),
    Full(Box<GateMapping>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GateMapping {
    request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mcp: Option<McpSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<GateText> for GateSpec {
    fn from(text: GateText) -> Self {
        match text {
            GateText::Text(request) => Self {
                request,
                audience: None,
                mcp: None,
                reason: None,
            },
            GateText::Full(mapping) => {
                let GateMapping {
                    request,
                    audience,
                    mcp,
                    reason,
                } = *mapping;
                Self {
                    request,
                    audience,
                    mcp,
                    reason,
                }
            }
        }
    }
}

impl From<GateSpec> for GateText {
    fn from(spec: GateSpec) -> Self {
        match spec {
            GateSpec {
                request,
                audience: None,
                mcp: None,
                reason: None,
            } => Self::Text(request),
            GateSpec {
                request,
                audience,
                mcp,
                reason,
            } => Self::Full(Box::new(GateMapping {
                request,
                audience,
                mcp,
                reason,
            })),
        }
    }
}

impl JsonSchema for GateSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Gate".into()
    }
    /// One schema for both forms (constraints on fields apply to mappings only), so that an error
    /// names the mistake instead of reporting that no branch matches.
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let text = |description: &str| serde_json::json!({"type": "string", "minLength": 1, "description": description});
        schemars::json_schema!({
            "description": "A pattern of requests, alone or as `request` with more about it.",
            "type": ["string", "object"],
            "minLength": 1,
            "properties": {
                "request": text("The pattern, for example `tcp **.paste.example.com`."),
                "mcp": generator.subschema_for::<McpSpec>(),
                "audience": text("The name of one of `audiences`; everybody, where this is left out."),
                "reason": text("Why the gate is there: shown when it is broken."),
            },
            "required": ["request"],
            "additionalProperties": false,
            "examples": ["tcp **.paste.example.com"]
        })
    }
}
