//! Live documents by name.

use super::client::ChainloopReader;
use crate::plan::ResourceKind;
use crate::render::listing::ListedObject;
use crate::render::text::count_of;
use crate::service::import::{ImportError, ImportedManifest};
use crate::service::listing::{Declarations, ExportedObject};
use http::ApiError;
use manifest::config::Target;
use model::chainloop::{ChainloopLiveState, DocumentKind, PolicyName};

/// Reads the policies and policy groups with these names. An invalid name belongs to no document.
///
/// # Errors
/// The server does not answer as expected.
pub async fn read<'n>(
    reader: ChainloopReader,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<ChainloopLiveState, ApiError> {
    let names = names
        .into_iter()
        .filter_map(|name| PolicyName::new(name).ok());
    let kinds = [DocumentKind::Policy, DocumentKind::PolicyGroup];
    let wanted = names.flat_map(|name| kinds.map(|kind| (kind, name.clone())));
    reader.with_documents(wanted).live_state().await
}

fn kind_of(kind: DocumentKind) -> ResourceKind {
    match kind {
        DocumentKind::Policy => ResourceKind::PolicyDocument,
        DocumentKind::PolicyGroup => ResourceKind::GroupDocument,
    }
}

/// The documents that were found, by name.
pub fn objects(live: &ChainloopLiveState, declared: &Declarations<'_>) -> Vec<ListedObject> {
    let object = |document: &model::chainloop::LiveDocument| {
        let kind = kind_of(document.kind);
        let name = document.name.to_string();
        let (status, source) = declared.status(kind, &name);
        let versions = count_of(document.versions.len(), "version");
        ListedObject {
            kind,
            name,
            id: Some(document.digest.to_string()),
            content: versions,
            audience: None,
            updated_at: None,
            status,
            source,
        }
    };
    live.found().map(object).collect()
}

/// The documents that were found, byte for byte.
pub fn export(live: &ChainloopLiveState, target: &Target) -> Vec<ExportedObject> {
    let own = live
        .found()
        .filter(|document| document.is_of(&target.organization) || document.builtin);
    own.map(|document| ExportedObject {
        kind: kind_of(document.kind),
        manifest: match document.bytes.text() {
            Some(text) => Ok(ImportedManifest {
                text: text.to_owned(),
                left_out: Vec::new(),
            }),
            None => Err(ImportError::Word("it is not UTF-8".to_owned())),
        },
    })
    .collect()
}
