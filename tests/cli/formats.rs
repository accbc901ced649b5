//! Formats on the command line: what goes where, and that exit codes do not depend on them.

use emulator::DockerOptions;
use serde_json::Value;

use super::sandbox::{SECRET, Sandbox, config, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const PLAN: &[&str] = &[
    "human", "json", "markdown", "github", "gitlab", "sarif", "junit", "html",
];
const VALIDATE: &[&str] = &[
    "human", "json", "markdown", "github", "gitlab", "sarif", "junit",
];
const TEST: &[&str] = &["human", "json", "markdown", "github", "junit"];

/// A repository with a warning, a pending change and a policy test.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new("");
    let udp =
        "  - {name: u, decision: allow, actions: [\"connect:udp\"], resources: [a.example.com]}\n";
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{udp}{}", tcp("r", "allow", "b.example.com")),
        ),
    );
    sandbox.write("policies/t.yaml", policy_test("b.example.com:443"));
    sandbox
}

fn policy_test(host: &str) -> String {
    format!(
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {{name: t}}\nspec:\n  cases:\n    - {{name: c, allow: [\"tcp {host}\"]}}\n"
    )
}

/// A command in all its formats, on standard output and as a file, ends with the same code.
fn same_code(sandbox: &Sandbox, code: i32, command: &[&str], formats: &[&str]) {
    for format in formats {
        sandbox.expect(code, &[command, &["--format", format]].concat());
        let output = format!("{format}=out.{format}");
        sandbox.expect(code, &[command, &["--output", &output]].concat());
    }
}

#[test]
fn exit_codes_do_not_depend_on_the_format() {
    let sandbox = sandbox();
    let plan: &[&str] = &["plan", EMBEDDED, "--detailed-exitcode"];
    same_code(&sandbox, 2, plan, PLAN);
    same_code(&sandbox, 0, &["plan", EMBEDDED], PLAN);
    same_code(&sandbox, 8, &["drift", EMBEDDED], PLAN);
    same_code(
        &sandbox,
        1,
        &["drift", EMBEDDED, "--target", "absent"],
        PLAN,
    );
    same_code(&sandbox, 0, &["validate"], VALIDATE);
    same_code(&sandbox, 0, &["lint"], VALIDATE);
    same_code(&sandbox, 3, &["validate", "--strict"], VALIDATE);
    same_code(&sandbox, 0, &["test"], TEST);
    same_code(&sandbox, 4, &["plan", EMBEDDED, "--deny-widening"], PLAN);
    same_code(&sandbox, 1, &["plan", EMBEDDED, "--target", "absent"], PLAN);
    same_code(&sandbox, 1, &["plan", "--at", "absent", EMBEDDED], PLAN);
    same_code(&sandbox, 1, &["test", "--filter", "absent"], TEST);

    sandbox.write("policies/t.yaml", policy_test("c.example.com:443"));
    same_code(&sandbox, 4, &["test"], TEST);
    sandbox.write(
        "polwarden.yaml",
        config("") + "access: {never: [\"tcp b.example.com:443\"]}\n",
    );
    same_code(&sandbox, 4, &["validate"], VALIDATE);
    sandbox.expect(1, &["plan"]);

    sandbox.write("polwarden.yaml", config(""));
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    same_code(&sandbox, 0, plan, PLAN);
    same_code(&sandbox, 0, &["drift", EMBEDDED], PLAN);
    sandbox.write("policies/wrong.yaml", "kind: Wrong\n");
    same_code(&sandbox, 3, plan, PLAN);
    same_code(&sandbox, 3, &["drift", EMBEDDED], PLAN);
    same_code(&sandbox, 3, &["validate"], VALIDATE);
    same_code(&sandbox, 3, &["test"], TEST);
    sandbox.write("polwarden.yaml", "kind: Config\n");
    same_code(&sandbox, 3, plan, PLAN);
    same_code(&sandbox, 3, &["validate"], VALIDATE);
}

#[test]
fn one_run_writes_all() {
    let sandbox = sandbox();
    let outputs: Vec<String> = PLAN
        .iter()
        .map(|format| format!("--output={format}=out.{format}"))
        .collect();
    let mut arguments = vec![
        "plan",
        EMBEDDED,
        "--format",
        "github",
        "--out",
        "saved.json",
    ];
    arguments.extend(outputs.iter().map(String::as_str));
    let ran = sandbox.expect(0, &arguments);
    assert_eq!(ran.out, sandbox.read("out.github"));
    assert_eq!(sandbox.read("out.json"), sandbox.read("saved.json"));
    assert!(
        !ran.err.contains("udp-allowed"),
        "told on standard output: {}",
        ran.err
    );
    assert!(
        ran.out.contains("::warning file=policies/p.yaml,line=8"),
        "{}",
        ran.out
    );
    assert!(sandbox.read("out.human").contains("+ policy \"p\""));
    for format in ["markdown", "gitlab", "sarif", "junit", "html"] {
        let text = sandbox.read(&format!("out.{format}"));
        assert!(
            text.contains("udp-allowed") && text.contains("b.example.com"),
            "{format}: {text}"
        );
    }
    assert!(
        sandbox
            .read("out.markdown")
            .starts_with("<!-- polwarden:plan:all -->\n")
    );
    let ran = sandbox.expect(
        0,
        &[
            "plan",
            EMBEDDED,
            "--format",
            "markdown",
            "--target",
            "production",
        ],
    );
    assert!(
        ran.out.starts_with("<!-- polwarden:plan:production -->\n"),
        "{}",
        ran.out
    );
    let ran = sandbox.expect(
        0,
        &[
            "plan", EMBEDDED, "--format", "markdown", "--marker", "nightly",
        ],
    );
    assert!(
        ran.out.starts_with("<!-- polwarden:plan:nightly -->\n"),
        "{}",
        ran.out
    );
    let ran = sandbox.expect(0, &["plan", EMBEDDED, "--output", "html=plan.html"]);
    assert!(
        ran.err.contains("udp-allowed") && ran.out.contains("+ policy \"p\""),
        "for people as ever"
    );
}

#[test]
fn without_a_plan_there_are_findings() {
    let sandbox = sandbox();
    sandbox.write("policies/wrong.yaml", "kind: Wrong\n");
    let outputs: Vec<String> = PLAN
        .iter()
        .map(|format| format!("--output={format}=out.{format}"))
        .collect();
    let arguments: Vec<&str> = ["plan", EMBEDDED]
        .into_iter()
        .chain(outputs.iter().map(String::as_str))
        .collect();
    sandbox.expect(3, &arguments);
    for format in ["markdown", "github", "gitlab", "sarif", "junit", "html"] {
        let text = sandbox.read(&format!("out.{format}"));
        assert!(
            text.contains("missing-field") && text.contains("policies/wrong.yaml"),
            "{format}: {text}"
        );
    }
    for format in ["human", "json"] {
        assert!(
            !sandbox.path(&format!("out.{format}")).exists(),
            "no plan to write"
        );
    }
    assert!(
        sandbox
            .read("out.markdown")
            .contains("No plan: the manifests are invalid.")
    );

    sandbox.write("polwarden.yaml", "kind: Config\n");
    let ran = sandbox.expect(3, &["plan", EMBEDDED, "--format", "github"]);
    assert!(
        ran.out.contains("::error file=polwarden.yaml") && ran.err.is_empty(),
        "{} {}",
        ran.out,
        ran.err
    );
}

#[test]
fn paths_count_from_the_top_of_the_repository() {
    let outer = Sandbox::empty();
    git2::Repository::init(outer.path("")).unwrap();
    outer.write("deploy/all of it/polwarden.yaml", config(""));
    let udp = "rules:\n  - {name: u, decision: allow, actions: [\"connect:udp\"], resources: [a.example.com]}\n";
    outer.write("deploy/all of it/policies/p.yaml", policy("p", udp));
    let there = "deploy/all of it";
    let ran = outer.expect(0, &["validate", there, "--format", "github"]);
    assert!(
        ran.out.contains("file=deploy/all of it/policies/p.yaml,"),
        "{}",
        ran.out
    );
    let ran = outer.expect(0, &["-C", there, "validate", "--format", "gitlab"]);
    assert_eq!(
        ran.json()[0]["location"]["path"],
        "deploy/all of it/policies/p.yaml"
    );
    let ran = outer.expect(0, &["plan", there, EMBEDDED, "--format", "sarif"]);
    let log = ran.json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let file = |result: &Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone()
    };
    let uris: Vec<Value> = results.iter().map(file).collect();
    assert!(
        !uris.is_empty()
            && uris
                .iter()
                .all(|uri| *uri == "deploy/all%20of%20it/policies/p.yaml"),
        "{uris:?}"
    );
}

#[test]
fn wrong_outputs_are_told_before_anything_is_done() {
    let sandbox = sandbox();
    let table: &[(&[&str], &str)] = &[
        (&["plan", "--output", "sarif"], "FORMAT=FILE"),
        (
            &["plan", "--output", "sarif="],
            "name of the file is missing",
        ),
        (
            &["plan", "--output", "xml=a"],
            "formats of this command: human, json, markdown",
        ),
        (&["validate", "--output", "html=a"], "unknown format `html`"),
        (&["validate", "--format", "html"], "invalid value"),
        (&["test", "--format", "sarif"], "invalid value"),
        (
            &["explain", "--format", "github", "tcp", "a:1"],
            "invalid value",
        ),
        (
            &[
                "plan", EMBEDDED, "--output", "sarif=a", "--output", "html=a",
            ],
            "two formats would be written to `a`",
        ),
        (
            &["plan", EMBEDDED, "--output", "sarif=absent/a"],
            "cannot write `absent/a`",
        ),
        (
            &["drift", "--output", "xml=a"],
            "formats of this command: human, json, markdown",
        ),
        (
            &[
                "drift", EMBEDDED, "--output", "sarif=a", "--output", "html=a",
            ],
            "two formats would be written to `a`",
        ),
        (&["plan", "--marker=-->"], "a marker is 1 to 64 letters"),
        (&["plan", "--max-size", "100"], "4096 is the least"),
    ];
    // The embedded service keeps its state in `.polwarden`.
    let files = || {
        let mut files = sandbox.files();
        files.retain(|path, _| !path.starts_with(".polwarden"));
        files
    };
    let before = files();
    for (arguments, message) in table {
        let ran = sandbox.expect(1, arguments);
        assert!(
            ran.err.contains(message) && ran.out.is_empty(),
            "{arguments:?}: {}",
            ran.err
        );
        assert!(files() == before, "{arguments:?}");
    }
}

#[test]
fn failed_tests_are_annotated() {
    let sandbox = sandbox();
    sandbox.write("policies/t.yaml", policy_test("c.example.com:443"));
    let ran = sandbox.expect(
        4,
        &[
            "test",
            "--format",
            "github",
            "--output",
            "markdown=t.md",
            "--output",
            "junit=t.xml",
        ],
    );
    assert!(
        ran.out.starts_with(
            "::error file=policies/t.yaml,line=6,endLine=6,title=policy-test-failed::"
        ),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("::notice title=polwarden::Tests: 1 request, 0 answered as expected, 1 not."),
        "{}",
        ran.out
    );
    let text = sandbox.read("t.md");
    assert!(
        text.starts_with("<!-- polwarden:test:all -->\n") && text.contains("`policy-test-failed`"),
        "{text}"
    );
    assert!(sandbox.read("t.xml").contains("<failure"));
}

#[test]
fn codes_of_plans_are_explained() {
    let ran = Sandbox::empty().expect(0, &["explain", "plan-gate-shut"]);
    assert!(
        ran.out
            .starts_with("plan-gate-shut (error: nothing is applied while it is there)\n\n"),
        "{}",
        ran.out
    );
}

#[test]
fn no_format_holds_a_secret() {
    let sandbox = sandbox().serve(DockerOptions::default());
    let outputs: Vec<String> = PLAN
        .iter()
        .map(|format| format!("--output={format}=out.{format}"))
        .collect();
    let arguments: Vec<&str> = ["plan"]
        .into_iter()
        .chain(outputs.iter().map(String::as_str))
        .collect();
    let ran = sandbox.expect(0, &arguments);
    assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET));
    let files = sandbox.files();
    assert!(files.len() >= PLAN.len());
    for (path, bytes) in files {
        assert!(
            !String::from_utf8_lossy(&bytes).contains(SECRET),
            "{}",
            path.display()
        );
    }
}
