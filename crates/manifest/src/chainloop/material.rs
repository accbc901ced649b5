//! Types of materials.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The type of a material: its name, or its number in the vendor's protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MaterialType {
    Name(String),
    Number(i32),
}

/// All names of this version, in the order of the published schema. They have the numbers from 0.
const NAMES: &[&str] = &[
    "MATERIAL_TYPE_UNSPECIFIED",
    "STRING",
    "CONTAINER_IMAGE",
    "ARTIFACT",
    "SBOM_CYCLONEDX_JSON",
    "SBOM_SPDX_JSON",
    "JUNIT_XML",
    "OPENVEX",
    "HELM_CHART",
    "SARIF",
    "EVIDENCE",
    "ATTESTATION",
    "CSAF_VEX",
    "CSAF_INFORMATIONAL_ADVISORY",
    "CSAF_SECURITY_ADVISORY",
    "CSAF_SECURITY_INCIDENT_RESPONSE",
    "GITLAB_SECURITY_REPORT",
    "ZAP_DAST_ZIP",
    "BLACKDUCK_SCA_JSON",
    "TWISTCLI_SCAN_JSON",
    "GHAS_CODE_SCAN",
    "GHAS_SECRET_SCAN",
    "GHAS_DEPENDENCY_SCAN",
    "JACOCO_XML",
    "SLSA_PROVENANCE",
    "CHAINLOOP_RUNNER_CONTEXT",
    "CHAINLOOP_PR_INFO",
    "GITLEAKS_JSON",
    "CHAINLOOP_AI_AGENT_CONFIG",
    "CHAINLOOP_AI_CODING_SESSION",
    "OPENAPI_SPEC",
    "ASYNCAPI_SPEC",
    "GRAPHQL_SPEC",
    "YELP_DETECT_SECRETS_BASELINE",
    "SYSINTERNALS_SIGCHECK",
    "SYSINTERNALS_ACCESSCHK",
    "CERTCC_DRANZER",
    "OSSF_SCORECARD_JSON",
    "RADAMSA_REPORT",
    "RADAMSA_CRASHES",
    "TRUFFLEHOG_JSON",
    "COBERTURA_XML",
    "CHECKMARX_JSON",
];

/// The form of all names, which names that are added later have too.
const FORM: &str = "^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$";

impl MaterialType {
    /// Whether this is the type with this name or number.
    fn is(&self, name: &str, number: i32) -> bool {
        match self {
            Self::Name(text) => text == name,
            Self::Number(value) => *value == number,
        }
    }

    /// The name, if this version does not know it. The vendor adds types several times a year.
    pub fn unknown_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) if !NAMES.contains(&name.as_str()) => Some(name),
            Self::Name(_) | Self::Number(_) => None,
        }
    }

    /// All names of this version.
    pub fn known_names() -> &'static [&'static str] {
        NAMES
    }

    pub fn is_unspecified(&self) -> bool {
        self.is("MATERIAL_TYPE_UNSPECIFIED", 0)
    }

    pub fn is_string(&self) -> bool {
        self.is("STRING", 1)
    }

    pub fn is_artifact(&self) -> bool {
        self.is("ARTIFACT", 3)
    }

    pub fn is_evidence(&self) -> bool {
        self.is("EVIDENCE", 11)
    }

    /// Only attestations have phases.
    pub fn is_attestation(&self) -> bool {
        self.is("ATTESTATION", 12)
    }
}

impl JsonSchema for MaterialType {
    fn schema_name() -> Cow<'static, str> {
        "MaterialType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": NAMES },
                { "type": "string", "pattern": FORM },
                { "type": "integer", "minimum": 0, "maximum": NAMES.len() - 1 }
            ]
        })
    }
}
