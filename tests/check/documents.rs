//! Documents of Chainloop: manifests with their expected diagnostics.

use std::collections::HashMap;

use manifest::config::Target;
use manifest::{Document, parse};
use model::chainloop::{DocumentKind, InputsSchema, LocalReferenceKind, Reference};
use model::diag::{Place, SourceMap};
use model::digest::Digest;
use polwarden::service::chainloop::check::{
    CheckedDocuments, DocumentInput, InputsSchemas, check_documents,
};

use super::check_wording;

const POLICY: &str = "apiVersion: chainloop.dev/v1
kind: Policy
metadata:
  name: sbom-fresh
  organization: my-org
spec:
  inputs:
    - name: days
      required: true
    - name: level
      default: high
  policies:
    - kind: SBOM_CYCLONEDX_JSON
      embedded: package main
    - kind: ATTESTATION
      embedded: package main
      attestationPhases: [INIT, 3]
";

const GROUP: &str = "api_version: workflowcontract.chainloop.dev/v1
kind: PolicyGroup
metadata:
  name: supply-chain
spec:
  inputs:
    - name: bom
      default: sbom
  policies:
    materials:
      - type: SBOM_CYCLONEDX_JSON
        name: '{{ inputs.bom }}'
        policies:
          - ref: sbom-fresh
            with: {days: 030}
    attestation:
      - ref: https://policies.example.com/commit.yaml
      - embedded:
          apiVersion: chainloop.dev/v1
          kind: Policy
          metadata: {name: signed}
          spec:
            inputs: [{name: who}]
            policies: [{kind: 12, embedded: package main}]
        with: {who: '{{ inputs.bom }}'}
";

fn target() -> Target {
    serde_yaml::from_str(
        "{name: loop, provider: chainloop, organization: my-org, paths: [policies]}",
    )
    .unwrap()
}

struct Seen {
    checked: CheckedDocuments,
    sources: SourceMap,
}

fn check_with(policy: &str, group: &str, schemas: &InputsSchemas) -> Seen {
    let mut sources = SourceMap::default();
    let mut documents: Vec<Document> = Vec::new();
    for (name, text) in [("policy", policy), ("group", group)] {
        let parsed = parse(sources.add(name, text), text);
        assert_eq!(parsed.diagnostics, [], "{text}");
        documents.extend(parsed.documents);
    }
    let documents: Vec<&Document> = documents.iter().collect();
    let checked = check_documents(&DocumentInput {
        target: &target(),
        documents: &documents,
        inlined: &HashMap::new(),
        schemas,
        invalid: Default::default(),
    });
    check_wording(&checked.diagnostics);
    Seen { checked, sources }
}

impl Seen {
    /// `code file:path`, followed by the related places.
    fn show(&self) -> Vec<String> {
        let place = |place: &Place| match place {
            Place::Node { document, path, .. } => {
                format!("{}:{path}", self.sources.file(document.file).name())
            }
            Place::File(_) | Place::Bytes { .. } | Place::Text { .. } => {
                panic!("expected a node")
            }
        };
        let findings = self.checked.diagnostics.iter();
        let show = |it: &model::diag::Diagnostic| {
            let places: Vec<_> = it.labels.iter().map(|label| place(&label.place)).collect();
            format!("{} {}", it.code, places.join(" "))
        };
        findings.map(show).collect()
    }
}

/// What is found where a text of the policy is another one.
fn with_policy(old: &str, new: &str) -> Vec<String> {
    assert!(POLICY.contains(old), "{old}");
    check_with(&POLICY.replacen(old, new, 1), GROUP, &InputsSchemas::new()).show()
}

/// What is found where a text of the group is another one.
fn with_group(old: &str, new: &str) -> Vec<String> {
    assert!(GROUP.contains(old), "{old}");
    check_with(POLICY, &GROUP.replacen(old, new, 1), &InputsSchemas::new()).show()
}

