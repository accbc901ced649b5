//! `policy-name-taken`: two policies of one target with the same name.

use std::collections::HashMap;

use super::Findings;
use crate::service::docker::check::scene::Scene;
use model::diag::{Code, Diagnostic};

pub(super) fn check(scene: &Scene<'_>, found: &mut Findings) {
    let mut names = HashMap::with_capacity(scene.policies.len());
    for policy in &scene.policies {
        let name = policy.manifest.metadata.name.as_str();
        let first = *names.entry(name).or_insert(policy);
        if first.document != policy.document {
            let message = format!(
                "two policies of the target `{}` are called `{name}`",
                scene.target.name
            );
            found.push(
                Diagnostic::new(Code::PolicyNameTaken, message, policy.name_place())
                    .label("again here")
                    .also(first.name_place(), "first here")
                    .help("give one of them another name, or merge them: the name is what identifies a policy"),
            );
        }
    }
}
