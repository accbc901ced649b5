use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Manifest, ParsedFile, parse};
use model::diag::SourceMap;

fn read(text: &str) -> ParsedFile {
    parse(SourceMap::default().add("a.yaml", text), text)
}

fn only(text: &str) -> Manifest {
    let mut parsed = read(text);
    assert_eq!(parsed.diagnostics, [], "{text}");
    assert_eq!(parsed.documents.len(), 1, "{text}");
    parsed.documents.remove(0).manifest
}

const POLICY: &str = "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {name: a}\nspec: {policies: [{embedded: x}]}\n";

#[test]
fn a_document_keeps_its_bytes() {
    for text in [
        POLICY.to_owned(),
        format!("\u{feff}# license\r\n---\r\n{}# end", POLICY.replace('\n', "\r\n")),
        format!("{POLICY}...\n"),
        r#"{"api_version": "workflowcontract.chainloop.dev/v1", "kind": "Policy", "metadata": {"name": "a"}, "spec": {"path": "x"}}"#.to_owned(),
    ] {
        let manifest = only(&text);
        let document = manifest.chainloop().unwrap();
        assert_eq!(document.bytes().as_slice(), text.as_bytes());
        assert_eq!((document.kind(), document.metadata().name.as_str()), (DocumentKind::Policy, "a"));
    }
}

#[test]
fn documents_of_one_file_have_their_own_bytes() {
    let second = POLICY.replace("name: a", "name: b") + "# last";
    let list = "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {name: l}\nspec: {hosts: [a.example.com]}\n";
    let parsed = read(&format!("{POLICY}---\n{list}--- # next\n{second}"));
    assert_eq!(parsed.diagnostics, []);
    let bytes: Vec<_> = parsed
        .documents
        .iter()
        .filter_map(|document| document.manifest.chainloop()?.bytes().text())
        .collect();
    assert_eq!(bytes, [POLICY, &second]);
}

#[test]
fn a_document_that_cannot_be_told_from_others_is_refused() {
    for (text, sound) in [
        (format!("{POLICY}...\n{POLICY}"), 0),
        (
            format!("{POLICY}---\n{POLICY}...\n%YAML 1.2\n---\n{POLICY}"),
            2,
        ),
        (format!("{POLICY}---\n# nothing\n...\n{POLICY}"), 0),
    ] {
        let parsed = read(&text);
        assert!(
            parsed
                .diagnostics
                .iter()
                .any(|finding| finding.code == Code::YamlUnsupported),
            "{text}"
        );
        assert_eq!(parsed.documents.len(), sound, "{text}");
    }
}

#[test]
fn arguments_are_what_stands_in_the_file() {
    let text = "apiVersion: chainloop.dev/v1
kind: PolicyGroup
metadata: {name: g}
spec:
  policies:
    attestation:
      - ref: p
        with: {a: 1.0, b: yes, c: true, d: 0x10, e: \"1.50\", f: 1e3, g: -0, h: .inf, i: 1e999, j: ~}
    materials:
      - type: SARIF
        policies:
          - ref: p
            with:
              a: &one 007
              b: *one
              c: |
                x
";
    let Manifest::ChainloopGroup(group) = only(text) else {
        panic!("a group")
    };
    let with = |index: usize| {
        let attachments = group.manifest.attachments();
        attachments[index]
            .1
            .with
            .clone()
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>()
    };
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(with(0), pairs(&[("a", "007"), ("b", "007"), ("c", "x\n")]));
    let wanted = [
        ("a", "1.0"),
        ("b", "yes"),
        ("c", "true"),
        ("d", "0x10"),
        ("e", "1.50"),
        ("f", "1e3"),
        ("g", "-0"),
        ("h", ".inf"),
        ("i", "1e999"),
    ];
    assert_eq!(with(1), pairs(&wanted));
}

/// The vendor's published schemas, unchanged.
const PUBLISHED: [(&str, &str); 2] = [
    ("Policy", include_str!("published/policy.json")),
    ("PolicyGroup", include_str!("published/policy-group.json")),
];

fn validators(kind: &str) -> (jsonschema::Validator, jsonschema::Validator) {
    let (_, published) = PUBLISHED.iter().find(|(name, _)| *name == kind).unwrap();
    let name = if kind == "Policy" {
        "chainloop-policy.schema.json"
    } else {
        "chainloop-policy-group.schema.json"
    };
    let own = crate::schema::all()
        .into_iter()
        .find(|file| file.name == name)
        .unwrap();
    let compile = |text: &str| {
        let options =
            jsonschema::options().with_pattern_options(jsonschema::PatternOptions::fancy_regex());
        options.build(&serde_json::from_str(text).unwrap()).unwrap()
    };
    (compile(published), compile(&own.text))
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("chainloop.dev/v1")),
        Just(json!("SAST")),
        Just(json!("ARTIFACT")),
        Just(json!("INIT")),
        Just(json!("EXACT")),
        Just(json!("a/b")),
        Just(json!("")),
        Just(json!(3)),
        Just(json!(99)),
        Just(json!("NEW_TYPE_OF_2027")),
        Just(json!(5_000_000_000_u64)),
        Just(json!(true)),
        Just(Value::Null),
        "[a-z]{1,4}".prop_map(Value::from),
    ]
}

