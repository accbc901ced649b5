//! Checks the manifests of policy packs and policy groups, and builds the desired state.

mod context;
mod desired;
mod rules;

use crate::service::diagnostics::{documents_with_errors, sort};
use model::diag::Diagnostic;
use model::pulumi::{DesiredGroup, DesiredPack};

pub use context::PackInput;
use context::{PulumiGroupView, PulumiRuleContext};

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
    let context = PulumiRuleContext::new(input);
    let mut diagnostics = rules::run(&context);
    let blamed = documents_with_errors(&diagnostics);
    let mut checked = CheckedPacks::default();
    for pack in context
        .packs
        .iter()
        .filter(|pack| !blamed.contains(&pack.document))
    {
        match desired::pack(&context, pack) {
            Ok(pack) => checked.packs.push(pack),
            Err(finding) => diagnostics.push(*finding),
        }
    }
    // A group that follows a pack with errors cannot be built.
    let follows = |group: &PulumiGroupView<'_>| {
        let followed = group.packs().filter(|(_, pack)| pack.version_tag.is_none());
        followed
            .filter_map(|(_, pack)| context.pack(&pack.name))
            .any(|pack| blamed.contains(&pack.document))
    };
    for group in context
        .groups
        .iter()
        .filter(|group| !blamed.contains(&group.document) && !follows(group))
    {
        match desired::group(&context, group) {
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
