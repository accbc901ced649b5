//! What each command prints, as snapshots.

use super::assert_stable;
use super::sandbox::{INIT, Sandbox, policy, policy_with, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

#[test]
fn help() {
    let sandbox = Sandbox::empty();
    for command in [
        "",
        "init",
        "schema",
        "validate",
        "lint",
        "plan",
        "apply",
        "import",
        "explain",
        "test",
        "emulate",
        "emulate docker",
        "emulate pulumi",
        "emulate chainloop",
    ] {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let ran = sandbox.expect(0, &arguments);
        assert_eq!(ran.err, "", "{command}");
        let name = if command.is_empty() {
            "all".to_owned()
        } else {
            command.replace(' ', "_")
        };
        assert_stable!(format!("help_{name}"), ran.out);
    }
}

#[test]
fn init_writes_a_repository_that_works_and_overwrites_nothing() {
    let sandbox = Sandbox::empty();
    assert_stable!("init", sandbox.init("new").text());
    let written = sandbox.files();
    assert_stable!(
        "init_again",
        sandbox.expect(1, &[&["init", "new"], INIT].concat()).text()
    );
    assert_eq!(sandbox.files(), written);
    assert_stable!(
        "init_validate",
        sandbox.expect(0, &["validate", "new"]).text()
    );
    assert_stable!(
        "init_test",
        sandbox.expect(0, &["test", "new", "--coverage"]).text()
    );
    sandbox.expect(0, &["apply", "new", EMBEDDED, "--auto-approve"]);
    let ran = sandbox.expect(0, &["plan", "new", EMBEDDED, "--detailed-exitcode"]);
    assert!(ran.out.contains("No changes."), "{}", ran.out);
}

#[test]
fn validate() {
    let sandbox = Sandbox::new("");
    sandbox.write(
        "policies/good.yaml",
        policy(
            "good",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    assert_stable!("validate_ok", sandbox.expect(0, &["validate"]).text());
    assert_stable!(
        "validate_ok_json",
        sandbox.expect(0, &["validate", "--format", "json"]).text()
    );

    let udp = "rules:\n  - {name: u, decision: allow, actions: [\"connect:udp\"], resources: [a.example.com]}\n";
    sandbox.write("policies/warn.yaml", policy("warn", udp));
    assert_stable!("validate_warning", sandbox.expect(0, &["validate"]).text());
    sandbox.expect(3, &["validate", "--strict"]);

    let bad = "rules:\n  - name: r\n    decison: allow\n    decision: alow\n    actions: [\"connect:tcp\"]\n    resources: [a.example.com]\n";
    sandbox.write("policies/bad.yaml", policy("bad", bad));
    let meaning = "rules:\n  - name: r\n    decision: allow\n    actions: [\"connect:tcp\"]\n    resources: [10.0.0.1/8, \"a.example.com:0\"]\n";
    sandbox.write("policies/meaning.yaml", policy("good", meaning));
    sandbox.write("policies/syntax.yaml", "apiVersion: [\n");
    sandbox.write("policies/bytes.yaml", b"name: \xff\n");
    assert_stable!("validate_errors", sandbox.expect(3, &["validate"]).text());
    assert_stable!(
        "validate_errors_json",
        sandbox.expect(3, &["validate", "--format", "json"]).text()
    );
}

/// An organization with a policy, changed in every way at once.
fn changed() -> Sandbox {
    let sandbox = Sandbox::new(
        "teams: {sec: d290f1ee-6c54-4b01-90e6-d701748f0851}\nlimits: {maxDeletes: 100%, maxUpdates: 100%}\n",
    );
    let rules = format!(
        "rules:\n{}{}",
        tcp("web", "allow", "a.example.com, b.example.com"),
        tcp("old", "deny", "c.example.com")
    );
    sandbox.write("policies/a.yaml", policy("changed", &rules));
    let cedar = "cedar:\n  schemaUrl: https://s.example.com\n  text: |\n    permit(\n      principal,\n      action,\n      resource\n    );\n";
    sandbox.write("policies/c.yaml", policy("cedar", cedar));
    sandbox.write(
        "policies/u.yaml",
        policy(
            "stray",
            &format!("rules:\n{}", tcp("r", "allow", "u.example.com")),
        ),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    std::fs::remove_file(sandbox.path("policies/u.yaml")).unwrap();
    let rules = format!(
        "scope: {{teams: [sec]}}\nrules:\n{}{}",
        tcp("web", "allow", "a.example.com, d.example.com"),
        tcp("new", "allow", "e.example.com")
    );
    sandbox.write(
        "policies/a.yaml",
        policy_with("renamed", "aliases: [changed]", &rules),
    );
    sandbox.write(
        "policies/c.yaml",
        policy(
            "cedar",
            &cedar.replace("principal,", "principal == User::\"a\","),
        ),
    );
    sandbox.write(
        "policies/n.yaml",
        policy(
            "new",
            "rules:\n  - {name: f, decision: deny, actions: [read], resources: [/etc/**]}\n",
        ),
    );
    sandbox
}

#[test]
fn plan_and_apply() {
    let sandbox = changed();
    assert_stable!(
        "plan_changes",
        sandbox
            .expect(2, &["plan", EMBEDDED, "--detailed-exitcode"])
            .text()
    );
    assert_stable!(
        "plan_changes_json",
        sandbox
            .expect(0, &["plan", EMBEDDED, "--format", "json"])
            .text()
    );
    let arguments = [
        "apply",
        EMBEDDED,
        "--auto-approve",
        "--concurrency",
        "1",
        "--ack",
        "last-deny=1",
    ];
    assert_stable!("apply_changes", sandbox.expect(0, &arguments).text());
    assert_stable!(
        "plan_nothing",
        sandbox
            .expect(0, &["plan", EMBEDDED, "--detailed-exitcode"])
            .text()
    );
    assert_stable!(
        "apply_nothing",
        sandbox.expect(0, &["apply", EMBEDDED]).text()
    );
}

#[test]
fn prune() {
    let sandbox = changed();
    let text = sandbox.read("polwarden.yaml");
    sandbox.write("polwarden.yaml", text + "    unmanaged: prune\n");
    assert_stable!("plan_prune", sandbox.expect(0, &["plan", EMBEDDED]).text());
}

#[test]
fn held() {
    let sandbox = Sandbox::new("profile: seed\n");
    sandbox.write(
        "policies/a.yaml",
        policy(
            "old",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    let renamed = policy_with(
        "new",
        "aliases: [old]",
        &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
    );
    sandbox.write("policies/a.yaml", renamed);
    assert_stable!(
        "plan_held",
        sandbox
            .expect(0, &["plan", EMBEDDED, "--detailed-exitcode"])
            .text()
    );
}

#[test]
fn import() {
    let sandbox = changed();
    assert_stable!("import", sandbox.expect(0, &["import", EMBEDDED]).text());
    assert_stable!("import_manifest", sandbox.read("policies/stray.yaml"));
}

#[test]
fn a_directory_argument_is_the_same_as_dash_c() {
    let sandbox = Sandbox::empty();
    sandbox.init("sub");
    let by_argument = sandbox.expect(0, &["plan", "sub", EMBEDDED]);
    let by_option = sandbox.expect(0, &["-C", "sub", "plan", EMBEDDED]);
    assert_eq!(by_argument.out, by_option.out);
    assert!(sandbox.path("sub/.polwarden").is_dir());
    assert_eq!(sandbox.read("sub/.polwarden/.gitignore"), "*\n");
}
