//! Checks the manifests of policy packs and policy groups, and builds the desired state.

mod desired;
mod rules;
mod scene;

use crate::service::diagnostics::{blamed, sort};
use model::diag::Diagnostic;
use model::pulumi::{DesiredGroup, DesiredPack};

pub use scene::PackInput;
use scene::{GroupView, Scene};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedPacks {
    /// In the order of the documents. Packs with errors are missing, so a caller that plans must
    /// refuse if there are errors.
    pub packs: Vec<DesiredPack>,
    /// As for packs.
    pub groups: Vec<DesiredGroup>,
    /// By document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks all packs and groups of one target, and that its manifests belong to its provider.
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
    // A group that follows a pack with errors cannot be built.
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
    sort(&mut diagnostics);
    CheckedPacks {
        diagnostics,
        ..checked
    }
}
