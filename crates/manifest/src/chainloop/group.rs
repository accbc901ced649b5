//! `chainloop.dev/v1 PolicyGroup`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::policy::{ChainloopPolicyManifest, InputSpec};
use super::{ChainloopApiVersion, ChainloopGroupKind, ChainloopMetadata, MaterialType};
use model::chainloop::DocumentBytes;
use model::diag::Path;

/// The form of a reference to a requirement (published schema).
const REQUIREMENT_PATTERN: &str = r"^([a-z0-9-]+\/)?([^\s\/]+\/)([^\s@\/]+)(@[^\s@]+)?$";

/// A group of policies that can be attached to contracts together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Chainloop policy group", rename = "ChainloopPolicyGroup")]
#[schemars(extend("anyOf" = [{"required": ["apiVersion"]}, {"required": ["api_version"]}]))]
pub struct ChainloopPolicyGroupManifest {
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
    pub kind: ChainloopGroupKind,
    /// The name and the description of the group.
    pub metadata: ChainloopMetadata,
    /// The inputs and policies of the group.
    pub spec: ChainloopGroupSpec,
}

/// The inputs and policies of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ChainloopGroupSpec")]
pub struct ChainloopGroupSpec {
    /// The policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<GroupPolicies>,
    /// The inputs of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<InputSpec>>,
}

/// The policies of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupPolicies {
    /// Policies for materials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materials: Option<Vec<GroupMaterial>>,
    /// Policies for the attestation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Vec<Attachment>>,
}

/// A material, and the policies that evaluate it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupMaterial {
    /// The type of the material; required if the material has a name.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub material: Option<MaterialType>,
    /// The name, which may contain placeholders: `{{ inputs.name }}`. Omit it to evaluate every material of the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How the name is matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_mode: Option<MatchMode>,
    /// Alternative spelling of `matchMode`.
    #[serde(
        rename = "match_mode",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub match_mode_snake: Option<MatchMode>,
    /// Whether the material is optional in an attestation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// The policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<Attachment>>,
}

/// An attached policy: exactly one of `ref` and `embedded`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// The policy: `[chainloop://][provider:][organization/]name[@sha256:…]`, or an address.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"sbom-freshness")]
    pub reference: Option<String>,
    /// The policy itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<Box<ChainloopPolicyManifest>>,
    /// The materials that it evaluates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// Whether the policy is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Arguments by the names of the policy's inputs. Multiple values of one argument are separated by commas or newlines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, ArgumentSchema>>")]
    #[schemars(example = serde_json::json!({"max_days": "30"}))]
    pub with: Option<BTreeMap<String, String>>,
    /// The requirements that the policy helps to meet: `[organization/]framework/requirement[@version]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(regex(pattern = REQUIREMENT_PATTERN)), example = serde_json::json!(["owasp/owasp-top-10@2021"]))]
    pub requirements: Option<Vec<String>>,
    /// Whether its violations fail the attestation; by default, the setting of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<bool>,
}

/// The materials that a policy evaluates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    /// The name of the material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How the name is matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_mode: Option<MatchMode>,
    /// Alternative spelling of `matchMode`.
    #[serde(
        rename = "match_mode",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub match_mode_snake: Option<MatchMode>,
}

/// How a name is matched: the name of the mode, or its number in the vendor's protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MatchMode {
    Name(String),
    Number(i32),
}

impl JsonSchema for MatchMode {
    fn schema_name() -> Cow<'static, str> {
        "MatchMode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["UNSPECIFIED", "EXACT", "PREFIX"] },
                { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }
            ]
        })
    }
}

/// An argument in the file: a scalar, read as its text.
struct ArgumentSchema;

impl JsonSchema for ArgumentSchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Argument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "boolean", "number"] })
    }
}

/// A policy group with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDocument {
    pub manifest: ChainloopPolicyGroupManifest,
    /// The bytes that are sent. The digest is computed from them.
    pub bytes: DocumentBytes,
}

impl ChainloopPolicyGroupManifest {
    /// The attached policies with their paths.
    pub fn attachments(&self) -> Vec<(Path, &Attachment)> {
        let mut found = Vec::new();
        for (path, material) in self.materials() {
            let policies = material.policies.iter().flatten().enumerate();
            found.extend(policies.map(|(at, one)| (path.clone().key("policies").index(at), one)));
        }
        let path = Path::root().key("spec").key("policies").key("attestation");
        let attestation = self
            .spec
            .policies
            .iter()
            .flat_map(|policies| policies.attestation.iter().flatten());
        found.extend(
            attestation
                .enumerate()
                .map(|(at, one)| (path.clone().index(at), one)),
        );
        found
    }

    /// The materials with their paths.
    pub fn materials(&self) -> impl Iterator<Item = (Path, &GroupMaterial)> {
        let path = Path::root().key("spec").key("policies").key("materials");
        let materials = self
            .spec
            .policies
            .iter()
            .flat_map(|policies| policies.materials.iter().flatten());
        materials
            .enumerate()
            .map(move |(at, material)| (path.clone().index(at), material))
    }

    /// The inputs; empty if omitted.
    pub fn inputs(&self) -> &[InputSpec] {
        self.spec.inputs.as_deref().unwrap_or_default()
    }
}
