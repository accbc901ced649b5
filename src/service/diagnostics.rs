//! What the checks of all services do with diagnostics.

use std::collections::HashSet;

use model::Desired;
use model::diag::{Diagnostic, DocumentId, FileId, Place, Severity};

/// The outcome of a check of one target's manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the manifests declare. Something is missing if there is an error about it, or if the
    /// server has to confirm it: a caller that plans must refuse while there is any error.
    pub desired: Desired,
    /// The diagnostics, by document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

/// Whether a diagnostic stops a plan.
pub(crate) fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity() == Severity::Error
}

pub(crate) fn is_warning(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity() == Severity::Warning
}

/// Sorts diagnostics by document; those of one document keep the order of the rules.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics
        .sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| order(&label.place)));
}

/// The documents that errors refer to, in their primary or other labels. They are not planned.
pub(crate) fn documents_with_errors(diagnostics: &[Diagnostic]) -> HashSet<DocumentId> {
    let errors = diagnostics.iter().filter(|diagnostic| is_error(diagnostic));
    let places = errors.flat_map(|diagnostic| diagnostic.labels.iter().map(|label| &label.place));
    places.filter_map(document_of).collect()
}

fn document_of(place: &Place) -> Option<DocumentId> {
    match place {
        Place::Node { document, .. } | Place::Text { document, .. } => Some(*document),
        Place::File(_) | Place::Bytes { .. } => None,
    }
}

fn order(place: &Place) -> (FileId, u32) {
    (
        place.file(),
        document_of(place).map_or(0, |document| document.index),
    )
}
