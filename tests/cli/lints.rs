//! Lints from meaning, as `lint` shows them.

use super::sandbox::{Sandbox, policy, tcp};

/// A repository with these rules in one policy.
fn rules(rules: &[(&str, &str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new("");
    let rules: String = rules
        .iter()
        .map(|(name, decision, host)| tcp(name, decision, &format!("'{host}'")))
        .collect();
    sandbox.write("policies/p.yaml", policy("p", &format!("rules:\n{rules}")));
    sandbox
}

/// The codes that `lint` finds, in order.
fn codes(sandbox: &Sandbox) -> Vec<String> {
    let ran = sandbox.expect(0, &["lint", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let found = report["diagnostics"].as_array().unwrap().iter();
    found
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_lint_finds_what_it_is_for_and_nothing_else() {
    type Case<'a> = (&'a [(&'a str, &'a str, &'a str)], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (
            &[
                ("a", "allow", "api.example.com"),
                ("d", "deny", "**.example.com"),
            ],
            &["rule-never-matches"],
        ),
        (
            &[
                ("a", "allow", "api.example.com"),
                ("d", "deny", "api.example.com:22"),
            ],
            &[],
        ),
        (
            &[
                ("a", "allow", "api.example.com"),
                ("b", "allow", "**.example.com"),
            ],
            &["rule-covered"],
        ),
        (
            &[
                ("a", "allow", "api.example.com:443"),
                ("b", "allow", "api.example.com"),
            ],
            &["rule-covered"],
        ),
        (
            &[
                ("a", "allow", "api.example.com"),
                ("b", "allow", "api.example.org"),
            ],
            &[],
        ),
        (
            &[
                ("a", "allow", "example.com"),
                ("d", "deny", "**.example.com"),
            ],
            &["apex-open"],
        ),
        (&[("a", "allow", "0.0.0.0/0")], &["allows-everything"]),
        (&[("a", "allow", "**")], &["allows-everything"]),
        (&[("a", "allow", "**:443")], &["allows-everything"]),
        (&[("d", "deny", "**")], &[]),
        (&[("d", "deny", "localhost")], &["loopback-incomplete"]),
        (&[("d", "deny", "127.0.0.0/8")], &["loopback-incomplete"]),
        (
            &[
                ("a", "deny", "localhost:22"),
                ("b", "deny", "127.0.0.1:22"),
                ("c", "deny", "host.docker.internal:22"),
            ],
            &["loopback-incomplete"],
        ),
        (
            &[
                ("a", "deny", "localhost"),
                ("b", "deny", "127.0.0.0/8"),
                ("c", "deny", "::1"),
                ("d", "deny", "host.docker.internal"),
            ],
            &[],
        ),
        (&[("d", "deny", "10.0.0.0/8")], &[]),
        (
            &[("a", "allow", "10.0.0.0/8"), ("d", "deny", "10.1.0.0/16")],
            &[],
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(codes(&rules(given)), *expected, "{given:?}");
    }
}

#[test]
fn lints_name_both_places() {
    let sandbox = Sandbox::new("");
    sandbox.write(
        "policies/web.yaml",
        policy(
            "web",
            "rules:
    - {name: web, decision: allow, actions: ['connect:tcp'], resources: [api.example.com, example.org, 10.1.0.0/16]}
    - {name: ranges, decision: allow, actions: ['connect:tcp'], resources: [10.0.0.0/8, example.net]}
    - {name: again, decision: allow, actions: ['connect:udp'], resources: [10.0.0.0/8, example.net]}
",
        ),
    );
    sandbox.write(
        "policies/denied.yaml",
        policy(
            "denied",
            "rules:\n    - {name: closed, decision: deny, actions: ['connect:tcp'], resources: ['**.example.com']}\n",
        ),
    );
    let ran = sandbox.expect(0, &["lint"]);
    insta::assert_snapshot!("lints", ran.out);
}
