//! `unknown-pack` and `missing-field`: a group that names a pack which no manifest declares.

use super::Findings;
use crate::service::pulumi::check::scene::{GroupView, Scene};
use model::diag::{Code, Diagnostic, did_you_mean};

pub(super) fn check(scene: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    for (index, spec) in group.packs() {
        if scene.pack(&spec.name).is_some() {
            continue;
        }
        let place = group.pack_field(index, "name");
        let near = did_you_mean(scene.pack_names(), &spec.name);
        let meant = near
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        if spec.version_tag.is_none() {
            let message = format!(
                "no manifest declares the pack `{}`, so that its version must be said",
                spec.name
            );
            found.push(
                Diagnostic::new(Code::MissingField, message, place).help(format!(
                    "{meant}Else add `versionTag:` with a version that the organization has"
                )),
            );
            continue;
        }
        let message = format!(
            "no manifest of the target `{}` declares the pack `{}`",
            scene.target.name, spec.name
        );
        found.push(
            Diagnostic::new(Code::UnknownPack, message, place).help(format!(
                "{meant}Only the server can tell whether it has this version of it"
            )),
        );
    }
}
