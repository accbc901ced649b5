//! The comparison of manifests with the documents on a server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{Change, ChangeKind, SourceRef};
use super::field::FieldChange;
use super::resource::ResourceKind;
use model::chainloop::{DocumentKind, PolicyName};
use model::digest::Digest;

/// How a document compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "code",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum DocumentState {
    /// The server holds the very same bytes.
    InSync,
    /// The bytes differ, and the YAML says the same.
    FormatOnly,
    /// The YAML says something else, or is none.
    MeaningDiffers,
    /// The server has no such document.
    Missing,
    /// The manifest is an older version of what is live.
    Behind {
        /// Since when the server has the manifest's version, where it tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// The server's document is not the organization's.
    OwnedElsewhere {
        /// Whether the service brings it along.
        builtin: bool,
        /// The organization that owns it, where the server tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
}

impl DocumentState {
    /// For one or several documents: "2 format only".
    pub fn words(&self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::FormatOnly => "format only",
            Self::MeaningDiffers => "meaning differs",
            Self::Missing => "missing",
            Self::Behind { .. } => "behind",
            Self::OwnedElsewhere { .. } => "owned elsewhere",
        }
    }
}

/// A document, with how it compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentStatus {
    /// What it is.
    pub resource: ResourceKind,
    /// Its name.
    pub name: String,
    /// How it compares.
    pub state: DocumentState,
    /// The digest of the manifest's bytes.
    pub digest: Digest,
    /// The digest of what is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Digest>,
    /// Since when that is live, where the server tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_since: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// The files of the repository that it contains, relative to the directory of `polwarden.yaml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlined: Vec<String>,
    /// How it differs, of what is held: what is done stands among the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

impl DocumentStatus {
    /// Identifies the document. Nothing for an invalid name in a plan from a file.
    pub fn key(&self) -> Option<(DocumentKind, PolicyName)> {
        let kind = match self.resource {
            ResourceKind::PolicyDocument => DocumentKind::Policy,
            ResourceKind::GroupDocument => DocumentKind::PolicyGroup,
            ResourceKind::Policy
            | ResourceKind::Rule
            | ResourceKind::Pack
            | ResourceKind::Version
            | ResourceKind::PackPolicy
            | ResourceKind::Group
            | ResourceKind::EnabledPack => return None,
        };
        Some((kind, PolicyName::new(&self.name).ok()?))
    }

    /// The change that is held, if any.
    pub fn held_change(&self) -> Option<Change> {
        let Self {
            resource,
            name,
            state: _,
            digest: _,
            live,
            live_since: _,
            source,
            inlined: _,
            fields,
        } = self;
        (!fields.is_empty()).then(|| Change {
            kind: if live.is_some() {
                ChangeKind::Update
            } else {
                ChangeKind::Create
            },
            resource: *resource,
            name: name.clone(),
            id: None,
            source: source.clone(),
            fields: fields.clone(),
            children: Vec::new(),
        })
    }
}
