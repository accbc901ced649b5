use polwarden::service::docker::check::KnownTeams;

use super::*;

#[test]
fn sound_rules_give_no_finding() {
    check_rules(&[
        (&[], &[]),
        (
            &[
                "{name: a, decision: allow, actions: ['connect:tcp'], resources: [example.com, 10.0.0.0/8]}",
            ],
            &[],
        ),
        (
            &[
                "{name: a, decision: deny, actions: ['connect:tcp', 'connect:udp'], resources: ['**.example.com']}",
            ],
            &[],
        ),
        (
            &[
                "{name: a, decision: allow, actions: [read, write], resources: [/data/**, '~/src', 'C:\\data']}",
            ],
            &[],
        ),
        (
            &[
                "{name: a, decision: allow, actions: ['connect:tcp'], resources: [example.com]}",
                "{name: b, decision: deny, actions: ['request:get'], httpResources: [{host: example.com, path: /x}]}",
            ],
            &[],
        ),
    ]);
}

#[test]
fn resources_are_checked_at_their_own_place() {
    check_rules(&[
        (
            &[
                "{name: a, decision: allow, actions: ['connect:tcp'], resources: [ok.example.com, 'https://x.com', 'a.*.com', 'a.com:0', 10.0.0.1/8]}",
            ],
            &[
                "host-malformed 0:spec.rules[0].resources[1]",
                "wildcard-misplaced 0:spec.rules[0].resources[2]",
                "port-invalid 0:spec.rules[0].resources[3]",
                "cidr-invalid 0:spec.rules[0].resources[4]",
            ],
        ),
        (
            &["{name: a, decision: allow, actions: [read], resources: [data, $HOME/x, /ok]}"],
            &[
                "path-invalid 0:spec.rules[0].resources[0]",
                "path-variable 0:spec.rules[0].resources[1]",
            ],
        ),
        (
            &[
                "{name: a, decision: allow, actions: ['request:get'], httpResources: [{host: 'a.com:1', port: 0, path: '/a?b'}]}",
            ],
            &[
                "port-invalid 0:spec.rules[0].httpResources[0].host",
                "port-invalid 0:spec.rules[0].httpResources[0].port",
                "http-path-invalid 0:spec.rules[0].httpResources[0].path",
            ],
        ),
        (
            &[
                "{name: a, decision: allow, actions: ['request:get'], httpResources: [{host: 10.0.0.0/8, path: /}]}",
            ],
            &["cidr-invalid 0:spec.rules[0].httpResources[0].host"],
        ),
    ]);
}

#[test]
fn a_finding_quotes_what_is_wrong_and_what_to_write() {
    let rule = "{name: a, decision: allow, actions: ['connect:tcp'], resources: ['https://example.com/x']}";
    let checked = run(&[&policy("p", &[rule])]);
    let finding = &checked.diagnostics[0];
    assert_eq!(
        finding.message,
        "a resource is written without a URL scheme"
    );
    assert_eq!(finding.labels[0].text, "because of `https://`");
    assert_eq!(
        finding.help.as_deref(),
        Some("write `example.com:443`; the port replaces `https://`")
    );
}

#[test]
fn actions_and_resources_fit_each_other() {
    check_rules(&[
        (
            &["{name: a, decision: allow, actions: ['connect:tcp', read], resources: [x]}"],
            &["mixed-actions 0:spec.rules[0].actions[1] 0:spec.rules[0].actions[0]"],
        ),
        (
            &[
                "{name: a, decision: allow, actions: ['connect:tcp', 'request:get'], resources: [x]}",
            ],
            &["mixed-actions 0:spec.rules[0].actions[1] 0:spec.rules[0].actions[0]"],
        ),
        (
            &[
                "{name: a, decision: allow, actions: ['connect:tcp'], resources: [example.com]}",
                "{name: b, decision: allow, actions: [read], resources: [/data]}",
            ],
            &["mixed-domains 0:spec.rules[1].actions 0:spec.rules[0].actions"],
        ),
        (
            &["{name: a, decision: allow, actions: ['request:get'], resources: [example.com]}"],
            &["resource-kind 0:spec.rules[0].resources 0:spec.rules[0].actions"],
        ),
        (
            &[
                "{name: a, decision: allow, actions: [read], httpResources: [{host: a.com, path: /}]}",
            ],
            &["resource-kind 0:spec.rules[0].httpResources 0:spec.rules[0].actions"],
        ),
        (
            &[
                "{name: a, decision: allow, actions: ['connect:tcp'], resources: [a.com], httpResources: [{host: a.com, path: /}]}",
            ],
            &["resource-kind 0:spec.rules[0].httpResources 0:spec.rules[0].actions"],
        ),
        (
            &["{name: a, decision: allow, actions: [read]}"],
            &["missing-field 0:spec.rules[0]"],
        ),
    ]);
}

