use model::diag::Severity;
use model::docker::Content;
use polwarden::service::docker::check::Teams;
use proptest::prelude::*;

use super::*;

/// Scopes as people write and miswrite them; `None` leaves the field out.
fn scopes() -> impl Strategy<Value = Option<String>> {
    let team = prop::sample::select(vec!["security", SECURITY, "platform", "''", "nobody"]);
    let teams = prop::collection::vec(team, 0..3)
        .prop_map(|teams| format!("{{teams: [{}]}}", teams.join(", ")));
    prop::option::of(prop_oneof![Just("{}".to_owned()), teams])
}

fn resources() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "a.com",
        "'*.a.com'",
        "'**.a.com:443'",
        "10.0.0.0/8",
        "10.0.0.1/8",
        "/data",
        "data",
        "''",
        "'a b'",
        "A.com",
    ]);
    prop::collection::vec(text, 0..4).prop_map(|texts| format!("[{}]", texts.join(", ")))
}

fn rules() -> impl Strategy<Value = String> {
    let actions = prop::sample::select(vec![
        "[]",
        "['connect:tcp']",
        "[read]",
        "[read, 'connect:tcp']",
        "['request:get']",
    ]);
    let from = prop::option::of(prop::sample::select(vec![
        "[]",
        "[l]",
        "[nothing]",
        "[empty]",
    ]));
    let name = prop::sample::select(vec!["r", "s", "''"]);
    (name, actions, prop::option::of(resources()), from).prop_map(
        |(name, actions, resources, from)| {
            let resources = resources
                .map(|texts| format!(", resources: {texts}"))
                .unwrap_or_default();
            let from = from
                .map(|names| format!(", resourcesFrom: {names}"))
                .unwrap_or_default();
            format!("{{name: {name}, decision: allow, actions: {actions}{resources}{from}}}")
        },
    )
}

fn policies() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["p", "q", "t"]);
    (name, scopes(), prop::collection::vec(rules(), 0..3)).prop_map(|(name, scope, rules)| {
        let scope = scope
            .map(|scope| format!("scope: {scope}, "))
            .unwrap_or_default();
        policy_spec(
            &format!("{{name: {name}}}"),
            &format!("{{{scope}rules: [{}]}}", rules.join(", ")),
        )
    })
}

proptest! {
    /// Invariant 9: what was scoped never comes out as organization-wide, and no rule comes out with less than was
    /// written; every policy is there, or a finding says why not.
    #[test]
    fn nothing_is_widened_or_lost_in_silence(texts in prop::collection::vec(policies(), 1..4), online in any::<bool>()) {
        let lists = [list("l", "{hosts: [b.com]}"), list("empty", "{hosts: []}")];
        let texts: Vec<&str> = texts.iter().chain(&lists).map(String::as_str).collect();
        let documents = documents(&texts);
        let known = if online { teams(&[("platform", SECURITY)]) } else { Teams::Offline };
        let checked = run_with(&target("current"), &documents, &[], &known);
        for document in &documents {
            let Manifest::Policy(manifest) = &document.manifest else { continue };
            let desired = checked.policies.iter().find(|policy| policy.document == document.id);
            let Some(desired) = desired else {
                prop_assert!(!checked.diagnostics.is_empty(), "left out without a finding");
                continue;
            };
            prop_assert_eq!(desired.scope.is_organization_wide(), manifest.spec.scope.is_none());
            let Content::Rules(rules) = &desired.content else { panic!("rules") };
            prop_assert_eq!(Some(rules.len()), manifest.spec.rules.as_ref().map(Vec::len));
        }
        let errors = checked.diagnostics.iter().any(|finding| finding.severity() == Severity::Error);
        let unverified = checked.diagnostics.iter().any(|finding| finding.code.as_str() == "team-unverified");
        if !errors && !unverified {
            prop_assert_eq!(checked.policies.len() + lists.len(), documents.len());
        }
        check_wording(&checked.diagnostics);
    }
}
