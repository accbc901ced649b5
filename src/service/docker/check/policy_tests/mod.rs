//! Parses policy tests into expectations, and reports what is invalid in them.
//!
//! Policies do not depend on tests, so tests are checked separately, and plans skip them.

mod case;
mod template;

use std::collections::HashMap;

use super::PolicyInput;
use super::rules::names;
use super::teams::TeamDirectory;
use crate::service::confusable;
use manifest::config::Target;
use manifest::test::PolicyTestManifest;
use manifest::{Document, Manifest};
use model::diag::{Code, Diagnostic, DocumentId, Path, Place, did_you_mean};

pub use case::CheckedTests;
use case::PolicyTestCase;

/// Maximum number of requests of one policy test, including all combinations and audiences.
pub const LARGEST_TEST: u64 = 10_000;
/// Maximum number of requests of all policy tests of one target.
pub const LARGEST_SUITE: u64 = 100_000;

/// Checks the policy tests of one target, and expands their matrices.
pub fn check_tests(input: &PolicyInput<'_>) -> CheckedTests {
    let PolicyInput {
        target,
        documents,
        cedar_files: _,
        teams,
        invalid,
    } = *input;
    let documents = invalid.with_valid(documents);
    let teams = TeamDirectory::new(target, teams);
    let mut checked = CheckedTests::default();
    let mut names: HashMap<&str, DocumentId> = HashMap::new();
    let mut left = LARGEST_SUITE;
    for (document, test) in tests(&documents).filter(|(_, test)| is_for(test, target)) {
        let name = test.metadata.name.as_str();
        names::check_name(name, || name_place(document), &mut checked.diagnostics);
        match names.get(name) {
            Some(first) => checked
                .diagnostics
                .push(name_taken(target, name, document, *first)),
            None => {
                names.insert(name, document);
            }
        }
        check_case_names(document, test, &mut checked.diagnostics);
        let cases: Vec<PolicyTestCase<'_>> = PolicyTestCase::all(document, test).collect();
        let asked = cases
            .iter()
            .fold(0, |sum: u64, case| sum.saturating_add(case.count()));
        if asked > LARGEST_TEST.min(left) {
            checked.diagnostics.push(too_large(document, asked));
            continue;
        }
        left -= asked;
        for case in cases {
            case.check(target, &teams, &invalid, &mut checked);
        }
    }
    let tests: Vec<(DocumentId, &str)> = tests(&documents)
        .filter(|(_, test)| is_for(test, target))
        .map(|(document, test)| (document, test.metadata.name.as_str()))
        .collect();
    let names: Vec<confusable::OwnedName<'_>> = tests
        .iter()
        .enumerate()
        .map(|(owner, (_, text))| confusable::OwnedName { text, owner })
        .collect();
    let place = |index: usize| name_place(tests[index].0);
    confusable::check_names("test name", &names, place, &mut checked.diagnostics);
    invalid.remove_consequences(&mut checked.diagnostics);
    checked
}

/// Reports policy tests that name an unknown target, or a target that does not load them. `targets`
/// must contain all targets with their documents.
pub fn check_test_targets(targets: &[(&Target, Vec<&Document>)]) -> Vec<Diagnostic> {
    let mut seen = HashMap::new();
    for (_, documents) in targets {
        seen.extend(tests(documents));
    }
    let mut tests: Vec<(DocumentId, &PolicyTestManifest)> = seen.into_iter().collect();
    tests.sort_by_key(|(document, _)| *document);
    let mut found = Vec::new();
    for (document, test) in tests {
        let Some(name) = &test.spec.target else {
            continue;
        };
        let place = Place::value(document, Path::root().key("spec").key("target"));
        match targets.iter().find(|(target, _)| target.name == *name) {
            None => {
                let message = format!("polwarden.yaml has no target `{name}`");
                let names = || targets.iter().map(|(target, _)| target.name.as_str());
                let near = did_you_mean(names(), name);
                let help = match near {
                    Some(like) => format!("did you mean `{like}`?"),
                    None => format!("known names: {}", names().collect::<Vec<_>>().join(", ")),
                };
                found.push(
                    Diagnostic::new(Code::UnknownTarget, message, place)
                        .label("not a target")
                        .help(help)
                        .suggest_similar(near),
                );
            }
            Some((_, documents)) if documents.iter().all(|loaded| loaded.id != document) => {
                let message = format!(
                    "the target `{name}` does not load this file, so that the test is never run"
                );
                let help = format!(
                    "move the file below one of the `paths` of `{name}`, or leave `target` out"
                );
                found.push(Diagnostic::new(Code::UnknownTarget, message, place).help(help));
            }
            Some(_) => {}
        }
    }
    found
}

fn tests<'a>(
    documents: &[&'a Document],
) -> impl Iterator<Item = (DocumentId, &'a PolicyTestManifest)> {
    documents
        .iter()
        .filter_map(|document| match &document.manifest {
            Manifest::PolicyTest(test) => Some((document.id, test)),
            Manifest::Policy(_)
            | Manifest::ResourceList(_)
            | Manifest::PolicyPack(_)
            | Manifest::PolicyGroup(_)
            | Manifest::ChainloopPolicy(_)
            | Manifest::ChainloopGroup(_) => None,
        })
}

fn is_for(test: &PolicyTestManifest, target: &Target) -> bool {
    test.spec
        .target
        .as_ref()
        .is_none_or(|name| *name == target.name)
}

fn name_place(document: DocumentId) -> Place {
    Place::value(document, Path::root().key("metadata").key("name"))
}

fn name_taken(target: &Target, name: &str, document: DocumentId, first: DocumentId) -> Diagnostic {
    let message = format!(
        "two policy tests of the target `{}` are called `{name}`",
        target.name
    );
    Diagnostic::new(Code::TestNameTaken, message, name_place(document))
        .label("again here")
        .also(name_place(first), "first here")
        .help("rename one of them, or merge them")
}

fn check_case_names(document: DocumentId, test: &PolicyTestManifest, found: &mut Vec<Diagnostic>) {
    let place = |index| Place::value(document, case::path(index).key("name"));
    let mut seen = HashMap::new();
    let names: Vec<confusable::OwnedName<'_>> = test
        .spec
        .cases
        .iter()
        .enumerate()
        .map(|(owner, case)| confusable::OwnedName {
            text: &case.name,
            owner,
        })
        .collect();
    confusable::check_names("case name", &names, place, found);
    for (index, case) in test.spec.cases.iter().enumerate() {
        names::check_name(&case.name, || place(index), found);
        let first = *seen.entry(case.name.as_str()).or_insert(index);
        if first != index {
            let message = format!("two cases of the test are called `{}`", case.name);
            found.push(
                Diagnostic::new(Code::CaseNameTaken, message, place(index))
                    .label("again here")
                    .also(place(first), "first here")
                    .help("rename one of them: failures are reported by name"),
            );
        }
    }
}

fn too_large(document: DocumentId, asked: u64) -> Diagnostic {
    let message = format!("the test asks {asked} requests");
    Diagnostic::new(Code::TestTooLarge, message, name_place(document))
        .label(format!(
            "more than {LARGEST_TEST}, or than {LARGEST_SUITE} with the other tests of the target"
        ))
        .help("remove values with the same decision from a matrix, or split the test")
}
