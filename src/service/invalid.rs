//! The invalid part of a target's manifests, and what checks cannot conclude because of it.

use std::sync::Arc;

use crate::workspace::{LoadedTarget, ManifestSet};
use manifest::{Document, IncompleteDocument};
use model::diag::{Diagnostic, DocumentId, Path, Place};

/// The known parts of invalid manifests of a target. Their own errors are reported
/// when they are read; checks report everything else, without consequences of these errors.
#[derive(Debug, Clone, Copy, Default)]
pub struct InvalidManifests<'a> {
    /// The documents with schema errors, in the order of their ids.
    pub incomplete: &'a [Arc<IncompleteDocument>],
    /// Whether a file or document cannot be read at all, so that it may declare anything.
    pub unreadable: bool,
    /// Whether the lock file is invalid, so that it may lock anything.
    pub lock: bool,
}

impl<'a> InvalidManifests<'a> {
    /// The invalid manifests of one target of a directory.
    pub fn of_target(set: &'a ManifestSet, loaded: &'a LoadedTarget) -> Self {
        Self {
            incomplete: &loaded.incomplete,
            unreadable: loaded.unreadable,
            lock: set.loaded.lock_is_invalid,
        }
    }

    /// The valid and the incomplete documents of a target, in the order of the files.
    pub(crate) fn with_valid(&self, valid: &[&'a Document]) -> Vec<&'a Document> {
        let incomplete = self.incomplete.iter().map(|it| &it.document);
        let mut all: Vec<&Document> = valid.iter().copied().chain(incomplete).collect();
        all.sort_by_key(|document| document.id);
        all
    }

    pub(crate) fn is_incomplete(&self, document: DocumentId) -> bool {
        self.of(document).is_some()
    }

    fn of(&self, document: DocumentId) -> Option<&'a IncompleteDocument> {
        let found = self
            .incomplete
            .binary_search_by_key(&document, |it| it.document.id);
        self.incomplete.get(found.ok()?).map(Arc::as_ref)
    }

    /// Whether the value at a path, a value in it or a value around it is invalid.
    pub(crate) fn affects(&self, document: DocumentId, path: &Path) -> bool {
        self.of(document).is_some_and(|it| it.invalid.affect(path))
    }

    /// Whether the value at a path has no meaning, because it or a value around it is invalid.
    pub(crate) fn replaces(&self, document: DocumentId, path: &Path) -> bool {
        self.of(document).is_some_and(|it| it.invalid.replace(path))
    }

    /// Whether a mapping contains unknown fields, so that one of them may be what it seems to miss.
    pub(crate) fn has_unknown_fields(&self, document: DocumentId, mapping: &Path) -> bool {
        self.of(document)
            .is_some_and(|it| it.invalid.are_unknown_fields_of(mapping))
    }

    /// Removes the diagnostics that are about invalid values, or about fields that are missing where
    /// unknown fields are present.
    pub(crate) fn remove_consequences(&self, diagnostics: &mut Vec<Diagnostic>) {
        if self.incomplete.is_empty() {
            return;
        }
        diagnostics.retain(|diagnostic| {
            !diagnostic.labels.iter().any(|label| match &label.place {
                Place::Node { document, path, .. } | Place::Text { document, path, .. } => self
                    .of(*document)
                    .is_some_and(|it| it.invalid.explain(path)),
                Place::File(_) | Place::Bytes { .. } => false,
            })
        });
    }
}
