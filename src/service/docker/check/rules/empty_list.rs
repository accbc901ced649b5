//! `empty-list`: lists and scopes that must not be empty.
//!
//! An emptied scope would mean the whole organization (invariant 9), and an empty list in a rule is refused by the
//! service. `aliases` and `spec.rules` may be empty: a policy without rules is a policy that allows nothing.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::{Entries, Group, PolicyView};
use model::diag::{Code, Diagnostic, Path, Place};

pub(super) fn check_policy(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    if let Some(scope) = &policy.manifest.spec.scope {
        let place = |field: &str| {
            Place::value(
                policy.document,
                Path::root().key("spec").key("scope").key(field),
            )
        };
        let wide = "leave `scope` out if the whole organization is meant";
        if scope.teams.is_none() && scope.profiles.is_none() {
            found.push(empty(
                "the scope names nobody",
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
                "name at least one, for example `connect:tcp` or `read`",
            ));
        }
        if rule.spec.resources_from.as_ref().is_some_and(Vec::is_empty) {
            let message = format!("the rule `{}` pulls in no list", rule.spec.name);
            found.push(empty(
                message,
                rule.field("resourcesFrom"),
                "name a ResourceList, or leave the field out",
            ));
        }
        // Resources of rules whose layer is unknown are in no group.
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
                "name what the rule is about, or remove the rule",
            ));
        }
    }
}

pub(super) fn check_group(group: &Group<'_>, found: &mut Findings) {
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
                "name what the rule is about, leave the field out if a ResourceList does, or remove the rule"
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
