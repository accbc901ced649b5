//! Documents as a journal keeps them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use model::chainloop::{DocumentBytes, DocumentKind, LiveDocument, PolicyName};

/// A document as it was read, whole: its bytes are all there is to write it again. Which other versions there are is not
/// kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalDocument")]
pub struct DocumentImage {
    /// What it is.
    pub kind: DocumentKind,
    /// The name.
    pub name: PolicyName,
    /// The bytes; their digest is that of the document.
    pub bytes: DocumentBytes,
    /// Whether the service brings it along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub builtin: bool,
    /// The organization that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

impl From<&LiveDocument> for DocumentImage {
    fn from(document: &LiveDocument) -> Self {
        let LiveDocument {
            kind,
            name,
            bytes,
            digest: _,
            latest: _,
            builtin,
            organization,
            versions: _,
            inputs_schema: _,
        } = document.clone();
        Self {
            kind,
            name,
            bytes,
            builtin,
            organization,
        }
    }
}

impl From<DocumentImage> for LiveDocument {
    fn from(image: DocumentImage) -> Self {
        let DocumentImage {
            kind,
            name,
            bytes,
            builtin,
            organization,
        } = image;
        let digest = bytes.digest();
        let versions = Vec::new();
        Self {
            kind,
            name,
            bytes,
            digest,
            latest: true,
            builtin,
            organization,
            versions,
            inputs_schema: None,
        }
    }
}
