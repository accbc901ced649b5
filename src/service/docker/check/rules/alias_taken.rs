//! `alias-taken` among policies: an old name that still exists, or that two policies claim.

use std::collections::HashMap;

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::PolicyView;
use model::diag::{Code, Diagnostic};

pub(super) fn check(scene: &Scene<'_>, found: &mut Findings) {
    let names: HashMap<&str, &PolicyView<'_>> = scene
        .policies
        .iter()
        .map(|policy| (policy.manifest.metadata.name.as_str(), policy))
        .collect();
    let mut claims = HashMap::new();
    for policy in &scene.policies {
        for (index, alias) in policy.manifest.metadata.aliases.iter().enumerate() {
            let place = || policy.alias_place(index);
            // A chain or an exchange of names: the policy that has the name now continues another one.
            let moves_on = |other: &&PolicyView<'_>| {
                other.document != policy.document && !other.manifest.metadata.aliases.is_empty()
            };
            if let Some(other) = names.get(alias.as_str()).filter(|other| !moves_on(other)) {
                let message =
                    format!("the alias `{alias}` is the name of a policy that still exists");
                found.push(
                    Diagnostic::new(Code::AliasTaken, message, place())
                        .label("declared as an old name")
                        .also(other.name_place(), "still in use here")
                        .help("remove the alias, or rename the policy that still has the name; or declare its own old name"),
                );
            } else if let Some((owner, at)) = claims.insert(alias.as_str(), (policy, index))
                && owner.document != policy.document
            {
                let message = format!("two policies claim the old name `{alias}`");
                found.push(
                    Diagnostic::new(Code::AliasTaken, message, place())
                        .label("claimed again here")
                        .also(owner.alias_place(at), "claimed here")
                        .help("keep the alias at the policy that continues the old one"),
                );
            }
        }
    }
}
