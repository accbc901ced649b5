//! Manifests with schema errors: everything else in them is checked, and their errors have no
//! consequences elsewhere.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use manifest::config::Target;
use manifest::lock::LockFile;
use manifest::{Document, IncompleteDocument};
use model::diag::{Diagnostic, Place, SourceMap};
use polwarden::service::check_config::check_incomplete_config;
use polwarden::service::invalid::InvalidManifests;
use polwarden::service::registry::{Manifests, ServerFacts, check, check_tests};
use serde_json::{Value, json};

/// All errors and warnings of one file, as `code document:path`.
fn findings_at(target: &str, text: &str) -> Vec<String> {
    let target: Target = serde_yaml::from_str(target).expect("a target");
    let file = SourceMap::default().add("policies/all.yaml", text);
    let parsed = manifest::parse(file, text);
    let documents: Vec<&Document> = parsed.documents.iter().collect();
    let incomplete: Vec<_> = parsed.incomplete.into_iter().map(Arc::new).collect();
    let manifests = Manifests {
        target: &target,
        documents: &documents,
        cedar_files: &HashMap::new(),
        pack_sources: &HashMap::new(),
        inlined: &HashMap::new(),
        lock: &LockFile::default(),
        invalid: InvalidManifests {
            incomplete: &incomplete,
            unreadable: parsed.unreadable,
            lock: false,
        },
    };
    let facts = ServerFacts::offline();
    let checked = check(&manifests, &facts);
    let tests = check_tests(&manifests, &facts);
    let mut all = parsed.diagnostics;
    all.extend(checked.diagnostics);
    all.extend(tests.diagnostics);
    let mut shown: Vec<String> = all.iter().map(show).collect();
    shown.sort();
    shown
}

fn show(diagnostic: &Diagnostic) -> String {
    let place = match &diagnostic.labels[0].place {
        Place::Node { document, path, .. } => format!("{}:{path}", document.index),
        Place::File(_) => "file".to_owned(),
        Place::Bytes { .. } | Place::Text { .. } => "bytes".to_owned(),
    };
    format!("{} {place}", diagnostic.code)
}

/// Documents with one invalid value each, made from a valid one.
fn broken(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut open = vec![String::new()];
    while let Some(pointer) = open.pop() {
        let node = document.pointer(&pointer).unwrap();
        let children: Vec<String> = match node {
            Value::Object(fields) => fields.keys().cloned().collect(),
            Value::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for child in &children {
            let path = format!("{pointer}/{child}");
            if ["/apiVersion", "/kind"].contains(&path.as_str()) {
                continue;
            }
            for value in [json!(null), json!(7), json!({"x": 1})] {
                let mut copy = document.clone();
                *copy.pointer_mut(&path).unwrap() = value.clone();
                all.push((format!("{path} is {value}"), copy));
            }
            if node.is_object() {
                for name in [None, Some(format!("{child}x")), Some("unknown".to_owned())] {
                    let mut copy = document.clone();
                    let fields = copy.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
                    let value = fields.remove(child).unwrap();
                    let told = format!("{path} is {name:?}");
                    fields.extend(name.map(|name| (name, value)));
                    all.push((told, copy));
                }
            }
            open.push(path);
        }
    }
    all
}

/// The first target of an example, and all its documents.
fn example(name: &str) -> (Target, Vec<Value>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    let text = fs::read_to_string(root.join("polwarden.yaml")).unwrap();
    let file = SourceMap::default().add("polwarden.yaml", "");
    let (mut config, _) = manifest::parse_config(file, &text).unwrap();
    let mut documents = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("packs") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yaml")
                && !path.ends_with("polwarden.yaml")
            {
                let text = fs::read_to_string(path).unwrap();
                documents.extend(manifest::plain_documents(&text).unwrap());
            }
        }
    }
    documents.sort_by_key(Value::to_string);
    (config.targets.remove(0), documents)
}

