//! Desired documents: checked, with their bytes in git.

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
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "Policy",
            Self::PolicyGroup => "PolicyGroup",
        }
    }

    /// The name in messages.
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

/// The field that refers to a file of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalReferenceKind {
    /// `path:` of a script.
    Path,
    /// `ref:` of a script, without a scheme or with `file://`.
    ScriptRef,
    /// `ref: file://…` of an attached policy.
    PolicyRef,
}

/// A reference to a file of the repository. The digest of a document covers only its text, and the
/// service cannot see other files. Such a document can be checked but not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReference {
    /// The field with the reference.
    pub kind: LocalReferenceKind,
    pub text: String,
    /// Path in the document.
    pub path: Path,
}

/// A reference to a policy of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceUse {
    pub reference: Reference,
    /// Path in the document.
    pub path: Path,
}

/// A desired policy or policy group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredDocument {
    pub kind: DocumentKind,
    /// The name. Together with the kind it identifies the document in the organization.
    pub name: PolicyName,
    /// The bytes as in the file, or with the content of `inlined`.
    pub bytes: DocumentBytes,
    pub digest: Digest,
    /// The files of the repository that the bytes contain, sorted, relative to the configuration.
    pub inlined: Vec<String>,
    /// References to files of the repository.
    pub local: Vec<LocalReference>,
    /// References to policies of the service.
    pub references: Vec<ReferenceUse>,
    pub document: DocumentId,
}

impl DesiredDocument {
    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    /// The place of a reference of the document.
    pub fn at(&self, path: &Path) -> Place {
        Place::value(self.document, path.clone())
    }
}
