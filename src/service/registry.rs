//! How the services are spoken to: wire format, readers, writers, and the one HTTP client.

use std::collections::HashMap;
use std::sync::Arc;

use super::chainloop::check::{DocumentInput, InputsSchemas, check_documents};
use super::docker::check::{Input, Teams, check as check_policies};
use super::findings::order;
use super::pulumi::check::{PackInput, check_packs};
use crate::workspace::NamedSource;
use http::ApiError;
use manifest::Document;
use manifest::config::Target;
use manifest::lock::Lock;
use model::diag::{Diagnostic, DocumentId};
use model::{Desired, Live};

/// The manifests of one target, as they were read.
#[derive(Debug, Clone, Copy)]
pub struct Manifests<'a> {
    /// The target.
    pub target: &'a Target,
    /// Its documents.
    pub documents: &'a [&'a Document],
    /// The text of `spec.cedar.file`, for each document that names one.
    pub cedar_files: &'a HashMap<DocumentId, Arc<str>>,
    /// The source of each policy pack.
    pub pack_sources: &'a HashMap<DocumentId, NamedSource>,
    /// The lock file; an empty one if there is none.
    pub lock: &'a Lock,
}

/// What the server says about names in manifests that only the server can confirm.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// The teams of the organization.
    pub teams: Teams,
    /// What policies take as arguments that no manifest declares.
    pub schemas: InputsSchemas,
}

impl ServerFacts {
    /// Nothing: the server was not asked.
    pub fn offline() -> Self {
        Self {
            teams: Teams::Offline,
            schemas: InputsSchemas::new(),
        }
    }
}

/// The outcome of a check of one target's manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the manifests declare. Something is missing if there is an error about it, or if the
    /// server has to confirm it: a caller that plans must refuse while there is any error.
    pub desired: Desired,
    /// The findings, by document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks what the manifests of one target mean. All services look at all of them: each knows its
/// own kinds, and together they find manifests of a service that the target is not at.
pub fn check(manifests: &Manifests<'_>, facts: &ServerFacts) -> Checked {
    let Manifests {
        target,
        documents,
        cedar_files,
        pack_sources,
        lock,
    } = *manifests;
    let policies = check_policies(&Input {
        target,
        documents,
        cedar_files,
        teams: &facts.teams,
    });
    let packs = check_packs(&PackInput {
        target,
        documents,
        sources: pack_sources,
        lock,
    });
    let native = check_documents(&DocumentInput {
        target,
        documents,
        schemas: &facts.schemas,
    });
    let mut diagnostics = policies.diagnostics;
    diagnostics.extend(packs.diagnostics);
    diagnostics.extend(native.diagnostics);
    diagnostics
        .sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| order(&label.place)));
    Checked {
        desired: Desired {
            policies: policies.policies,
            packs: packs.packs,
            groups: packs.groups,
            documents: native.documents,
        },
        diagnostics,
    }
}

/// Told how far a reading is: what was read, and what is known of so far.
pub type Progress = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// Reads one organization, whichever service it is at. It has no way to change anything.
#[derive(Clone)]
pub enum Reader {
    /// At the Docker AI Governance API.
    Docker(crate::service::docker::client::Reader),
    /// At Pulumi Cloud.
    Pulumi(crate::service::pulumi::client::Reader),
    /// At Chainloop, of the documents that it is told to ask for.
    Chainloop(crate::service::chainloop::client::Reader),
}

/// Changes one organization, whichever service it is at.
#[derive(Clone)]
pub enum Writer {
    /// At the Docker AI Governance API.
    Docker(crate::service::docker::client::Writer),
    /// At Pulumi Cloud.
    Pulumi(crate::service::pulumi::client::Writer),
    /// At Chainloop.
    Chainloop(crate::service::chainloop::client::Writer),
}

impl Reader {
    /// The same reader, telling how far it is with reading everything.
    #[must_use]
    pub fn with_progress(self, progress: Progress) -> Self {
        match self {
            Self::Docker(reader) => Self::Docker(reader.with_progress(progress)),
            Self::Pulumi(reader) => Self::Pulumi(reader.with_progress(progress)),
            Self::Chainloop(reader) => Self::Chainloop(reader.with_progress(progress)),
        }
    }

    /// Everything that the organization holds; at Chainloop, what the reader was told to ask for.
    ///
    /// # Errors
    /// Anything that could not be read. There is no partial result.
    pub async fn live_state(&self) -> Result<Live, ApiError> {
        match self {
            Self::Docker(reader) => reader.live_state().await.map(Live::Docker),
            Self::Pulumi(reader) => reader.live_state().await.map(Live::Pulumi),
            Self::Chainloop(reader) => reader.live_state().await.map(Live::Chainloop),
        }
    }
}
