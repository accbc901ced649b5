//! Documents as the repository wants them: checked, with the bytes that git holds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DocumentBytes, PolicyName, Reference};
use crate::diag::{DocumentId, Path, Place};
use crate::digest::Digest;

/// What a document is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum DocumentKind {
    /// A policy.
    Policy,
    /// A group of policies. The service documents how to read one, and not how to write one.
    PolicyGroup,
}

impl DocumentKind {
    /// The `kind` in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "Policy",
            Self::PolicyGroup => "PolicyGroup",
        }
    }

    /// What it is called in sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::PolicyGroup => "policy group",
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a document names a file of the repository with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalReferenceKind {
    /// `path:` of a script.
    Path,
    /// `ref:` of a script, without a scheme or with `file://`.
    ScriptRef,
    /// `ref: file://…` of a policy that is attached.
    PolicyRef,
}

/// A reference to a file of the repository. The digest of a document covers its text alone, and the service sees no
/// other file: such a document can be checked, and not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReference {
    /// What names the file.
    pub kind: LocalReferenceKind,
    /// The text.
    pub text: String,
    /// Where it stands in the document.
    pub path: Path,
}

/// A reference to a policy that the service keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceUse {
    /// The reference.
    pub reference: Reference,
    /// Where it stands in the document.
    pub path: Path,
}

/// A policy or a policy group as the repository wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredDocument {
    /// What it is.
    pub kind: DocumentKind,
    /// The name: together with the kind it is the identity in the organization.
    pub name: PolicyName,
    /// The bytes, as they stand in the file.
    pub bytes: DocumentBytes,
    /// Their digest.
    pub digest: Digest,
    /// The files of the repository that it names.
    pub local: Vec<LocalReference>,
    /// The policies of the service that it names.
    pub references: Vec<ReferenceUse>,
    /// Where it stands.
    pub document: DocumentId,
}

impl DesiredDocument {
    /// Where the document is declared.
    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    /// Where a reference of it stands.
    pub fn at(&self, path: &Path) -> Place {
        Place::value(self.document, path.clone())
    }
}
