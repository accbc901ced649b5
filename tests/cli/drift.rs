//! `drift`, and plans that tell drift from what a change wants.

use git2::{Repository, RepositoryInitOptions, Signature};

use super::assert_stable;
use super::sandbox::{Sandbox, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

fn rules(rules: &[String]) -> String {
    policy("p", &format!("rules:\n{}", rules.concat()))
}

fn commit(repository: &Repository) {
    let mut index = repository.index().unwrap();
    index.add_all(["polwarden.yaml", "policies"], git2::IndexAddOption::DEFAULT, None).unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    index.write().unwrap();
    let author = Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).unwrap();
    let parent = repository.head().ok().map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<_> = parent.iter().collect();
    repository.commit(Some("HEAD"), &author, &author, "x", &tree, &parents).unwrap();
}

/// A repository whose first commit is applied.
fn applied() -> (Sandbox, Repository) {
    let sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", rules(&[tcp("a", "allow", "a.example.com"), tcp("b", "allow", "b.example.com")]));
    sandbox.write("policies/q.yaml", policy("q", &format!("rules:\n{}", tcp("r", "deny", "q.example.com"))));
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    let mut options = RepositoryInitOptions::new();
    let repository = Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap();
    commit(&repository);
    (sandbox, repository)
}

/// Somebody else allows more in policy `p` at the server, denies something else in `q` and makes a policy; then the
/// manifests are put back.
fn drifted() -> (Sandbox, Repository) {
    let (sandbox, repository) = applied();
    let before = ["policies/p.yaml", "policies/q.yaml"].map(|path| (path, sandbox.read(path)));
    sandbox
        .write("policies/p.yaml", rules(&[tcp("a", "allow", "a.example.com"), tcp("b", "allow", "'*.example.org'")]));
    sandbox.write("policies/q.yaml", policy("q", &format!("rules:\n{}", tcp("r", "deny", "other.example.com"))));
    sandbox.write("policies/s.yaml", policy("stranger", &format!("rules:\n{}", tcp("s", "allow", "s.example.com"))));
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
    // What is not committed is no drift, and neither hides any.
    sandbox
        .write("policies/p.yaml", rules(&[tcp("a", "allow", "a.example.com"), tcp("b", "allow", "'*.example.org'")]));
    assert_eq!(sandbox.expect(8, &["drift", EMBEDDED]).out, ran.out);
    let json = sandbox.expect(8, &["drift", EMBEDDED, "--format", "json"]).json();
    sandbox.expect(0, &["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&sandbox.read("schemas/drift.schema.json")).unwrap();
    let faults: Vec<String> =
        jsonschema::draft202012::new(&schema).unwrap().iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!((&json["formatVersion"], &json["drifted"]), (&1.into(), &true.into()));
    sandbox.expect(1, &["drift", EMBEDDED, "--at", "mian"]);
    // Only where nothing is committed is the work tree compared instead; what else is wrong is told as what it is.
    let ran = sandbox.expect(1, &["drift", EMBEDDED, "--target", "nobody"]);
    assert!(!ran.err.contains("work tree") && ran.err.contains("no target `nobody`"), "{}", ran.err);
    let fresh = Sandbox::new("");
    fresh.write("policies/p.yaml", rules(&[tcp("a", "allow", "a.example.com")]));
    assert_eq!(fresh.expect(8, &["drift", EMBEDDED]).err, "", "no repository");
    Repository::init(fresh.path(".")).unwrap();
    assert!(fresh.expect(8, &["drift", EMBEDDED]).err.contains("the work tree is compared"));
}

#[test]
fn a_plan_tells_drift_from_the_change() {
    let (sandbox, repository) = drifted();
    // The change adds a rule to `p` and a policy of its own; `q` is as the base wants it.
    let new =
        [tcp("a", "allow", "a.example.com"), tcp("b", "allow", "b.example.com"), tcp("c", "deny", "c.example.com")];
    sandbox.write("policies/p.yaml", rules(&new));
    sandbox.write("policies/n.yaml", policy("n", &format!("rules:\n{}", tcp("r", "allow", "n.example.com"))));
    repository.set_head_detached(repository.head().unwrap().target().unwrap()).unwrap();
    commit(&repository);
    let base = ["--base", "main"];
    let plan = |code: i32, more: &[&str]| sandbox.expect(code, &[&["plan", EMBEDDED], &base[..], more].concat());
    let ran = plan(0, &[]);
    assert_stable!("plan_three_way", ran.out);
    let json = plan(0, &["--format", "json"]).json();
    let told: Vec<(&str, &str)> = json["origins"]["targets"][0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| (told["name"].as_str().unwrap(), told["origin"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("n", "change"), ("p", "mixed"), ("q", "drift")]);
    // The same plan, wherever it is seen from.
    let alone = sandbox.expect(0, &["plan", EMBEDDED, "--format", "json"]).json();
    assert_eq!(alone["digest"], json["digest"]);
    plan(8, &["--fail-on-drift"]);
    sandbox.expect(1, &["plan", EMBEDDED, "--fail-on-drift"]);
    for format in ["markdown", "html"] {
        let ran = plan(0, &["--format", format]);
        assert!(ran.out.contains("Drift that is there already:"), "{}", ran.out);
    }
    // A saved plan is applied as any other.
    plan(0, &["--out", "plan.json"]);
    sandbox.expect(0, &["apply", "plan.json", EMBEDDED, "--auto-approve"]);
    plan(0, &["--fail-on-drift"]);
    sandbox.expect(0, &["drift", EMBEDDED]);
}

#[test]
fn both_at_once_is_a_conflict_and_an_unreadable_base_is_told() {
    let (sandbox, repository) = drifted();
    sandbox.write("policies/p.yaml", rules(&[tcp("a", "allow", "a.example.com"), tcp("b", "deny", "b.example.com")]));
    let ran = sandbox.expect(0, &["plan", EMBEDDED, "--base", "HEAD"]);
    assert!(ran.out.contains("drift"), "{}", ran.out);
    sandbox.write("policies/p.yaml", "no manifest: [\n");
    commit(&repository);
    sandbox.write("policies/p.yaml", rules(&[tcp("a", "allow", "a.example.com")]));
    let ran = sandbox.expect(0, &["plan", EMBEDDED, "--base", "HEAD"]);
    assert!(ran.err.contains("What is drift is not told apart") && ran.err.contains("invalid"), "{}", ran.err);
    sandbox.expect(1, &["plan", EMBEDDED, "--base", "HEAD", "--fail-on-drift"]);
}
