//! Invalid manifests, and their diagnostics in human output and JSON.

use std::fs;
use std::path::Path;

use manifest::Manifest;
use model::diag::SourceMap;
use polwarden::render::diagnostics::{DiagnosticAmount, DiagnosticsReport, human};

/// The diagnostics of one text, as human output and as JSON.
fn findings(name: &str, text: &str) -> (String, DiagnosticsReport) {
    let mut sources = SourceMap::default();
    let file = sources.add(name, text);
    let diagnostics = if name.starts_with("config") {
        manifest::parse_config(file, text).err().unwrap_or_default()
    } else {
        manifest::parse(file, text).diagnostics
    };
    (
        human(&sources, &diagnostics, DiagnosticAmount::All, false),
        DiagnosticsReport::new(&sources, &diagnostics),
    )
}

#[test]
fn every_wrong_manifest_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifest/cases");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 25);
    for path in cases {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (human, report) = findings(name, &fs::read_to_string(&path).unwrap());
        assert!(!report.diagnostics.is_empty(), "{name} is accepted");
        let stem = path.file_stem().unwrap().to_str().unwrap();
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(stem, human);
            insta::assert_json_snapshot!(format!("{stem}.json"), report);
        });
    }
}

#[test]
fn a_right_manifest_is_read_whole() {
    let text = "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: Registries\n  protect: true\n\
                spec:\n  scope:\n    teams: [security]\n  rules:\n    - name: Allow\n      decision: allow\n      \
                actions: [connect:tcp]\n      resources:\n        - '**.example.com:443'\n---\n# nothing\n---\n\
                {\"apiVersion\": \"polwarden/v1\", \"kind\": \"ResourceList\", \"metadata\": {\"name\": \"l\"}, \
                \"spec\": {\"paths\": [\"~/x\"]}}\n";
    let file = SourceMap::default().add("a.yaml", text);
    let parsed = manifest::parse(file, text);
    assert_eq!(parsed.diagnostics, []);
    let [policy, list] = parsed.documents.as_slice() else {
        panic!("two documents")
    };
    assert_eq!((policy.id.index, list.id.index), (0, 2));
    let Manifest::Policy(policy) = &policy.manifest else {
        panic!("a policy")
    };
    assert!(policy.metadata.protect);
    assert_eq!(
        policy.spec.rules.as_ref().unwrap()[0]
            .resources
            .as_ref()
            .unwrap(),
        &["**.example.com:443"]
    );
}

#[test]
fn hostile_texts_end_in_few_findings() {
    let head = "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata: {name: a}\n";
    let keys = (0..30_000).fold(head.to_owned(), |text, n| text + &format!("k{n}: 1\n"));
    let texts = [
        format!("{head}{}", "x: 1\n".repeat(50_000)),
        keys,
        format!("{head}spec: {{rules: [{}]}}\n", "{}, ".repeat(50_000)),
        format!("{head}spec: {{é: [{}]}}\n", "{}, ".repeat(50_000)),
        format!("{head}spec: {}\n", "[".repeat(200_000)),
        format!("{head}spec:\n  {}x\n", "- ".repeat(200_000)),
        "---\n".repeat(100_000),
        "a: b\n---\n".repeat(50_000),
        "? ".repeat(200_000),
        format!("x: \"{}", "\\".repeat(900_000)),
    ];
    for text in texts {
        // A step whose cost grew with the square of the text would keep this test from ending.
        let (human, report) = findings("hostile.yaml", &text);
        assert!(report.diagnostics.len() <= 101 && human.len() < 200_000);
        // Only documents without content are nothing to complain of.
        assert_eq!(
            report.diagnostics.is_empty(),
            text.starts_with("---\n---\n")
        );
    }
}

/// A policy with a character replaced.
fn broken(at: usize, with: &str) -> String {
    let text = "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: Registries\nspec:\n  rules:\n    \
                - name: Allow\n      decision: allow\n      actions: [connect:tcp]\n      resources:\n        - \"a.example.com\"\n";
    let at = at.min(text.len());
    format!(
        "{}{with}{}",
        &text[..at],
        text.get(at + 1..).unwrap_or_default()
    )
}

/// A character that opens a list breaks the policy nearly everywhere: only inside of words, it may stand.
#[test]
fn a_policy_is_often_broken() {
    let told = (0..200).filter(|at| {
        let (_, report) = findings("broken.yaml", &broken(*at, "["));
        !report.diagnostics.is_empty()
    });
    let told = told.count();
    assert!(told >= 100, "{told} of 200");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(apiVersion: docker.com/governance/v1\nkind: Policy\n)?([a-z:é\\-\\[\\]{}\"'#|&*!, \n\r\t\u{feff}]|\\PC){0,80}") {
        let _ = findings("any.yaml", &text);
    }

    #[test]
    fn a_policy_broken_anywhere_is_explained(at in 0_usize..400, with in "[:\\-\\[\"'&*!#{ \n\té]{0,3}") {
        let broken = broken(at, &with);
        let (_, report) = findings("broken.yaml", &broken);
        // What is still a policy is read as one.
        if report.diagnostics.is_empty() {
            let file = SourceMap::default().add("broken.yaml", broken.as_str());
            let parsed = manifest::parse(file, &broken);
            let manifests: Vec<&Manifest> = parsed.documents.iter().map(|document| &document.manifest).collect();
            proptest::prop_assert!(matches!(manifests.as_slice(), [Manifest::Policy(_)]), "{:?} {}", manifests, broken);
        }
    }
}
