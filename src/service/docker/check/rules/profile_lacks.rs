//! `profile-lacks`: fields and kinds of rules that the target's profile of the service does not have.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::PolicyView;
use model::diag::{Code, Diagnostic, Path, Place};
use model::docker::Layer;

pub(super) fn check(scene: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let Some(profile) = scene.target.profile() else {
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
