//! `polwarden test`: exit codes, formats, coverage, and failure messages.

use access::Audience;
use emulator::{DockerOptions, DockerOrganizationSeed, TeamSeed};
use model::docker::Decision;
use polwarden::plan::SourceRef;
use polwarden::render::annotations::RepositoryPrefix;
use polwarden::render::decided::{DecidedBy, DecidingRuleReport};
use polwarden::render::paint::Painter;
use polwarden::render::policy_tests::{self, TargetReport, TestReport, TestResult, TestedState};
use serde_json::json;

use super::assert_stable;
use super::sandbox::{Sandbox, config, policy, target, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const PLATFORM: &str = "3e7b9d14-6f52-4c08-8a91-d25c0b7e4f63";

/// A policy test with these lines below `cases:`.
fn test(name: &str, cases: &str) -> String {
    let indented: String = cases.lines().map(|line| format!("    {line}\n")).collect();
    let name = serde_json::to_string(name).unwrap();
    format!(
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata:\n  name: {name}\nspec:\n  cases:\n{indented}"
    )
}

/// Rules and Cedar policies, for everyone and for a team.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(&format!("teams: {{platform: {PLATFORM}}}\n"));
    let rules = format!(
        "rules:\n{}{}",
        tcp("web", "allow", "a.example.com, \"**.a.example.com:443\""),
        tcp("old", "deny", "old.a.example.com")
    );
    sandbox.write("policies/web.yaml", policy("web", &rules));
    let team = format!(
        "scope: {{teams: [platform]}}\nrules:\n{}",
        tcp("lab", "allow", "lab.example.com")
    );
    sandbox.write("policies/lab.yaml", policy("lab", &team));
    let cedar = "scope: {teams: [platform]}\ncedar:\n  schemaUrl: https://s.example.com\n  text: |\n\n    // Restarts.\n    \
                 permit(principal, action, resource) when { context.args.hour < 18 };\n    forbid(\n      principal, action,\n      \
                 resource == MCP::Tool::\"drop\"\n    );\n";
    sandbox.write("policies/mcp.yaml", policy("mcp", cedar));
    sandbox
}

