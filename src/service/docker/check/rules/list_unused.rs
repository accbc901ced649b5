//! `list-unused`: ResourceLists that no rule pulls in.

use std::collections::HashSet;

use super::Findings;
use crate::service::docker::check::scene::Scene;
use model::diag::{Code, Diagnostic};

pub(super) fn check(scene: &Scene<'_>, found: &mut Findings) {
    if scene.lists.is_empty() {
        return;
    }
    let rules = scene.policies.iter().flat_map(|policy| &policy.rules);
    let used: HashSet<&str> = rules
        .flat_map(|rule| rule.spec.resources_from.iter().flatten())
        .map(String::as_str)
        .collect();
    for list in &scene.lists {
        let name = list.manifest.metadata.name.as_str();
        if !used.contains(name) {
            let message = format!("no rule pulls in the list `{name}`");
            found.push(
                Diagnostic::new(Code::ListUnused, message, list.name_place())
                    .label("never used")
                    .help(format!(
                        "add `resourcesFrom: [{name}]` to a rule, or remove the list"
                    )),
            );
        }
    }
}
