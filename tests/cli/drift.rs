//! `drift`, and plans that tell drift from what a change wants.

use git2::{Repository, RepositoryInitOptions, Signature};

use super::assert_stable;
use super::sandbox::{Sandbox, policy, tcp, unwrapped};

const EMBEDDED: &str = "--endpoint=docker=embedded";

fn rules(rules: &[String]) -> String {
    policy("p", &format!("rules:\n{}", rules.concat()))
}

pub(super) fn commit(repository: &Repository) {
    let mut index = repository.index().unwrap();
    index
        .add_all(
            ["polwarden.yaml", "policies", "tests"],
            git2::IndexAddOption::DEFAULT,
            None,
        )
        .unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    index.write().unwrap();
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

/// A repository whose first commit is applied.
fn applied() -> (Sandbox, Repository) {
    let sandbox = Sandbox::new("");
    sandbox.write(
        "policies/p.yaml",
        rules(&[
            tcp("a", "allow", "a.example.com"),
            tcp("b", "allow", "b.example.com"),
        ]),
    );
    sandbox.write(
        "policies/q.yaml",
        policy(
            "q",
            &format!("rules:\n{}", tcp("r", "deny", "q.example.com")),
        ),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    let mut options = RepositoryInitOptions::new();
    let repository =
        Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap();
    commit(&repository);
    (sandbox, repository)
}

/// Another client allows more in policy `p`, denies something else in `q` and creates a policy; then the manifests are
/// restored.
fn drifted() -> (Sandbox, Repository) {
    let (sandbox, repository) = applied();
    let before = ["policies/p.yaml", "policies/q.yaml"].map(|path| (path, sandbox.read(path)));
    sandbox.write(
        "policies/p.yaml",
        rules(&[
            tcp("a", "allow", "a.example.com"),
            tcp("b", "allow", "'*.example.org'"),
        ]),
    );
    sandbox.write(
        "policies/q.yaml",
        policy(
            "q",
            &format!("rules:\n{}", tcp("r", "deny", "other.example.com")),
        ),
    );
    sandbox.write(
        "policies/s.yaml",
        policy(
            "stranger",
            &format!("rules:\n{}", tcp("s", "allow", "s.example.com")),
        ),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    for (path, text) in before {
        sandbox.write(path, text);
    }
    std::fs::remove_file(sandbox.path("policies/s.yaml")).unwrap();
    (sandbox, repository)
}

#[test]
fn drift_is_shown_with_what_it_opens_and_since_when() {
    let (sandbox, _) = applied();
    let ran = sandbox.expect(0, &["drift", EMBEDDED]);
    assert!(ran.out.contains("No drift"), "{}", ran.out);
    let (sandbox, _) = drifted();
    let ran = sandbox.expect(8, &["drift", EMBEDDED]);
    assert_stable!("drift", ran.out);
    // Uncommitted changes are not drift, and do not hide drift.
    sandbox.write(
        "policies/p.yaml",
        rules(&[
            tcp("a", "allow", "a.example.com"),
            tcp("b", "allow", "'*.example.org'"),
        ]),
    );
    assert_eq!(sandbox.expect(8, &["drift", EMBEDDED]).out, ran.out);
    let json = sandbox
        .expect(8, &["drift", EMBEDDED, "--format", "json"])
        .json();
    sandbox.expect(0, &["schema"]);
    let schema: serde_json::Value =
        serde_json::from_str(&sandbox.read("schemas/drift.schema.json")).unwrap();
    let faults: Vec<String> = jsonschema::draft202012::new(&schema)
        .unwrap()
        .iter_errors(&json)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(
        (&json["formatVersion"], &json["drifted"]),
        (&3.into(), &true.into())
    );
    sandbox.expect(1, &["drift", EMBEDDED, "--at", "mian"]);
    // The work tree is compared only if there is no commit; other errors are reported as such.
    let ran = sandbox.expect(1, &["drift", EMBEDDED, "--target", "nobody"]);
    assert!(
        !ran.err.contains("work tree") && ran.err.contains("no target `nobody`"),
        "{}",
        ran.err
    );
    let fresh = Sandbox::new("");
    fresh.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    assert_eq!(
        fresh.expect(8, &["drift", EMBEDDED]).err,
        "",
        "no repository"
    );
    Repository::init(fresh.path(".")).unwrap();
    assert!(
        fresh
            .expect(8, &["drift", EMBEDDED])
            .err
            .contains("the work tree is compared")
    );
}

#[test]
fn a_plan_tells_drift_from_the_change() {
    let (sandbox, repository) = drifted();
    // The change adds a rule to `p` and a policy of its own; `q` is as the base wants it.
    let new = [
        tcp("a", "allow", "a.example.com"),
        tcp("b", "allow", "b.example.com"),
        tcp("c", "deny", "c.example.com"),
    ];
    sandbox.write("policies/p.yaml", rules(&new));
    sandbox.write(
        "policies/n.yaml",
        policy(
            "n",
            &format!("rules:\n{}", tcp("r", "allow", "n.example.com")),
        ),
    );
    repository
        .set_head_detached(repository.head().unwrap().target().unwrap())
        .unwrap();
    commit(&repository);
    let base = ["--base", "main"];
    let plan = |code: i32, more: &[&str]| {
        sandbox.expect(code, &[&["plan", EMBEDDED], &base[..], more].concat())
    };
    let ran = plan(0, &[]);
    assert_stable!("plan_three_way", ran.out);
    let json = plan(0, &["--format", "json"]).json();
    let told: Vec<(&str, &str)> = json["origins"]["targets"][0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| {
            (
                told["name"].as_str().unwrap(),
                told["origin"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("n", "change"), ("p", "mixed"), ("q", "drift")]);
    // The same plan, wherever it is seen from.
    let alone = sandbox
        .expect(0, &["plan", EMBEDDED, "--format", "json"])
        .json();
    assert_eq!(alone["digest"], json["digest"]);
    let mark = |out: &str| {
        let out = unwrapped(out);
        let rest = out.split_once(" · plan ").unwrap().1;
        rest.chars().take(16).collect::<String>()
    };
    // What was acknowledged on the branch is valid after the merge: without a base, and with other
    // lines and gates.
    let gates = "access: {never: [{request: tcp never.example.com}]}\n";
    let seen = mark(&plan(0, &[]).out);
    let before = sandbox.read("polwarden.yaml");
    sandbox.write("polwarden.yaml", before.clone() + gates);
    let moved = sandbox.read("policies/n.yaml");
    sandbox.write("policies/n.yaml", format!("# A comment.\n{moved}"));
    assert_eq!(mark(&sandbox.expect(0, &["plan", EMBEDDED]).out), seen);
    sandbox.write("polwarden.yaml", before);
    sandbox.write("policies/n.yaml", moved);
    plan(8, &["--fail-on-drift"]);
    sandbox.expect(1, &["plan", EMBEDDED, "--fail-on-drift"]);
    for (format, text) in [
        (
            "markdown",
            "1 live object differs from the base revision already",
        ),
        ("html", "Drift that is there already:"),
    ] {
        let ran = plan(0, &["--format", format]);
        assert!(ran.out.contains(text), "{}", ran.out);
    }
    // A saved plan is applied as any other.
    plan(0, &["--out", "plan.json"]);
    sandbox.expect(0, &["apply", "plan.json", EMBEDDED, "--auto-approve"]);
    // The undeclared policy still exists.
    plan(8, &["--fail-on-drift"]);
    let ran = sandbox.expect(8, &["drift", EMBEDDED]);
    assert!(ran.out.contains("\"stranger\""), "{}", ran.out);
}

#[test]
fn unmanaged_policies_are_drift_unless_they_are_known_or_ignored() {
    let (sandbox, _) = applied();
    let config = sandbox.read("polwarden.yaml");
    let drift = |code: i32| {
        let ran = sandbox.expect(code, &["drift", EMBEDDED, "--staged"]);
        unwrapped(&ran.out)
    };
    let stage = |lines: &str| {
        sandbox.write("polwarden.yaml", config.clone() + lines);
        let repository = Repository::open(sandbox.path(".")).unwrap();
        let mut index = repository.index().unwrap();
        index
            .add_path(std::path::Path::new("polwarden.yaml"))
            .unwrap();
        index.write().unwrap();
    };
    sandbox.write(
        "policies/s.yaml",
        policy(
            "stranger",
            &format!("rules:\n{}", tcp("s", "allow", "s.example.com")),
        ),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    std::fs::remove_file(sandbox.path("policies/s.yaml")).unwrap();
    let out = drift(8);
    assert!(
        out.contains("Unmanaged: no manifest declares them"),
        "{out}"
    );
    assert!(
        out.contains("Access: 1 opened") && out.contains("s.example.com"),
        "{out}"
    );
    assert!(
        out.contains("import --target production --only stranger"),
        "{out}"
    );
    stage("    unmanaged: {known: [stranger]}\n");
    let out = drift(0);
    assert!(
        out.contains("No drift in 2 managed policies")
            && out.contains("Not checked: 1 unmanaged policy listed as known (\"stranger\")."),
        "{out}"
    );
    stage("    unmanaged: {known: [other]}\n");
    drift(8);
    stage("    unmanaged: ignore\n");
    let out = drift(0);
    assert!(
        out.contains("Not checked: 1 unmanaged policy (`unmanaged: ignore`)."),
        "{out}"
    );
    // Gates hold for everything that is live, known or not, and take precedence.
    let never = "access: {never: [{request: tcp s.example.com}]}\n";
    for unmanaged in [
        "",
        "    unmanaged: {known: [stranger]}\n",
        "    unmanaged: ignore\n",
    ] {
        stage(&format!("{unmanaged}{never}"));
        let out = drift(4);
        assert!(
            out.contains("1 gate fails on the live state") && !out.contains("before this plan"),
            "{out}"
        );
    }
    for format in [
        "json", "markdown", "html", "github", "gitlab", "sarif", "junit",
    ] {
        let ran = sandbox.expect(4, &["drift", EMBEDDED, "--staged", "--format", format]);
        assert!(ran.out.contains("s.example.com"), "{format}: {}", ran.out);
    }
}

#[test]
fn gates_of_drift_name_the_line_of_the_rule() {
    let (sandbox, _) = applied();
    let config = sandbox.read("polwarden.yaml");
    sandbox.write(
        "polwarden.yaml",
        config + "access: {never: [tcp a.example.com]}\n",
    );
    let arguments = ["drift", EMBEDDED, "--staged", "--format", "json"];
    let repository = Repository::open(sandbox.path(".")).unwrap();
    let mut index = repository.index().unwrap();
    index
        .add_path(std::path::Path::new("polwarden.yaml"))
        .unwrap();
    index.write().unwrap();
    let json = sandbox.expect(4, &arguments).json();
    let blame = &json["targets"][0]["gates"][0]["breaches"][0]["blame"][0];
    assert_eq!(blame["rule"], "a", "{json:#}");
    assert_eq!(blame["source"]["file"], "policies/p.yaml", "{json:#}");
    let line = usize::try_from(blame["source"]["line"].as_u64().unwrap()).unwrap();
    let text = sandbox.read("policies/p.yaml");
    assert!(
        text.lines().nth(line - 1).unwrap().contains("name: a"),
        "{line}: {text}"
    );
}

#[test]
fn unmanaged_policies_count_as_drift_of_a_plan_unless_the_change_leaves_them() {
    let (sandbox, repository) = applied();
    let seed = |name: &str, host: &str| {
        sandbox.write(
            "policies/s.yaml",
            policy(name, &format!("rules:\n{}", tcp("s", "allow", host))),
        );
        sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
        std::fs::remove_file(sandbox.path("policies/s.yaml")).unwrap();
    };
    let plan = |code: i32| {
        let arguments = ["plan", EMBEDDED, "--base", "HEAD", "--fail-on-drift"];
        sandbox.expect(code, &arguments)
    };
    plan(0);
    seed("stranger", "s.example.com");
    plan(8);
    // The change lists it as known, and later the base revision does, too.
    let config = sandbox.read("polwarden.yaml");
    sandbox.write(
        "polwarden.yaml",
        config.clone() + "    unmanaged: {known: [stranger]}\n",
    );
    plan(0);
    commit(&repository);
    plan(0);
    // The change stops to list it, and takes back another manifest: neither is drift.
    sandbox.write("polwarden.yaml", config);
    std::fs::remove_file(sandbox.path("policies/q.yaml")).unwrap();
    plan(0);
    let json = sandbox
        .expect(0, &["plan", EMBEDDED, "--base", "HEAD", "--format", "json"])
        .json();
    assert_eq!(
        json["origins"]["targets"][0]["unmanaged"],
        serde_json::json!(["change", "change"]),
        "{json:#}"
    );
}

#[test]
fn an_unmanaged_policy_is_drift_in_every_format() {
    let (sandbox, _) = drifted();
    for format in [
        "json", "markdown", "html", "github", "gitlab", "sarif", "junit",
    ] {
        let ran = sandbox.expect(8, &["drift", EMBEDDED, "--format", format]);
        assert!(ran.out.contains("stranger"), "{format}: {}", ran.out);
    }
    let json = sandbox
        .expect(8, &["drift", EMBEDDED, "--format", "json"])
        .json();
    assert_eq!(
        json["targets"][0]["managed"],
        serde_json::json!({"policy": 2})
    );
}

#[test]
fn both_at_once_is_a_conflict_and_an_unreadable_base_is_told() {
    let (sandbox, repository) = drifted();
    // The change removes rule `b`, which another client changed.
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    let json = sandbox
        .expect(0, &["plan", EMBEDDED, "--base", "HEAD", "--format", "json"])
        .json();
    let told = json["origins"]["targets"][0]["changes"].as_array().unwrap();
    let origin = |name: &str| {
        let found = told.iter().find(|change| change["name"] == name);
        found.unwrap()["origin"].clone()
    };
    assert_eq!(
        (origin("p"), origin("q")),
        ("conflict".into(), "drift".into())
    );
    sandbox.write("policies/p.yaml", "no manifest: [\n");
    commit(&repository);
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    let ran = sandbox.expect(0, &["plan", EMBEDDED, "--base", "HEAD"]);
    assert!(
        ran.err.contains("Cannot distinguish drift from changes") && ran.err.contains("invalid"),
        "{}",
        ran.err
    );
    sandbox.expect(1, &["plan", EMBEDDED, "--base", "HEAD", "--fail-on-drift"]);
}

/// The plan of a change against `main`, whose gate lets nothing open.
fn gated(sandbox: &Sandbox, code: i32) -> String {
    sandbox
        .expect(
            code,
            &["plan", EMBEDDED, "--base", "main", "--deny-widening"],
        )
        .out
}

#[test]
fn only_what_a_change_opens_shuts_its_gate() {
    let (sandbox, repository) = drifted();
    repository
        .set_head_detached(repository.head().unwrap().target().unwrap())
        .unwrap();
    // Undoing the drift opens `b.example.com`, which the change does not touch.
    sandbox.expect(4, &["plan", EMBEDDED, "--deny-widening"]);
    let out = gated(&sandbox, 0);
    assert!(
        out.contains("Access: 1 opened") && out.contains("not by undoing drift"),
        "{out}"
    );
    // Only the access that the change opens is reported in addition.
    let wider = [
        tcp("a", "allow", "a.example.com"),
        tcp("b", "allow", "b.example.com"),
        tcp("c", "allow", "c.example.com"),
    ];
    sandbox.write("policies/p.yaml", rules(&wider));
    let json = sandbox
        .expect(
            4,
            &[
                "plan",
                EMBEDDED,
                "--base",
                "main",
                "--deny-widening",
                "--format",
                "json",
            ],
        )
        .json();
    let breaches = json["targets"][0]["gates"][0]["breaches"]
        .as_array()
        .unwrap();
    let witnesses: Vec<&str> = breaches
        .iter()
        .map(|breach| breach["witness"].as_str().unwrap())
        .collect();
    assert_eq!(witnesses, ["tcp c.example.com:443"]);
    assert_eq!(breaches[0]["blame"][0]["source"]["line"], 9);
    let within = ["--allow-widening", "tcp c.example.com"];
    sandbox.expect(
        0,
        &[&["plan", EMBEDDED, "--base", "main"], &within[..]].concat(),
    );
    // `apply` makes all changes, so the gates check all of them.
    sandbox.expect(
        4,
        &[
            &["apply", EMBEDDED, "--auto-approve", "--base", "main"],
            &within[..],
        ]
        .concat(),
    );

    // Adopting access that another client opened counts as opening it, although no call is required.
    sandbox.write(
        "policies/p.yaml",
        rules(&[
            tcp("a", "allow", "a.example.com"),
            tcp("b", "allow", "'*.example.org'"),
        ]),
    );
    let out = gated(&sandbox, 4);
    assert!(out.contains(".example.org"), "{out}");
    // What an unmanaged policy allows counts: the base denies it, the change no longer does.
    sandbox.write(
        "policies/p.yaml",
        rules(&[
            tcp("a", "allow", "a.example.com"),
            tcp("b", "deny", "s.example.com"),
        ]),
    );
    commit(&repository);
    let base = repository.head().unwrap().target().unwrap().to_string();
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    let ran = sandbox.expect(4, &["plan", EMBEDDED, "--base", &base, "--deny-widening"]);
    assert!(ran.out.contains("tcp s.example.com:443"), "{}", ran.out);
}

#[test]
fn a_conflict_counts_as_from_the_change() {
    let (sandbox, repository) = applied();
    repository
        .set_head_detached(repository.head().unwrap().target().unwrap())
        .unwrap();
    // Another client deletes rule `b`; the change narrows it.
    let before = sandbox.read("policies/p.yaml");
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox.write("policies/p.yaml", before);
    gated(&sandbox, 0);
    let narrowed = [
        tcp("a", "allow", "a.example.com"),
        tcp("b", "allow", "'b.example.com:443'"),
    ];
    sandbox.write("policies/p.yaml", rules(&narrowed));
    let out = gated(&sandbox, 4);
    assert!(
        out.contains("Conflicts (the live state matches neither")
            && out.contains("tcp b.example.com:443"),
        "{out}"
    );
}

/// A rule that this version does not support is drift too.
#[test]
fn what_cannot_be_undone_is_drift_for_both() {
    let seed = serde_json::json!({"organizations": [{"name": "my-org", "policies": [
        {"id": "pol_a", "name": "p", "created_at": "2026-04-22T00:00:00Z", "rules": [
            {"id": "rule_a", "name": "a", "actions": ["connect:tcp"], "resources": ["a.example.com"], "decision": "allow"},
            {"id": "rule_b", "name": "b", "actions": ["connect:quic"], "resources": ["b.example.com"], "decision": "allow"}]}]}]});
    let seed = emulator::DockerSeed::from_json(&seed.to_string()).unwrap();
    let sandbox = Sandbox::new("").serve(emulator::DockerOptions {
        seed: Some(seed),
        ..Default::default()
    });
    sandbox.write(
        "policies/p.yaml",
        rules(&[tcp("a", "allow", "a.example.com")]),
    );
    let repository = Repository::init(sandbox.path(".")).unwrap();
    commit(&repository);
    let ran = sandbox.expect(8, &["drift"]);
    assert!(
        ran.out.contains("not to be undone by `apply`"),
        "{}",
        ran.out
    );
    let ran = sandbox.expect(8, &["plan", "--base", "HEAD", "--fail-on-drift"]);
    assert!(
        unwrapped(&ran.out).contains("does not support [drift]"),
        "{}",
        ran.out
    );
    let json = sandbox
        .expect(0, &["plan", "--base", "HEAD", "--format", "json"])
        .json();
    assert_eq!(
        json["origins"]["targets"][0]["held"],
        serde_json::json!(["drift"])
    );
}