#[test]
fn nothing_is_empty_that_must_not_be() {
    check_rules(&[
        (
            &["{name: a, decision: allow, actions: [], resources: [a.com]}"],
            &["empty-list 0:spec.rules[0].actions"],
        ),
        (
            &["{name: a, decision: allow, actions: [read], resources: []}"],
            &["empty-list 0:spec.rules[0].resources"],
        ),
        (
            &["{name: a, decision: allow, actions: ['request:get'], httpResources: []}"],
            &["empty-list 0:spec.rules[0].httpResources"],
        ),
        (
            &["{name: a, decision: allow, actions: [read], resources: [/x], resourcesFrom: []}"],
            &["empty-list 0:spec.rules[0].resourcesFrom"],
        ),
        (
            &["{name: a, aliases: [], decision: allow, actions: [read], resources: [/x]}"],
            &[],
        ),
    ]);
    let cases = [
        ("{scope: {}, rules: []}", "empty-list 0:spec.scope"),
        (
            "{scope: {teams: []}, rules: []}",
            "empty-list 0:spec.scope.teams",
        ),
    ];
    for (spec, expected) in cases {
        check_documents(&[&policy_spec("{name: p}", spec)], &[expected]);
        assert!(
            run(&[&policy_spec("{name: p}", spec)]).policies.is_empty(),
            "{spec}"
        );
    }
    let seed = run_with(
        &target("seed"),
        &documents(&[&policy_spec(
            "{name: p}",
            "{scope: {profiles: []}, rules: []}",
        )]),
        &[],
        &KnownTeams::Offline,
    );
    assert_eq!(
        show(&seed.diagnostics),
        ["empty-list 0:spec.scope.profiles"]
    );
}

#[test]
fn names_identify() {
    let rule = "{name: r, decision: allow, actions: [read], resources: [/x]}";
    check_documents(
        &[&policy("p", &[]), &policy("q", &[]), &policy("p", &[])],
        &["policy-name-taken 2:metadata.name 0:metadata.name"],
    );
    check_documents(
        &[&policy("p", &[rule, rule])],
        &["rule-name-taken 0:spec.rules[1].name 0:spec.rules[0].name"],
    );
    let named = |name: &str| policy_spec(&format!("{{name: '{name}'}}"), "{rules: []}");
    for name in ["", " p", "p ", "a\u{7}"] {
        let checked = run(&[&named(name).replace('\u{7}', "\u{85}")]);
        assert_eq!(
            show(&checked.diagnostics),
            ["invalid-value 0:metadata.name"],
            "{name:?}"
        );
    }
}

#[test]
fn aliases_are_old_names() {
    let aliased = |name: &str, alias: &str| {
        policy_spec(
            &format!("{{name: {name}, aliases: [{alias}]}}"),
            "{rules: []}",
        )
    };
    check_documents(&[&aliased("new", "old")], &[]);
    check_documents(
        &[&aliased("new", "old"), &policy("old", &[])],
        &["alias-taken 0:metadata.aliases[0] 1:metadata.name"],
    );
    check_documents(
        &[&aliased("a", "old"), &aliased("b", "old")],
        &["alias-taken 1:metadata.aliases[0] 0:metadata.aliases[0]"],
    );
    // A chain and an exchange of names: the policy with the name continues another policy.
    check_documents(&[&aliased("b", "a"), &aliased("c", "b")], &[]);
    check_documents(&[&aliased("b", "a"), &aliased("a", "b")], &[]);
    check_documents(
        &[&aliased("a", "a")],
        &["alias-taken 0:metadata.aliases[0] 0:metadata.name"],
    );
    let rule = |name: &str| {
        format!(
            "{{name: {name}, aliases: [old], decision: allow, actions: [read], resources: [/x]}}"
        )
    };
    let old = "{name: old, decision: allow, actions: [read], resources: [/x]}";
    check_rules(&[
        (&[&rule("a")], &[]),
        (
            &[&rule("a"), &rule("b")],
            &["alias-taken 0:spec.rules[1].aliases[0] 0:spec.rules[0].aliases[0]"],
        ),
        (
            &[&rule("a"), old],
            &["alias-taken 0:spec.rules[0].aliases[0] 0:spec.rules[1].name"],
        ),
    ]);
}