#[test]
fn sound_documents_give_what_is_desired() {
    let seen = check_with(POLICY, GROUP, &InputsSchemas::new());
    assert_eq!(seen.show(), Vec::<String>::new());
    let [policy, group] = seen.checked.documents.as_slice() else {
        panic!("{:?}", seen.checked)
    };
    assert_eq!(
        (policy.kind, policy.name.as_str()),
        (DocumentKind::Policy, "sbom-fresh")
    );
    assert_eq!(policy.bytes.as_slice(), POLICY.as_bytes());
    assert_eq!(policy.digest, Digest::of(POLICY.as_bytes()));
    assert_eq!(
        (group.kind, group.name.as_str()),
        (DocumentKind::PolicyGroup, "supply-chain")
    );
    let references: Vec<_> = group
        .references
        .iter()
        .map(|one| one.reference.to_string())
        .collect();
    assert_eq!(references, ["sbom-fresh"]);
    assert_eq!(
        group.references[0].path.to_string(),
        "spec.policies.materials[0].policies[0].ref"
    );
    assert!(policy.local.is_empty() && group.local.is_empty());
}

#[test]
fn names_are_those_that_the_service_takes() {
    for (old, new, expected) in [
        (
            "name: sbom-fresh",
            "name: SBOM",
            "chainloop-name-invalid policy:metadata.name",
        ),
        (
            "name: sbom-fresh",
            "name: -a",
            "chainloop-name-invalid policy:metadata.name",
        ),
        (
            "name: level",
            "name: le-vel",
            "chainloop-name-invalid policy:spec.inputs[1].name",
        ),
        (
            "name: level",
            "name: days",
            "input-name-taken policy:spec.inputs[1].name policy:spec.inputs[0].name",
        ),
        (
            "organization: my-org",
            "organization: other",
            "organization-differs policy:metadata.organization",
        ),
    ] {
        let found = with_policy(old, new);
        assert!(found.contains(&expected.to_owned()), "{new}: {found:?}");
    }
    assert_eq!(
        with_group("name: signed", "name: Signed"),
        ["chainloop-name-invalid group:spec.policies.attestation[1].embedded.metadata.name"]
    );
}

#[test]
fn a_name_is_there_once() {
    let twice = format!("{POLICY}---\n{POLICY}");
    let seen = check_with(&twice, GROUP, &InputsSchemas::new());
    assert_eq!(
        seen.show(),
        ["policy-name-taken policy:metadata.name policy:metadata.name"]
    );
    let seen = check_with(
        POLICY,
        &format!("{GROUP}---\n{GROUP}"),
        &InputsSchemas::new(),
    );
    assert_eq!(
        seen.show(),
        ["group-name-taken group:metadata.name group:metadata.name"]
    );
    // A policy and a group are two things.
    assert_eq!(
        with_group("name: supply-chain", "name: sbom-fresh"),
        Vec::<String>::new()
    );
}

#[test]
fn scripts_and_attachments_come_from_one_place() {
    let script = "    - kind: SBOM_CYCLONEDX_JSON\n      embedded: package main\n";
    for (new, expected) in [
        ("    - kind: SARIF\n", "exactly-one policy:spec.policies[0]"),
        (
            "    - embedded: x\n      ref: https://a.example.com/x.rego\n",
            "exactly-one policy:spec.policies[0].ref policy:spec.policies[0].embedded",
        ),
    ] {
        assert_eq!(with_policy(script, new), [expected], "{new}");
    }
    assert_eq!(
        with_policy("spec:\n", "spec:\n  embedded: x\n"),
        ["exactly-one policy:spec.policies policy:spec.embedded"]
    );
    let empty =
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {name: a}\nspec: {policies: []}\n";
    assert_eq!(
        check_with(empty, "", &InputsSchemas::new()).show(),
        ["exactly-one policy:spec"]
    );
    assert_eq!(
        with_policy("spec:\n", "spec:\n  auto_match: {}\n"),
        ["exactly-one policy:spec.auto_match"]
    );
    assert_eq!(
        with_group(
            "- ref: https",
            "- embedded: {apiVersion: chainloop.dev/v1, kind: Policy, metadata: {name: x}, spec: {embedded: x}}\n        ref: https"
        ),
        [
            "exactly-one group:spec.policies.attestation[0].embedded group:spec.policies.attestation[0].ref"
        ]
    );
}