/// Fields of all objects of the documents with arbitrary values. Most are rejected, by both
/// schemas.
fn value() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        "name",
        "description",
        "annotations",
        "organization",
        "findingType",
        "finding_type",
        "path",
        "embedded",
        "ref",
        "type",
        "kind",
        "policies",
        "inputs",
        "autoMatch",
        "auto_match",
        "attestationPhases",
        "materials",
        "attestation_phases",
        "required",
        "default",
        "selector",
        "matchMode",
        "match_mode",
        "disabled",
        "with",
        "requirements",
        "gate",
        "optional",
        "attestation",
        "other",
    ];
    scalar().prop_recursive(5, 24, 3, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(keys.clone(), inner, 0..3)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn shaped(kind: &'static str) -> impl Strategy<Value = Value> {
    let head = prop_oneof![6 => Just(json!({"name": "a"})), 1 => value()];
    (prop_oneof!["apiVersion", "api_version"], head, value(), value(), value(), value(), 0..6_u8).prop_map(
        move |(spelling, metadata, a, b, c, d, form)| {
            let spec = match form {
                0 => json!({"policies": [{"embedded": "x", "kind": a, "attestationPhases": [b]}], "inputs": [{"name": "i", "required": c, "default": d}]}),
                1 => json!({"path": a, "type": b, "auto_match": {"embedded": c}}),
                2 => json!({"policies": {"attestation": [{"ref": a, "requirements": [b], "gate": c, "selector": d}]}}),
                3 => json!({"policies": {"materials": [{"type": a, "name": b, "match_mode": c, "policies": [{"embedded": d}]}]}}),
                4 => json!({"policies": [{"ref": "x", "attestation_phases": a}], "inputs": b}),
                _ => a,
            };
            json!({spelling: "chainloop.dev/v1", "kind": kind, "metadata": metadata, "spec": spec})
        },
    )
}

/// Replaces new types of materials by a known one. Returns whether all numbers of types are known.
fn replace_materials(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter_mut().all(|(name, value)| {
            if !matches!(name.as_str(), "type" | "kind") {
                return replace_materials(value);
            }
            if value == "NEW_TYPE_OF_2027" {
                *value = json!("SARIF");
            }
            // CHECKMARX_JSON is the last one (crafting_schema.proto).
            value
                .as_i64()
                .is_none_or(|number| (0..=42).contains(&number))
        }),
        Value::Array(items) => items.iter_mut().all(replace_materials),
        _ => true,
    }
}

