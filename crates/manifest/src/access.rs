//! The `access` section of `polwarden.yaml`: requests that must always or never be allowed, and
//! their audiences.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NAME_PATTERN;
use super::test::McpSpec;

/// Access gates. A pull request can edit them, but the gates of its base revision apply as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Access")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccessSection {
    /// Requests that must be denied for everyone: patterns such as `tcp **.paste.example.com`, `post https://example.com/**`,
    /// `write /etc/**` or `mcp invokeTool delete_*`. `tcp` includes every protocol on the connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["tcp **.paste.example.com"]))]
    pub never: Vec<GateSpec>,
    /// Requests that must be allowed for everyone: patterns. All requests of a pattern must be allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["tcp proxy.example.com:443"]))]
    pub always: Vec<GateSpec>,
    /// Combinations of teams whose members gates and plans check, in addition to everyone outside of all teams, the
    /// members of each single team, and the members of all teams.
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

/// Members of several teams at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AudienceSpec")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedAudienceSpec {
    /// The name of the audience.
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
                "audience": text("The name of one of `audiences`; everyone if omitted."),
                "reason": text("Why the gate is there: shown when it is broken."),
            },
            "required": ["request"],
            "additionalProperties": false,
            "examples": ["tcp **.paste.example.com"]
        })
    }
}
