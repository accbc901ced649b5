use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::{config, docker, list};
use model::diag::{DocumentId, SourceMap};

#[test]
fn every_schema_is_one_and_compiles() {
    for file in all() {
        let schema: Value = serde_json::from_str(&file.text).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{}", file.name);
        jsonschema::validator_for(&schema).unwrap();
    }
}

/// `UPDATE_SCHEMAS=1 cargo test schemas` updates the files.
#[test]
fn the_committed_schemas_are_not_stale() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    for file in all() {
        let path = folder.join(file.name);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &file.text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == file.text,
            "schemas/{} is stale; run `polwarden schema --out schemas`",
            file.name
        );
    }
}

#[test]
fn the_union_chooses_by_kind() {
    let union: Value = serde_json::from_str(&all().pop().unwrap().text).unwrap();
    let validator = jsonschema::validator_for(&union).unwrap();
    let list = |spec: Value| json!({"apiVersion": "polwarden/v1", "kind": "ResourceList", "metadata": {"name": "a"}, "spec": spec});
    assert!(validator.is_valid(&list(json!({"hosts": ["a.example.com"]}))));
    assert!(!validator.is_valid(&list(json!({"host": ["a.example.com"]}))));
    assert!(!validator.is_valid(&json!({"apiVersion": "polwarden/v1", "kind": "Other"})));
}

fn maybe<T: Strategy<Value = Value>>(strategy: T) -> impl Strategy<Value = Option<Value>> {
    proptest::option::weighted(0.6, strategy)
}

fn texts() -> impl Strategy<Value = Value> {
    let text = prop_oneof![8 => "[a-z/*.]{0,6}".prop_map(Value::from), 1 => any::<u8>().prop_map(Value::from)];
    proptest::collection::vec(text, 0..3).prop_map(Value::from)
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn rule() -> impl Strategy<Value = Value> {
    let action = prop_oneof!["connect:tcp", "read", "request:get", "fly"].prop_map(Value::from);
    let http = (
        maybe("[a-z]{1,3}".prop_map(Value::from)),
        maybe(any::<i32>().prop_map(Value::from)),
    )
        .prop_map(|(host, port)| {
            json!([object([
                ("host", host),
                ("port", port),
                ("path", Some(json!("/a")))
            ])])
        });
    (
        maybe(" ?[a-z]{0,3}".prop_map(Value::from)),
        prop_oneof!["allow", "deny", "Allow"].prop_map(Value::from),
        proptest::collection::vec(action, 0..3).prop_map(Value::from),
        maybe(texts()),
        maybe(http),
    )
        .prop_map(|(name, decision, actions, resources, http)| {
            object([
                ("name", name),
                ("decision", Some(decision)),
                ("actions", Some(actions)),
                ("resources", resources),
                ("httpResources", http),
            ])
        })
}

fn policy() -> impl Strategy<Value = Value> {
    (maybe(texts()), proptest::collection::vec(rule(), 0..2), any::<bool>()).prop_map(|(teams, rules, null)| {
        let scope = if null { Some(Value::Null) } else { teams.map(|teams| json!({"teams": teams})) };
        json!({
            "apiVersion": "docker.com/governance/v1", "kind": "Policy", "metadata": {"name": "a"},
            "spec": object([("scope", scope), ("rules", Some(rules.into()))])
        })
    })
}

fn share() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        "[0-9]{1,3}%?".prop_map(Value::from),
        Just(Value::Null)
    ]
}

#[test]
fn the_schema_accepts_many_policies() {
    let document = DocumentId {
        file: SourceMap::default().add("a", ""),
        index: 0,
    };
    let mut runner = TestRunner::deterministic();
    let policies = policy();
    let accepted = (0..200).filter(|_| {
        let value = policies.new_tree(&mut runner).unwrap().current();
        check(document, &value).is_ok()
    });
    let accepted = accepted.count();
    assert!(accepted >= 10, "{accepted} of 200");
}

proptest! {
    #[test]
    fn what_the_schema_accepts_the_type_accepts(value in policy()) {
        let document = DocumentId { file: SourceMap::default().add("a", ""), index: 0 };
        match check(document, &value) {
            Ok(_) => prop_assert!(serde_json::from_value::<docker::DockerPolicyManifest>(value).is_ok()),
            Err(findings) => prop_assert!(!findings.is_empty()),
        }
    }

    #[test]
    fn limits_are_accepted_alike(share in share()) {
        let value = json!({
            "apiVersion": "polwarden/v1", "kind": "Config",
            "targets": [{"name": "a", "provider": "docker", "organization": "o", "paths": ["p"], "limits": {"maxDeletes": share}}]
        });
        let document = DocumentId { file: SourceMap::default().add("a", ""), index: 0 };
        prop_assert_eq!(check(document, &value).is_ok(), serde_json::from_value::<config::Config>(value).is_ok());
    }
}

#[test]
fn a_written_manifest_fits_its_schema() {
    let document = DocumentId {
        file: SourceMap::default().add("a", ""),
        index: 0,
    };
    let manifest = list::ResourceListManifest {
        api_version: list::PolwardenApiVersion::V1,
        kind: list::ResourceListKind::ResourceList,
        metadata: list::ResourceListMetadata {
            name: "hosts".to_owned(),
        },
        spec: list::ResourceListSpec {
            hosts: Some(vec!["a.example.com".to_owned()]),
            paths: None,
            http_resources: None,
        },
    };
    let value = serde_json::to_value(manifest).unwrap();
    assert_eq!(check(document, &value), Ok(ManifestKind::ResourceList));
}
