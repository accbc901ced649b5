//! Gates pass only if they pass under every reading of how the service compares hosts and paths.

use access::{Gate, GateCheck, GateKind, ScopedRule};
use model::Name;
use model::docker::{Action, Decision, HttpResource, Resources, Rule, RuleAccess, Scope};

fn rule(text: &str) -> Rule {
    let mut words = text.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let decision = match word() {
        "allow" => Decision::Allow,
        _ => Decision::Deny,
    };
    let action: Action = word().parse().unwrap();
    let object = word();
    let resources = if action.as_str().starts_with("request:") {
        let (host, path) = object.split_at(object.find('/').unwrap());
        Resources::Http(vec![HttpResource {
            host: host.to_owned(),
            port: None,
            path: path.to_owned(),
        }])
    } else {
        Resources::Plain(vec![object.to_owned()])
    };
    Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new("rule").unwrap(),
        decision,
        access: RuleAccess::new([action], resources).unwrap(),
    }
}

fn passes(rules: &[&str], kind: GateKind, pattern: &str) -> bool {
    let rules: Vec<Rule> = rules.iter().map(|text| rule(text)).collect();
    let scope = Scope::default();
    let scoped: Vec<ScopedRule<'_>> = rules
        .iter()
        .map(|rule| ScopedRule {
            policy: "policy",
            scope: &scope,
            rule,
        })
        .collect();
    let gate = Gate {
        kind,
        pattern: pattern.parse().unwrap(),
        audience: None,
        reason: None,
        source: (),
    };
    let check = GateCheck {
        before: &[],
        after: &scoped,
    };
    check.against(&[gate]).unwrap().is_empty()
}

#[test]
fn never_and_always_consider_every_reading() {
    use GateKind::{Always, Never};
    let cases: &[(&[&str], GateKind, &str, bool)] = &[
        // An allow that only matches if case is ignored.
        (
            &["allow connect:tcp EVIL.example.com"],
            Never,
            "tcp evil.example.com",
            false,
        ),
        (
            &["allow connect:tcp evil.example.com"],
            Never,
            "tcp EVIL.example.com",
            false,
        ),
        (
            &["allow connect:tcp other.example.com"],
            Never,
            "tcp EVIL.example.com",
            true,
        ),
        (&["allow read /Data/**"], Never, "read /data/**", false),
        (
            &["allow request:get a.example.com/Admin/**"],
            Never,
            "get a.example.com/admin/**",
            false,
        ),
        // A deny that only matches if case is ignored, and so does not protect if it is not.
        (
            &[
                "allow connect:tcp **.example.com",
                "deny connect:tcp EVIL.example.com",
            ],
            Never,
            "tcp evil.example.com",
            false,
        ),
        (
            &[
                "allow connect:tcp **.example.com",
                "deny connect:tcp evil.example.com",
            ],
            Never,
            "tcp evil.example.com",
            true,
        ),
        // Required access that a deny blocks only if case is ignored.
        (
            &[
                "allow connect:tcp **.example.com",
                "deny connect:tcp API.example.com",
            ],
            Always,
            "tcp api.example.com:443",
            false,
        ),
        // Required access that an allow grants only if case is ignored.
        (
            &["allow connect:tcp API.example.com"],
            Always,
            "tcp api.example.com:443",
            false,
        ),
        (
            &["allow connect:tcp api.example.com"],
            Always,
            "tcp api.example.com:443",
            true,
        ),
        // Hosts and paths are read independently of each other.
        (
            &[
                "allow request:get A.example.com/x",
                "deny request:get A.example.com/X",
            ],
            Never,
            "get a.example.com/x",
            false,
        ),
    ];
    for (rules, kind, pattern, expected) in cases {
        assert_eq!(
            passes(rules, *kind, pattern),
            *expected,
            "{rules:?}: {kind:?} {pattern}"
        );
    }
}