/// Errors of the schema have no consequences: with one of them anywhere in the examples, the checks
/// report nothing that they do not report without it.
#[test]
fn no_schema_error_has_consequences() {
    let names = [
        "quickstart",
        "cedar",
        "gates",
        "profiles-seed",
        "pulumi",
        "chainloop",
    ];
    let mut tried = 0;
    let mut consequences = Vec::new();
    for name in names {
        let (target, values) = example(name);
        let mut sources = SourceMap::default();
        let mut add = |value: &Value| {
            let text = value.to_string();
            let file = sources.add("a.json", text.as_str());
            (file, manifest::parse(file, &text).documents.remove(0))
        };
        let valid: Vec<_> = values.iter().map(&mut add).collect();
        let findings = |without: Option<usize>, incomplete: &[Arc<IncompleteDocument>]| {
            let documents = valid.iter().enumerate();
            let documents = documents.filter(|(index, _)| Some(*index) != without);
            let documents: Vec<&Document> = documents.map(|(_, (_, document))| document).collect();
            let manifests = Manifests {
                target: &target,
                documents: &documents,
                cedar_files: &HashMap::new(),
                pack_sources: &HashMap::new(),
                inlined: &HashMap::new(),
                lock: &LockFile::default(),
                invalid: InvalidManifests {
                    incomplete,
                    unreadable: false,
                    lock: false,
                },
            };
            let facts = ServerFacts::offline();
            let mut all = check(&manifests, &facts).diagnostics;
            all.extend(check_tests(&manifests, &facts).diagnostics);
            all
        };
        let before = findings(None, &[]);
        for (index, value) in values.iter().enumerate() {
            for (what, broken) in broken(value) {
                let parsed = manifest::parse(valid[index].0, &broken.to_string());
                if parsed.incomplete.is_empty() {
                    assert_eq!(parsed.documents.len(), 1, "{name}: {what}: {broken}");
                    continue;
                }
                let incomplete: Vec<_> = parsed.incomplete.into_iter().map(Arc::new).collect();
                let mut after = findings(Some(index), &incomplete);
                after.retain(|finding| !before.contains(finding));
                let after: Vec<String> = after
                    .iter()
                    .map(|it| format!("{} {}", show(it), it.message))
                    .collect();
                if !after.is_empty() {
                    consequences.push(format!(
                        "{name}: {} {what}: {after:?}",
                        value["metadata"]["name"]
                    ));
                }
                tried += 1;
            }
        }
    }
    assert!(consequences.is_empty(), "{consequences:#?}");
    assert!(tried > 1_000, "{tried}");
}

const DOCKER: &str = "{name: main, provider: docker, organization: example, paths: [policies]}";
const PULUMI: &str = "{name: main, provider: pulumi, organization: example, paths: [policies]}";
const CHAINLOOP: &str =
    "{name: main, provider: chainloop, organization: example, paths: [policies]}";

fn policy(rules: &[&str]) -> String {
    format!(
        "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata: {{name: p}}\nspec: {{rules: [{}]}}\n",
        rules.join(", ")
    )
}

