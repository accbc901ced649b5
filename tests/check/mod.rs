//! Semantic checks: tables of manifests with their expected diagnostics.

mod config;
mod desired;
mod docs;
mod documents;
mod incomplete;
mod packs;
mod policy_tests;
mod presets;
mod properties;
mod rules;
mod rules_lists;
mod warnings;

use std::collections::HashMap;
use std::sync::Arc;

use manifest::config::Target;
use manifest::{Document, Manifest};
use model::diag::{Diagnostic, DocumentId, Place, SourceMap};
use model::docker::{Team, TeamId};
use polwarden::service::docker::check::{CheckedPolicies, KnownTeams, PolicyInput, check};
use polwarden::workspace::CedarFile;

/// The uuid of the team that `target` calls `security`.
const SECURITY: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";

fn target(profile: &str) -> Target {
    serde_yaml::from_str(&format!(
        "{{name: main, provider: docker, organization: example, paths: [policies], profile: {profile}, \
         teams: {{security: {SECURITY}}}}}"
    ))
    .expect("a target")
}

/// The documents of one file, given as YAML.
fn documents(texts: &[&str]) -> Vec<Document> {
    let file = SourceMap::default().add("policies/all.yaml", "");
    let document = |(index, text): (u32, &&str)| {
        let kind: serde_yaml::Value = serde_yaml::from_str(text).expect("YAML");
        let manifest = match kind["kind"].as_str() {
            Some("ResourceList") => {
                Manifest::ResourceList(serde_yaml::from_str(text).expect("a list"))
            }
            Some("PolicyTest") => Manifest::PolicyTest(serde_yaml::from_str(text).expect("a test")),
            _ => Manifest::Policy(
                serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")),
            ),
        };
        Document {
            id: DocumentId { file, index },
            manifest,
        }
    };
    (0..).zip(texts).map(document).collect()
}

fn teams(teams: &[(&str, &str)]) -> KnownTeams {
    KnownTeams::Known(
        teams
            .iter()
            .map(|(name, id)| Team {
                id: TeamId::new(id),
                name: (*name).to_owned(),
            })
            .collect(),
    )
}

fn run_with(
    target: &Target,
    documents: &[Document],
    cedar: &[(usize, &str)],
    teams: &KnownTeams,
) -> CheckedPolicies {
    let documents: Vec<&Document> = documents.iter().collect();
    let cedar_files: HashMap<DocumentId, CedarFile> = cedar
        .iter()
        .map(|(index, text)| {
            let id = documents[*index].id;
            let file = CedarFile {
                file: id.file,
                text: Arc::from(*text),
            };
            (id, file)
        })
        .collect();
    check(&PolicyInput {
        target,
        documents: &documents,
        cedar_files: &cedar_files,
        teams,
        invalid: Default::default(),
    })
}

fn run(texts: &[&str]) -> CheckedPolicies {
    run_with(
        &target("current"),
        &documents(texts),
        &[],
        &KnownTeams::Offline,
    )
}

/// `code document:path`, followed by the related places.
fn show(diagnostics: &[Diagnostic]) -> Vec<String> {
    let place = |place: &Place| match place {
        Place::Node { document, path, .. } => format!("{}:{path}", document.index),
        Place::Text {
            document,
            path,
            range,
        } => format!("{}:{path}@{}", document.index, range.start),
        Place::Bytes { range, .. } => format!("@{}", range.start),
        Place::File(_) => panic!("expected a node"),
    };
    diagnostics
        .iter()
        .map(|it| {
            let places: Vec<_> = it.labels.iter().map(|label| place(&label.place)).collect();
            format!("{} {}", it.code, places.join(" "))
        })
        .collect()
}

/// A policy with these rules, each in flow style.
fn policy(name: &str, rules: &[&str]) -> String {
    policy_spec(
        &format!("{{name: {name}}}"),
        &format!("{{rules: [{}]}}", rules.join(", ")),
    )
}

/// A policy with this text as its `spec`, in flow style.
fn policy_spec(metadata: &str, spec: &str) -> String {
    format!(
        "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata: {metadata}\nspec: {spec}\n"
    )
}

/// A ResourceList with this text as its `spec`, in flow style.
fn list(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

/// Rules of one policy with their expected diagnostics, in the form of [`show`].
fn check_rules(cases: &[(&[&str], &[&str])]) {
    for (rules, expected) in cases {
        let checked = run(&[&policy("p", rules)]);
        assert_eq!(show(&checked.diagnostics), *expected, "{rules:#?}");
        check_wording(&checked.diagnostics);
    }
}

/// Documents with their expected diagnostics.
fn check_documents(texts: &[&str], expected: &[&str]) {
    let checked = run(texts);
    assert_eq!(show(&checked.diagnostics), expected, "{texts:#?}");
    check_wording(&checked.diagnostics);
}

/// Every diagnostic consists of a sentence without a period and a help text.
fn check_wording(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let message = &diagnostic.message;
        assert!(!message.is_empty() && !message.ends_with('.'), "{message}");
        assert!(
            diagnostic
                .help
                .as_ref()
                .is_some_and(|help| !help.is_empty()),
            "no help: {message}"
        );
        assert!(!diagnostic.labels.is_empty(), "no place: {message}");
    }
}