#[test]
fn types_and_phases_are_those_that_mean_something() {
    let kind = "kind: SBOM_CYCLONEDX_JSON";
    for refused in ["kind: ARTIFACT", "kind: 3"] {
        assert_eq!(
            with_policy(kind, refused),
            ["material-type-refused policy:spec.policies[0].kind"],
            "{refused}"
        );
    }
    assert_eq!(with_policy(kind, "kind: STRING"), Vec::<String>::new());
    assert_eq!(
        with_policy(kind, "kind: NEW_REPORT_JSON"),
        ["material-type-unknown policy:spec.policies[0].kind"]
    );
    assert_eq!(
        with_group("type: SBOM_CYCLONEDX_JSON", "type: NEW_REPORT_JSON"),
        ["material-type-unknown group:spec.policies.materials[0].type"]
    );
    for refused in ["STRING", "ARTIFACT", "EVIDENCE", "11"] {
        let text = format!(
            "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {{name: a}}\nspec: {{embedded: x, type: {refused}}}\n"
        );
        assert_eq!(
            check_with(&text, "", &InputsSchemas::new()).show(),
            ["material-type-refused policy:spec.type"]
        );
    }
    let phases = "attestationPhases: [INIT, 3]";
    let path = "policy:spec.policies[1]";
    assert_eq!(
        with_policy("kind: ATTESTATION", "kind: SARIF"),
        [format!("phases-without-effect {path}.attestationPhases")]
    );
    assert_eq!(
        with_policy("kind: ATTESTATION", "kind: 0"),
        Vec::<String>::new()
    );
    assert_eq!(
        with_policy(
            phases,
            "attestation_phases: [ATTESTATION_PHASE_UNSPECIFIED, PUSH, 2]"
        ),
        [
            format!("phases-without-effect {path}.attestation_phases[0]"),
            format!("phases-without-effect {path}.attestation_phases[2]")
        ]
    );
    for untyped in ["name: x", "type: 0\n        name: x"] {
        let found = with_group(
            "type: SBOM_CYCLONEDX_JSON\n        name: '{{ inputs.bom }}'",
            untyped,
        );
        assert_eq!(
            found,
            ["group-material-untyped group:spec.policies.materials[0].name"],
            "{untyped}"
        );
    }
}

#[test]
fn a_field_is_spelt_in_one_way() {
    assert_eq!(
        with_policy(
            "kind: Policy",
            "kind: Policy\napi_version: chainloop.dev/v1"
        ),
        ["duplicate-key policy:api_version policy:apiVersion"]
    );
    assert_eq!(
        with_policy(
            "  organization",
            "  finding_type: SAST\n  findingType: SAST\n  organization"
        ),
        ["duplicate-key policy:metadata.finding_type policy:metadata.findingType"]
    );
}

#[test]
fn references_lead_somewhere() {
    let embedded = "embedded: package main\n    - kind: ATT";
    for (new, expected) in [
        (
            "path: a.rego",
            Some("local-reference policy:spec.policies[0].path"),
        ),
        (
            "path: file://a.rego",
            Some("local-reference policy:spec.policies[0].path"),
        ),
        (
            "ref: sbom-fresh",
            Some("local-reference policy:spec.policies[0].ref"),
        ),
        (
            "ref: env://X",
            Some("reference-invalid policy:spec.policies[0].ref"),
        ),
        (
            "path: chainloop://x",
            Some("reference-invalid policy:spec.policies[0].path"),
        ),
        ("ref: chainloop://x", None),
        ("path: https://a.example.com/x.rego", None),
    ] {
        let found = with_policy(embedded, &format!("{new}\n    - kind: ATT"));
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{new}");
    }
    let at = "group:spec.policies.attestation[0].ref";
    for (new, expected) in [
        ("file://commit.yaml", Some("local-reference")),
        ("./commit.yaml", Some("reference-invalid")),
        ("commit@1.0", Some("reference-invalid")),
        ("oci://x/commit", Some("reference-invalid")),
        ("chainloop://own:other-org/commit", None),
    ] {
        let found = with_group("https://policies.example.com/commit.yaml", new);
        assert_eq!(
            found,
            expected
                .map(|code| format!("{code} {at}"))
                .into_iter()
                .collect::<Vec<_>>(),
            "{new}"
        );
    }
    let local = POLICY.replacen("embedded: package main", "path: a.rego", 1);
    let seen = check_with(&local, GROUP, &InputsSchemas::new());
    let [policy, _] = seen.checked.documents.as_slice() else {
        panic!("local references can be checked")
    };
    assert_eq!(
        (policy.local[0].kind, policy.local[0].text.as_str()),
        (LocalReferenceKind::Path, "a.rego")
    );
}

