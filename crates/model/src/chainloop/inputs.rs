//! The inputs of a policy, as returned by the server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The JSON Schema of a policy's inputs (contract: `inputs_json_schema`, a JSON Schema inside a
/// string).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputsSchema {
    /// The inputs with the schemas of their values.
    pub properties: BTreeMap<String, Value>,
    /// The required inputs.
    pub required: BTreeSet<String>,
}

impl InputsSchema {
    /// Parses the text of the server. An empty text means that there is no schema.
    ///
    /// # Errors
    /// The reason why the text is not a schema, as a sentence.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let schema: Value = serde_json::from_str(text)
            .map_err(|error| format!("the schema of the inputs is not JSON: {error}"))?;
        let Value::Object(mut schema) = schema else {
            return Err("the schema of the inputs is not an object".to_owned());
        };
        let properties = match schema.remove("properties") {
            Some(Value::Object(properties)) => properties.into_iter().collect(),
            Some(_) | None => BTreeMap::new(),
        };
        let required = match schema.remove("required") {
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Some(_) | None => BTreeSet::new(),
        };
        Ok(Some(Self {
            properties,
            required,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_read_from_its_text() {
        assert_eq!(InputsSchema::parse(" "), Ok(None));
        assert!(InputsSchema::parse("{").is_err() && InputsSchema::parse("[]").is_err());
        let schema =
            InputsSchema::parse(r#"{"properties":{"a":{"type":"string"}},"required":["a",1]}"#);
        let schema = schema.unwrap().unwrap();
        assert_eq!(schema.properties.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(schema.required, BTreeSet::from(["a".to_owned()]));
    }
}
