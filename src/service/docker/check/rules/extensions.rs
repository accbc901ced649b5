//! `extension-known`: extensions that name a field which this version knows.

use serde_json::{Map, Value};

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::DockerPolicyView;
use model::diag::{Code, Diagnostic, Path, Place};
use model::docker::Extensions;

pub(super) fn check(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let spec = Path::root().key("spec");
    let mut check = |fields: Option<&Map<String, Value>>, at: Path| {
        for name in fields.into_iter().flat_map(Map::keys) {
            if Extensions::is_known_field(name) {
                let place = Place::key(policy.document, at.clone().key("extensions").key(name));
                found.push(known(name, place));
            }
        }
    };
    check(policy.manifest.spec.extensions.as_ref(), spec);
    for rule in &policy.rules {
        check(rule.spec.extensions.as_ref(), rule.path());
    }
}

fn known(name: &str, place: Place) -> Diagnostic {
    let message = format!("`{name}` is a field that this version knows, so it is not an extension");
    let help = match name {
        "http_resources" => "write it as `httpResources` of the rule",
        "actions" | "decision" | "resources" => "write it as a field of the rule",
        "cedar_v1" => "write it as `cedar` of the spec",
        "allowlist_v0" | "rules" => "write the rules as `rules` of the spec",
        "scope" => "write it as `scope` of the spec",
        "name" => "write it as `name` of the policy or the rule",
        _ => "remove it: the service sets it",
    };
    Diagnostic::new(Code::ExtensionKnown, message, place).help(help)
}
