//! `list-name-taken`: two ResourceLists of one target with the same name.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use model::diag::{Code, Diagnostic};

pub(super) fn check(scene: &Scene<'_>, found: &mut Findings) {
    for list in &scene.lists {
        let name = list.manifest.metadata.name.as_str();
        let Some(first) = scene
            .list(name)
            .filter(|first| first.document != list.document)
        else {
            continue;
        };
        let message = format!(
            "two ResourceLists of the target `{}` are called `{name}`",
            scene.target.name
        );
        found.push(
            Diagnostic::new(Code::ListNameTaken, message, list.name_place())
                .label("again here")
                .also(first.name_place(), "first here")
                .help("give one of them another name, or merge them"),
        );
    }
}
