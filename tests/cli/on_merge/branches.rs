//! Commits that were not merged.

use git2::Repository;

use super::{MAIN, Site};
use crate::cli::sandbox::{Sandbox, config};

/// A site with a commit on a branch `change` that was not merged.
fn changed(apply: &str) -> Site {
    let site = Site::in_pipeline(apply);
    site.branch("change");
    site.allow("b");
    site.commit();
    site
}

#[test]
fn a_commit_that_was_not_merged_is_refused() {
    let site = changed(MAIN);
    let said = site.refused(&[], "is not on the branch `main`");
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("apply_branch", site.named(&said));
    });
    // A remote that is known counts more than a branch of this clone.
    let main = site.repository.revparse_single("main").unwrap().id();
    let change = site.repository.head().unwrap();
    let change = change.target().unwrap();
    site.point("refs/remotes/origin/main", main);
    site.point("refs/heads/main", change);
    site.refused(&[], "(refs/remotes/origin/main)");
    site.refused(
        &["--require-branch", "release"],
        "git fetch origin release:refs/remotes/origin/release",
    );
    site.point("refs/remotes/origin/main", change);
    site.apply(0, &[]);
}

#[test]
fn there_is_a_way_to_say_so_and_a_way_not_to() {
    let mut site = changed(MAIN);
    site.apply(1, &["--allow-any-branch", "--require-branch", "main"]);
    // An option says more than the configuration.
    site.apply(0, &["--require-branch", "change"]);
    site.allow("c");
    site.commit();
    site.apply(0, &["--allow-any-branch"]);
    site.sandbox.environment.remove("CI");
    let ran = site.apply(5, &["--require-branch", "main"]);
    assert!(
        ran.err.contains("is not on the branch `main`"),
        "{}",
        ran.err
    );
}

#[test]
fn without_a_branch_a_pipeline_applies_nothing() {
    let site = changed("");
    let said = site.refused(&[], "no branch is configured");
    assert!(said.contains("`apply: {branch: change}`"), "{said}");
    assert!(said.contains("--require-branch change"), "{said}");
    assert!(said.contains("--allow-any-branch"), "{said}");
    let main = site.repository.revparse_single("main").unwrap().id();
    site.point("refs/remotes/origin/main", main);
    let head = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main");
    site.repository
        .reference_symbolic(head.0, head.1, true, "")
        .unwrap();
    site.refused(&[], "`apply: {branch: main}`");
    site.refused(&["--require-branch", "main"], "is not on the branch `main`");
    site.apply(0, &["--allow-any-branch"]);
}

#[test]
fn init_names_the_branch_that_changes_are_merged_into() {
    let branch_after = |prepare: &dyn Fn(&git2::Repository)| {
        let sandbox = Sandbox::empty();
        let mut options = git2::RepositoryInitOptions::new();
        let options = options.initial_head("trunk/2");
        let repository = git2::Repository::init_opts(sandbox.path("."), options).unwrap();
        prepare(&repository);
        sandbox.init(".");
        sandbox.expect(0, &["validate"]);
        let text = std::fs::read_to_string(sandbox.path("polwarden.yaml")).unwrap();
        let config: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        config["apply"]["branch"].as_str().unwrap().to_owned()
    };
    assert_eq!(branch_after(&|_| {}), "trunk/2");
    let head = |repository: &git2::Repository| {
        repository
            .reference_symbolic(
                "refs/remotes/origin/HEAD",
                "refs/remotes/origin/1.0",
                true,
                "",
            )
            .unwrap();
    };
    assert_eq!(branch_after(&head), "1.0");
    let sandbox = Sandbox::empty();
    sandbox.init(".");
    let text = std::fs::read_to_string(sandbox.path("polwarden.yaml")).unwrap();
    assert!(text.ends_with("apply:\n  branch: main\n"), "{text}");
}

#[test]
fn what_is_merged_is_applied_from_a_detached_head_and_below_the_tip_too() {
    let site = changed(MAIN);
    let change = site.repository.head().unwrap().peel_to_commit().unwrap();
    let main = site
        .repository
        .revparse_single("main")
        .unwrap()
        .peel_to_commit()
        .unwrap();
    let author = change.author();
    let parents = [&main, &change];
    let tree = change.tree().unwrap();
    let merge = site
        .repository
        .commit(None, &author, &author, "merge", &tree, &parents)
        .unwrap();
    site.point("refs/heads/main", merge);
    site.repository.set_head_detached(merge).unwrap();
    site.apply(0, &[]);
    // The change itself came in by the merge; so did all before it.
    for id in [change.id(), main.id()] {
        site.repository.set_head_detached(id).unwrap();
        site.repository
            .checkout_head(Some(git2::build::CheckoutBuilder::new().force()))
            .unwrap();
        site.apply(0, &[]);
    }
}

#[test]
fn a_change_cannot_take_the_branch_away_for_itself() {
    for own in ["", "apply: {branch: change}\n"] {
        let site = changed(MAIN);
        site.sandbox.write("polwarden.yaml", config("") + own);
        // Its base asks for the branch still.
        site.commit();
        site.refused(&[], "is not on the branch `main`");
        // With two commits it is the default branch of the clone, or the base that the pipeline names.
        site.allow("c");
        site.commit();
        let main = site.repository.revparse_single("main").unwrap().id();
        site.refused(&["--base", "main"], "is not on the branch `main`");
        site.point("refs/remotes/origin/main", main);
        site.repository
            .reference_symbolic(
                "refs/remotes/origin/HEAD",
                "refs/remotes/origin/main",
                true,
                "",
            )
            .unwrap();
        site.refused(&[], "is not on the branch `main`");
    }
    let site = changed(MAIN);
    site.sandbox.write("polwarden.yaml", "targets: 1\n");
    site.commit();
    site.sandbox.write("polwarden.yaml", config(""));
    site.commit();
    let ran = site.apply(1, &[]);
    assert!(
        ran.err.contains("polwarden.yaml is invalid at") && ran.err.contains("--require-branch"),
        "{}",
        ran.err
    );
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let mut site = Site::in_pipeline(MAIN);
    let first = site.history()[0].clone();
    site.allow("b");
    let second = site.commit();
    // As `git clone --depth 1` of the second commit leaves it, with the first one fetched by its id.
    std::fs::write(
        site.repository.path().join("shallow"),
        format!("{second}\n{first}\n"),
    )
    .unwrap();
    site.repository = Repository::open(site.sandbox.path(".")).unwrap();
    site.apply(0, &[]);
    let ran = site.apply(5, &["--at", &first]);
    assert!(
        ran.err.contains("this clone is shallow")
            && ran.err.contains("git fetch --unshallow origin"),
        "{}",
        ran.err
    );
}

#[test]
fn a_folder_without_a_repository_has_no_branches() {
    let mut sandbox = crate::cli::sandbox::Sandbox::empty();
    sandbox.set("CI", "true");
    sandbox.write("polwarden.yaml", config("") + MAIN);
    sandbox.write(
        "policies/p.yaml",
        crate::cli::sandbox::policy("p", "rules: []\n"),
    );
    let ran = sandbox.expect(5, super::APPLY);
    assert!(
        ran.err.contains("is in no git repository") && ran.err.contains("--allow-any-branch"),
        "{}",
        ran.err
    );
}