fn list(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

const BAD_HOST: &str =
    "{name: bad, decision: allow, actions: ['connect:tcp'], resources: ['a b.example.com']}";

#[test]
fn a_schema_error_hides_nothing_in_other_rules() {
    let cases: &[(&str, &[&str])] = &[
        (
            "{name: a, decision: alow, actions: ['connect:tcp'], resources: [a.example.com]}",
            &["invalid-value 0:spec.rules[0].decision"],
        ),
        ("text", &["wrong-type 0:spec.rules[0]"]),
        (
            "{name: a, decision: deny, actions: ['connect:tcp'], resources: ['c d.example.com', 1]}",
            &[
                "host-malformed 0:spec.rules[0].resources[0]",
                "wrong-type 0:spec.rules[0].resources[1]",
            ],
        ),
        // The name is another one, but the resources are known to be invalid.
        (
            "{decision: deny, actions: ['connect:tcp'], resources: ['a:99999']}",
            &[
                "missing-field 0:spec.rules[0]",
                "port-invalid 0:spec.rules[0].resources[0]",
            ],
        ),
        // No kind of resource is concluded from invalid actions.
        (
            "{name: a, decision: deny, actions: [rite], resources: [/x]}",
            &["invalid-value 0:spec.rules[0].actions[0]"],
        ),
        (
            "{name: a, decision: deny, actions: read, resources: [/x]}",
            &["wrong-type 0:spec.rules[0].actions"],
        ),
        // An unknown field may be the missing one.
        (
            "{name: a, decision: deny, actions: ['connect:tcp'], hosts: [x]}",
            &["unknown-field 0:spec.rules[0].hosts"],
        ),
        (
            "{name: a, decision: deny, actions: ['connect:tcp'], resorces: [x]}",
            &["unknown-field 0:spec.rules[0].resorces"],
        ),
        // UDP is rarely allowed, but an invalid decision allows nothing.
        (
            "{name: a, decision: 1, actions: ['connect:udp'], resources: [x]}",
            &["wrong-type 0:spec.rules[0].decision"],
        ),
        // Two invalid names are not the same name.
        (
            "{name: '', decision: deny, actions: ['connect:tcp'], resources: [x.example.com]}, \
              {name: '', decision: deny, actions: ['connect:tcp'], resources: [y.example.com]}",
            &[
                "invalid-value 0:spec.rules[0].name",
                "invalid-value 0:spec.rules[1].name",
            ],
        ),
    ];
    for (rule, expected) in cases {
        let index = rule.matches("{name: ''").count().max(1);
        let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        expected.push(format!("host-malformed 0:spec.rules[{index}].resources[0]"));
        expected.sort();
        assert_eq!(
            findings_at(DOCKER, &policy(&[rule, BAD_HOST])),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn an_invalid_list_has_no_consequences_in_rules() {
    let rule = "{name: a, decision: allow, actions: ['connect:tcp'], resourcesFrom: [l]}";
    for (list, expected) in [
        (list("l", "{hosts: [1]}"), "wrong-type 1:spec.hosts[0]"),
        (list("l", "{hosts: x}"), "wrong-type 1:spec.hosts"),
        (list("l", "{host: [x]}"), "unknown-field 1:spec.host"),
        (list("l", "{names: [x]}"), "unknown-field 1:spec.names"),
        (list("''", "{hosts: [x]}"), "invalid-value 1:metadata.name"),
        (list("l", "[]"), "wrong-type 1:spec"),
        (
            list("l", "{hosts: [x], paths: [/x]}"),
            "exactly-one 1:spec.paths",
        ),
        (
            list("l", "{hosts: [x]}").replace("ResourceList", "ResourcesList"),
            "unknown-kind 1:kind",
        ),
    ] {
        let text = format!("{}---\n{list}", policy(&[rule]));
        assert_eq!(findings_at(DOCKER, &text), [expected], "{list}");
    }
    // A path that the invalid list may contain is not missing elsewhere.
    let text = format!(
        "{}---\n{}",
        policy(&[
            "{name: w, decision: allow, actions: [write], resources: [/x/y]}",
            "{name: r, decision: allow, actions: [read], resourcesFrom: [l]}",
        ]),
        list("l", "{paths: [1]}")
    );
    assert_eq!(findings_at(DOCKER, &text), ["wrong-type 1:spec.paths[0]"]);
}

#[test]
fn a_list_is_not_unused_while_rules_are_invalid() {
    let text = format!(
        "{}---\n{}",
        policy(&["{name: a, decision: allow, actions: ['connect:tcp'], resourcesFrom: l}"]),
        list("l", "{hosts: [x]}")
    );
    assert_eq!(
        findings_at(DOCKER, &text),
        ["wrong-type 0:spec.rules[0].resourcesFrom"]
    );
}

#[test]
fn a_syntax_error_has_no_consequences_before_it() {
    let rule = "{name: a, decision: allow, actions: ['connect:tcp'], resourcesFrom: [l]}";
    let text = format!("{}---\n{{\n", policy(&[rule, BAD_HOST]));
    assert_eq!(
        findings_at(DOCKER, &text),
        [
            "host-malformed 0:spec.rules[1].resources[0]",
            "yaml-syntax bytes"
        ]
    );
}

#[test]
fn all_cases_of_a_policy_test_are_checked() {
    let test = |cases: &str| {
        format!(
            "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {{name: t}}\nspec: {{cases: [{cases}]}}\n"
        )
    };
    let invalid = "{name: b, allow: ['tcp nowhere']}";
    for (case, expected) in [
        (
            "{name: a, allow: ['tcp {host}:1'], matrix: {host: []}}",
            vec!["empty-list 0:spec.cases[0].matrix.host"],
        ),
        (
            "{name: a, allow: ['tcp {host}:1'], matrix: 1}",
            vec!["wrong-type 0:spec.cases[0].matrix"],
        ),
        (
            "{name: a, allow: [1], matrix: {host: [x]}}",
            vec!["wrong-type 0:spec.cases[0].allow[0]"],
        ),
        (
            "{name: a, permit: ['tcp x:1']}",
            vec!["unknown-field 0:spec.cases[0].permit"],
        ),
        (
            "{name: a, allow: ['fly x', 1]}",
            vec![
                "request-invalid 0:spec.cases[0].allow[0]",
                "wrong-type 0:spec.cases[0].allow[1]",
            ],
        ),
    ] {
        let mut expected = expected;
        expected.push("request-invalid 0:spec.cases[1].allow[0]");
        expected.sort_unstable();
        let text = test(&format!("{case}, {invalid}"));
        assert_eq!(findings_at(DOCKER, &text), expected, "{case}");
    }
}

#[test]
fn packs_and_groups_are_checked_as_far_as_they_are_valid() {
    let pack = |policies: &str| {
        format!(
            "apiVersion: pulumi.com/v1\nkind: PolicyPack\nmetadata: {{name: guard}}\nspec: {{displayName: Guard, \
             versionTag: 1.0.0, versionTagSuffix: source-digest, source: ../pack, policies: [{policies}]}}\n"
        )
    };
    let group = |packs: &str| {
        format!(
            "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata: {{name: all}}\nspec: {{policyPacks: [{packs}]}}\n"
        )
    };
    let valid = "{name: size, description: d, enforcementLevel: advisory, message: m}";
    for (text, expected) in [
        // A policy with an invalid name may be the one that the group configures.
        (
            format!(
                "{}---\n{}",
                pack("{name: '', description: d, enforcementLevel: advisory, message: m}"),
                group("{name: guard, config: {size: {enforcementLevel: advisory}}}")
            ),
            vec!["invalid-value 0:spec.policies[0].name"],
        ),
        // An invalid policy does not hide another, and the group still knows the pack.
        (
            format!(
                "{}---\n{}",
                pack(&format!(
                    "{{name: 'a b', description: d, enforcementLevel: never, message: m}}, {valid}"
                )),
                group("{name: guard}")
            ),
            vec![
                "invalid-value 0:spec.policies[0].enforcementLevel",
                "pulumi-name-invalid 0:spec.policies[0].name",
            ],
        ),
        (
            pack(valid).replace("name: guard", "name: ''") + "---\n" + &group("{name: guard}"),
            vec!["invalid-value 0:metadata.name"],
        ),
        (
            format!(
                "{}---\n{}",
                pack(valid),
                group("{name: guard, config: [], versionTag: 'a b'}, {name: guards}")
            ),
            vec![
                // This test reads no sources.
                "invalid-value 0:spec.source",
                "missing-field 1:spec.policyPacks[1].name",
                "pulumi-name-invalid 1:spec.policyPacks[0].versionTag",
                "wrong-type 1:spec.policyPacks[0].config",
            ],
        ),
    ] {
        assert_eq!(findings_at(PULUMI, &text), expected, "{text}");
    }
}

#[test]
fn documents_are_checked_as_far_as_they_are_valid() {
    let policy = |inputs: &str| {
        format!(
            "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {{name: 'a b'}}\nspec: {{inputs: [{inputs}], \
             policies: [{{kind: SBOM_CYCLONEDX_JSON, embedded: x}}]}}\n"
        )
    };
    let group = |attachment: &str| {
        format!(
            "apiVersion: chainloop.dev/v1\nkind: PolicyGroup\nmetadata: {{name: g}}\nspec: {{policies: {{attestation: \
             [{attachment}]}}}}\n"
        )
    };
    assert_eq!(
        findings_at(CHAINLOOP, &policy("{name: 1}, {name: 'b c'}")),
        [
            "chainloop-name-invalid 0:metadata.name",
            "chainloop-name-invalid 0:spec.inputs[1].name",
            "wrong-type 0:spec.inputs[0].name",
        ]
    );
    // Invalid inputs may be the ones that the group gives.
    let text = policy("{name: 1}").replace("a b", "p")
        + "---\n"
        + &group("{ref: p, with: {limit: '1'}}, {ref: 'p@x'}");
    assert_eq!(
        findings_at(CHAINLOOP, &text),
        [
            "reference-invalid 1:spec.policies.attestation[1].ref",
            "wrong-type 0:spec.inputs[0].name",
        ]
    );
}

#[test]
fn no_schema_error_of_a_configuration_has_consequences() {
    let mut tried = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap() {
        let Ok(text) = fs::read_to_string(entry.unwrap().path().join("polwarden.yaml")) else {
            continue;
        };
        let config = manifest::plain_yaml(&text).unwrap();
        let file = SourceMap::default().add("polwarden.yaml", "");
        for (what, broken) in broken(&config) {
            let broken = broken.to_string();
            if manifest::parse_config(file, &broken).is_ok() {
                continue;
            }
            let incomplete = manifest::parse_incomplete_config(file, &broken);
            let found = check_incomplete_config(&incomplete.expect("a configuration"));
            assert_eq!(found, [], "{what} in {config}");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn all_targets_of_a_configuration_are_checked() {
    let check = |targets: &str| {
        let text = format!("apiVersion: polwarden/v1\nkind: Config\ntargets: [{targets}]\n");
        let file = SourceMap::default().add("polwarden.yaml", text.as_str());
        let mut all = manifest::parse_config(file, &text).unwrap_err();
        let incomplete = manifest::parse_incomplete_config(file, &text).unwrap();
        all.extend(check_incomplete_config(&incomplete));
        let mut shown: Vec<String> = all.iter().map(show).collect();
        shown.sort();
        shown
    };
    assert_eq!(
        check(
            "{name: a, provider: dockr, organization: o, paths: [..]}, \
             {name: a, provider: docker, organization: o, paths: [p], writes: true, \
              access: {never: [{request: nothing}, {request: 1}], \
                       audiences: [{name: x, teams: [y]}]}}"
        ),
        [
            "invalid-value 0:targets[0].provider",
            "invalid-value 0:targets[1].access.never[0]",
            "target-name-taken 0:targets[1].name",
            "target-path-invalid 0:targets[0].paths[0]",
            "unknown-field 0:targets[1].writes",
            "unknown-team 0:targets[1].access.audiences[0].teams[0]",
            "wrong-type 0:targets[1].access.never[1].request",
        ]
    );
    // An alias or audience that is invalid is not unknown elsewhere.
    assert_eq!(
        check(
            "{name: a, provider: docker, organization: o, paths: [p], teams: [y], \
              access: {never: [{request: 'tcp a:1', audience: z}], \
                       audiences: [{name: x, teams: [y]}, {name: '', teams: [y]}]}}"
        ),
        [
            "invalid-value 0:targets[0].access.audiences[1].name",
            "wrong-type 0:targets[0].teams",
        ]
    );
}
