//! `unknown-list`, `list-name-taken` and `list-unused`: ResourceLists and the rules that use them.

use std::collections::HashSet;

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::DockerPolicyView;
use model::diag::{Code, Diagnostic, did_you_mean};

pub(super) fn check_references(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    if context.may_declare_more_lists() {
        return;
    }
    for rule in &policy.rules {
        for (index, name) in rule.spec.resources_from.iter().flatten().enumerate() {
            if context.list(name).is_some() {
                continue;
            }
            let near = did_you_mean(context.list_names(), name);
            let help = match near {
                Some(like) => format!("did you mean `{like}`?"),
                None => {
                    "write a `polwarden/v1` ResourceList of this name under a path of the target"
                        .to_owned()
                }
            };
            let message = format!("unknown ResourceList `{name}`");
            found.push(
                Diagnostic::new(
                    Code::UnknownList,
                    message,
                    rule.item("resourcesFrom", index),
                )
                .label("not a list of this target")
                .help(help)
                .suggest_similar(near),
            );
        }
    }
}

pub(super) fn check_names(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    for list in &context.lists {
        let name = list.manifest.metadata.name.as_str();
        let Some(first) = context
            .list(name)
            .filter(|first| first.document != list.document)
        else {
            continue;
        };
        let message = format!(
            "duplicate ResourceList in the target `{}`: `{name}`",
            context.target.name
        );
        found.push(
            Diagnostic::new(Code::ListNameTaken, message, list.name_place())
                .label("again here")
                .also(first.name_place(), "first here")
                .help("rename one of them, or merge them"),
        );
    }
}

pub(super) fn check_unused(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    if context.lists.is_empty() || context.may_include_more_lists() {
        return;
    }
    let rules = context.policies.iter().flat_map(|policy| &policy.rules);
    let used: HashSet<&str> = rules
        .flat_map(|rule| rule.spec.resources_from.iter().flatten())
        .map(String::as_str)
        .collect();
    for list in &context.lists {
        let name = list.manifest.metadata.name.as_str();
        if !used.contains(name) {
            let message = format!("no rule uses the list `{name}`");
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
