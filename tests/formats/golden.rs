//! One plan in every format.

use polwarden::render::findings::{Findings, Prefix};
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
        // Style and script have files of their own.
        let text = match (text.find("<style>"), text.find("</style>")) {
            (Some(from), Some(to)) => format!("{}{}", &text[..from], &text[to..]),
            _ => text,
        };
        let text = match (text.find("<script>"), text.find("</script>")) {
            (Some(from), Some(to)) => format!("{}{}", &text[..from], &text[to..]),
            _ => text,
        };
        let text = match text.find("'sha256-") {
            Some(_) => text
                .split('\n')
                .map(|line| if line.contains("Content-Security") { "[policy]" } else { line })
                .collect::<Vec<_>>()
                .join("\n"),
            None => text,
        };
        golden!(format!("plan_{format}"), text);
    }
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
            "html" => assert!(text.contains("No plan: the manifests are invalid.") && text.contains("duplicate-key")),
            _ => assert!(text.contains("duplicate-key"), "{format}: {text}"),
        }
    }
}

#[test]
fn findings_alone() {
    let findings = Words::ordinary().findings();
    golden!("validate_markdown", markdown::findings("validate", &findings, &options()));
    golden!("validate_junit", junit::findings("validate", &findings).unwrap());
    let strict = findings.clone().strict();
    assert_eq!(findings.counts().unwrap(), "2 errors, 1 warning");
    assert_eq!(strict.counts().unwrap(), "3 errors");
    assert!(!github::github(None, &strict, &Prefix::default()).contains("::warning"));
}

#[test]
fn nothing_found() {
    let none = Findings::new(Vec::new(), vec!["policies/p.yaml".to_owned()]);
    let prefix = Prefix::default();
    assert_eq!(github::github(None, &none, &prefix), "", "no annotation for nothing");
    assert_eq!(gitlab::gitlab(&none, &prefix).unwrap(), "[]\n");
    let log: serde_json::Value = serde_json::from_str(&sarif::sarif(&none, &prefix).unwrap()).unwrap();
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]), "there, so that what is fixed is closed");
    let xml = junit::findings("validate", &none).unwrap();
    assert!(xml.contains("tests=\"1\"") && xml.contains("name=\"policies/p.yaml\""), "{xml}");
    assert!(markdown::findings("validate", &none, &options()).contains("**The manifests are valid.**"));
}
