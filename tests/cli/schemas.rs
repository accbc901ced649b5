//! The schemas: up to date, and true of what is written.

use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;

use super::sandbox::{Sandbox, policy, policy_with, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

fn validator(sandbox: &Sandbox, name: &str) -> jsonschema::Validator {
    let schema: Value =
        serde_json::from_str(&sandbox.read(&format!("schemas/{name}.schema.json"))).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
fn assert_valid(validator: &jsonschema::Validator, value: &Value) {
    let faults: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_committed_schemas_are_not_stale() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let sandbox = Sandbox::empty();
    sandbox.expect(0, &["schema", "--check", "--out", folder.to_str().unwrap()]);
    sandbox.expect(0, &["schema"]);
    let names = |folder: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(&folder),
        names(&sandbox.path("schemas")),
        "no file is left over"
    );
}

#[test]
fn a_stale_or_missing_schema_is_found() {
    let sandbox = Sandbox::empty();
    let ran = sandbox.expect(1, &["schema", "--check"]);
    assert!(
        ran.err.contains("missing: schemas/config.schema.json"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["schema"]);
    sandbox.expect(0, &["schema", "--check"]);
    sandbox.write("schemas/plan.schema.json", "{}");
    let ran = sandbox.expect(1, &["schema", "--check"]);
    assert!(
        ran.err.contains("stale: schemas/plan.schema.json"),
        "{}",
        ran.err
    );
}

#[test]
fn output_fits_its_schemas() {
    let sandbox = Sandbox::new("profile: current\nunmanaged: prune\n");
    sandbox.expect(0, &["schema"]);
    let plans = validator(&sandbox, "plan");
    let findings = validator(&sandbox, "diagnostics");
    let plan = |sandbox: &Sandbox| {
        let plan = sandbox
            .expect(0, &["plan", EMBEDDED, "--format", "json"])
            .json();
        assert_valid(&plans, &plan);
        plan
    };
    let http = "  - {name: h, decision: allow, actions: [\"request:get\"], httpResources: [{host: a.example.com, path: /}]}\n";
    sandbox.write(
        "policies/a.yaml",
        policy(
            "a",
            &format!("rules:\n{}{http}", tcp("r", "allow", "a.example.com")),
        ),
    );
    sandbox.write(
        "policies/b.yaml",
        policy("b", "cedar: {schemaUrl: 'https://s.example.com', text: 'permit(principal, action, resource);'}\n"),
    );
    plan(&sandbox);
    assert_valid(
        &findings,
        &sandbox.expect(0, &["validate", "--format", "json"]).json(),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    plan(&sandbox);

    std::fs::remove_file(sandbox.path("policies/b.yaml")).unwrap();
    let changed = format!(
        "scope: {{teams: [d290f1ee-6c54-4b01-90e6-d701748f0851]}}\nrules:\n{}{http}",
        tcp("r", "deny", "b.example.com")
    );
    sandbox.write(
        "policies/a.yaml",
        policy_with("c", "aliases: [a]", &changed),
    );
    let plan = plan(&sandbox);
    assert_eq!(plan["targets"][0]["changes"].as_array().unwrap().len(), 2);
    let mut wrong = plan;
    wrong["targets"][0]["surprise"] = Value::Null;
    assert!(!plans.is_valid(&wrong), "the schema is closed");

    sandbox.write("policies/bad.yaml", "kind: Policy\n---\na: [1, 1\n");
    assert_valid(
        &findings,
        &sandbox.expect(3, &["validate", "--format", "json"]).json(),
    );
}

#[test]
fn what_init_writes_fits_the_schemas() {
    let sandbox = Sandbox::empty();
    sandbox.init(".");
    for (file, schema) in [
        ("polwarden.yaml", "config"),
        ("policies/package-managers.yaml", "polwarden"),
    ] {
        let text = sandbox.read(file);
        for document in serde_yaml::Deserializer::from_str(&text) {
            let value = Value::deserialize(document).unwrap();
            assert_valid(&validator(&sandbox, schema), &value);
        }
        assert!(
            text.starts_with("# yaml-language-server: $schema="),
            "{file}"
        );
        let reference = text.lines().next().unwrap().rsplit('=').next().unwrap();
        assert!(
            sandbox
                .path(file)
                .parent()
                .unwrap()
                .join(reference)
                .exists(),
            "{file}: {reference}"
        );
    }
    let settings: Value = serde_json::from_str(&sandbox.read(".vscode/settings.json")).unwrap();
    for schema in settings["yaml.schemas"].as_object().unwrap().keys() {
        assert!(sandbox.path(schema).exists(), "{schema}");
    }
}