#[test]
fn arguments_are_those_that_the_declared_policy_takes() {
    let at = "group:spec.policies.materials[0].policies[0]";
    let name = "policy:metadata.name";
    for (new, expected) in [
        (
            "with: {days: 030, day: 1}",
            vec![format!("argument-unknown {at}.with.day {name}")],
        ),
        (
            "with: {level: low}",
            vec![format!("argument-missing {at} {name}")],
        ),
        (
            "with: {days: ''}",
            vec![format!("argument-missing {at}.with.days {name}")],
        ),
        ("with: {days: '{{ inputs.bom }}'}", vec![]),
        (
            "disabled: true",
            vec![format!("argument-missing {at} {name}")],
        ),
    ] {
        assert_eq!(with_group("with: {days: 030}", new), expected, "{new}");
    }
    let at = "group:spec.policies.attestation[1]";
    assert_eq!(
        with_group("with: {who: '{{ inputs.bom }}'}", "with: {target: x}"),
        [format!("argument-unknown {at}.with.target {at}.embedded")]
    );
    let digest = Digest::of(POLICY.as_bytes());
    // The inputs of another version or owner are unknown.
    let other = Digest::of(b"other");
    for (reference, known) in [
        (format!("sbom-fresh@{digest}"), true),
        ("my-org/sbom-fresh".to_owned(), true),
        (format!("sbom-fresh@{other}"), false),
        ("other-org/sbom-fresh".to_owned(), false),
        ("own:sbom-fresh".to_owned(), false),
    ] {
        let group = GROUP
            .replacen("ref: sbom-fresh", &format!("ref: {reference}"), 1)
            .replacen("days: 030", "x: 1", 1);
        let found = check_with(POLICY, &group, &InputsSchemas::new()).show();
        assert_eq!(!found.is_empty(), known, "{reference}: {found:?}");
    }
}

#[test]
fn arguments_are_those_that_the_server_tells() {
    let schema = r#"{"properties":{
        "days":{"type":"integer","maximum":90},"on":{"type":"boolean"},"names":{"type":"array","items":{"type":"string","pattern":"^[a-z]+$"}},
        "version":{"type":"string","pattern":"^[0-9]\\.[0-9]$"}},"required":["days"]}"#;
    let reference = Reference::parse("other-org/licenses").unwrap();
    let schemas: InputsSchemas =
        [(reference, InputsSchema::parse(schema).unwrap().unwrap())].into();
    let at = "group:spec.policies.attestation[0]";
    for (with, expected) in [
        ("{days: 30, on: true, names: 'a, b', version: 1.0}", vec![]),
        ("{days: '{{ inputs.bom }}', names: a}", vec![]),
        (
            "{days: 91}",
            vec![format!("argument-invalid {at}.with.days")],
        ),
        (
            "{days: yes}",
            vec![format!("argument-invalid {at}.with.days")],
        ),
        (
            "{days: 1, names: 'a, B'}",
            vec![format!("argument-invalid {at}.with.names")],
        ),
        (
            "{days: 1, version: 1.00}",
            vec![format!("argument-invalid {at}.with.version")],
        ),
        (
            "{day: 1}",
            vec![
                format!("argument-unknown {at}.with.day"),
                format!("argument-missing {at}"),
            ],
        ),
    ] {
        let new = format!("ref: other-org/licenses\n        with: {with}");
        let group = GROUP.replacen("ref: https://policies.example.com/commit.yaml", &new, 1);
        assert_eq!(
            check_with(POLICY, &group, &schemas).show(),
            expected,
            "{with}"
        );
    }
    // A server's schema that would be looked at for ever is not looked at.
    let steps: Vec<String> = (0..40)
        .map(|n| {
            format!(
                r##""d{n}":{{"anyOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##,
                n + 1
            )
        })
        .collect();
    let days = format!(
        r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d40":{{"type":"null"}}}}}}"##,
        steps.join(",")
    );
    let schema = format!(r#"{{"properties":{{"days":{days}}}}}"#);
    let reference = Reference::parse("other-org/licenses").unwrap();
    let schemas: InputsSchemas =
        [(reference, InputsSchema::parse(&schema).unwrap().unwrap())].into();
    let new = "ref: other-org/licenses\n        with: {days: 30}";
    let group = GROUP.replacen("ref: https://policies.example.com/commit.yaml", new, 1);
    assert_eq!(check_with(POLICY, &group, &schemas).show(), [""; 0]);
}

