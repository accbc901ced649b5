//! `rule-name-taken` and `alias-taken` inside one policy.

use std::collections::HashMap;

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::PolicyView;
use model::diag::{Code, Diagnostic};

pub(super) fn check(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let mut names = HashMap::with_capacity(policy.rules.len());
    for rule in &policy.rules {
        let first = *names.entry(rule.spec.name.as_str()).or_insert(rule);
        if first.index != rule.index {
            let message = format!("two rules of the policy are called `{}`", rule.spec.name);
            found.push(
                Diagnostic::new(Code::RuleNameTaken, message, rule.field("name"))
                    .label("again here")
                    .also(first.field("name"), "first here")
                    .help("give one of them another name: the name is what identifies a rule"),
            );
        }
    }
    let mut claims = HashMap::new();
    for rule in &policy.rules {
        for (index, alias) in rule.spec.aliases.iter().enumerate() {
            let place = || rule.item("aliases", index);
            if let Some(other) = names.get(alias.as_str()) {
                let message =
                    format!("the alias `{alias}` is the name of a rule that still exists");
                found.push(
                    Diagnostic::new(Code::AliasTaken, message, place())
                        .label("declared as an old name")
                        .also(other.field("name"), "still in use here")
                        .help("remove the alias, or rename the rule that still has the name"),
                );
            } else if let Some((owner, at)) = claims.insert(alias.as_str(), (rule, index))
                && owner.index != rule.index
            {
                let message = format!("two rules claim the old name `{alias}`");
                found.push(
                    Diagnostic::new(Code::AliasTaken, message, place())
                        .label("claimed again here")
                        .also(owner.item("aliases", at), "claimed here")
                        .help("keep the alias at the rule that continues the old one"),
                );
            }
        }
    }
}