/// Excluded: arguments that are not strings. The vendor reads them although its schema does not
/// allow them.
fn check_against(kind: &str, value: &Value) -> Result<(), TestCaseError> {
    thread_local! {
        static BOTH: [(jsonschema::Validator, jsonschema::Validator); 2] = [validators("Policy"), validators("PolicyGroup")];
    }
    // The one difference that accepts more: types of materials that the vendor adds.
    let mut known = value.clone();
    let materials = replace_materials(&mut known);
    let (published, own) = BOTH.with(|both| {
        let (published, own) = &both[usize::from(kind == "PolicyGroup")];
        (published.is_valid(&known), own.is_valid(value))
    });
    // Apart from that, our schema is at least as strict. It additionally rejects documents and
    // inputs without a name, and numbers that no type of material has.
    prop_assert!(!own || published, "accepted here alone: {}", value);
    if published && !materials {
        prop_assert!(!own, "an unknown number is accepted: {}", value);
        return Ok(());
    }
    let text = value.to_string();
    let nameless = |value: &Value| {
        value
            .get("metadata")
            .is_some_and(|metadata| metadata.get("name").is_none())
    };
    let inputs = value
        .pointer("/spec/inputs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let nameless_input = inputs.into_iter().any(|input| input.get("name").is_none());
    let embedded_nameless = text.contains("\"embedded\":{");
    if published && !nameless(value) && !nameless_input && !embedded_nameless {
        prop_assert!(own, "refused here alone: {}", value);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn policies_fit_the_schema_where_they_fit_the_published_one(value in shaped("Policy")) {
        check_against("Policy", &value)?;
    }

    #[test]
    fn groups_fit_the_schema_where_they_fit_the_published_one(value in shaped("PolicyGroup")) {
        check_against("PolicyGroup", &value)?;
    }
}

/// The comparison is meaningless unless some documents are accepted.
#[test]
fn whole_documents_fit_both() {
    let group = json!({
        "api_version": "chainloop.dev/v1", "kind": "PolicyGroup",
        "metadata": {"name": "g", "finding_type": "SAST", "annotations": {"a": "b"}},
        "spec": {
            "inputs": [{"name": "i", "required": true, "default": "x", "description": "d"}],
            "policies": {
                "attestation": [{"ref": "a", "with": {"i": "1"}, "requirements": ["o/f/r@1"], "gate": false, "disabled": true}],
                "materials": [{"type": 2, "name": "m", "match_mode": "PREFIX", "optional": true, "policies": [{
                    "selector": {"name": "m", "matchMode": 1},
                    "embedded": {
                        "apiVersion": "workflowcontract.chainloop.dev/v1", "kind": "Policy", "metadata": {"name": "e"},
                        "spec": {"auto_match": {"ref": "x"}, "policies": [{"kind": "ATTESTATION", "embedded": "x", "attestation_phases": ["INIT", 3]}]}
                    }
                }]}]
            }
        }
    });
    let (published, own) = validators("PolicyGroup");
    assert!(published.is_valid(&group) && own.is_valid(&group));
    for pointer in [
        "/metadata/other",
        "/spec/policies/materials/0/policies/0/embedded/spec/policies/0/other",
    ] {
        let mut wrong = group.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[key] = json!(1);
        assert!(
            !published.is_valid(&wrong) && !own.is_valid(&wrong),
            "{pointer}"
        );
    }
}

#[test]
fn an_argument_that_is_no_text_is_accepted_here_alone() {
    let group = json!({
        "apiVersion": "chainloop.dev/v1", "kind": "PolicyGroup", "metadata": {"name": "g"},
        "spec": {"policies": {"attestation": [{"ref": "a", "with": {"i": 1.0, "j": true}}]}}
    });
    let (published, own) = validators("PolicyGroup");
    assert!(own.is_valid(&group) && !published.is_valid(&group));
}

#[test]
fn other_kinds_of_chainloop_are_skipped_with_a_note() {
    for (text, kind) in [
        (
            "apiVersion: chainloop.dev/v1\nkind: Contract\nmetadata: {name: c}\nspec: {materials: []}\n",
            "Contract",
        ),
        (
            "apiVersion: chainloop.dev/v1\nkind: Framework\nother: ~\n",
            "Framework",
        ),
        (
            "schemaVersion: v1\nmaterials:\n  - {type: SARIF, name: a}\n",
            "Contract",
        ),
    ] {
        let parsed = read(&format!("{POLICY}---\n{text}"));
        let [note] = parsed.diagnostics.as_slice() else {
            panic!("{:?}", parsed.diagnostics)
        };
        assert_eq!(note.code, Code::DocumentSkipped);
        assert!(note.message.contains(kind), "{}", note.message);
        assert!(!parsed.unreadable && !parsed.is_empty);
        assert_eq!(parsed.documents.len(), 1);
        let alone = read(text);
        assert!(!alone.unreadable && !alone.is_empty && alone.documents.is_empty());
    }
    // A misspelled kind must not vanish.
    for text in [
        POLICY.replace("kind: Policy", "kind: Polciy"),
        POLICY.replace("kind: Policy", "kind: policy"),
        POLICY.replace("kind: Policy", "kind: PolicyGroups"),
        POLICY.replace(
            "chainloop.dev/v1\nkind: Policy",
            "chainloop.dev/v9\nkind: Contract",
        ),
    ] {
        let parsed = read(&text);
        assert!(parsed.unreadable, "{text}");
        assert_eq!(parsed.diagnostics[0].code, Code::UnknownKind, "{text}");
    }
}

#[test]
fn null_means_unset() {
    let text = "apiVersion: chainloop.dev/v1
api_version:
kind: Policy
metadata: {name: a, description: ~, annotations: {x: null, y: z}, finding_type: null}
spec:
  path: ~
  policies:
    - {kind: null, embedded: x, ref: null, attestation_phases:}
  inputs:
";
    let Manifest::ChainloopPolicy(policy) = only(text) else {
        panic!("a policy")
    };
    assert_eq!(policy.bytes.as_slice(), text.as_bytes());
    let manifest = &policy.manifest;
    let unset = ChainloopMetadata {
        description: None,
        finding_type_snake: None,
        annotations: Some([("y".to_owned(), "z".to_owned())].into()),
        ..manifest.metadata.clone()
    };
    assert_eq!(manifest.metadata, unset);
    assert_eq!(manifest.spec.inputs(), []);
    for required in ["metadata: {name: ~}", "metadata: ~"] {
        let parsed = read(&POLICY.replace("metadata: {name: a}", required));
        assert_eq!(parsed.diagnostics[0].code, Code::MissingField, "{required}");
    }
}

#[test]
fn material_types_have_known_numbers_and_the_form_of_names() {
    let with =
        |kind: &str| read(&POLICY.replace("embedded: x", &format!("embedded: x, kind: {kind}")));
    for kind in ["SARIF", "NEW_TYPE_2", "X", "0", "42", "12.0"] {
        assert_eq!(with(kind).diagnostics, [], "{kind}");
    }
    for kind in [
        "sarif",
        "SARIF_",
        "_X",
        "2X",
        "A-B",
        "\"42\"",
        "43",
        "-1",
        "4294967297",
        "1.5",
        "true",
    ] {
        let parsed = with(kind);
        let [finding] = parsed.diagnostics.as_slice() else {
            panic!("{kind}: {:?}", parsed.diagnostics)
        };
        assert!(
            matches!(finding.code, Code::InvalidValue | Code::WrongType),
            "{kind}"
        );
    }
}
