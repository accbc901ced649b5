//! Drift in every format: as published, and whatever its texts are.

use proptest::prelude::*;
use serde_json::Value;

use super::hostile::{
    commands_of_github, hostile, is_hidden, structure_of_html, structure_of_markdown,
};
use super::published::{assert_junit, sarif_faults};
use super::runner::commands;
use super::world::{Words, options};
use polwarden::render::annotations::RepositoryPrefix;
use polwarden::render::{html, junit, markdown};

static PLAIN: std::sync::LazyLock<Vec<(&'static str, String)>> =
    std::sync::LazyLock::new(|| Words::all("plain").drift_formats());

fn plain(name: &str) -> &'static str {
    &PLAIN.iter().find(|(format, _)| *format == name).unwrap().1
}

#[test]
fn drift_is_what_others_read() {
    for (format, text) in Words::ordinary().drift_formats() {
        match format {
            "sarif" => assert_eq!(sarif_faults(&text), Vec::<String>::new()),
            "junit" => assert_junit(&text),
            "json" => {
                let schema = polwarden::render::schema::all()
                    .into_iter()
                    .find(|schema| schema.name == "drift.schema.json")
                    .unwrap();
                let schema: Value = serde_json::from_str(&schema.text).unwrap();
                let value: Value = serde_json::from_str(&text).unwrap();
                assert!(
                    jsonschema::draft202012::new(&schema)
                        .unwrap()
                        .is_valid(&value)
                );
            }
            _ => {}
        }
    }
    let xml = plain("junit");
    assert!(
        xml.contains("<failure"),
        "a target that drifted fails: {xml}"
    );
    // Without a report, the formats with diagnostics contain those of the files.
    let findings = Words::ordinary().findings();
    assert_junit(&junit::drift(None, &findings, &RepositoryPrefix::default()).unwrap());
    for text in [
        markdown::drift(None, &findings, &options()),
        html::drift(None, &findings),
    ] {
        assert!(
            text.contains("No report: the manifests are invalid.")
                && text.contains("duplicate-key"),
            "{text}"
        );
    }
}

proptest! {
    #![proptest_config(crate::properties::cases(100))]

    #[test]
    fn drift_has_no_structure_from_data(text in hostile()) {
        for (format, output) in Words::all(&text).drift_formats() {
            let found = output.chars().find(|c| is_hidden(*c));
            prop_assert_eq!(found, None, "{}: {:?}", format, output);
            match format {
                "markdown" => prop_assert_eq!(structure_of_markdown(&output), structure_of_markdown(plain(format))),
                "html" => prop_assert_eq!(structure_of_html(&output), structure_of_html(plain(format))),
                "github" => prop_assert_eq!(commands_of_github(&output), commands_of_github(plain(format))),
                "sarif" => prop_assert_eq!(sarif_faults(&output), Vec::<String>::new()),
                _ => {}
            }
            if format != "github" {
                prop_assert_eq!(commands(&output), Vec::new(), "{}: {}", format, output);
            }
        }
    }
}