/// Unusual input is refused in bounded time, or read unchanged.
#[test]
fn hostile_documents_are_bounded() {
    let mut sources = SourceMap::default();
    let head = "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {name: a}\nspec:\n";
    let deep = format!(
        "{head}  policies: {}{}\n",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let wide = format!(
        "{head}  policies:\n{}",
        "    - {kind: artifacts}\n".repeat(20_000)
    );
    let bomb = format!(
        "{head}  policies: [&a [x, x, x, x], &b [*a, *a, *a, *a, *a, *a], &c [*b, *b, *b, *b, *b, *b]]\n"
    );
    for text in [
        deep,
        wide,
        bomb,
        format!("{head}{}", "---\n".repeat(100_000)),
    ] {
        let parsed = parse(sources.add("a", text.as_str()), &text);
        assert!(
            !parsed.diagnostics.is_empty() && parsed.diagnostics.len() <= 101,
            "{}",
            parsed.diagnostics.len()
        );
    }
    // New types are warnings. There are not more than are ever shown.
    let new = format!(
        "{head}  policies:\n{}",
        "    - {kind: ARTIFACTS, embedded: x}\n".repeat(20_000)
    );
    let warnings = check_with(&new, "", &InputsSchemas::new()).show();
    assert_eq!(warnings.len(), 200);
    // Each of these would not end, were the whole file read again for each document, or each input for each attachment.
    let policies: String = (0..8_000)
        .map(|n| {
            format!(
                "--- {{apiVersion: chainloop.dev/v1, kind: Policy, metadata: {{name: p{n}}}, spec: {{embedded: x}}}}\n"
            )
        })
        .collect();
    assert_eq!(
        check_with(&policies, "", &InputsSchemas::new())
            .checked
            .documents
            .len(),
        8_000
    );
    let inputs: String = (0..20_000)
        .map(|n| format!("    - {{name: i{n}, required: true}}\n"))
        .collect();
    let policy = format!("{head}  embedded: x\n  inputs:\n{inputs}");
    let attachments = "      - {ref: a, with: {j: 1}}\n".repeat(20_000);
    let group = format!(
        "apiVersion: chainloop.dev/v1\nkind: PolicyGroup\nmetadata: {{name: g}}\nspec:\n  policies:\n    attestation:\n{attachments}"
    );
    assert_eq!(
        check_with(&policy, &group, &InputsSchemas::new())
            .checked
            .diagnostics
            .len(),
        101
    );
    // Neither these, if all names were listed and compared with each other in every group.
    let long = "n".repeat(9_000);
    let inputs: String = (0..50)
        .map(|n| format!("    - {{name: {long}{n}}}\n"))
        .collect();
    let policy = format!("{head}  embedded: x\n  inputs:\n{inputs}");
    let wrong: Vec<String> = (0..200).map(|n| format!("w{n}: x")).collect();
    let group = |n: usize| {
        let with = wrong.join(", ");
        format!(
            "---\napiVersion: chainloop.dev/v1\nkind: PolicyGroup\nmetadata: {{name: g{n}}}\nspec: {{policies: {{attestation: [{{ref: a, with: {{{with}}}}}]}}}}\n"
        )
    };
    let groups: String = (0..200).map(group).collect();
    let found = check_with(&policy, &groups, &InputsSchemas::new())
        .checked
        .diagnostics;
    assert!(
        found.len() == 101 && format!("{found:?}").len() < 2_000_000,
        "{}",
        found.len()
    );
    let empty = format!("{head}  policies: [{}]\n", "{}, ".repeat(100_000));
    assert_eq!(
        check_with(&empty, "", &InputsSchemas::new())
            .checked
            .diagnostics
            .len(),
        101
    );
    let rego = format!("{head}  embedded: \"\\e[2J\\u202Epackage main\"\n");
    let parsed = parse(sources.add("a", rego.as_str()), &rego);
    assert_eq!(
        parsed.documents[0]
            .manifest
            .chainloop()
            .unwrap()
            .bytes()
            .as_slice(),
        rego.as_bytes()
    );
}
