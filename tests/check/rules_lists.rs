use super::*;

fn rule(layer: &str, from: &str) -> String {
    format!("{{name: r, decision: allow, actions: ['{layer}'], resourcesFrom: [{from}]}}")
}

#[test]
fn lists_are_found_by_name_and_kind() {
    let hosts = list("hosts", "{hosts: [example.com]}");
    let paths = list("paths", "{paths: [/data]}");
    let http = list("http", "{httpResources: [{host: example.com, path: /}]}");
    let all = |rule: &str| run(&[&policy("p", &[rule]), &hosts, &paths, &http]);
    let unused = |names: &[u32]| -> Vec<String> {
        names
            .iter()
            .map(|index| format!("list-unused {index}:metadata.name"))
            .collect()
    };
    let cases: &[(&str, &str, &[&str], &[u32])] = &[
        ("connect:tcp", "hosts", &[], &[2, 3]),
        ("read", "paths", &[], &[1, 3]),
        ("request:get", "http", &[], &[1, 2]),
        (
            "read",
            "hosts",
            &["resource-kind 0:spec.rules[0].resourcesFrom[0] 1:spec.hosts"],
            &[2, 3],
        ),
        (
            "connect:tcp",
            "paths",
            &["resource-kind 0:spec.rules[0].resourcesFrom[0] 2:spec.paths"],
            &[1, 3],
        ),
        (
            "connect:tcp",
            "http",
            &["resource-kind 0:spec.rules[0].resourcesFrom[0] 3:spec.httpResources"],
            &[1, 2],
        ),
        (
            "connect:tcp",
            "host",
            &["unknown-list 0:spec.rules[0].resourcesFrom[0]"],
            &[1, 2, 3],
        ),
        (
            "connect:tcp",
            "hosts, nothing",
            &["unknown-list 0:spec.rules[0].resourcesFrom[1]"],
            &[2, 3],
        ),
    ];
    for (layer, from, errors, left) in cases {
        let checked = all(&rule(layer, from));
        let expected: Vec<String> = errors
            .iter()
            .map(|text| (*text).to_owned())
            .chain(unused(left))
            .collect();
        assert_eq!(show(&checked.diagnostics), expected, "{layer} {from}");
        assert_eq!(
            checked.policies.is_empty(),
            !errors.is_empty(),
            "{layer} {from}"
        );
        check_wording(&checked.diagnostics);
    }
    let help = all(&rule("connect:tcp", "host")).diagnostics[0]
        .help
        .clone();
    assert_eq!(help.as_deref(), Some("did you mean `hosts`?"));
}

#[test]
fn entries_of_a_list_are_reported_once_at_the_list() {
    let hosts = list("hosts", "{hosts: ['https://example.com', ok.example.com]}");
    let first = policy("p", &[&rule("connect:tcp", "hosts")]);
    let second = policy("q", &[&rule("connect:tcp", "hosts")]);
    check_documents(
        &[&first, &second, &hosts],
        &["host-malformed 2:spec.hosts[0]"],
    );
    assert!(
        run(&[&first, &second, &hosts]).policies.is_empty(),
        "a policy with a broken list is not planned"
    );
}

#[test]
fn a_list_holds_exactly_one_kind_of_entries() {
    let user = policy(
        "p",
        &[
            "{name: r, decision: allow, actions: ['connect:tcp'], resources: [a.com], resourcesFrom: [l]}",
        ],
    );
    let cases: &[(&str, &[&str])] = &[
        ("{hosts: [example.com]}", &[]),
        ("{}", &["exactly-one 1:spec"]),
        ("{hosts: []}", &["empty-list 1:spec.hosts"]),
        (
            "{hosts: [example.com, example.com]}",
            &["duplicate-value 1:spec.hosts[1] 1:spec.hosts[0]"],
        ),
    ];
    for (spec, expected) in cases {
        check_documents(&[&user, &list("l", spec)], expected);
    }
    let both = list("l", "{hosts: [example.com], paths: [/data]}");
    check_documents(
        &[&user, &both],
        // The list is invalid, so the rule that uses it has no diagnostic.
        &["exactly-one 1:spec.paths 1:spec.hosts"],
    );
}

#[test]
fn names_of_lists_are_unique() {
    let hosts = list("hosts", "{hosts: [example.com]}");
    let user = policy("p", &[&rule("connect:tcp", "hosts")]);
    check_documents(
        &[&hosts, &hosts, &user],
        &["list-name-taken 1:metadata.name 0:metadata.name"],
    );
    assert!(run(&[&hosts, &hosts, &user]).policies.is_empty());
}
