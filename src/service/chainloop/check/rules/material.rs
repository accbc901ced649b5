//! `material-type-refused` and `group-material-untyped`: types of materials that the service does not take.

use super::Findings;
use crate::service::chainloop::check::scene::{GroupView, PolicyView, Scene};
use manifest::chainloop::MaterialType;
use model::diag::{Code, Diagnostic, Place};

pub(super) fn check_policy(policy: &PolicyView<'_>, found: &mut Findings) {
    let spec = &policy.manifest.spec;
    let refused = |material: &MaterialType| {
        [
            ("STRING", material.is_string()),
            ("ARTIFACT", material.is_artifact()),
            ("EVIDENCE", material.is_evidence()),
        ]
        .into_iter()
        .find_map(|(name, is)| is.then_some(name))
    };
    if let Some(name) = spec.material.as_ref().and_then(refused) {
        say(name, policy.value(policy.spec("type")), found);
    }
    for (index, script) in spec.policies.iter().flatten().enumerate() {
        if script.kind.as_ref().is_some_and(MaterialType::is_artifact) {
            say(
                "ARTIFACT",
                policy.value(policy.spec("policies").index(index).key("kind")),
                found,
            );
        }
    }
}

fn say(name: &str, place: Place, found: &mut Findings) {
    let message = format!(
        "no policy can be for `{name}`: such a material has no format that a script could know"
    );
    found.push(
        Diagnostic::new(Code::MaterialTypeRefused, message, place)
            .help("write the type that the material really has, or leave it out and select the material by its name"),
    );
}

pub(super) fn check_group(_: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    for (path, material) in group.manifest.materials() {
        let named = material
            .name
            .as_deref()
            .is_some_and(|name| !name.is_empty());
        if named
            && material
                .material
                .as_ref()
                .is_none_or(MaterialType::is_unspecified)
        {
            let message = "a material that has a name must have a type";
            found.push(
                Diagnostic::new(Code::GroupMaterialUntyped, message, Place::value(group.document, path.key("name")))
                    .help("add `type:`, or remove the name: the policies are then for all materials of a type"),
            );
        }
    }
}
