//! `empty-list` and `duplicate-value`: the entries of lists.
//!
//! An empty scope would mean the whole organization (invariant 9), and the service rejects an empty
//! list in a rule. `aliases` and `spec.rules` may be empty: a policy without rules allows nothing.

use std::collections::HashMap;
use std::hash::Hash;

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::{DockerPolicyView, Entries, EntryGroup, action};
use model::diag::{Code, Diagnostic, DocumentId, Path, Place};

pub(super) fn check_policy_not_empty(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    if let Some(scope) = &policy.manifest.spec.scope {
        let place = |field: &str| {
            Place::value(
                policy.document,
                Path::root().key("spec").key("scope").key(field),
            )
        };
        let wide = "omit `scope` for the whole organization";
        if scope.teams.is_none() && scope.profiles.is_none() {
            found.push(empty(
                "the scope is empty",
                policy.spec_field("scope"),
                wide,
            ));
        }
        if scope.teams.as_ref().is_some_and(Vec::is_empty) {
            found.push(empty(
                "the scope has an empty list of teams",
                place("teams"),
                wide,
            ));
        }
        if scope.profiles.as_ref().is_some_and(Vec::is_empty) {
            found.push(empty(
                "the scope has an empty list of profiles",
                place("profiles"),
                wide,
            ));
        }
    }
    for rule in &policy.rules {
        if rule.spec.actions.is_empty() {
            let message = format!("the rule `{}` has no actions", rule.spec.name);
            found.push(empty(
                message,
                rule.field("actions"),
                "add at least one, for example `connect:tcp` or `read`",
            ));
        }
        if rule.spec.resources_from.as_ref().is_some_and(Vec::is_empty) {
            let message = format!("the rule `{}` has an empty `resourcesFrom`", rule.spec.name);
            found.push(empty(
                message,
                rule.field("resourcesFrom"),
                "add a ResourceList, or omit the field",
            ));
        }
        // If the layer is unknown, the resources are in no group.
        if rule.group.is_none()
            && rule.layer.is_none()
            && rule.spec.resources.as_ref().is_some_and(Vec::is_empty)
        {
            let message = format!(
                "the rule `{}` has an empty list of resources",
                rule.spec.name
            );
            found.push(empty(
                message,
                rule.field("resources"),
                "add resources, or remove the rule",
            ));
        }
    }
}

pub(super) fn check_group_not_empty(group: &EntryGroup<'_>, found: &mut Vec<Diagnostic>) {
    let none = match &group.entries {
        Entries::Hosts(entries) => entries.is_empty(),
        Entries::Paths(entries) => entries.is_empty(),
        Entries::Http(entries) => entries.is_empty(),
    };
    if none {
        let message = format!("the list `{}` is empty", group.field);
        let place = Place::value(group.document, group.path());
        let help = match group.rule {
            Some(_) => {
                "add resources, omit the field if a ResourceList contains them, or remove the rule"
            }
            None => "add entries, or remove the list",
        };
        found.push(empty(message, place, help));
    }
}

fn empty(message: impl Into<String>, place: Place, help: &str) -> Diagnostic {
    Diagnostic::new(Code::EmptyList, message, place)
        .label("empty")
        .help(help)
}

pub(super) fn check_policy_duplicates(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let document = policy.document;
    let root = Path::root;
    check_texts(
        &policy.manifest.metadata.aliases,
        document,
        || root().key("metadata").key("aliases"),
        found,
    );
    if let Some(scope) = &policy.manifest.spec.scope {
        let path = || root().key("spec").key("scope");
        check_texts(
            scope.teams.as_deref().unwrap_or_default(),
            document,
            || path().key("teams"),
            found,
        );
        check_texts(
            scope.profiles.as_deref().unwrap_or_default(),
            document,
            || path().key("profiles"),
            found,
        );
    }
    for rule in &policy.rules {
        let actions: Vec<&str> = rule
            .spec
            .actions
            .iter()
            .map(|spec| action(*spec).as_str())
            .collect();
        check_texts(&actions, document, || rule.path().key("actions"), found);
        check_texts(
            &rule.spec.aliases,
            document,
            || rule.path().key("aliases"),
            found,
        );
        let lists = rule.spec.resources_from.as_deref().unwrap_or_default();
        check_texts(lists, document, || rule.path().key("resourcesFrom"), found);
    }
}

pub(super) fn check_group_duplicates(group: &EntryGroup<'_>, found: &mut Vec<Diagnostic>) {
    let document = group.document;
    let path = || group.path();
    match &group.entries {
        Entries::Hosts(entries) => check_texts(&texts(entries), document, path, found),
        Entries::Paths(entries) => check_texts(&texts(entries), document, path, found),
        Entries::Http(entries) => {
            let targets: Vec<_> = entries
                .iter()
                .map(|(spec, _)| (spec.host.as_str(), spec.port, spec.path.as_str()))
                .collect();
            check_by(
                &targets,
                document,
                path,
                |(host, port, path)| match port {
                    Some(port) => format!("{host}:{port}{path}"),
                    None => format!("{host}{path}"),
                },
                found,
            );
        }
    }
}

fn texts<'a, P>(entries: &[(&'a str, P)]) -> Vec<&'a str> {
    entries.iter().map(|(text, _)| *text).collect()
}

fn check_texts<T: AsRef<str>>(
    values: &[T],
    document: DocumentId,
    path: impl Fn() -> Path,
    found: &mut Vec<Diagnostic>,
) {
    if values.len() > 1 {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        check_by(&values, document, path, |value| (*value).to_owned(), found);
    }
}

fn check_by<T: Eq + Hash>(
    values: &[T],
    document: DocumentId,
    path: impl Fn() -> Path,
    show: impl Fn(&T) -> String,
    found: &mut Vec<Diagnostic>,
) {
    if values.len() < 2 {
        return;
    }
    let mut seen = HashMap::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let first = *seen.entry(value).or_insert(index);
        if first != index {
            found.push(
                Diagnostic::new(
                    Code::DuplicateValue,
                    format!("duplicate value `{}`", show(value)),
                    Place::value(document, path().index(index)),
                )
                .label("again here")
                .also(Place::value(document, path().index(first)), "first here")
                .help("remove one of them; the rule remains the same"),
            );
        }
    }
}
