//! `unknown-list`: names in `resourcesFrom` that no ResourceList of the target has.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::PolicyView;
use model::diag::{Code, Diagnostic, did_you_mean};

pub(super) fn check(scene: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    for rule in &policy.rules {
        for (index, name) in rule.spec.resources_from.iter().flatten().enumerate() {
            if scene.list(name).is_some() {
                continue;
            }
            let help = match did_you_mean(scene.list_names(), name) {
                Some(like) => format!("did you mean `{like}`?"),
                None => {
                    "write a `polwarden/v1` ResourceList of this name under a path of the target"
                        .to_owned()
                }
            };
            let message = format!("there is no ResourceList `{name}`");
            found.push(
                Diagnostic::new(
                    Code::UnknownList,
                    message,
                    rule.item("resourcesFrom", index),
                )
                .label("not a list of this target")
                .help(help),
            );
        }
    }
}
