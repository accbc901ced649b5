//! Plans across what people do to the history of a repository: files are renamed, branches are rebased.

use git2::{Oid, Repository, RepositoryInitOptions, Signature};

use super::sandbox::{Sandbox, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

fn one_rule(name: &str, host: &str) -> String {
    policy(name, &format!("rules:\n{}", tcp("r", "allow", host)))
}

fn somebody() -> Signature<'static> {
    Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).unwrap()
}

fn commit(repository: &Repository) -> Oid {
    let mut index = repository.index().unwrap();
    index
        .add_all(
            ["polwarden.yaml", "policies"],
            git2::IndexAddOption::DEFAULT,
            None,
        )
        .unwrap();
    index.update_all(["policies"], None).unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    index.write().unwrap();
    let parent = repository
        .head()
        .ok()
        .map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(Some("HEAD"), &somebody(), &somebody(), "x", &tree, &parents)
        .unwrap()
}

/// A repository whose first commit is applied.
fn applied() -> (Sandbox, Repository) {
    let sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", one_rule("p", "p.example.com"));
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    let mut options = RepositoryInitOptions::new();
    let repository =
        Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap();
    commit(&repository);
    (sandbox, repository)
}

/// What a plan against a base says of each policy: its name, and where its change comes from.
fn origins(sandbox: &Sandbox, base: &str) -> Vec<(String, String)> {
    let json = sandbox
        .expect(0, &["plan", EMBEDDED, "--base", base, "--format", "json"])
        .json();
    let told = json["origins"]["targets"][0]["changes"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    told.iter()
        .map(|told| (text(&told["name"]), text(&told["origin"])))
        .collect()
}

#[test]
fn a_renamed_file_changes_nothing() {
    let (sandbox, repository) = applied();
    std::fs::create_dir(sandbox.path("policies/team")).unwrap();
    std::fs::rename(
        sandbox.path("policies/p.yaml"),
        sandbox.path("policies/team/renamed.yaml"),
    )
    .unwrap();
    repository
        .set_head_detached(repository.head().unwrap().target().unwrap())
        .unwrap();
    commit(&repository);
    let ran = sandbox.expect(
        0,
        &["plan", EMBEDDED, "--base", "main", "--detailed-exitcode"],
    );
    assert!(ran.out.contains("No changes."), "{}", ran.out);
    assert_eq!(origins(&sandbox, "main"), []);
}

#[test]
fn a_rebased_branch_is_held_to_its_new_base() {
    let (sandbox, repository) = applied();
    let first = repository.head().unwrap().target().unwrap();
    // The branch adds `n`; in the meantime, `m` is merged and applied.
    repository
        .branch("change", &repository.find_commit(first).unwrap(), false)
        .unwrap();
    repository.set_head("refs/heads/change").unwrap();
    sandbox.write("policies/n.yaml", one_rule("n", "n.example.com"));
    let change = commit(&repository);
    repository.set_head("refs/heads/main").unwrap();
    std::fs::remove_file(sandbox.path("policies/n.yaml")).unwrap();
    sandbox.write("policies/p.yaml", one_rule("p", "moved.example.com"));
    let merged = commit(&repository);
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);

    // Seen from where it branched off, what was merged since is drift, and only `n` is its own.
    repository.set_head("refs/heads/change").unwrap();
    let all = &mut git2::build::CheckoutBuilder::new();
    repository.checkout_head(Some(all.force())).unwrap();
    let pair = |name: &str, origin: &str| (name.to_owned(), origin.to_owned());
    assert_eq!(
        origins(&sandbox, &first.to_string()),
        [pair("n", "change"), pair("p", "drift")]
    );

    let branch = repository.find_annotated_commit(change).unwrap();
    let onto = repository.find_annotated_commit(merged).unwrap();
    let mut rebase = repository
        .rebase(Some(&branch), Some(&onto), None, None)
        .unwrap();
    while let Some(operation) = rebase.next() {
        operation.unwrap();
        rebase.commit(None, &somebody(), None).unwrap();
    }
    rebase.finish(None).unwrap();
    assert_eq!(origins(&sandbox, "main"), [pair("n", "change")]);
}
