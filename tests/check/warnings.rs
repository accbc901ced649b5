use super::*;

fn tcp(resources: &str) -> String {
    format!("{{name: r, decision: allow, actions: ['connect:tcp'], resources: [{resources}]}}")
}

fn check_tcp(cases: &[(&str, &[&str])]) {
    for (resources, expected) in cases {
        check_rules(&[(&[&tcp(resources)], expected)]);
    }
}

#[test]
fn a_gap_between_wildcards_is_named() {
    check_tcp(&[
        (
            "example.com, '*.example.com'",
            &["wildcard-gap 0:spec.rules[0].resources[1] 0:spec.rules[0].resources[0]"],
        ),
        (
            "'*.example.com:443', 'example.com:443'",
            &["wildcard-gap 0:spec.rules[0].resources[0] 0:spec.rules[0].resources[1]"],
        ),
        ("example.com, '*.example.com', '**.example.com'", &[]),
        (
            "'example.com:443', '*.example.com:443', '**.example.com'",
            &[],
        ),
        ("'example.com:443', '*.example.com:80'", &[]),
        ("example.com, '*.example.org'", &[]),
        ("'*.example.com'", &[]),
        ("'**.example.com'", &[]),
        ("example.com, '**.example.com'", &[]),
    ]);
    let deeper =
        "{name: d, decision: allow, actions: ['connect:tcp'], resources: ['**.example.com']}";
    check_rules(&[(&[&tcp("example.com, '*.example.com'"), deeper], &[])]);
    let denied =
        "{name: d, decision: deny, actions: ['connect:tcp'], resources: ['**.example.com']}";
    let gap = "wildcard-gap 0:spec.rules[0].resources[1] 0:spec.rules[0].resources[0]";
    check_rules(&[(&[&tcp("example.com, '*.example.com'"), denied], &[gap])]);
}

#[test]
fn a_gap_in_a_list_is_named_at_the_list() {
    let user = policy(
        "p",
        &["{name: r, decision: allow, actions: ['connect:tcp'], resourcesFrom: [l]}"],
    );
    let gap = list("l", "{hosts: [example.com, '*.example.com']}");
    check_documents(
        &[&user, &gap],
        &["wildcard-gap 1:spec.hosts[1] 1:spec.hosts[0]"],
    );
    let user = policy(
        "p",
        &[
            "{name: r, decision: allow, actions: ['connect:tcp'], resources: ['*.example.com'], resourcesFrom: [l]}",
        ],
    );
    let half = list("l", "{hosts: [example.com]}");
    check_documents(
        &[&user, &half],
        &["wildcard-gap 0:spec.rules[0].resources[0] 1:spec.hosts[0]"],
    );
}

#[test]
fn undocumented_forms_are_flagged_and_accepted() {
    check_tcp(&[
        (
            "'crl*.example.com:80'",
            &["wildcard-undocumented 0:spec.rules[0].resources[0]"],
        ),
        (
            "'API.example.com'",
            &["host-uppercase 0:spec.rules[0].resources[0]"],
        ),
    ]);
    check_rules(&[(
        &[
            "{name: r, decision: allow, actions: ['request:get'], httpResources: [{host: 'A*.example.com', path: /}]}",
        ],
        &[
            "host-uppercase 0:spec.rules[0].httpResources[0].host",
            "wildcard-undocumented 0:spec.rules[0].httpResources[0].host",
        ],
    )]);
    assert_eq!(
        run(&[&policy("p", &[&tcp("'crl*.example.com:80'")])])
            .policies
            .len(),
        1
    );
}

#[test]
fn writing_needs_reading() {
    let rule = |decision: &str, actions: &str, path: &str| {
        let name = format!("{actions}-{path}").replace([',', ' ', '*', '/', '~'], "-");
        format!(
            "{{name: 'r{name}', decision: {decision}, actions: [{actions}], resources: ['{path}']}}"
        )
    };
    let missing =
        &["write-without-read 0:spec.rules[0].resources[0] 0:spec.rules[0].actions[0]"][..];
    check_rules(&[
        (&[&rule("allow", "write", "/data")], missing),
        (&[&rule("allow", "read, write", "/data")], &[]),
        (&[&rule("deny", "write", "/data")], &[]),
        (
            &[
                &rule("allow", "write", "/data"),
                &rule("allow", "read", "/data"),
            ],
            &[],
        ),
        (
            &[
                &rule("allow", "write", "/data/x"),
                &rule("allow", "read", "/data/**"),
            ],
            &[],
        ),
        (
            &[
                &rule("allow", "write", "/data/**"),
                &rule("allow", "read", "/data/*"),
            ],
            missing,
        ),
        (
            &[
                &rule("allow", "write", "/data"),
                &rule("deny", "read", "/data"),
            ],
            missing,
        ),
        (
            &[
                &rule("allow", "write", "~/data"),
                &rule("allow", "read", "/**"),
            ],
            missing,
        ),
    ]);
}

#[test]
fn udp_is_rarely_meant() {
    let rule = |decision: &str| {
        format!(
            "{{name: r, decision: {decision}, actions: ['connect:tcp', 'connect:udp'], resources: [a.com]}}"
        )
    };
    check_rules(&[
        (
            &[&rule("allow")],
            &["udp-allowed 0:spec.rules[0].actions[1]"],
        ),
        (&[&rule("deny")], &[]),
    ]);
}

#[test]
fn values_stand_once_in_a_list() {
    check_tcp(&[(
        "a.com, b.com, a.com",
        &["duplicate-value 0:spec.rules[0].resources[2] 0:spec.rules[0].resources[0]"],
    )]);
    check_rules(&[
        (
            &["{name: r, decision: allow, actions: [read, read], resources: [/x]}"],
            &["duplicate-value 0:spec.rules[0].actions[1] 0:spec.rules[0].actions[0]"],
        ),
        (
            &[
                "{name: r, decision: allow, actions: ['request:get'], httpResources: [{host: a.com, path: /}, {host: a.com, path: /}]}",
            ],
            &["duplicate-value 0:spec.rules[0].httpResources[1] 0:spec.rules[0].httpResources[0]"],
        ),
        (
            &[
                "{name: r, decision: allow, actions: ['request:get'], httpResources: [{host: a.com, path: /}, {host: a.com, port: 1, path: /}]}",
            ],
            &[],
        ),
    ]);
    let spec = "{scope: {teams: [security, security]}, rules: []}";
    check_documents(
        &[&policy_spec("{name: p}", spec)],
        &["duplicate-value 0:spec.scope.teams[1] 0:spec.scope.teams[0]"],
    );
}
