//! Checks Chainloop documents and builds the desired state.
//!
//! The vendor's published schemas omit most of these rules; they follow its protocol and its
//! engine.

mod context;
mod desired;
mod rules;

use std::collections::BTreeMap;

use crate::service::diagnostics::{documents_with_errors, sort};
use model::chainloop::DesiredDocument;
use model::diag::{Code, Diagnostic, FileId, Place, Severity};

use context::ChainloopRuleContext;
pub use context::{DocumentInput, InputsSchemas};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedDocuments {
    /// In the order of the files. Documents with errors are missing, so a caller that plans must
    /// refuse if there are errors.
    pub documents: Vec<DesiredDocument>,
    /// By document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

pub fn check_documents(input: &DocumentInput<'_>) -> CheckedDocuments {
    let context = ChainloopRuleContext::new(input);
    let mut diagnostics = rules::run(&context);
    input.invalid.remove_consequences(&mut diagnostics);
    let mut blamed = documents_with_errors(&diagnostics);
    blamed.extend(input.invalid.incomplete.iter().map(|it| it.document.id));
    let mut documents = Vec::new();
    for document in context
        .documents
        .iter()
        .filter(|document| !blamed.contains(&document.id))
    {
        match desired::build(document) {
            Ok(document) => documents.push(document),
            Err(finding) => diagnostics.push(*finding),
        }
    }
    sort(&mut diagnostics);
    limit_diagnostics(&mut diagnostics);
    CheckedDocuments {
        documents,
        diagnostics,
    }
}

/// Maximum number of errors to keep per file: a hostile file could contain a hundred thousand.
const MAX_ERRORS: usize = 100;

fn limit_diagnostics(diagnostics: &mut Vec<Diagnostic>) {
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
        let message =
            format!("the file has more than {MAX_ERRORS} errors; the others are not shown");
        let finding = Diagnostic::new(Code::YamlLimit, message, Place::File(file));
        diagnostics.push(finding.help("correct the listed errors, and run the command again"));
    }
}
