//! Policy tests: their requests, and their diagnostics.

use polwarden::service::docker::check::{
    CheckedTests, LARGEST_TEST, check_test_targets, check_tests,
};

use super::*;

/// A policy test with this text as its `spec`, in flow style.
fn test(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

fn run_tests(profile: &str, texts: &[&str], teams: &KnownTeams) -> CheckedTests {
    let target = target(profile);
    let documents = documents(texts);
    let documents: Vec<&Document> = documents.iter().collect();
    check_tests(&PolicyInput {
        target: &target,
        documents: &documents,
        cedar_files: &HashMap::new(),
        teams,
        invalid: Default::default(),
    })
}

fn check_cases(cases: &[(&str, &[&str])]) {
    for (case, expected) in cases {
        let checked = run_tests(
            "current",
            &[&test("t", &format!("{{cases: [{case}]}}"))],
            &KnownTeams::Offline,
        );
        assert_eq!(show(&checked.diagnostics), *expected, "{case}");
        check_wording(&checked.diagnostics);
    }
}

/// `decision request people`, in the order in which they are asked.
fn asked(checked: &CheckedTests) -> Vec<String> {
    let shown = checked.expectations.iter().map(|it| {
        let people: Vec<&str> = it
            .audience
            .teams
            .iter()
            .chain(&it.audience.profiles)
            .map(String::as_str)
            .collect();
        format!("{} {} [{}]", it.expected, it.question, people.join(" "))
    });
    shown.collect()
}

#[test]
fn a_case_asks_every_request_for_every_audience() {
    let spec = "{cases: [{name: c, audiences: [{}, {teams: [security]}], matrix: {port: [80, 443], host: [a.com, b.com]}, \
                allow: ['tcp {host}:{port}', 'read /x'], deny: ['mcp invokeTool {host}']}]}";
    let checked = run_tests("current", &[&test("t", spec)], &KnownTeams::Offline);
    assert_eq!(checked.diagnostics, []);
    let requests = [
        "allow tcp a.com:80",
        "allow tcp a.com:443",
        "allow tcp b.com:80",
        "allow tcp b.com:443",
        "allow read /x",
    ];
    let requests = requests
        .into_iter()
        .chain(["deny mcp invokeTool a.com", "deny mcp invokeTool b.com"]);
    let expected: Vec<String> = requests
        .flat_map(|request| [format!("{request} []"), format!("{request} [{SECURITY}]")])
        .collect();
    assert_eq!(asked(&checked), expected);
    let called: Vec<_> = checked
        .expectations
        .iter()
        .take(2)
        .map(|it| it.called.teams.clone())
        .collect();
    assert_eq!(
        called,
        [[].into(), ["security".to_owned()].into()],
        "people are called as the test calls them"
    );
    assert_eq!(
        show_place(&checked.expectations[9].place),
        "0:spec.cases[0].allow[1]"
    );
}

fn show_place(place: &Place) -> String {
    match place {
        Place::Node { document, path, .. } => format!("{}:{path}", document.index),
        Place::File(_) | Place::Bytes { .. } | Place::Text { .. } => {
            panic!("expected a node")
        }
    }
}

#[test]
fn what_is_wrong_is_told_at_its_own_place() {
    check_cases(&[
        ("{name: c, allow: ['tcp a.com:443']}", &[]),
        (
            "{name: c, allow: [ping, 'ping x', 'tcp a.com', 'tcp *.a.com:1', 'read x', 'mcp invokeTool', 'mcp a b c']}",
            &[
                "request-invalid 0:spec.cases[0].allow[0]",
                "request-invalid 0:spec.cases[0].allow[1]",
                "request-invalid 0:spec.cases[0].allow[2]",
                "request-invalid 0:spec.cases[0].allow[3]",
                "request-invalid 0:spec.cases[0].allow[4]",
                "request-invalid 0:spec.cases[0].allow[5]",
                "request-invalid 0:spec.cases[0].allow[6]",
            ],
        ),
        ("{name: c}", &["empty-list 0:spec.cases[0].name"]),
        (
            "{name: c, audience: {}, audiences: [{}], deny: ['read /x']}",
            &["exactly-one 0:spec.cases[0].audiences 0:spec.cases[0].audience"],
        ),
        (
            "{name: c, matrix: {h: [a.com], p: [1], e: []}, deny: ['tcp {h}:1', 'tcp {H}:1', 'tcp {h:1', 'tcp }:1', 'read /{e}']}",
            &[
                "empty-list 0:spec.cases[0].matrix.e",
                "matrix-unused 0:spec.cases[0].matrix.p",
                "placeholder-invalid 0:spec.cases[0].deny[1]",
                "placeholder-invalid 0:spec.cases[0].deny[2]",
                "placeholder-invalid 0:spec.cases[0].deny[3]",
            ],
        ),
        (
            // One diagnostic per string, independent of the number of expansions.
            "{name: c, matrix: {p: [0, 1, 99999]}, deny: ['tcp a.com:{p}']}",
            &["request-invalid 0:spec.cases[0].deny[0]"],
        ),
        (
            "{name: c, mcp: {principal: ada}, deny: ['mcp a b']}",
            &["request-invalid 0:spec.cases[0].mcp.principal"],
        ),
        (
            "{name: c, mcp: {context: {a: null}}, deny: ['mcp invokeTool b', 'mcp getPrompt b']}",
            &["request-invalid 0:spec.cases[0].mcp.context"],
        ),
        (
            "{name: c, audience: {teams: [security, securty], profiles: [p]}, deny: ['read /x']}",
            &[
                "team-unverified 0:spec.cases[0].audience.teams[1]",
                "profile-lacks 0:spec.cases[0].audience.profiles",
            ],
        ),
        (
            "{name: c, deny: ['read /x']}, {name: c, deny: ['read /x']}",
            &["case-name-taken 0:spec.cases[1].name 0:spec.cases[0].name"],
        ),
    ]);
}

#[test]
fn one_request_has_one_answer() {
    check_cases(&[
        (
            "{name: c, allow: ['tcp a.com:1', 'TCP  a.com:1'], deny: ['read /x', 'read /x']}",
            &[
                "duplicate-value 0:spec.cases[0].allow[1] 0:spec.cases[0].allow[0]",
                "duplicate-value 0:spec.cases[0].deny[1] 0:spec.cases[0].deny[0]",
            ],
        ),
        (
            "{name: c, matrix: {h: [a, b, c]}, allow: ['tcp {h}.com:1'], deny: ['tcp b.com:1']}",
            &["test-contradiction 0:spec.cases[0].deny[0] 0:spec.cases[0].allow[0]"],
        ),
        (
            "{name: c, allow: ['tcp a.com:1']}, {name: d, audience: {teams: [security]}, deny: ['tcp a.com:1']}",
            &[],
        ),
    ]);
}

#[test]
fn teams_are_found_as_in_scopes() {
    let spec = "{cases: [{name: c, audience: {teams: [platform, security]}, deny: ['read /x']}]}";
    let other = "0b0c6b3e-8a52-4c5e-9f0e-2f6d1c1b7a11";
    let checked = run_tests(
        "current",
        &[&test("t", spec)],
        &teams(&[("platform", other)]),
    );
    assert_eq!(
        asked(&checked),
        [format!("deny read /x [{other} {SECURITY}]")]
    );
    let unknown = run_tests("current", &[&test("t", spec)], &teams(&[("web", other)]));
    assert_eq!(
        show(&unknown.diagnostics),
        ["unknown-team 0:spec.cases[0].audience.teams[0]"]
    );
    assert_eq!(
        asked(&unknown),
        Vec::<String>::new(),
        "nobody is asked for in place of a team that is not known"
    );
    let offline = run_tests("current", &[&test("t", spec)], &KnownTeams::Offline);
    assert_eq!(asked(&offline), Vec::<String>::new());
    let seed = run_tests(
        "seed",
        &[&test(
            "t",
            "{cases: [{name: c, audience: {profiles: [lab]}, deny: ['read /x']}]}",
        )],
        &KnownTeams::Offline,
    );
    assert_eq!(
        (show(&seed.diagnostics), asked(&seed)),
        (vec![], vec!["deny read /x [lab]".to_owned()])
    );
}

#[test]
fn a_matrix_has_an_end() {
    let numbers = |count: u64| {
        (0..count)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let spec = |count| {
        format!(
            "{{cases: [{{name: c, matrix: {{n: [{}]}}, deny: ['read /{{n}}']}}]}}",
            numbers(count)
        )
    };
    let most = run_tests(
        "current",
        &[&test("t", &spec(LARGEST_TEST))],
        &KnownTeams::Offline,
    );
    assert_eq!(
        (most.expectations.len() as u64, show(&most.diagnostics)),
        (LARGEST_TEST, vec![])
    );
    let more = run_tests(
        "current",
        &[&test("t", &spec(LARGEST_TEST + 1))],
        &KnownTeams::Offline,
    );
    assert_eq!(
        (asked(&more), show(&more.diagnostics)),
        (vec![], vec!["test-too-large 0:metadata.name".to_owned()])
    );
    let product = "{cases: [{name: c, audiences: [{}, {}], matrix: {a: [NUMBERS], b: [NUMBERS], c: [NUMBERS], d: [NUMBERS], \
                   e: [NUMBERS]}, deny: ['read /{a}/{b}/{c}/{d}/{e}']}]}";
    let checked = run_tests(
        "current",
        &[&test("t", &product.replace("NUMBERS", &numbers(9_999)))],
        &KnownTeams::Offline,
    );
    assert_eq!(
        show(&checked.diagnostics),
        ["test-too-large 0:metadata.name"]
    );
    check_wording(&checked.diagnostics);

    let many: Vec<String> = (0..11)
        .map(|number| test(&format!("t{number}"), &spec(LARGEST_TEST)))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let checked = run_tests("current", &many, &KnownTeams::Offline);
    assert_eq!(
        show(&checked.diagnostics),
        ["test-too-large 10:metadata.name"],
        "together they are bounded too"
    );
}

#[test]
fn a_test_is_for_the_target_that_it_names() {
    let spec = |target: &str| {
        format!("{{target: {target}, cases: [{{name: c, deny: ['read /{target}']}}]}}")
    };
    let texts = [
        test("a", &spec("main")),
        test("b", &spec("other")),
        test("c", "{cases: [{name: c, deny: ['read /x']}]}"),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let checked = run_tests("current", &texts, &KnownTeams::Offline);
    assert_eq!(
        (asked(&checked), show(&checked.diagnostics)),
        (
            vec![
                "deny read /main []".to_owned(),
                "deny read /x []".to_owned()
            ],
            vec![]
        )
    );

    let documents = documents(&texts);
    let main = target("current");
    let mut other = target("current");
    other.name = "other".to_owned();
    let all: Vec<&Document> = documents.iter().collect();
    assert_eq!(
        check_test_targets(&[(&main, all.clone()), (&other, all.clone())]),
        []
    );
    let elsewhere = check_test_targets(&[(&main, all.clone()), (&other, Vec::new())]);
    assert_eq!(show(&elsewhere), ["unknown-target 1:spec.target"]);
    assert!(
        elsewhere[0].message.contains("does not load this file"),
        "{}",
        elsewhere[0].message
    );
    let unknown = check_test_targets(&[(&main, all.clone()), (&main, all)]);
    assert_eq!(
        show(&unknown),
        ["unknown-target 1:spec.target"],
        "once, independent of the target that loads the file"
    );
    check_wording(&elsewhere);
    check_wording(&unknown);
}

#[test]
fn plans_ignore_tests() {
    let broken = test(
        "t",
        "{cases: [{name: c, audience: {teams: [nobody]}, deny: [nonsense]}]}",
    );
    let checked = run(&[&policy("p", &[]), &broken, &broken]);
    assert_eq!(
        (checked.policies.len(), show(&checked.diagnostics)),
        (1, vec![])
    );
}
