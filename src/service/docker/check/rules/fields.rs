//! `exactly-one`, `profile-lacks`, `missing-field` and `resource-kind`: which fields a manifest may
//! contain.

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::{DockerPolicyView, ListView, RuleView};
use model::diag::{Code, Diagnostic, EntryPart, Path, Place};
use model::docker::Layer;

pub(super) fn check_policy(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let spec = &policy.manifest.spec;
    match (&spec.rules, &spec.cedar) {
        (Some(_), Some(_)) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a policy contains both rules and Cedar text",
                cedar(policy, None),
            )
            .label("the Cedar text")
            .also(
                Place::key(policy.document, Path::root().key("spec").key("rules")),
                "the rules",
            )
            .help("keep `rules` or `cedar`, or make two policies"),
        ),
        (None, None) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a policy contains neither rules nor Cedar text",
                Place::key(policy.document, Path::root().key("spec")),
            )
            .help("add `rules`, or `rules: []` for a policy that allows nothing"),
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    let Some(spec) = &spec.cedar else { return };
    match (&spec.text, &spec.file) {
        (Some(_), Some(_)) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "duplicate Cedar text",
                cedar(policy, Some("file")),
            )
            .label("as a file")
            .also(cedar(policy, Some("text")), "and as text")
            .help("keep `text` or `file`"),
        ),
        (None, None) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a Cedar policy has no text",
                cedar(policy, None),
            )
            .help(
                "add `text` with the statements, or `file` with the path of a file that contains them",
            ),
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
}

fn cedar(policy: &DockerPolicyView<'_>, field: Option<&str>) -> Place {
    let path = Path::root().key("spec").key("cedar");
    Place::key(policy.document, field.into_iter().fold(path, Path::key))
}

pub(super) fn check_list(list: &ListView<'_>, found: &mut Vec<Diagnostic>) {
    let at = |field| Place::key(list.document, Path::root().key("spec").key(field));
    match list.groups.as_slice() {
        [_] => {}
        [] => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a ResourceList is empty",
                Place::key(list.document, Path::root().key("spec")),
            )
            .help("add one of `hosts`, `paths` and `httpResources`"),
        ),
        [first, second, ..] => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a ResourceList contains entries of two kinds",
                at(second.field),
            )
            .label("and these")
            .also(at(first.field), "these entries")
            .help("make one list for each kind: a rule can use only one of them"),
        ),
    }
}

pub(super) fn check_profile(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let Some(profile) = context.target.profile() else {
        return;
    };
    let mut lacks = |what: &str, place: Place, help: &str| {
        let message = format!("the profile `{profile}` of the service has no {what}");
        found.push(Diagnostic::new(Code::ProfileLacks, message, place).help(help));
    };
    let spec = &policy.manifest.spec;
    let names_profiles = spec
        .scope
        .as_ref()
        .is_some_and(|scope| scope.profiles.is_some());
    if names_profiles && !profile.has_scope_profiles() {
        let place = Place::key(
            policy.document,
            Path::root().key("spec").key("scope").key("profiles"),
        );
        lacks(
            "`scope.profiles`",
            place,
            "name teams in `scope.teams` instead; only the profile `seed` has profiles",
        );
    }
    if spec.cedar.is_some() && !profile.has_cedar() {
        let place = Place::key(policy.document, Path::root().key("spec").key("cedar"));
        lacks(
            "Cedar policies",
            place,
            "write rules, or set `profile: current` in polwarden.yaml if the server has it",
        );
    }
    if profile.has_http_rules() {
        return;
    }
    for rule in policy
        .rules
        .iter()
        .filter(|rule| rule.layer == Some(Layer::Http))
    {
        let help = "use network actions with `resources`, or set `profile: current` in polwarden.yaml if the server has it";
        lacks("HTTP rules", rule.field("actions"), help);
    }
}

pub(super) fn check_resources(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
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
            found.push(wrong_resource_kind(rule, layer, "resources", help));
        }
        if !http && spec.http_resources.is_some() {
            let help = match layer {
                Layer::Filesystem => "list paths under `resources`",
                Layer::Network | Layer::Http => {
                    "list hosts under `resources`, or use HTTP actions such as `request:get`"
                }
            };
            found.push(wrong_resource_kind(rule, layer, "httpResources", help));
        }
        check_lists(context, rule, layer, found);
    }
}

fn wrong_resource_kind(rule: &RuleView<'_>, layer: Layer, field: &str, help: &str) -> Diagnostic {
    let message = format!("`{field}` cannot be used with {layer} actions");
    let place = Place::Node {
        document: rule.document,
        path: rule.path().key(field),
        part: EntryPart::Key,
    };
    Diagnostic::new(Code::ResourceKind, message, place)
        .label("does not fit")
        .also(rule.field("actions"), format!("{layer} actions"))
        .help(help)
}

fn check_lists(
    context: &DockerRuleContext<'_>,
    rule: &RuleView<'_>,
    layer: Layer,
    found: &mut Vec<Diagnostic>,
) {
    for (index, name) in rule.spec.resources_from.iter().flatten().enumerate() {
        // Lists that are invalid or have the same name are reported themselves.
        let Some(list) = context.list(name).filter(|_| context.is_unambiguous(name)) else {
            continue;
        };
        let [group] = list.groups.as_slice() else {
            continue;
        };
        if group.entries.layer() == layer {
            continue;
        }
        let message = format!("the list `{name}` cannot be used with {layer} actions");
        found.push(
            Diagnostic::new(
                Code::ResourceKind,
                message,
                rule.item("resourcesFrom", index),
            )
            .label(format!("this rule has {layer} actions"))
            .also(
                Place::key(group.document, group.path()),
                format!("contains `{}`", group.field),
            )
            .help(format!("name a list that contains `{}`", list_field(layer))),
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
