use model::docker::{DesiredPolicy, PolicyContent, Resources};
use polwarden::service::docker::check::{KnownTeams, needs_server_teams};

use super::*;

const OTHER: &str = "11111111-2222-3333-4444-555555555555";

fn scoped(teams: &str) -> String {
    policy_spec(
        "{name: p}",
        &format!("{{scope: {{teams: [{teams}]}}, rules: []}}"),
    )
}

fn team_ids(policies: &[DesiredPolicy]) -> Vec<Vec<&str>> {
    policies
        .iter()
        .map(|policy| policy.scope.teams.iter().map(TeamId::as_str).collect())
        .collect()
}

/// Known teams, aliases, expected diagnostics, and the teams of each policy.
type Case<'a> = (&'a KnownTeams, &'a str, &'a [&'a str], &'a [&'a [&'a str]]);

#[test]
fn teams_are_found_by_alias_then_uuid_then_name() {
    let known = teams(&[
        ("platform", OTHER),
        ("security", OTHER),
        ("twin", OTHER),
        ("twin", SECURITY),
    ]);
    let upper = SECURITY.to_uppercase();
    let unknown = "unknown-team 0:spec.scope.teams[0]";
    let unverified = "team-unverified 0:spec.scope.teams[0]";
    let cases: &[Case<'_>] = &[
        (&KnownTeams::Offline, "security", &[], &[&[SECURITY]]),
        (&KnownTeams::Offline, OTHER, &[], &[&[OTHER]]),
        (&KnownTeams::Offline, &upper, &[], &[&[SECURITY]]),
        (&KnownTeams::Offline, "platform", &[unverified], &[]),
        (&known, "security", &[], &[&[SECURITY]]),
        (&known, "platform", &[], &[&[OTHER]]),
        (&known, "platform, security", &[], &[&[OTHER, SECURITY]]),
        (&known, "twin", &[unknown], &[]),
        (&known, "nobody", &[unknown], &[]),
        (&known, "''", &[unknown], &[]),
    ];
    for (teams, given, findings, expected) in cases {
        let checked = run_with(
            &target("current"),
            &documents(&[&scoped(given)]),
            &[],
            teams,
        );
        assert_eq!(show(&checked.diagnostics), *findings, "{given}");
        assert_eq!(team_ids(&checked.policies), *expected, "{given}");
        check_wording(&checked.diagnostics);
    }
}

#[test]
fn mistyped_teams_are_recognised() {
    let known = teams(&[("platform", OTHER)]);
    let cases = [
        (
            &KnownTeams::Offline,
            "securty",
            Some("did you mean the alias `security`?"),
        ),
        (&known, "platfrom", Some("did you mean `platform`?")),
        (&known, "Security", Some("did you mean `security`?")),
    ];
    for (teams, given, help) in cases {
        let checked = run_with(
            &target("current"),
            &documents(&[&scoped(given)]),
            &[],
            teams,
        );
        assert_eq!(checked.diagnostics[0].help.as_deref(), help, "{given}");
    }
}

#[test]
fn the_server_is_asked_only_for_names() {
    let cases = [
        ("security", false),
        (OTHER, false),
        ("platform", true),
        ("security, platform", true),
    ];
    for (given, expected) in cases {
        let documents = documents(&[&scoped(given)]);
        let documents: Vec<&Document> = documents.iter().collect();
        assert_eq!(
            needs_server_teams(&target("current"), &documents),
            expected,
            "{given}"
        );
    }
}

#[test]
fn lists_are_pulled_in_and_sets_are_sorted() {
    let texts = [
        policy(
            "p",
            &[
                "{name: r, aliases: [q], decision: deny, actions: ['connect:udp', 'connect:tcp'], resources: [c.com, a.com], resourcesFrom: [l, m]}",
            ],
        ),
        list("l", "{hosts: [b.com, a.com]}"),
        list("m", "{hosts: [10.0.0.0/8]}"),
    ];
    let checked = run(&[&texts[0], &texts[1], &texts[2]]);
    assert_eq!(show(&checked.diagnostics), Vec::<String>::new());
    let [policy] = checked.policies.as_slice() else {
        panic!("one policy")
    };
    assert!(policy.scope.is_organization_wide());
    let PolicyContent::Rules(rules) = &policy.content else {
        panic!("rules")
    };
    let actions: Vec<_> = rules[0]
        .rule
        .access
        .actions()
        .iter()
        .map(|action| action.as_str())
        .collect();
    assert_eq!(actions, ["connect:tcp", "connect:udp"]);
    let expected = ["10.0.0.0/8", "a.com", "b.com", "c.com"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(rules[0].rule.access.resources(), Resources::Plain(expected));
    assert_eq!(rules[0].aliases[0].as_str(), "q");
}

#[test]
fn http_lists_are_pulled_in() {
    let rule = "{name: r, decision: allow, actions: ['request:get'], resourcesFrom: [l]}";
    let http = list(
        "l",
        "{httpResources: [{host: b.com, path: /}, {host: a.com, port: 443, path: /x}]}",
    );
    let checked = run(&[&policy("p", &[rule]), &http]);
    let PolicyContent::Rules(rules) = &checked.policies[0].content else {
        panic!("rules")
    };
    let Resources::Http(targets) = rules[0].rule.access.resources() else {
        panic!("targets")
    };
    let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
    assert_eq!(targets, ["a.com:443/x", "b.com/"]);
}

#[test]
fn only_policies_with_errors_are_left_out() {
    let good = policy(
        "good",
        &["{name: r, decision: allow, actions: ['connect:udp'], resources: [a.com]}"],
    );
    let bad = policy(
        "bad",
        &["{name: r, decision: allow, actions: ['connect:tcp'], resources: ['']}"],
    );
    let checked = run(&[&bad, &good]);
    let names: Vec<_> = checked
        .policies
        .iter()
        .map(|policy| policy.name.as_str())
        .collect();
    assert_eq!(names, ["good"]);
    assert_eq!(
        show(&checked.diagnostics),
        [
            "host-malformed 0:spec.rules[0].resources[0]",
            "udp-allowed 1:spec.rules[0].actions[0]"
        ]
    );
}