#[test]
fn exactly_one_body() {
    let cedar = "{text: 'permit(principal, action, resource);', schemaUrl: 'https://schemas.example.com/v0'}";
    let cases: &[(&str, &[&str])] = &[
        ("{}", &["exactly-one 0:spec"]),
        (
            &format!("{{rules: [], cedar: {cedar}}}"),
            &["exactly-one 0:spec.cedar 0:spec.rules"],
        ),
        (&format!("{{cedar: {cedar}}}"), &[]),
        (
            "{cedar: {schemaUrl: 'https://schemas.example.com/v0'}}",
            &["exactly-one 0:spec.cedar"],
        ),
        (
            "{cedar: {text: x, file: y.cedar, schemaUrl: 'https://schemas.example.com/v0'}}",
            &["exactly-one 0:spec.cedar.file 0:spec.cedar.text"],
        ),
    ];
    for (spec, expected) in cases {
        check_documents(&[&policy_spec("{name: p}", spec)], expected);
    }
}

#[test]
fn cedar_text_is_what_the_service_takes() {
    let spec = |text: &str, url: &str| format!("{{cedar: {{text: {text:?}, schemaUrl: '{url}'}}}}");
    let url = "https://schemas.example.com/policy/v0";
    let permit = "permit(principal, action, resource);";
    let cases: &[(&str, &str, &[&str])] = &[
        (permit, url, &[]),
        (
            "permit(principal, action resource);",
            url,
            &["cedar-invalid 0:spec.cedar.text@25"],
        ),
        ("", url, &["cedar-invalid 0:spec.cedar.text"]),
        ("// nothing", url, &["cedar-invalid 0:spec.cedar.text"]),
        (
            "@id(\"x\") permit(principal, action, resource);",
            url,
            &["cedar-invalid 0:spec.cedar.text@0"],
        ),
        (
            "@note(\"@id\") permit(principal, action, resource);",
            url,
            &["cedar-unknown-name 0:spec.cedar.text@1"],
        ),
        (
            "permit(principal == ?principal, action, resource);",
            url,
            &["cedar-invalid 0:spec.cedar.text"],
        ),
        (
            permit,
            "http://schemas.example.com/",
            &["invalid-value 0:spec.cedar.schemaUrl"],
        ),
        (
            permit,
            "https://",
            &["invalid-value 0:spec.cedar.schemaUrl"],
        ),
        (
            permit,
            "https://user@example.com/",
            &["invalid-value 0:spec.cedar.schemaUrl"],
        ),
        (
            permit,
            "https://*.example.com/",
            &["invalid-value 0:spec.cedar.schemaUrl"],
        ),
    ];
    for (text, url, expected) in cases {
        check_documents(&[&policy_spec("{name: p}", &spec(text, url))], expected);
    }
    let broken = policy_spec(
        "{name: p}",
        &spec("permit(principal, action,\nresource) when { x +++ };", url),
    );
    let checked = run(&[&broken]);
    // `+++` begins 17 bytes after the start of the second line.
    let expected = "permit(principal, action,\n".len() + "resource) when { x +".len();
    assert_eq!(
        show(&checked.diagnostics),
        [format!("cedar-invalid 0:spec.cedar.text@{expected}")]
    );
}

#[test]
fn cedar_text_can_stand_in_a_file() {
    let text = policy_spec(
        "{name: p}",
        "{cedar: {file: p.cedar, schemaUrl: 'https://schemas.example.com/v0'}}",
    );
    let documents = documents(&[&text]);
    let run = |cedar: &[(usize, &str)]| {
        run_with(&target("current"), &documents, cedar, &KnownTeams::Offline)
    };
    assert_eq!(
        run(&[(0, "permit(principal, action, resource);")])
            .policies
            .len(),
        1
    );
    assert_eq!(
        show(&run(&[(0, "permit(")]).diagnostics),
        ["cedar-invalid @7 0:spec.cedar.file"]
    );
    let unread = run(&[]);
    assert_eq!(
        show(&unread.diagnostics),
        ["file-unreadable 0:spec.cedar.file"]
    );
    assert!(unread.policies.is_empty());
}

