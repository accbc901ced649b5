//! Checks requests to Chainloop and its answers against the reference page.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::compile;

pub(crate) fn validators() -> &'static HashMap<String, Validator> {
    static VALIDATORS: OnceLock<HashMap<String, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| {
        let document: Value = serde_json::from_str(include_str!("schemas/chainloop.json")).unwrap();
        compile(&document["$defs"], |_| true)
    })
}

/// Checks a value against a schema of the contract: `PolicyAnswer` or `PolicyRequest`.
pub(crate) fn check(name: &str, value: &Value) {
    let wrong: Vec<String> = validators()[name]
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "{value:#}");
}
