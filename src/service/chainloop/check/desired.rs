//! Builds desired documents from manifests without errors.

use super::context::DocumentView;
use crate::workspace::InlinedDocument;
use manifest::chainloop::reference::{ReferenceTarget, of_document};
use model::chainloop::{DesiredDocument, PolicyName};
use model::diag::{Code, Diagnostic, Path, Place};

/// Builds the desired document. What cannot be built becomes an error, so that no document is
/// dropped silently.
pub(super) fn build(view: &DocumentView<'_>) -> Result<DesiredDocument, Box<Diagnostic>> {
    let DocumentView {
        id,
        native,
        inlined,
    } = view;
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
            ReferenceTarget::Service(reference) => references.push(reference),
            ReferenceTarget::Local(reference) => local.push(reference),
            // Invalid references are reported by `reference-invalid`.
            ReferenceTarget::Web | ReferenceTarget::Invalid(..) => {}
        }
    }
    let (bytes, files) = match inlined {
        Some(InlinedDocument { bytes, files }) => {
            local.clear();
            (
                bytes.clone(),
                files.iter().map(ToString::to_string).collect(),
            )
        }
        None => (native.bytes().clone(), Vec::new()),
    };
    Ok(DesiredDocument {
        kind: native.kind(),
        name,
        digest: bytes.digest(),
        bytes,
        inlined: files,
        local,
        references,
        document: *id,
    })
}
