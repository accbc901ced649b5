//! Gates of access, revisions, and what `explain` says would have to change.

use git2::{Repository, RepositoryInitOptions, Signature};

use super::sandbox::{Sandbox, config, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const TEAM: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";

/// A configuration with an `access` section of these lines for all targets.
fn gated(access: &str) -> String {
    let access: String = access.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "{}access:\n{access}",
        config(&format!("teams: {{ops: {TEAM}}}"))
    )
}

fn rules(rules: &[String]) -> String {
    policy("p", &format!("rules:\n{}", rules.concat()))
}

/// A repository whose policy allows one host, applied and committed.
fn applied(access: &str) -> (Sandbox, Repository) {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "polwarden.yaml",
        if access.is_empty() {
            config("")
        } else {
            gated(access)
        },
    );
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    let mut options = RepositoryInitOptions::new();
    let repository =
        Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap();
    commit(&repository);
    (sandbox, repository)
}

fn commit(repository: &Repository) {
    let mut index = repository.index().unwrap();
    index
        .add_all(
            ["polwarden.yaml", "policies"],
            git2::IndexAddOption::DEFAULT,
            None,
        )
        .unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).unwrap();
    let parent = repository
        .head()
        .ok()
        .map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(Some("HEAD"), &author, &author, "x", &tree, &parents)
        .unwrap();
}

#[test]
fn a_widening_is_refused_with_its_witness_and_the_line_to_blame() {
    let (sandbox, _) = applied("");
    sandbox.write(
        "policies/p.yaml",
        rules(&[
            tcp("a", "allow", "a.example.com"),
            tcp("b", "allow", "\"b.example.com:443\""),
        ]),
    );
    let ran = sandbox.expect(4, &["plan", EMBEDDED, "--deny-widening"]);
    assert!(
        ran.out.contains("✗ no widening") && ran.out.contains("tcp b.example.com:443"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("rule \"b\" (policies/p.yaml:8)"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("(1 API call)"),
        "the whole plan is shown: {}",
        ran.out
    );
    let json = sandbox
        .expect(
            4,
            &[
                "plan",
                EMBEDDED,
                "--allow-widening",
                "tcp c.example.com",
                "--format",
                "json",
            ],
        )
        .json();
    let gate = &json["targets"][0]["gates"][0];
    assert_eq!(gate["gate"]["within"][0], "tcp c.example.com");
    assert_eq!(gate["breaches"][0]["blame"][0]["source"]["line"], 8);
    assert_eq!(gate["breaches"][0]["witness"], "tcp b.example.com:443");

    let ran = sandbox.expect(4, &["apply", EMBEDDED, "--auto-approve", "--deny-widening"]);
    assert!(ran.err.contains("Nothing was applied"), "{}", ran.err);
    sandbox.expect(2, &["plan", EMBEDDED, "--detailed-exitcode"]);
    sandbox.expect(
        0,
        &[
            "apply",
            EMBEDDED,
            "--auto-approve",
            "--allow-widening",
            "tcp **.example.com:443",
        ],
    );
    sandbox.expect(1, &["plan", EMBEDDED, "--allow-widening", "tcp"]);
}

#[test]
fn a_deny_that_goes_is_to_blame() {
    let (sandbox, _) = applied("");
    let allow = tcp("a", "allow", "\"**.example.com\"");
    sandbox.write(
        "policies/p.yaml",
        rules(&[allow.clone(), tcp("d", "deny", "b.example.com")]),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox.write("policies/p.yaml", rules(&[allow]));
    let ran = sandbox.expect(4, &["plan", EMBEDDED, "--deny-widening"]);
    let line = "removed: deny of `b.example.com` by policy \"p\", rule \"d\" (policies/p.yaml:4)";
    assert!(ran.out.contains(line), "{}", ran.out);
}

#[test]
fn never_and_always_are_held_by_validate_plan_and_apply() {
    let (sandbox, _) =
        applied("always:\n- request: tcp a.example.com:443\n  reason: everybody needs it");
    sandbox.expect(0, &["validate", "--strict"]);
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("d", "deny", "a.example.com")]),
    );
    let ran = sandbox.expect(4, &["validate", "--strict"]);
    assert!(
        ran.out.contains("access-always") && ran.out.contains("everybody needs it"),
        "{}",
        ran.out
    );
    sandbox.expect(0, &["validate"]);
    sandbox.expect(4, &["plan", EMBEDDED]);

    sandbox.write(
        "polwarden.yaml",
        gated("never: [\"http *.example.com/admin/**\"]"),
    );
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    let ran = sandbox.expect(4, &["validate"]);
    assert!(
        ran.out
            .contains("error[access-never]: `get https://a.example.com/admin`"),
        "{}",
        ran.out
    );
    // Access that is open already violates the gate too.
    let ran = sandbox.expect(4, &["plan", EMBEDDED]);
    assert!(ran.out.contains("also before this plan"), "{}", ran.out);
    sandbox.expect(4, &["apply", EMBEDDED, "--auto-approve"]);
}

