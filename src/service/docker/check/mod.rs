//! What manifests mean: one rule a file, from documents to diagnostics and desired policies.
//!
//! [`check`] takes all manifests of one target. Each text is parsed once into views (`view`), the table in `rules`
//! runs every rule over them, and what no error speaks against becomes a [`DesiredPolicy`]. Rules are pure functions
//! from views to diagnostics; the work on single documents runs in parallel.

pub(crate) mod access;
mod desired;
mod gates;
mod lints;
mod locate;
mod policy_tests;
mod rules;
mod scene;
mod size;
pub(crate) mod teams;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use manifest::Document;
use manifest::config::Target;
use model::chainloop::DesiredDocument;
use model::diag::{Diagnostic, DocumentId, Place, Severity};
use model::docker::{DesiredPolicy, Team};
use model::pulumi::{DesiredGroup, DesiredPack};

pub use access::{Gates, gates, gates_of_all};

pub use gates::check_gates;
pub use lints::lint;
pub use locate::resource_place;

pub use policy_tests::{
    CheckedTests, LARGEST_SUITE, LARGEST_TEST, check_test_targets, check_tests,
};
pub use teams::{needs_server_teams, tests_need_server_teams};

use scene::Scene;

/// All that the check of one target looks at.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The target.
    pub target: &'a Target,
    /// The manifests that belong to it.
    pub documents: &'a [&'a Document],
    /// The text of `spec.cedar.file`, for each document that names one.
    pub cedar_files: &'a HashMap<DocumentId, Arc<str>>,
    /// What is known about the teams of the organization.
    pub teams: &'a Teams,
}

/// What is known about the teams of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teams {
    /// Nothing: the server is not asked. Names of teams cannot be confirmed.
    Offline,
    /// All of them, completely read.
    Known(Vec<Team>),
}

/// The outcome of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the repository wants, in the order of the documents. A policy is missing where an error speaks against
    /// it, or where a team of it needs the server: a caller that plans must refuse while there is any error.
    pub policies: Vec<DesiredPolicy>,
    /// The policy packs, likewise; see [`check_packs`].
    pub packs: Vec<DesiredPack>,
    /// The policy groups, likewise.
    pub groups: Vec<DesiredGroup>,
    /// The documents of Chainloop, likewise; see [`check_documents`].
    pub documents: Vec<DesiredDocument>,
    /// The findings, by document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks all manifests of one target.
pub fn check(input: &Input<'_>) -> Checked {
    let scene = Scene::new(input);
    let mut diagnostics = rules::run(&scene);
    let blamed = blamed(&diagnostics);
    let outcomes: Vec<_> = scene
        .policies
        .par_iter()
        .filter(|policy| !blamed.contains(&policy.document) && !scene.pulls_from(policy, &blamed))
        .map(|policy| desired::build(&scene, policy))
        .collect();
    let mut policies = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(policy) => policies.extend(policy),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    diagnostics
        .sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| order(&label.place)));
    Checked {
        policies,
        diagnostics,
        ..Checked::default()
    }
}

impl Checked {
    /// The same with the packs and groups of the target.
    #[must_use]
    pub fn with_packs(mut self, checked: crate::service::pulumi::check::CheckedPacks) -> Self {
        let crate::service::pulumi::check::CheckedPacks {
            packs,
            groups,
            diagnostics,
        } = checked;
        self.packs.extend(packs);
        self.groups.extend(groups);
        self.diagnostics.extend(diagnostics);
        self.diagnostics
            .sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| order(&label.place)));
        self
    }

    /// The same with the documents of the target.
    #[must_use]
    pub fn with_documents(
        mut self,
        checked: crate::service::chainloop::check::CheckedDocuments,
    ) -> Self {
        let crate::service::chainloop::check::CheckedDocuments {
            documents,
            diagnostics,
        } = checked;
        self.documents.extend(documents);
        self.diagnostics.extend(diagnostics);
        self.diagnostics
            .sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| order(&label.place)));
        self
    }
}

/// The documents that errors point at, first or second: what is in doubt is not planned.
pub(crate) fn blamed(diagnostics: &[Diagnostic]) -> HashSet<DocumentId> {
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity() == Severity::Error);
    let places = errors.flat_map(|diagnostic| diagnostic.labels.iter().map(|label| &label.place));
    places.filter_map(document_of).collect()
}

fn document_of(place: &Place) -> Option<DocumentId> {
    match place {
        Place::Node { document, .. } => Some(*document),
        Place::File(_) | Place::Bytes { .. } => None,
    }
}

pub(crate) fn order(place: &Place) -> (model::diag::FileId, u32) {
    (
        place.file(),
        document_of(place).map_or(0, |document| document.index),
    )
}
