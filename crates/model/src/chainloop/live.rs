//! Documents as the server has them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{DocumentBytes, DocumentKind, InputsSchema, PolicyName};
use crate::digest::Digest;

/// One version of a document (contract: `PolicyVersionReference`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionReference {
    /// What it is.
    pub digest: Digest,
    /// Since when it is there, where the server tells.
    pub created_at: Option<Timestamp>,
}

/// A version of a document as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveDocument {
    /// What it is.
    pub kind: DocumentKind,
    /// The name that was asked for, and that the server's document has.
    pub name: PolicyName,
    /// The bytes.
    pub bytes: DocumentBytes,
    /// Their digest: computed here, and the same as the server's.
    pub digest: Digest,
    /// Whether this is the latest version.
    pub latest: bool,
    /// Whether the service brings it along. Such a document is nobody's to write.
    pub builtin: bool,
    /// The organization that owns it; none for a builtin document.
    pub organization: Option<String>,
    /// All versions, in the server's order.
    pub versions: Vec<VersionReference>,
    /// What it takes as arguments, where the server tells.
    pub inputs_schema: Option<InputsSchema>,
}

impl LiveDocument {
    /// The version with this digest.
    pub fn version(&self, digest: &Digest) -> Option<&VersionReference> {
        self.versions
            .iter()
            .find(|version| version.digest == *digest)
    }

    /// Since when the version that was read is there.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.version(&self.digest)?.created_at
    }

    /// Whether an organization owns it, and so may change it.
    pub fn is_of(&self, organization: &str) -> bool {
        !self.builtin
            && self
                .organization
                .as_deref()
                .is_some_and(|owner| owner == organization)
    }
}

/// What a server holds of the documents that it was asked for, each completely read: a reader that failed anywhere has
/// nothing to give. There is no list of all documents, so what nobody asked for is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveState {
    /// The latest version of each document, or none where the server has no document of that kind and name.
    pub documents: BTreeMap<(DocumentKind, PolicyName), Option<LiveDocument>>,
}

impl LiveState {
    /// The document of this kind and name. The outer none: it was not asked for; the inner none: it is missing.
    pub fn document(&self, kind: DocumentKind, name: &PolicyName) -> Option<Option<&LiveDocument>> {
        self.documents
            .get(&(kind, name.clone()))
            .map(Option::as_ref)
    }

    /// The documents that are there.
    pub fn found(&self) -> impl Iterator<Item = &LiveDocument> {
        self.documents.values().flatten()
    }
}
