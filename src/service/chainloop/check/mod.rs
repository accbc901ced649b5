//! What documents of Chainloop mean: one rule a file, from documents to findings and to what is desired.
//!
//! The vendor's published schemas leave most of this out; the rules are those of its protocol and of its engine.

mod desired;
mod rules;
mod scene;

use std::collections::{BTreeMap, HashMap};

use crate::service::findings::{blamed, order};
use manifest::Document;
use manifest::config::Target;
use model::chainloop::{DesiredDocument, InputsSchema, Reference};
use model::diag::{Code, Diagnostic, FileId, Place, Severity};

use scene::Scene;

/// What policies that no manifest declares take as arguments, as their server tells it, by the references to them.
pub type InputsSchemas = HashMap<Reference, InputsSchema>;

/// All that the check of the documents of one target looks at.
#[derive(Debug, Clone, Copy)]
pub struct DocumentInput<'a> {
    /// The target.
    pub target: &'a Target,
    /// The manifests that belong to it.
    pub documents: &'a [&'a Document],
    /// What is known of policies of the server; nothing where it was not asked.
    pub schemas: &'a InputsSchemas,
}

/// The outcome of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedDocuments {
    /// The documents, in the order of the files. One is missing where an error speaks against it: a caller that plans
    /// must refuse while there is any error.
    pub documents: Vec<DesiredDocument>,
    /// The findings, by document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks all documents of one target.
pub fn check_documents(input: &DocumentInput<'_>) -> CheckedDocuments {
    let scene = Scene::new(input);
    let mut diagnostics = rules::run(&scene);
    let blamed = blamed(&diagnostics);
    let mut documents = Vec::new();
    for document in scene
        .documents
        .iter()
        .filter(|document| !blamed.contains(&document.id))
    {
        match desired::build(document) {
            Ok(document) => documents.push(document),
            Err(finding) => diagnostics.push(*finding),
        }
    }
    diagnostics
        .sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| order(&label.place)));
    cap(&mut diagnostics);
    CheckedDocuments {
        documents,
        diagnostics,
    }
}

/// How many errors of one file are kept: a hostile file could hold a hundred thousand.
const MAX_ERRORS: usize = 100;

fn cap(diagnostics: &mut Vec<Diagnostic>) {
    let mut counts: BTreeMap<FileId, usize> = BTreeMap::new();
    diagnostics.retain(|finding| {
        let file = finding.labels.first().map(|label| label.place.file());
        match file.filter(|_| finding.severity() == Severity::Error) {
            Some(file) => {
                let count = counts.entry(file).or_default();
                *count += 1;
                *count <= MAX_ERRORS
            }
            None => true,
        }
    });
    for (file, _) in counts.into_iter().filter(|(_, count)| *count > MAX_ERRORS) {
        let message = format!("the file has more than {MAX_ERRORS} errors; the rest is not listed");
        let finding = Diagnostic::new(Code::YamlLimit, message, Place::File(file));
        diagnostics.push(finding.help("correct those that are listed, and run the command again"));
    }
}
