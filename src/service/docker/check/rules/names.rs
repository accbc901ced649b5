//! `invalid-value`: names that are no names.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::{ListView, PolicyView};
use model::Name;
use model::diag::{Code, Diagnostic, Path, Place};

pub(super) fn check_policy(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let metadata = &policy.manifest.metadata;
    check(&metadata.name, || policy.name_place(), found);
    for (index, alias) in metadata.aliases.iter().enumerate() {
        check(alias, || policy.alias_place(index), found);
    }
    for rule in &policy.rules {
        check(&rule.spec.name, || rule.field("name"), found);
        for (index, alias) in rule.spec.aliases.iter().enumerate() {
            check(alias, || rule.item("aliases", index), found);
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
        check(profile, || Place::value(policy.document, path()), found);
    }
}

pub(super) fn check_list(list: &ListView<'_>, found: &mut Findings) {
    check(&list.manifest.metadata.name, || list.name_place(), found);
}

pub(crate) fn check(name: &str, place: impl FnOnce() -> Place, found: &mut Findings) {
    if let Err(error) = Name::new(name) {
        let trimmed = name.trim();
        let diagnostic =
            Diagnostic::new(Code::InvalidValue, error.to_string(), place()).label("not a name");
        found.push(if trimmed != name && Name::new(trimmed).is_ok() {
            diagnostic.help(format!("write `{trimmed}`"))
        } else {
            diagnostic.help("write a name that people can read and type")
        });
    }
}
