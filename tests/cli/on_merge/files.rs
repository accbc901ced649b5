//! Files that are not as they were committed.

use super::{APPLY, MAIN, Site};
use crate::cli::sandbox::Sandbox;

#[test]
fn outside_of_a_pipeline_nothing_is_asked() {
    let mut site = Site::new("apply: {branch: elsewhere}\n");
    site.allow("b");
    site.apply(0, &[]);
    site.allow("c");
    site.sandbox.set("CI", "false");
    site.apply(0, &[]);
}

#[test]
fn a_dirty_tree_is_refused_in_a_pipeline_and_where_it_is_asked_for() {
    let mut site = Site::in_pipeline(MAIN);
    site.allow("b");
    let said = site.refused(&[], "uncommitted changes");
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("apply_dirty", said);
    });
    // Tracked files that are not manifests count too, and staged changes are not committed either.
    site.allow("a");
    site.sandbox.write(".gitignore", "x\n");
    site.refused(&[], "uncommitted changes");
    let mut index = site.repository.index().unwrap();
    index.add_path(".gitignore".as_ref()).unwrap();
    index.write().unwrap();
    site.refused(&[], "uncommitted changes");
    site.sandbox.environment.remove("CI");
    site.refused(&["--require-clean"], "uncommitted changes");
    site.sandbox.set("GITHUB_ACTIONS", "true");
    site.refused(&[], "uncommitted changes");
    site.apply(0, &["--allow-dirty"]);
    site.apply(1, &["--allow-dirty", "--require-clean"]);
}

#[test]
fn a_manifest_that_nobody_committed_is_refused_even_where_git_ignores_it() {
    let site = Site::in_pipeline(MAIN);
    let manifest = site
        .sandbox
        .read("policies/p.yaml")
        .replace("name: \"p\"", "name: \"q\"");
    for name in ["policies/new.yaml", "policies/new.ignored.yaml"] {
        site.sandbox.write(name, &manifest);
        site.refused(&[], "uncommitted changes");
        std::fs::remove_file(site.sandbox.path(name)).unwrap();
    }
    // Files that are not read do not matter: a pipeline leaves many files.
    site.sandbox.write("plan/plan.json", "{}");
    site.sandbox.write("policies/notes.txt", "x");
    site.apply(0, &[]);
}

