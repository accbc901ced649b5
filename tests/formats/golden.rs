//! One plan in every format.

use polwarden::render::annotations::{PackDiagnostics, RepositoryPrefix};
use polwarden::render::{github, gitlab, junit, markdown, sarif};

use super::world::{Words, options, render};

macro_rules! golden {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

#[test]
fn a_plan() {
    for (format, text) in Words::ordinary().formats() {
        golden!(format!("plan_{format}"), without_style(text));
    }
}

#[test]
fn drift() {
    for (format, text) in Words::ordinary().drift_formats() {
        golden!(format!("drift_{format}"), without_style(text));
    }
}

/// A page without style, script and their digests, which have their own files.
fn without_style(text: String) -> String {
    let cut = |text: String, from: &str, to: &str| match (text.find(from), text.find(to)) {
        (Some(from), Some(to)) => format!("{}{}", &text[..from], &text[to..]),
        _ => text,
    };
    let text = cut(cut(text, "<style>", "</style>"), "<script>", "</script>");
    if !text.contains("'sha256-") {
        return text;
    }
    let line = |line| {
        if str::contains(line, "Content-Security") {
            "[policy]"
        } else {
            line
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_plan() {
    let findings = Words::ordinary().findings();
    for (format, text) in render(None, &findings) {
        match format {
            "human" | "json" => assert_eq!(text, ""),
            "markdown" => {
                golden!("no_plan_markdown", text);
            }
            "html" => assert!(
                text.contains("No plan: the manifests are invalid.")
                    && text.contains("duplicate-key")
            ),
            _ => assert!(text.contains("duplicate-key"), "{format}: {text}"),
        }
    }
}

#[test]
fn findings_alone() {
    let findings = Words::ordinary().findings();
    golden!(
        "validate_markdown",
        markdown::diagnostics("validate", &findings, &options())
    );
    golden!(
        "validate_junit",
        junit::diagnostics("validate", &findings, &RepositoryPrefix::default()).unwrap()
    );
    let strict = findings.clone().strict();
    assert_eq!(findings.counts().unwrap(), "2 errors, 1 warning");
    assert_eq!(strict.counts().unwrap(), "3 errors");
    assert!(!github::github(None, &strict, &RepositoryPrefix::default()).contains("::warning"));
}

#[test]
fn nothing_found() {
    let none = PackDiagnostics::new(Vec::new(), vec!["policies/p.yaml".to_owned()]);
    let prefix = RepositoryPrefix::default();
    assert_eq!(
        github::github(None, &none, &prefix),
        "",
        "no annotation for nothing"
    );
    assert_eq!(gitlab::gitlab(&none, &prefix).unwrap(), "[]\n");
    let log: serde_json::Value =
        serde_json::from_str(&sarif::sarif(&none, &prefix).unwrap()).unwrap();
    assert_eq!(
        log["runs"][0]["results"],
        serde_json::json!([]),
        "there, so that what is fixed is closed"
    );
    let xml = junit::diagnostics("validate", &none, &prefix).unwrap();
    assert!(
        xml.contains("tests=\"1\"") && xml.contains("name=\"policies/p.yaml\""),
        "{xml}"
    );
    assert!(
        markdown::diagnostics("validate", &none, &options())
            .contains("**The manifests are valid.**")
    );
}
