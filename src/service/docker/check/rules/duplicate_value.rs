//! `duplicate-value`: the same value twice in a list.

use std::collections::HashMap;
use std::hash::Hash;

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::{Entries, Group, PolicyView, action};
use model::diag::{Code, Diagnostic, DocumentId, Path, Place};

pub(super) fn check_policy(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let document = policy.document;
    let root = Path::root;
    check(
        &policy.manifest.metadata.aliases,
        document,
        || root().key("metadata").key("aliases"),
        found,
    );
    if let Some(scope) = &policy.manifest.spec.scope {
        let path = || root().key("spec").key("scope");
        check(
            scope.teams.as_deref().unwrap_or_default(),
            document,
            || path().key("teams"),
            found,
        );
        check(
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
        check(&actions, document, || rule.path().key("actions"), found);
        check(
            &rule.spec.aliases,
            document,
            || rule.path().key("aliases"),
            found,
        );
        let lists = rule.spec.resources_from.as_deref().unwrap_or_default();
        check(lists, document, || rule.path().key("resourcesFrom"), found);
    }
}

pub(super) fn check_group(group: &Group<'_>, found: &mut Findings) {
    let document = group.document;
    let path = || group.path();
    match &group.entries {
        Entries::Hosts(entries) => check(&texts(entries), document, path, found),
        Entries::Paths(entries) => check(&texts(entries), document, path, found),
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

fn check<T: AsRef<str>>(
    values: &[T],
    document: DocumentId,
    path: impl Fn() -> Path,
    found: &mut Findings,
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
    found: &mut Findings,
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
                    format!("`{}` stands twice in the list", show(value)),
                    Place::value(document, path().index(index)),
                )
                .label("again here")
                .also(Place::value(document, path().index(first)), "first here")
                .help("remove one of them; the service would see the same rule"),
            );
        }
    }
}