#[test]
fn files_of_cedar_text_count_and_links_inside_are_followed() {
    let site = Site::in_pipeline(MAIN);
    site.sandbox
        .write("shared/p.yaml", site.sandbox.read("policies/p.yaml"));
    std::fs::remove_dir_all(site.sandbox.path("policies")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("shared", site.sandbox.path("policies")).unwrap();
    site.commit();
    site.apply(0, &[]);
    let cedar = "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata: {name: c}\nspec:\n  cedar: {file: c.ignored.cedar, schemaUrl: 'https://schema.example.com/mcp'}\n";
    site.sandbox.write("shared/c.yaml", cedar);
    site.sandbox.write(
        "shared/c.ignored.cedar",
        "permit(principal, action, resource);\n",
    );
    site.commit();
    let ran = site.sandbox.run(APPLY);
    assert!(
        ran.code == 5 && ran.err.contains("uncommitted changes"),
        "{}",
        ran.text()
    );
}

/// The build output of a pack is not committed, and the lock file with its digest is.
#[test]
fn build_output_of_a_pack_must_be_what_the_committed_lock_file_lists() {
    let site = Site::in_pipeline(MAIN);
    let sandbox = &site.sandbox;
    std::fs::remove_dir_all(sandbox.path("policies")).unwrap();
    sandbox.write(
        "polwarden.yaml",
        "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - name: cloud\n    provider: pulumi\n    organization: \
         my-org\n    paths: [policies]\napply: {branch: main}\n",
    );
    sandbox.write(
        "policies/guard.yaml",
        "apiVersion: pulumi.com/v1\nkind: PolicyPack\nmetadata:\n  name: guard\nspec:\n  displayName: Guard\n  \
         versionTag: 1.0.0\n  source: ../packs/guard\n  policies:\n    - name: p\n      description: d\n      \
         enforcementLevel: advisory\n      message: m\n",
    );
    sandbox.write("packs/guard/PulumiPolicy.yaml", "runtime: nodejs\n");
    sandbox.write("packs/guard/.gitignore", "/bin/\n");
    sandbox.write(
        "packs/guard/package.json",
        r#"{"main": "bin/index.js", "files": ["bin", "PulumiPolicy.yaml"]}"#,
    );
    sandbox.write("packs/guard/bin/index.js", "built\n");
    let apply = ["apply", "--endpoint=pulumi=embedded", "--auto-approve"];
    let plan_at = ["plan", "--endpoint=pulumi=embedded", "--at", "HEAD"];
    site.commit();
    let refused = |why: &str| {
        let ran = site.sandbox.expect(5, &apply);
        let text = "uncommitted changes";
        assert!(ran.err.contains(text), "{why}: {}", ran.err);
    };
    refused("nothing is locked");
    site.sandbox.expect(0, &["lock"]);
    refused("the lock file is not committed");
    site.commit();

    // A commit contains no build output, so it can be checked, but not published.
    site.sandbox
        .expect(0, &["validate", "--at", "HEAD", "--strict"]);
    let ran = site.sandbox.expect(3, &plan_at);
    assert!(
        ran.err
            .contains("`bin/index.js` of its source is not committed")
            && ran.err.contains("policies/guard.yaml:8:"),
        "{}",
        ran.err
    );
    site.sandbox.write("packs/guard/bin/index.js", "other\n");
    refused("other bytes");
    site.sandbox.write("packs/guard/bin/index.js", "built\n");
    site.sandbox.write("packs/guard/bin/more.js", "more\n");
    refused("another file");
    std::fs::remove_file(site.sandbox.path("packs/guard/bin/more.js")).unwrap();
    std::fs::remove_file(site.sandbox.path("packs/guard/bin/index.js")).unwrap();
    let ran = site.sandbox.expect(3, &apply);
    assert!(
        ran.err.contains("error[pack-source-invalid]"),
        "{}",
        ran.err
    );

    site.sandbox.write("packs/guard/bin/index.js", "built\n");
    site.sandbox.expect(0, &apply);
    site.sandbox.expect(0, &plan_at);
}

#[test]
fn without_a_commit_nobody_knows_what_is_applied() {
    let mut sandbox = Sandbox::new("");
    sandbox.set("CI", "1");
    sandbox.write(
        "policies/p.yaml",
        crate::cli::sandbox::policy("p", "rules: []\n"),
    );
    let ran = sandbox.expect(5, &[APPLY, &["--allow-any-branch"]].concat());
    assert!(
        ran.err.contains("no commit is checked out here")
            && ran.err.contains("no git repository was found"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("--allow-dirty"), "{}", ran.err);
    sandbox.expect(
        0,
        &[APPLY, &["--allow-dirty", "--allow-any-branch"]].concat(),
    );
}

#[test]
fn a_revision_is_never_dirty_and_needs_no_work_tree() {
    let site = Site::in_pipeline(MAIN);
    site.allow("b");
    site.apply(0, &["--at", "HEAD"]);
    let live = site
        .sandbox
        .expect(0, &["plan", "--at", "main", "--endpoint=docker=embedded"]);
    assert!(live.out.contains("No changes."), "{}", live.out);
    // In a bare clone, which is named because it is in another work tree, with the journal where it
    // is asked for.
    let bare = site.sandbox.path("bare.git");
    git2::build::RepoBuilder::new()
        .bare(true)
        .clone(site.sandbox.path(".").to_str().unwrap(), &bare)
        .unwrap();
    let more = [
        "-C",
        "bare.git",
        "--git-dir",
        ".",
        "--at",
        "main",
        "--journal",
        "../run.jsonl",
    ];
    site.apply(0, &more);
    assert!(site.sandbox.read("run.jsonl").contains("\"intent\""));
    let ran = site.sandbox.run(
        &[
            APPLY,
            &["-C", "bare.git", "--git-dir", ".", "--at", "nowhere"],
        ]
        .concat(),
    );
    assert!(
        ran.code == 1 && ran.err.contains("unknown revision `nowhere`"),
        "{}",
        ran.text()
    );
}
