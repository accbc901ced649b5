//! `chainloop.dev/v1 Policy`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{ChainloopApiVersion, ChainloopMetadata, ChainloopPolicyKind, MaterialType};

/// A policy: scripts that evaluate a material or an attestation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Chainloop policy", rename = "ChainloopPolicy")]
#[schemars(extend("anyOf" = [{"required": ["apiVersion"]}, {"required": ["api_version"]}]))]
pub struct ChainloopPolicyManifest {
    /// The version of this format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<ChainloopApiVersion>,
    /// Alternative spelling of `apiVersion`.
    #[serde(
        rename = "api_version",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub api_version_snake: Option<ChainloopApiVersion>,
    /// The kind of this document.
    pub kind: ChainloopPolicyKind,
    /// The name and the description of the policy.
    pub metadata: ChainloopMetadata,
    /// The scripts and inputs of the policy.
    pub spec: ChainloopPolicySpec,
}

/// The content of a policy: either `policies`, or one of the deprecated `path` and `embedded`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ChainloopPolicySpec")]
pub struct ChainloopPolicySpec {
    /// The path or address of a script; deprecated, use `policies`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The text of a script; deprecated, use `policies`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<String>,
    /// The type of material that the script of `path` or `embedded` judges; deprecated, use `policies`. Never `STRING`,
    /// `ARTIFACT` or `EVIDENCE`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub material: Option<MaterialType>,
    /// The scripts, each for one type of material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<Script>>,
    /// The inputs of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<InputSpec>>,
    /// A script that decides whether the policy applies to a material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_match: Option<AutoMatch>,
    /// Alternative spelling of `autoMatch`.
    #[serde(
        rename = "auto_match",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub auto_match_snake: Option<AutoMatch>,
}

/// A script, from exactly one of `path`, `embedded` and `ref`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Script {
    /// The type of material that it evaluates; by default every type. `ARTIFACT` is not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"SBOM_CYCLONEDX_JSON")]
    pub kind: Option<MaterialType>,
    /// The path or address of the script; deprecated, use `ref`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The text of the script: Rego.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<String>,
    /// The address of the script. The service cannot read files of the repository; embed them instead.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://policies.example.com/sbom.rego")]
    pub reference: Option<String>,
    /// The phases in which a policy for attestations is evaluated; by default `INIT` and `PUSH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_phases: Option<Vec<Phase>>,
    /// Alternative spelling of `attestationPhases`.
    #[serde(
        rename = "attestation_phases",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub attestation_phases_snake: Option<Vec<Phase>>,
}

/// The script that decides whether a policy applies to a material, from exactly one of `path`, `embedded` and `ref`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoMatch {
    /// The path or address of the script; deprecated, use `ref`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The text of the script: Rego.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<String>,
    /// The address of the script. The service cannot read files of the repository; embed them instead.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// An input of a policy or a group. A `required` input has no `default`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Input")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InputSpec {
    /// The name, unique in the document: a letter, then letters, digits and `_`.
    #[schemars(example = &"max_days")]
    pub name: String,
    /// The description of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether an argument is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// The default value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// The phase in which a policy for attestations is evaluated: its name, or its number in the
/// vendor's protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Phase {
    Name(String),
    Number(i32),
}

impl Phase {
    /// Whether attestations have this phase.
    pub fn is_used_by_attestations(&self) -> bool {
        match self {
            Self::Name(name) => matches!(name.as_str(), "INIT" | "PUSH"),
            Self::Number(number) => matches!(number, 1 | 3),
        }
    }
}

impl JsonSchema for Phase {
    fn schema_name() -> Cow<'static, str> {
        "AttestationPhase".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["ATTESTATION_PHASE_UNSPECIFIED", "INIT", "PUSH"] },
                { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }
            ]
        })
    }
}

/// The source of a script; the schema requires exactly one.
#[derive(Debug, Clone, Copy)]
pub struct ScriptSource<'a> {
    pub path: Option<&'a str>,
    pub embedded: Option<&'a str>,
    pub reference: Option<&'a str>,
}

impl Script {
    pub fn source(&self) -> ScriptSource<'_> {
        let Self {
            path,
            embedded,
            reference,
            ..
        } = self;
        ScriptSource {
            path: path.as_deref(),
            embedded: embedded.as_deref(),
            reference: reference.as_deref(),
        }
    }

    /// The phases, with the spelling of the field.
    pub fn phases(&self) -> Option<(&'static str, &[Phase])> {
        let camel = self
            .attestation_phases
            .as_deref()
            .map(|phases| ("attestationPhases", phases));
        camel.or_else(|| {
            self.attestation_phases_snake
                .as_deref()
                .map(|phases| ("attestation_phases", phases))
        })
    }
}

impl AutoMatch {
    pub fn source(&self) -> ScriptSource<'_> {
        let Self {
            path,
            embedded,
            reference,
        } = self;
        ScriptSource {
            path: path.as_deref(),
            embedded: embedded.as_deref(),
            reference: reference.as_deref(),
        }
    }
}

impl ChainloopPolicySpec {
    /// The condition on materials, with the spelling of the field.
    pub fn matcher(&self) -> Option<(&'static str, &AutoMatch)> {
        let camel = self
            .auto_match
            .as_ref()
            .map(|matcher| ("autoMatch", matcher));
        camel.or_else(|| {
            self.auto_match_snake
                .as_ref()
                .map(|matcher| ("auto_match", matcher))
        })
    }

    /// The inputs; empty if omitted.
    pub fn inputs(&self) -> &[InputSpec] {
        self.inputs.as_deref().unwrap_or_default()
    }
}