#[test]
fn older_profiles_have_less() {
    let network = policy(
        "a",
        &["{name: a, decision: allow, actions: ['connect:tcp'], resources: [a.com]}"],
    );
    let http = policy(
        "b",
        &[
            "{name: b, decision: allow, actions: ['request:get'], httpResources: [{host: a.com, path: /}]}",
        ],
    );
    let cedar = policy_spec(
        "{name: c}",
        "{cedar: {text: 'permit(principal, action, resource);', schemaUrl: 'https://schemas.example.com/v0'}}",
    );
    let people = policy_spec("{name: d}", "{scope: {profiles: [ops]}, rules: []}");
    let teams = policy_spec("{name: e}", "{scope: {teams: [security]}, rules: []}");
    let documents = documents(&[&network, &http, &cedar, &people, &teams]);
    let lacks_http = "profile-lacks 1:spec.rules[0].actions";
    let lacks_cedar = "profile-lacks 2:spec.cedar";
    let lacks_people = "profile-lacks 3:spec.scope.profiles";
    let cases: &[(&str, &[&str])] = &[
        ("seed", &[lacks_http, lacks_cedar]),
        ("intermediate", &[lacks_http, lacks_cedar, lacks_people]),
        ("current", &[lacks_people]),
    ];
    for (profile, expected) in cases {
        let checked = run_with(&target(profile), &documents, &[], &KnownTeams::Offline);
        assert_eq!(show(&checked.diagnostics), *expected, "{profile}");
        check_wording(&checked.diagnostics);
        assert_eq!(
            checked.policies.len(),
            documents.len() - expected.len(),
            "{profile}"
        );
    }
}

#[test]
fn limits_of_the_service_hold() {
    let rule = |index: usize| {
        format!("{{name: r{index}, decision: allow, actions: [read], resources: [/x]}}")
    };
    let rules: Vec<String> = (0..251).map(rule).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    check_documents(&[&policy("p", &rules[..250])], &[]);
    check_documents(&[&policy("p", &rules)], &["limit-exceeded 0:spec.rules"]);

    let policies: Vec<String> = (0..102)
        .map(|index| policy(&format!("p{index}"), &[]))
        .collect();
    let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
    check_documents(&policies[..100], &[]);
    check_documents(&policies, &["limit-exceeded 100:metadata.name"]);
    assert!(
        run(&policies).diagnostics[0].labels[0]
            .text
            .starts_with("102 of 100")
    );
}

#[test]
fn the_size_of_a_policy_is_measured_on_the_wire() {
    let rule = |length: usize| {
        let paths: Vec<String> = (0..1000)
            .map(|index| format!("/{index:03}{}", "x".repeat(length)))
            .collect();
        format!(
            "{{name: r, decision: allow, actions: [read], resources: [{}]}}",
            paths.join(", ")
        )
    };
    check_rules(&[
        (&[&rule(380)], &[]),
        (&[&rule(400)], &["limit-exceeded 0:metadata.name"]),
    ]);
    let checked = run(&[&policy("p", &[&rule(400)])]);
    assert!(checked.policies.is_empty());
    assert!(
        checked.diagnostics[0].labels[0]
            .text
            .ends_with("of 400000 bytes")
    );
}

/// A pull request must not be able to overflow the stack of the parser.
#[test]
fn deep_cedar_text_is_refused_before_it_is_parsed() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{a:", "}"),
        ("if true then ", " else true"),
        ("true && ", ""),
        ("x.", ""),
    ] {
        for (times, deep) in [(480, false), (501, true), (20_000, true)] {
            let condition = format!("{}true{}", open.repeat(times), close.repeat(times));
            let text = format!("permit(principal, action, resource) when {{ {condition} }};");
            let spec = format!(
                "{{cedar: {{text: '{text}', schemaUrl: 'https://schemas.example.com/v0'}}}}"
            );
            let checked = run(&[&policy_spec("{name: p}", &spec)]);
            let refused = checked
                .diagnostics
                .iter()
                .any(|finding| finding.message.contains("nested too deeply"));
            let large = checked
                .diagnostics
                .iter()
                .any(|finding| finding.message.contains("exceeds the limit"));
            assert_eq!(refused || large, deep, "{times} times {open}");
        }
    }
}
