//! `invalid-value` (names), `policy-name-taken`, `rule-name-taken`, `alias-taken` and `removed-declared`.

use std::collections::HashMap;

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::{DockerPolicyView, ListView};
use model::Name;
use model::diag::{Code, Diagnostic, Path, Place, Replacement};

pub(super) fn check_policy(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let metadata = &policy.manifest.metadata;
    check_name(&metadata.name, || policy.name_place(), found);
    for (index, alias) in metadata.aliases.iter().enumerate() {
        check_name(alias, || policy.alias_place(index), found);
    }
    for rule in &policy.rules {
        check_name(&rule.spec.name, || rule.field("name"), found);
        for (index, alias) in rule.spec.aliases.iter().enumerate() {
            check_name(alias, || rule.item("aliases", index), found);
        }
    }
    let profiles = policy
        .manifest
        .spec
        .scope
        .as_ref()
        .and_then(|scope| scope.profiles.as_deref());
    for (index, profile) in profiles.unwrap_or_default().iter().enumerate() {
        let path = || {
            Path::root()
                .key("spec")
                .key("scope")
                .key("profiles")
                .index(index)
        };
        check_name(profile, || Place::value(policy.document, path()), found);
    }
}

pub(super) fn check_list(list: &ListView<'_>, found: &mut Vec<Diagnostic>) {
    check_name(&list.manifest.metadata.name, || list.name_place(), found);
}

pub(crate) fn check_name(name: &str, place: impl FnOnce() -> Place, found: &mut Vec<Diagnostic>) {
    if let Err(error) = Name::new(name) {
        let trimmed = name.trim();
        let diagnostic =
            Diagnostic::new(Code::InvalidValue, error.to_string(), place()).label("not a name");
        found.push(if trimmed != name && Name::new(trimmed).is_ok() {
            diagnostic
                .help(format!("write `{trimmed}`"))
                .suggest(Replacement::Text(trimmed.to_owned()))
        } else {
            diagnostic.help("write a name that is readable and easy to type")
        });
    }
}

pub(super) fn check_policy_names(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let mut names = HashMap::with_capacity(context.policies.len());
    for policy in &context.policies {
        let name = policy.manifest.metadata.name.as_str();
        let first = *names.entry(name).or_insert(policy);
        if first.document != policy.document {
            let message = format!(
                "duplicate policy in the target `{}`: `{name}`",
                context.target.name
            );
            found.push(
                Diagnostic::new(Code::PolicyNameTaken, message, policy.name_place())
                    .label("again here")
                    .also(first.name_place(), "first here")
                    .help("rename one of them, or merge them: the name identifies a policy"),
            );
        }
    }
}

pub(super) fn check_rule_names(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut names = HashMap::with_capacity(policy.rules.len());
    for rule in &policy.rules {
        let first = *names.entry(rule.spec.name.as_str()).or_insert(rule);
        if first.index != rule.index {
            let message = format!("duplicate rule `{}` in the policy", rule.spec.name);
            found.push(
                Diagnostic::new(Code::RuleNameTaken, message, rule.field("name"))
                    .label("again here")
                    .also(first.field("name"), "first here")
                    .help("rename one of them: the name identifies a rule"),
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
                let message = format!("duplicate alias `{alias}` of two rules");
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

pub(super) fn check_policy_aliases(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let names: HashMap<&str, &DockerPolicyView<'_>> = context
        .policies
        .iter()
        .map(|policy| (policy.manifest.metadata.name.as_str(), policy))
        .collect();
    let mut claims = HashMap::new();
    for policy in &context.policies {
        for (index, alias) in policy.manifest.metadata.aliases.iter().enumerate() {
            let place = || policy.alias_place(index);
            // A chain or an exchange of names: the policy that has the name now was renamed, too.
            let moves_on = |other: &&DockerPolicyView<'_>| {
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
                let message = format!("duplicate alias `{alias}` of two policies");
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

/// A policy that `removed` deletes cannot be declared, by its name or as an old name, at once.
pub(super) fn check_removed_names(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let settings = &context.target.unmanaged;
    for policy in &context.policies {
        let metadata = &policy.manifest.metadata;
        let aliases = (0..).zip(&metadata.aliases);
        let names = [(&metadata.name, policy.name_place())]
            .into_iter()
            .chain(aliases.map(|(index, alias)| (alias, policy.alias_place(index))));
        for (name, place) in names.filter(|(name, _)| settings.is_removed(name)) {
            let message = format!(
                "policy `{name}` is declared here and listed in `removed` of target `{}`",
                context.target.name
            );
            found.push(
                Diagnostic::new(Code::RemovedDeclared, message, place)
                    .label("declared here")
                    .help("delete this manifest, or remove the name from `removed`"),
            );
        }
    }
}
