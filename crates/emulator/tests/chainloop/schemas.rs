//! The schemas accept the documented examples and reject deviations.

use serde_json::json;

use crate::shared::contract::chainloop::{check, validators};

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
