//! Builds desired documents from manifests without errors.

use super::rules::reference::{Leads, of_document};
use super::scene::DocumentView;
use model::chainloop::{DesiredDocument, PolicyName};
use model::diag::{Code, Diagnostic, Path, Place};

/// Builds the desired document. What cannot be built becomes an error, so that no document is
/// dropped silently.
pub(super) fn build(view: &DocumentView<'_>) -> Result<DesiredDocument, Box<Diagnostic>> {
    let DocumentView { id, native } = view;
    let name = PolicyName::new(&native.metadata().name).map_err(|error| {
        let place = Place::value(*id, Path::root().key("metadata").key("name"));
        Box::new(
            Diagnostic::new(
                Code::ChainloopNameInvalid,
                format!("the name {error}"),
                place,
            )
            .help("correct it"),
        )
    })?;
    let mut local = Vec::new();
    let mut references = Vec::new();
    for leads in of_document(*native) {
        match leads {
            Leads::Service(reference) => references.push(reference),
            Leads::Local(reference) => local.push(reference),
            // Invalid references are reported by `reference-invalid`.
            Leads::Web | Leads::Nowhere(..) => {}
        }
    }
    let bytes = native.bytes().clone();
    Ok(DesiredDocument {
        kind: native.kind(),
        name,
        digest: bytes.digest(),
        bytes,
        local,
        references,
        document: *id,
    })
}
