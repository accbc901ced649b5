//! Published content.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::name::{ALL, check_name, check_tag};
use crate::pulumi::objects::{PackPolicyLevel, PublishedContent};
use crate::pulumi::refusal::PulumiRefusal;

/// The fields of schema `AppCreatePolicyPackRequest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewPackFields {
    /// Optional only in the registry, where the path contains it.
    pub(crate) name: Option<String>,
    display_name: String,
    pub(crate) version_tag: Option<String>,
    policies: Vec<Value>,
    description: Option<String>,
    readme: Option<String>,
    provider: Option<String>,
    tags: Option<Vec<String>>,
    repository: Option<String>,
    pub(crate) runtime: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

/// Schema `AppPolicy`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PackPolicyFields {
    name: String,
    display_name: String,
    description: String,
    enforcement_level: PackPolicyLevel,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_schema: Option<ConfigSchemaFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<PackPolicySeverity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    framework: Option<FrameworkFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation_steps: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// Schema `AppPolicyConfigSchema`. A version without `type` can be published, but not read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigSchemaFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<BTreeMap<String, Map<String, Value>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<Vec<String>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<ConfigSchemaType>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ConfigSchemaType {
    Object,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PackPolicySeverity {
    #[serde(rename = "")]
    Unspecified,
    Low,
    Medium,
    High,
    Critical,
}

/// Schema `AppPolicyComplianceFramework`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameworkFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    specification: Option<String>,
}

impl NewPackFields {
    /// Checks the tag and all other fields except the name, and returns what is stored.
    pub(crate) fn into_content(self, tag: Option<&str>) -> Result<PublishedContent, PulumiRefusal> {
        let Self {
            name: _,
            display_name,
            version_tag: _,
            policies,
            description,
            readme,
            provider,
            tags,
            repository,
            runtime,
            metadata,
        } = self;
        if let Some(tag) = tag {
            check_tag(tag)?;
        }
        if policies.is_empty() {
            return Err(PulumiRefusal::bad_request(
                "Policy Pack must have at least one policy.",
            ));
        }
        let mut names = HashSet::new();
        let mut read = Vec::new();
        for (index, policy) in policies.into_iter().enumerate() {
            let at = |member: &str| format!("policies.{index}{member}");
            let policy: PackPolicyFields = serde_json::from_value(policy)
                .map_err(|error| invalid(at(""), &error.to_string()))?;
            check_name("PolicyPack", &at(".name"), &policy.name)?;
            if policy.name == ALL {
                return Err(invalid(at(".name"), "`all` is a reserved word"));
            }
            if !names.insert(policy.name.clone()) {
                return Err(invalid(
                    at(".name"),
                    &format!("`{}` is there twice", policy.name),
                ));
            }
            match json!(policy) {
                Value::Object(members) => read.push(members),
                other => return Err(PulumiRefusal::internal(&other)),
            }
        }
        let kept = json!({
            "description": description, "readme": readme, "provider": provider, "tags": tags,
            "repository": repository, "metadata": metadata,
        });
        let kept = match kept {
            Value::Object(members) => members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            other => return Err(PulumiRefusal::internal(&other)),
        };
        Ok(PublishedContent {
            display_name,
            runtime,
            policies: read,
            kept,
            other: Map::new(),
        })
    }
}

fn invalid(attribute: String, message: &str) -> PulumiRefusal {
    PulumiRefusal::invalid("PolicyPack", attribute, message)
}