const RIGHT: &str = "- name: everybody
  audiences: [{}, {teams: [platform]}]
  matrix: {host: [a, x.a], port: [443]}
  allow: [\"tcp {host}.example.com:{port}\"]
  deny: [tcp old.a.example.com:443]
- name: platform
  audience: {teams: [platform]}
  mcp: {args: {hour: 12}}
  allow: [tcp lab.example.com:1, mcp invokeTool restart]
  deny: [mcp invokeTool drop]
";

const WRONG: &str = "- name: closed
  audiences: [{}, {teams: [platform]}]
  allow: [tcp old.a.example.com:443, tcp lab.example.com:1]
  deny: [tcp a.example.com:80]
- name: tools
  audience: {teams: [platform]}
  mcp: {args: {hour: null}}
  allow: [mcp invokeTool restart, mcp invokeTool drop]
- name: hours
  audience: {teams: [platform]}
  allow: [mcp invokeTool restart]
";

#[test]
fn what_is_as_expected_is_0() {
    let sandbox = sandbox();
    sandbox.write("policies/t.yaml", test("right", RIGHT));
    assert_stable!(
        "test_passes",
        sandbox.expect(0, &["test", "--coverage"]).text()
    );
    for format in ["human", "json", "junit"] {
        sandbox.expect(0, &["test", "--format", format]);
    }
    sandbox.expect(2, &["plan", EMBEDDED, "--detailed-exitcode"]);
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    let ran = sandbox.expect(0, &["plan", EMBEDDED, "--detailed-exitcode"]);
    assert!(
        ran.out.contains("No changes."),
        "a test is not a policy: {}",
        ran.out
    );
    sandbox.expect(0, &["test", "--live", EMBEDDED]);
}

#[test]
fn what_differs_is_4_with_the_rules_to_blame() {
    let sandbox = sandbox();
    sandbox.write("policies/t.yaml", test("wrong", WRONG));
    assert_stable!(
        "test_fails",
        sandbox.expect(4, &["test", "--coverage"]).text()
    );
    assert_stable!(
        "test_fails_json",
        sandbox
            .expect(4, &["test", "--coverage", "--format", "json"])
            .text()
    );
    assert_stable!(
        "test_fails_junit",
        sandbox
            .expect(4, &["test", "--coverage", "--format", "junit"])
            .text()
    );
    let ran = sandbox.expect(4, &["test", "--filter", "CLOSED / tcp A.example.com"]);
    assert!(
        ran.out
            .contains("Tests: 2 requests, 0 answered as expected, 2 not."),
        "{}",
        ran.out
    );
    let again = |format: &str| {
        sandbox
            .expect(4, &["test", "--coverage", "--format", format])
            .out
    };
    assert_eq!(
        again("junit"),
        again("junit"),
        "nothing in it depends on the time"
    );
}

#[test]
fn json_fits_its_schema() {
    let sandbox = sandbox();
    sandbox.expect(0, &["schema"]);
    let schema: serde_json::Value =
        serde_json::from_str(&sandbox.read("schemas/test-report.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    sandbox.write(
        "policies/t.yaml",
        test("right", RIGHT) + "---\n" + &test("wrong", WRONG),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    for more in [
        &["--coverage"][..],
        &[],
        &["--coverage", "--live", EMBEDDED],
    ] {
        let report = sandbox
            .expect(4, &[&["test", "--format", "json"], more].concat())
            .json();
        let faults: Vec<String> = schema
            .iter_errors(&report)
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
        assert_eq!(
            (
                &report["formatVersion"],
                &report["failed"],
                &report["passed"]
            ),
            (&json!(1), &json!(8), &json!(10))
        );
        let live = more.contains(&"--live");
        assert_eq!(report["asked"], if live { "live" } else { "desired" });
        let blamed = report["targets"][0]["results"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|it| it["rules"].as_array().unwrap());
        assert!(
            blamed.clone().count() > 5
                && blamed
                    .clone()
                    .all(|rule| rule.get("source").is_none() == live)
        );
        let mut wrong = report;
        wrong["targets"][0]["results"][0]["surprise"] = json!(1);
        assert!(!schema.is_valid(&wrong), "the schema is closed");
    }
}

/// A report, as an XML parser sees it.
fn parsed(xml: &str, look: impl FnOnce(&roxmltree::Document<'_>)) {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    look(&document);
}

#[test]
fn junit_is_xml_whatever_stands_in_a_test() {
    let sandbox = sandbox();
    let cases =
        "- name: \"]]> <b>&'\\\"\"\n  allow: [\"read /a]]>&<b>\\\"'\", tcp a.example.com:443]\n";
    sandbox.write("policies/t.yaml", test("<!-- &amp; -->", cases));
    let ran = sandbox.expect(4, &["test", "--format", "junit"]);
    parsed(&ran.out, |document| {
        let of = |name: &'static str| {
            document
                .descendants()
                .filter(move |node| node.has_tag_name(name))
        };
        let cases: Vec<_> = of("testcase").collect();
        assert_eq!(cases.len(), 2, "one for each request");
        assert_eq!(cases[0].attribute("classname"), Some("<!-- &amp; -->"));
        assert_eq!(
            cases[0].attribute("name"),
            Some("]]> <b>&'\": read /a]]>&<b>\"', asked by users outside of all teams")
        );
        assert_eq!(
            (cases[0].attribute("file"), cases[0].attribute("line")),
            (Some("policies/t.yaml"), Some("8"))
        );
        let failure = of("failure").next().unwrap();
        assert_eq!(failure.parent(), Some(cases[0]));
        assert!(failure.text().unwrap().contains("denied by default"));
        let suite = of("testsuite").next().unwrap();
        let counts = ["name", "tests", "failures"].map(|name| suite.attribute(name).unwrap());
        assert_eq!(counts, ["production", "2", "1"]);
    });
}

/// Texts of a server are not checked as names in files are.
#[test]
fn hostile_texts_are_neutral_in_every_format() {
    let hostile = "a\u{1}\u{1b}[31m\u{9b}\u{202e}\u{fffe}\u{0}]]>\n<b>&\"";
    let source = SourceRef {
        file: hostile.to_owned(),
        line: 1,
    };
    let rule = DecidedBy::Rule(DecidingRuleReport {
        policy: hostile.to_owned(),
        rule: hostile.to_owned(),
        resource: hostile.to_owned(),
        source: Some(source.clone()),
    });
    let result = TestResult {
        test: hostile.to_owned(),
        case: hostile.to_owned(),
        source,
        audience: Audience::of_teams([hostile.to_owned()]),
        request: hostile.to_owned(),
        expected: Decision::Allow.into(),
        got: Decision::Deny.into(),
        unknown: Vec::new(),
        cases: Vec::new(),
        passed: false,
        rules: vec![rule],
        errors: Vec::new(),
    };
    let name = || hostile.to_owned();
    let target = TargetReport {
        name: name(),
        organization: name(),
        address: Some(name()),
        results: vec![result],
        coverage: None,
    };
    let report = TestReport::new(TestedState::Live, vec![target]);

    let xml = policy_tests::junit(&report, &RepositoryPrefix::default()).unwrap();
    parsed(&xml, |document| {
        let case = document
            .descendants()
            .find(|node| node.has_tag_name("testcase"))
            .unwrap();
        let shown = "a\\u{1}\\u{1b}[31m\\u{9b}\\u{202e}";
        assert!(
            case.attribute("classname").unwrap().starts_with(shown),
            "{:?}",
            case.attribute("classname")
        );
        assert!(
            case.attribute("classname")
                .unwrap()
                .ends_with("]]>\\n<b>&\"")
        );
    });
    let json = policy_tests::json(&report).unwrap();
    let human = policy_tests::human(&report, Painter::new(false));
    for text in [&xml, &json, &human] {
        let steers = |c: &char| c.is_control() && *c != '\n' || matches!(*c, '\u{202e}' | '\u{9b}');
        assert_eq!(text.chars().find(steers), None, "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["targets"][0]["results"][0]["request"], hostile,
        "a reader of the JSON gets the text itself"
    );
}

#[test]
fn nothing_to_run_is_1_and_invalid_tests_are_3() {
    let sandbox = sandbox();
    let ran = sandbox.expect(1, &["test"]);
    assert!(
        ran.err.contains("no policy tests") && ran.out.is_empty(),
        "{}",
        ran.err
    );
    sandbox.write("policies/t.yaml", test("right", RIGHT));
    let ran = sandbox.expect(1, &["test", "--filter", "nothing like it"]);
    assert!(ran.err.contains("none of the 9 requests"), "{}", ran.err);

    for broken in [
        "- name: c\n  allow: [tcp a.example.com]\n",
        "- name: c\n",
        "- name: c\n  alow: [tcp a:1]\n",
    ] {
        sandbox.write("policies/t.yaml", test("broken", broken));
        for format in ["human", "json", "junit"] {
            let ran = sandbox.expect(3, &["test", "--format", format]);
            assert!(
                ran.out.is_empty() && ran.err.contains("policies/t.yaml:"),
                "{}",
                ran.err
            );
        }
        sandbox.expect(3, &["test", "--live", EMBEDDED]);
        sandbox.expect(3, &["validate"]);
    }
    sandbox.write(
        "policies/t.yaml",
        test("broken", "- name: c\n  allow: [tcp a.example.com]\n"),
    );
    sandbox.expect(0, &["plan", EMBEDDED]);
    sandbox.write("policies/t.yaml", test("right", RIGHT));
    sandbox.write(
        "policies/bad.yaml",
        policy(
            "bad",
            "rules:\n  - {name: r, decision: allow, actions: [read], resources: [data]}\n",
        ),
    );
    sandbox.expect(3, &["test"]);
    std::fs::remove_file(sandbox.path("polwarden.yaml")).unwrap();
    sandbox.expect(1, &["test"]);
}

#[test]
fn each_target_is_asked_its_own_tests() {
    let sandbox = Sandbox::empty();
    let targets = config("")
        + &target("staging", "my-staging", "staging", "").replace("[staging]", "[staging, shared]");
    sandbox.write(
        "polwarden.yaml",
        targets.replace("[policies]", "[policies, shared]"),
    );
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    sandbox.write(
        "staging/s.yaml",
        policy(
            "s",
            &format!("rules:\n{}", tcp("r", "allow", "b.example.com")),
        ),
    );
    sandbox.write(
        "shared/both.yaml",
        test("both", "- name: closed\n  deny: [tcp c.example.com:1]\n"),
    );
    let named = test("named", "- name: open\n  allow: [tcp b.example.com:1]\n")
        .replace("spec:\n", "spec:\n  target: staging\n");
    sandbox.write("shared/named.yaml", &named);
    assert_stable!("test_targets", sandbox.expect(0, &["test"]).text());
    let ran = sandbox
        .expect(0, &["test", "--target", "production", "--format", "json"])
        .json();
    assert_eq!(
        (ran["targets"].as_array().unwrap().len(), &ran["passed"]),
        (1, &json!(1))
    );

    sandbox.write(
        "shared/named.yaml",
        named.replace("target: staging", "target: stagign"),
    );
    for arguments in [
        &["test"][..],
        &["test", "--target", "production"],
        &["validate"],
    ] {
        let ran = sandbox.expect(3, arguments);
        assert!(
            format!("{}{}", ran.out, ran.err).contains("did you mean `staging`?"),
            "{}",
            ran.err
        );
    }
    sandbox.expect(0, &["plan", EMBEDDED]);
}

#[test]
fn the_server_is_asked_only_for_names_that_it_alone_knows() {
    let sandbox = sandbox();
    let case = |team: &str| {
        format!("- name: c\n  audience: {{teams: [{team}]}}\n  allow: [tcp lab.example.com:1]\n")
    };
    for team in ["platform", PLATFORM, &PLATFORM.to_uppercase()] {
        sandbox.write("policies/t.yaml", test("t", &case(team)));
        sandbox.expect(0, &["test"]);
    }
    sandbox.write("policies/t.yaml", test("t", &case("Platform engineers")));
    let ran = sandbox.expect(1, &["test"]);
    assert!(
        ran.err.contains("DOCKER_HUB_IDENTIFIER"),
        "offline, it reports the missing credentials: {}",
        ran.err
    );
    let ran = sandbox.expect(0, &["validate"]);
    assert!(ran.out.contains("team-unverified"), "{}", ran.out);

    let teams = vec![TeamSeed {
        uuid: PLATFORM.to_owned(),
        name: "Platform engineers".to_owned(),
    }];
    let organization = DockerOrganizationSeed {
        name: "my-org".to_owned(),
        teams,
        ..DockerOrganizationSeed::default()
    };
    let sandbox = sandbox.serve(DockerOptions {
        organizations: vec![organization],
        ..DockerOptions::default()
    });
    sandbox.expect(0, &["test"]);
    sandbox.expect(0, &["validate", "--live"]);
    sandbox.write("policies/t.yaml", test("t", &case("Platform enginers")));
    for arguments in [&["test"][..], &["validate", "--live"], &["test", "--live"]] {
        let ran = sandbox.expect(3, arguments);
        assert!(
            format!("{}{}", ran.out, ran.err).contains("did you mean `Platform engineers`?"),
            "{}",
            ran.err
        );
    }
}