#[test]
fn a_gate_may_ask_about_one_audience() {
    let (sandbox, _) = applied("");
    let ops = format!(
        "scope:\n  teams: [ops]\nrules:\n{}",
        tcp("o", "allow", "o.example.com")
    );
    sandbox.write("policies/o.yaml", policy("o", &ops));
    let access = |kind: &str| {
        gated(&format!(
            "{kind}:\n- {{request: 'tcp o.example.com', audience: on-call}}\naudiences:\n- {{name: on-call, teams: [ops]}}"
        ))
    };
    sandbox.write("polwarden.yaml", access("always"));
    sandbox.expect(0, &["plan", EMBEDDED]);
    sandbox.write("polwarden.yaml", access("never"));
    let ran = sandbox.expect(4, &["plan", EMBEDDED]);
    assert!(
        ran.out.contains("members of ops: tcp o.example.com:443"),
        "{}",
        ran.out
    );
    for (wrong, code) in [("[opz]", "unknown-team"), ("[]", "empty-list")] {
        sandbox.write(
            "polwarden.yaml",
            gated(&format!("audiences:\n- {{name: x, teams: {wrong}}}")),
        );
        assert!(sandbox.expect(3, &["validate"]).out.contains(code));
    }
    for wrong in [
        "never: [tcp]",
        "never: [{request: 'tcp a.example.com', audience: x}]",
        "never: [{reason: x}]",
    ] {
        sandbox.write("polwarden.yaml", gated(wrong));
        sandbox.expect(3, &["validate"]);
        sandbox.expect(3, &["plan", EMBEDDED]);
    }
}

#[test]
fn a_change_cannot_loosen_its_own_gate_unseen() {
    let (mut sandbox, repository) = applied("never: [tcp b.example.com]");
    let head = repository.head().unwrap().peel_to_commit().unwrap();
    repository
        .reference("refs/remotes/origin/main", head.id(), false, "")
        .unwrap();
    sandbox.write("polwarden.yaml", config(""));
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "\"**.example.com\"")]),
    );
    commit(&repository);
    sandbox.expect(0, &["plan", EMBEDDED]);
    let told = |out: &str| {
        assert!(
            out.contains("this change removes the gate; it applies until the merge"),
            "{out}"
        );
        assert!(
            out.contains("never `tcp b.example.com`  polwarden.yaml:10 at "),
            "{out}"
        );
    };
    told(
        &sandbox
            .expect(4, &["plan", EMBEDDED, "--base", "HEAD~1"])
            .out,
    );
    sandbox.set("GITHUB_BASE_REF", "main");
    told(&sandbox.expect(4, &["plan", EMBEDDED]).out);
    sandbox.expect(4, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox.set("GITHUB_BASE_REF", "release");
    let ran = sandbox.expect(1, &["plan", EMBEDDED]);
    assert!(
        ran.err.contains("GITHUB_BASE_REF") && ran.err.contains("git fetch origin release"),
        "{}",
        ran.err
    );
    sandbox.set("GITHUB_BASE_REF", "");
    sandbox.expect(1, &["plan", EMBEDDED, "--base", "absent"]);
}

#[test]
fn a_base_without_a_configuration_has_no_gates_and_an_invalid_one_stops() {
    let (sandbox, repository) = applied("");
    let config = sandbox.read("polwarden.yaml");
    std::fs::remove_file(sandbox.path("polwarden.yaml")).unwrap();
    let mut index = repository.index().unwrap();
    index
        .remove_path(std::path::Path::new("polwarden.yaml"))
        .unwrap();
    index.write().unwrap();
    commit(&repository);
    sandbox.write("polwarden.yaml", format!("{config}wrong: 1\n"));
    commit(&repository);
    sandbox.write("polwarden.yaml", config);
    let ran = sandbox.expect(0, &["plan", EMBEDDED, "--base", "HEAD~1"]);
    assert!(ran.err.contains("so it adds no gates"), "{}", ran.err);
    let ran = sandbox.expect(1, &["plan", EMBEDDED, "--base", "HEAD"]);
    assert!(
        ran.err.contains("invalid at the base revision HEAD") && ran.err.contains("`wrong`"),
        "{}",
        ran.err
    );
}

