//! The comparison of manifests with the documents on a server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{Change, ChangeKind, SourceRef};
use super::field::FieldChange;
use super::resource::ResourceKind;
use model::chainloop::{DocumentKind, PolicyName};
use model::digest::Digest;

/// The result of the comparison of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "code",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum DocumentState {
    /// The live document has the same bytes.
    InSync,
    /// The bytes differ, but the YAML has the same meaning.
    FormatOnly,
    /// The meaning differs, or one of the documents is not valid YAML.
    MeaningDiffers,
    /// The server has no such document.
    Missing,
    /// The manifest is an older version of the live document.
    Behind {
        /// The time when the server stored the manifest's version, if the server reports it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// The live document does not belong to the organization.
    OwnedElsewhere {
        /// Whether it is built into the service.
        builtin: bool,
        /// The organization that owns it, if the server reports it.
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

/// The comparison of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentStatus {
    /// The kind of the document.
    pub resource: ResourceKind,
    /// Its name.
    pub name: String,
    /// The result of the comparison.
    pub state: DocumentState,
    /// The digest of the manifest's bytes.
    pub digest: Digest,
    /// The digest of the live document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Digest>,
    /// The time since which that version is live, if the server reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_since: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// The files of the repository that it contains, relative to the directory of `polwarden.yaml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlined: Vec<String>,
    /// The differences that the plan holds back. The others are in the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

impl DocumentStatus {
    /// Identifies the document. `None` for an invalid name in a plan from a file.
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

    /// The change that the plan holds back, if any.
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
