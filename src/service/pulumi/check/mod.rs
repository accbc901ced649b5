//! What policy packs and policy groups mean: one rule a file, from documents to findings and to what is desired.

mod desired;
mod rules;
mod scene;

use std::collections::HashMap;

use crate::service::findings::{blamed, order};
use crate::workspace::NamedSource;
use manifest::Document;
use manifest::config::Target;
use manifest::lock::Lock;
use model::diag::{Diagnostic, DocumentId};
use model::pulumi::{DesiredGroup, DesiredPack};

use scene::{GroupView, Scene};

/// All that the check of the packs and groups of one target looks at.
#[derive(Debug, Clone, Copy)]
pub struct PackInput<'a> {
    /// The target.
    pub target: &'a Target,
    /// The manifests that belong to it.
    pub documents: &'a [&'a Document],
    /// The source of each pack.
    pub sources: &'a HashMap<DocumentId, NamedSource>,
    /// What the lock file says; an empty one where there is none.
    pub lock: &'a Lock,
}

/// The outcome of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedPacks {
    /// The packs, in the order of the documents. One is missing where an error speaks against it: a caller that plans
    /// must refuse while there is any error.
    pub packs: Vec<DesiredPack>,
    /// The groups, likewise.
    pub groups: Vec<DesiredGroup>,
    /// The findings, by document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks all packs and groups of one target, and that its manifests are of its service.
pub fn check_packs(input: &PackInput<'_>) -> CheckedPacks {
    let scene = Scene::new(input);
    let mut diagnostics = rules::run(&scene);
    let blamed = blamed(&diagnostics);
    let mut checked = CheckedPacks::default();
    for pack in scene
        .packs
        .iter()
        .filter(|pack| !blamed.contains(&pack.document))
    {
        match desired::pack(&scene, pack) {
            Ok(pack) => checked.packs.push(pack),
            Err(finding) => diagnostics.push(*finding),
        }
    }
    // A group that follows a pack in doubt is in doubt.
    let follows = |group: &GroupView<'_>| {
        let followed = group.packs().filter(|(_, pack)| pack.version_tag.is_none());
        followed
            .filter_map(|(_, pack)| scene.pack(&pack.name))
            .any(|pack| blamed.contains(&pack.document))
    };
    for group in scene
        .groups
        .iter()
        .filter(|group| !blamed.contains(&group.document) && !follows(group))
    {
        match desired::group(&scene, group) {
            Ok(group) => checked.groups.push(group),
            Err(finding) => diagnostics.push(*finding),
        }
    }
    diagnostics
        .sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| order(&label.place)));
    CheckedPacks {
        diagnostics,
        ..checked
    }
}
