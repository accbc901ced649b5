//! Validates the configuration of a pack in a group against the config schemas of the pack's
//! policies.

use serde_json::{Map, Value, json};

use super::name::ALL;
use crate::pulumi::objects::PackPolicyLevel;
use crate::pulumi::refusal::PulumiRefusal;

/// The field of a policy's configuration that its schema does not cover.
const ENFORCEMENT_LEVEL: &str = "enforcementLevel";

/// Refuses a configuration that is invalid for the pack's policies.
///
/// Each key is the name of a policy or `all`. Each value is an object with `enforcementLevel` and
/// the properties of the policy's `configSchema`. Properties with a default in the schema are
/// optional.
pub(crate) fn check(
    policies: &[Map<String, Value>],
    config: &Map<String, Value>,
) -> Result<(), PulumiRefusal> {
    for (name, given) in config {
        let Value::Object(given) = given else {
            return Err(invalid(name, "must be an object"));
        };
        let mut properties = given.clone();
        if let Some(level) = properties.remove(ENFORCEMENT_LEVEL)
            && serde_json::from_value::<PackPolicyLevel>(level).is_err()
        {
            return Err(invalid(
                name,
                "enforcementLevel must be advisory, mandatory, remediate or disabled",
            ));
        }
        if name == ALL {
            if !properties.is_empty() {
                return Err(invalid(
                    name,
                    "only enforcementLevel can be configured for all policies",
                ));
            }
            continue;
        }
        let policy = policies
            .iter()
            .find(|policy| policy.get("name").and_then(Value::as_str) == Some(name.as_str()));
        let Some(policy) = policy else {
            return Err(invalid(name, "the pack has no such policy"));
        };
        match policy.get("configSchema") {
            Some(schema) => check_properties(name, schema, properties)?,
            None if properties.is_empty() => {}
            None => return Err(invalid(name, "the policy takes no configuration")),
        }
    }
    Ok(())
}

fn check_properties(
    name: &str,
    schema: &Value,
    mut properties: Map<String, Value>,
) -> Result<(), PulumiRefusal> {
    let declared = schema.get("properties").and_then(Value::as_object);
    for (property, declaration) in declared.into_iter().flatten() {
        if let Some(default) = declaration.get("default") {
            properties
                .entry(property)
                .or_insert_with(|| default.clone());
        }
    }
    let mut object = json!({"type": "object"});
    for member in ["properties", "required"] {
        if let Some(value) = schema.get(member) {
            object[member] = value.clone();
        }
    }
    let validator = jsonschema::draft7::new(&object).map_err(|error| {
        invalid(
            name,
            &format!("the policy's configSchema is not a valid JSON Schema: {error}"),
        )
    })?;
    let properties = Value::Object(properties);
    match validator.iter_errors(&properties).next() {
        Some(error) => Err(invalid(
            name,
            &format!("{}: {error}", error.instance_path()),
        )),
        None => Ok(()),
    }
}

fn invalid(policy: &str, message: &str) -> PulumiRefusal {
    PulumiRefusal::invalid("PolicyGroup", format!("config.{policy}"), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_fits_the_policies_of_its_pack() {
        let policies = json!([
            {"name": "plain"},
            {"name": "sized", "configSchema": {"type": "object", "required": ["max", "unit"], "properties": {
                "max": {"type": "integer", "maximum": 10}, "unit": {"enum": ["GB", "TB"], "default": "GB"}}}},
        ]);
        let policies: Vec<Map<String, Value>> = serde_json::from_value(policies).unwrap();
        for (config, wanted) in [
            (json!({}), None),
            (
                json!({"plain": {}, "all": {"enforcementLevel": "advisory"}}),
                None,
            ),
            (json!({"sized": {"max": 5}}), None),
            (
                json!({"sized": {"max": 5, "unit": "TB", "enforcementLevel": "mandatory"}}),
                None,
            ),
            (
                json!({"plain": "advisory"}),
                Some("plain: must be an object"),
            ),
            (json!({"all": {"max": 1}}), Some("only enforcementLevel")),
            (
                json!({"all": {"enforcementLevel": "strict"}}),
                Some("must be advisory"),
            ),
            (json!({"other": {}}), Some("no such policy")),
            (json!({"plain": {"max": 1}}), Some("takes no configuration")),
            (json!({"sized": {}}), Some("\"max\" is a required property")),
            (json!({"sized": {"max": 11}}), Some("/max: 11 is greater")),
            (
                json!({"sized": {"max": "5"}}),
                Some("/max: \"5\" is not of type"),
            ),
            (json!({"sized": {"max": 5, "unit": "kB"}}), Some("/unit")),
        ] {
            let result = check(&policies, config.as_object().unwrap());
            match wanted {
                None => assert_eq!(result, Ok(()), "{config}"),
                Some(wanted) => {
                    let refusal = format!("{:?}", result.unwrap_err()).replace("\\\"", "\"");
                    assert!(refusal.contains(wanted), "{config}: {refusal}");
                }
            }
        }
    }
}
