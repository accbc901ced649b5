//! `resource-kind` and `missing-field`: resources that do not fit the actions of their rule.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::{PolicyView, RuleView};
use model::diag::{Code, Diagnostic, Part, Place};
use model::docker::Layer;

pub(super) fn check(scene: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    for rule in &policy.rules {
        let spec = rule.spec;
        if spec.resources.is_none()
            && spec.http_resources.is_none()
            && spec.resources_from.is_none()
        {
            let message = format!("the rule `{}` has no resources", spec.name);
            let field = if rule.layer == Some(Layer::Http) {
                "httpResources"
            } else {
                "resources"
            };
            found.push(
                Diagnostic::new(
                    Code::MissingField,
                    message,
                    Place::value(rule.document, rule.path()),
                )
                .label(format!("`{field}` is missing"))
                .help(format!(
                    "add `{field}`, or `resourcesFrom` with the name of a ResourceList"
                )),
            );
        }
        let Some(layer) = rule.layer else { continue };
        let http = layer == Layer::Http;
        if http && spec.resources.is_some() {
            let help = "list `{host, port, path}` entries under `httpResources`; a path `/**` means every path";
            found.push(misfit(rule, layer, "resources", help));
        }
        if !http && spec.http_resources.is_some() {
            let help = match layer {
                Layer::Filesystem => "list paths under `resources`",
                Layer::Network | Layer::Http => {
                    "list hosts under `resources`, or use HTTP actions such as `request:get`"
                }
            };
            found.push(misfit(rule, layer, "httpResources", help));
        }
        check_lists(scene, rule, layer, found);
    }
}

fn misfit(rule: &RuleView<'_>, layer: Layer, field: &str, help: &str) -> Diagnostic {
    let message = format!("`{field}` does not fit {layer} actions");
    let place = Place::Node {
        document: rule.document,
        path: rule.path().key(field),
        part: Part::Key,
    };
    Diagnostic::new(Code::ResourceKind, message, place)
        .label("does not fit")
        .also(rule.field("actions"), format!("{layer} actions"))
        .help(help)
}

fn check_lists(scene: &Scene<'_>, rule: &RuleView<'_>, layer: Layer, found: &mut Findings) {
    for (index, name) in rule.spec.resources_from.iter().flatten().enumerate() {
        let Some(list) = scene.list(name) else {
            continue;
        };
        let Some(group) = list
            .groups
            .iter()
            .find(|group| group.entries.layer() != layer)
        else {
            continue;
        };
        let message = format!("the list `{name}` does not fit {layer} actions");
        found.push(
            Diagnostic::new(
                Code::ResourceKind,
                message,
                rule.item("resourcesFrom", index),
            )
            .label(format!("this rule has {layer} actions"))
            .also(
                Place::key(group.document, group.path()),
                format!("holds `{}`", group.field),
            )
            .help(format!("name a list that holds `{}`", list_field(layer))),
        );
    }
}

fn list_field(layer: Layer) -> &'static str {
    match layer {
        Layer::Network => "hosts",
        Layer::Filesystem => "paths",
        Layer::Http => "httpResources",
    }
}