#[test]
fn a_saved_plan_is_held_again_to_what_is_live_then() {
    let (sandbox, _) = applied("");
    sandbox.write(
        "policies/p.yaml",
        rules(&[
            tcp("a", "allow", "a.example.com"),
            tcp("b", "allow", "b.example.com"),
        ]),
    );
    sandbox.expect(0, &["plan", EMBEDDED, "--out", "plan.json"]);
    sandbox.expect(
        4,
        &["plan", EMBEDDED, "--deny-widening", "--out", "bounded.json"],
    );
    sandbox.expect(4, &["apply", EMBEDDED, "--auto-approve", "bounded.json"]);
    sandbox.expect(
        4,
        &[
            "apply",
            EMBEDDED,
            "--auto-approve",
            "--deny-widening",
            "plan.json",
        ],
    );
    sandbox.write("polwarden.yaml", gated("never: [tcp b.example.com]"));
    let ran = sandbox.expect(4, &["apply", EMBEDDED, "--auto-approve", "plan.json"]);
    assert!(
        ran.out.contains("rule \"b\" (policies/p.yaml:8)"),
        "{}",
        ran.out
    );
    sandbox.write("polwarden.yaml", gated("never: [tcp c.example.com]"));
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve", "plan.json"]);
    sandbox.expect(6, &["apply", EMBEDDED, "--auto-approve", "plan.json"]);
}

#[test]
fn a_revision_is_read_instead_of_the_work_tree() {
    let (sandbox, repository) = applied("");
    sandbox.write("policies/p.yaml", "no manifest: [\n");
    sandbox.expect(3, &["validate"]);
    sandbox.expect(0, &["validate", "--at", "HEAD"]);
    let ran = sandbox.expect(
        0,
        &["plan", EMBEDDED, "--at", "main", "--detailed-exitcode"],
    );
    assert!(ran.out.contains("No changes."), "{}", ran.out);
    let ran = sandbox.expect(0, &["explain", "--at", "main", "tcp", "a.example.com:443"]);
    assert!(
        ran.out.contains("allowed") && ran.out.contains("policies/p.yaml:7"),
        "{}",
        ran.out
    );
    assert!(
        sandbox
            .expect(1, &["validate", "--at", "mian"])
            .err
            .contains("did you mean `main`?")
    );
    sandbox.expect(
        1,
        &[
            "explain",
            "--at",
            "main",
            "--live",
            "tcp",
            "a.example.com:443",
        ],
    );
    sandbox.expect(0, &["plan", EMBEDDED, "--staged", "--detailed-exitcode"]);
    sandbox.expect(1, &["plan", EMBEDDED, "--staged", "--at", "main"]);
    let stage = |path: &str| {
        let mut index = repository.index().unwrap();
        index.add_path(path.as_ref()).unwrap();
        index.write().unwrap();
    };
    let test = "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n  cases:\n    - {name: c, allow: [tcp a.example.com:443]}\n";
    sandbox.write("policies/t.yaml", test);
    assert!(
        sandbox
            .expect(1, &["test", "--staged"])
            .err
            .contains("no policy test"),
        "it is not staged"
    );
    stage("policies/t.yaml");
    sandbox.expect(0, &["test", "--staged"]);
    sandbox.expect(1, &["test", "--at", "HEAD"]);
    stage("policies/p.yaml");
    sandbox.expect(3, &["validate", "--staged"]);
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    sandbox.expect(0, &["validate"]);
    sandbox.expect(3, &["test", "--staged"]);
}

#[test]
fn what_would_have_to_change_is_told() {
    let (sandbox, _) = applied("");
    let http = "  - {name: h, decision: deny, actions: [\"request:post\"], httpResources: [{host: a.example.com, path: \"/**\"}]}\n";
    let allow = [
        tcp("a", "allow", "a.example.com"),
        tcp("far", "allow", "\"c.d.example.com:443\""),
    ]
    .concat();
    let deny = [
        tcp("d", "deny", "d.example.com"),
        tcp("e", "deny", "\"*.example.com:8080\""),
    ]
    .concat();
    sandbox.write("policies/p.yaml", rules(&[allow, deny, http.to_owned()]));
    let ask = |arguments: &[&str]| sandbox.expect(0, &[&["explain"], arguments].concat()).out;
    let text = ask(&["tcp", "b.d.example.com:443"]);
    let line = "add `b.d.example.com:443` to the resources of rule \"far\" in policy \"p\" (policies/p.yaml:8), which has `c.d.example.com:443`";
    assert!(text.contains(line), "{text}");
    // Two denies, and no allow behind them.
    let text = ask(&["tcp", "d.example.com:8080"]);
    assert!(
        text.contains("every deny above") && text.contains("nothing else allows it yet"),
        "{text}"
    );
    let text = ask(&["tcp", "a.example.com:8080"]);
    assert!(
        text.contains("the deny above") && text.contains("other rules let it through already"),
        "{text}"
    );
    assert!(ask(&["get", "https://a.example.com/"]).contains("the network layer decides"));
    assert!(ask(&["post", "https://a.example.com/"]).contains("the HTTP layer decides"));
    let json = ask(&["tcp", "[2001:db8::1]:443", "--format", "json"]);
    assert!(
        json.starts_with("{\n  \"decision\": \"deny\",\n  \"rules\""),
        "{json}"
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["change"]["to"], &json["change"]["add"]["resource"]),
        (&"allow".into(), &"2001:db8::1".into())
    );
    let json = ask(&["get", "https://a.example.com/x", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["change"]["lose"][0]["rule"], "a");
}
