//! Requests to Chainloop and its answers, held against the reference page.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

fn validators() -> &'static HashMap<String, Validator> {
    static VALIDATORS: OnceLock<HashMap<String, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| {
        let document: Value = serde_json::from_str(include_str!("schemas/chainloop.json")).unwrap();
        let definitions = document["$defs"].as_object().unwrap();
        let validators = definitions.keys().map(|name| {
            let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": definitions});
            (name.clone(), jsonschema::draft202012::new(&schema).unwrap())
        });
        validators.collect()
    })
}

/// Holds a value against a schema of the contract: `PolicyAnswer` or `PolicyRequest`.
pub(crate) fn check(name: &str, value: &Value) {
    let wrong: Vec<String> = validators()[name]
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "{value:#}");
}

#[test]
fn the_example_of_the_reference_page_fits_and_what_is_wrong_does_not() {
    let policy = json!({
        "metadata": {"name": "n", "description": "d", "annotations": {"key": "a"}, "display_name": "n"},
        "kind": "k", "api_version": "v",
        "spec": {"path": "p", "auto_match": {"path": "p", "embedded": "e"}, "type": "t", "embedded": "e",
                 "inputs": [{"default": "d", "name": "n", "description": "d", "required": true}],
                 "policies": [{"path": "p", "kind": "k", "embedded": "e"}]},
    });
    let mut answer = json!({
        "version_references": [{"digest": "d", "created_at": "2000-01-23T04:56:07.000Z"}],
        "inputs_json_schema": "i", "data": policy, "policy": policy, "builtin": true, "organization_id": "o",
        "digest": "d", "raw": {"format": "FORMAT_UNSPECIFIED", "body": "body"}, "organization_name": "o", "latest": true,
    });
    check("PolicyAnswer", &answer);
    answer["latest"] = json!("yes");
    assert!(!validators()["PolicyAnswer"].is_valid(&answer));
    assert!(!validators()["PolicyRequest"].is_valid(&json!({"policy": policy})));
}
