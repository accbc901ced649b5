//! Live documents.
//!
//! The serialized form is that of journals, which golden files fix.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DocumentBytes, DocumentKind, InputsSchema, PolicyName};
use crate::digest::Digest;

/// One version of a document (contract: `PolicyVersionReference`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionReference {
    pub digest: Digest,
    /// Creation time, if the server returns it.
    pub created_at: Option<Timestamp>,
}

// With `remote = "Self"`, the derived functions are inherent ones. The implementations of the traits
// below call them; reading also computes the digest, which a journal does not contain.
/// A document as it was read, whole: its bytes are all there is to write it again. Which other versions there are is not
/// kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[schemars(rename = "JournalDocument")]
pub struct LiveDocument {
    /// The kind of the document.
    pub kind: DocumentKind,
    // The name in the request, and in the document of the server.
    /// The name.
    pub name: PolicyName,
    /// The bytes; their digest is that of the document.
    pub bytes: DocumentBytes,
    /// Their digest: computed here, and the same as the server's.
    #[serde(skip, default = "no_digest")]
    pub digest: Digest,
    /// Whether this is the latest version.
    #[serde(skip, default = "is_latest")]
    pub latest: bool,
    // Builtin documents cannot be written.
    /// Whether it is built into the service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub builtin: bool,
    // None for a builtin document.
    /// The organization that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// All versions, in the server's order.
    #[serde(skip)]
    pub versions: Vec<VersionReference>,
    /// Its inputs, if the server reports them.
    #[serde(skip)]
    pub inputs_schema: Option<InputsSchema>,
}

/// A placeholder: reading computes the digest once the bytes are there.
fn no_digest() -> Digest {
    Digest::of(&[])
}

/// Only the latest version of a document is ever replaced, so it is the one that a journal keeps.
fn is_latest() -> bool {
    true
}

impl Serialize for LiveDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for LiveDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Self::deserialize(deserializer)?;
        let digest = document.bytes.digest();
        Ok(Self { digest, ..document })
    }
}

impl LiveDocument {
    pub fn version(&self, digest: &Digest) -> Option<&VersionReference> {
        self.versions
            .iter()
            .find(|version| version.digest == *digest)
    }

    /// Creation time of the version that was read.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.version(&self.digest)?.created_at
    }

    /// Whether an organization owns the document and may change it.
    pub fn is_of(&self, organization: &str) -> bool {
        !self.builtin
            && self
                .organization
                .as_deref()
                .is_some_and(|owner| owner == organization)
    }
}

/// The requested documents of a server, completely read; there is no partial state. The service
/// cannot list its documents, so nothing is known about others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainloopLiveState {
    /// The latest version of each requested document, or `None` if it does not exist.
    pub documents: BTreeMap<(DocumentKind, PolicyName), Option<LiveDocument>>,
}

impl ChainloopLiveState {
    /// The document with this kind and name. The outer `None` means that it was not requested, the
    /// inner one that it does not exist.
    pub fn document(&self, kind: DocumentKind, name: &PolicyName) -> Option<Option<&LiveDocument>> {
        self.documents
            .get(&(kind, name.clone()))
            .map(Option::as_ref)
    }

    /// The documents that exist.
    pub fn found(&self) -> impl Iterator<Item = &LiveDocument> {
        self.documents.values().flatten()
    }
}
