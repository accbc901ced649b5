//! `polwarden-metadata.json`: what a policy pack declares, written by its build.
//!
//! The engine enforces what the running pack declares. polwarden runs no packs, so the build asks the
//! pack and writes the answer down.

use std::collections::BTreeMap;

use model::digest::FileDigest;
use model::pulumi::{ConfigSchema, EnforcementLevel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The name of the file in the source of a pack.
pub const METADATA_FILE: &str = "polwarden-metadata.json";

/// Floating-point numbers below this one are exact if they are whole.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The only version of the format.
const FORMAT_VERSION: u32 = 1;

/// What a pack declares about a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredPolicy {
    /// The enforcement level that applies unless a group sets another one.
    pub enforcement_level: EnforcementLevel,
    /// What groups can configure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<ConfigSchema>,
}

/// The policies of a pack by name.
pub type DeclaredPolicies = BTreeMap<String, DeclaredPolicy>;

/// What the build of a pack wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildMetadata {
    /// The name of the pack.
    pub name: String,
    pub policies: DeclaredPolicies,
    /// The files of the source that the pack was built from, with the digests of their bytes.
    pub files: BTreeMap<String, FileDigest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MetadataFile {
    format_version: u32,
    name: String,
    policies: Vec<MetadataPolicy>,
    files: BTreeMap<String, FileDigest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MetadataPolicy {
    name: String,
    enforcement_level: EnforcementLevel,
    #[serde(default)]
    config_schema: Option<ConfigSchema>,
}

impl BuildMetadata {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// The reason why the text is not valid, as a clause.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: MetadataFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let MetadataFile {
            format_version,
            name,
            policies: listed,
            files,
        } = file;
        if format_version != FORMAT_VERSION {
            return Err(format!(
                "unsupported formatVersion {format_version}; this version reads {FORMAT_VERSION}"
            ));
        }
        let mut policies = DeclaredPolicies::new();
        for policy in listed {
            let MetadataPolicy {
                name,
                enforcement_level,
                mut config_schema,
            } = policy;
            for schema in config_schema.iter_mut() {
                schema.properties.values_mut().for_each(normalize);
            }
            let declared = DeclaredPolicy {
                enforcement_level,
                config_schema,
            };
            if policies.insert(name.clone(), declared).is_some() {
                return Err(format!("duplicate policy `{name}`"));
            }
        }
        Ok(Self {
            name,
            policies,
            files,
        })
    }
}

/// The SDKs write keys in any order and all numbers as floating point. A lock file must not change
/// because of that.
fn normalize(object: &mut Map<String, Value>) {
    object.sort_keys();
    object.values_mut().for_each(normalize_value);
}

fn normalize_value(value: &mut Value) {
    match value {
        Value::Object(object) => normalize(object),
        Value::Array(items) => items.iter_mut().for_each(normalize_value),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|_| number.is_f64());
            let whole = whole.filter(|float| float.fract() == 0.0 && float.abs() < MAX_EXACT);
            if let Some(integer) = whole.and_then(|float| format!("{float:.0}").parse::<i64>().ok())
            {
                *number = integer.into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_a_wrong_one_says_why() {
        let text = r#"{"formatVersion": 1, "name": "guard", "files": {},
            "policies": [{"name": "a", "enforcementLevel": "mandatory",
                "configSchema": {"type": "object", "properties": {"x": {"type": "string"}}}}]}"#;
        let read = BuildMetadata::parse(text).unwrap();
        assert_eq!(read.name, "guard");
        let level = read.policies["a"].enforcement_level;
        assert_eq!(level, EnforcementLevel::Mandatory);
        for (from, to, wanted) in [
            (
                "1,",
                "2,",
                "unsupported formatVersion 2; this version reads 1",
            ),
            ("mandatory", "strict", "unknown variant `strict`"),
            ("\"files\": {},", "", "missing field `files`"),
            ("\"guard\",", "\"guard\", \"x\": 1,", "unknown field `x`"),
            (
                "[{",
                "[{\"name\": \"a\", \"enforcementLevel\": \"advisory\"}, {",
                "duplicate policy `a`",
            ),
        ] {
            let error = BuildMetadata::parse(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
