use polwarden::service::docker::check::KnownTeams;
use std::collections::BTreeSet;

use model::diag::Severity;
use model::docker::{PolicyContent, Resources};
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

/// Rules with nothing wrong, which are rare among all.
fn right_rules() -> impl Strategy<Value = String> {
    let resources = prop::sample::subsequence(vec!["a.com", "'*.a.com'", "'**.a.com:443'"], 1..=3);
    let from = prop::sample::select(vec!["", ", resourcesFrom: [l]"]);
    (prop::sample::select(vec!["r", "s"]), resources, from).prop_map(|(name, resources, from)| {
        let resources = resources.join(", ");
        format!("{{name: {name}, decision: allow, actions: ['connect:tcp'], resources: [{resources}]{from}}}")
    })
}

fn policies() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["p", "q", "t"]);
    let rule = prop_oneof![1 => rules(), 2 => right_rules()];
    (name, scopes(), prop::collection::vec(rule, 0..3)).prop_map(|(name, scope, rules)| {
        let scope = scope
            .map(|scope| format!("scope: {scope}, "))
            .unwrap_or_default();
        policy_spec(
            &format!("{{name: {name}}}"),
            &format!("{{{scope}rules: [{}]}}", rules.join(", ")),
        )
    })
}

/// The property would be vacuous if all policies were left out.
#[test]
fn many_policies_with_resources_are_right() {
    let right = |text: String| {
        let lists = [list("l", "{hosts: [b.com]}"), list("empty", "{hosts: []}")];
        let checked = run(&[&text, &lists[0], &lists[1]]);
        checked.policies.iter().any(
            |policy| matches!(&policy.content, PolicyContent::Rules(rules) if !rules.is_empty()),
        )
    };
    let found = crate::properties::of_two_hundred(policies(), right);
    assert!(found >= 10, "{found} of 200");
}

proptest! {
    /// Invariant 9: a scoped policy never becomes organization-wide, and no rule loses entries. Every policy is desired or
    /// has a diagnostic.
    #[test]
    fn nothing_is_widened_or_lost_in_silence(texts in prop::collection::vec(policies(), 1..4), online in any::<bool>()) {
        let lists = [list("l", "{hosts: [b.com]}"), list("empty", "{hosts: []}")];
        let texts: Vec<&str> = texts.iter().chain(&lists).map(String::as_str).collect();
        let documents = documents(&texts);
        let known = if online { teams(&[("platform", SECURITY)]) } else { KnownTeams::Offline };
        let checked = run_with(&target("current"), &documents, &[], &known);
        for document in &documents {
            let Manifest::Policy(manifest) = &document.manifest else { continue };
            let desired = checked.policies.iter().find(|policy| policy.document == document.id);
            let Some(desired) = desired else {
                let about = |id: DocumentId| checked.diagnostics.iter().flat_map(|finding| &finding.labels)
                    .any(|label| matches!(label.place, Place::Node { document, .. } if document == id));
                // The diagnostic concerns the policy, or a list that it uses.
                let rules = manifest.spec.rules.iter().flatten();
                let uses = rules.flat_map(|rule| rule.resources_from.iter().flatten());
                let lists = uses.filter_map(|name| documents.iter().find(|other| {
                    matches!(&other.manifest, Manifest::ResourceList(list) if list.metadata.name == *name)
                }));
                prop_assert!(about(document.id) || lists.map(|list| list.id).any(about), "left out without a diagnostic");
                continue;
            };
            prop_assert_eq!(desired.scope.is_organization_wide(), manifest.spec.scope.is_none());
            prop_assert!(desired.scope.teams.iter().all(|team| team.as_str() == SECURITY));
            let PolicyContent::Rules(rules) = &desired.content else { panic!("rules") };
            let wanted = manifest.spec.rules.as_ref().unwrap();
            prop_assert_eq!(rules.len(), wanted.len());
            for rule in wanted {
                let found = rules.iter().find(|found| found.rule.name.as_str() == rule.name).unwrap();
                let Resources::Plain(found) = found.rule.access.resources() else { panic!("plain") };
                let listed = rule.resources_from.iter().flatten().map(|_| "b.com");
                let own = rule.resources.iter().flatten().map(String::as_str);
                prop_assert_eq!(
                    found.iter().map(String::as_str).collect::<BTreeSet<_>>(),
                    own.chain(listed).collect::<BTreeSet<_>>()
                );
            }
        }
        let errors = checked.diagnostics.iter().any(|finding| finding.severity() == Severity::Error);
        let unverified = checked.diagnostics.iter().any(|finding| finding.code.as_str() == "team-unverified");
        if !errors && !unverified {
            prop_assert_eq!(checked.policies.len() + lists.len(), documents.len());
        }
        check_wording(&checked.diagnostics);
    }
}
