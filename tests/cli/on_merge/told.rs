//! What a plan says of the commit that it was made from.

use serde_json::Value;

use super::Site;

fn plan(site: &Site, more: &[&str]) -> (Value, String) {
    let plan = [
        "plan",
        "-v",
        "--out=out/saved.json",
        "--endpoint=docker=embedded",
        "--output",
        "json=out/plan.json",
    ];
    std::fs::create_dir_all(site.sandbox.path("out")).unwrap();
    let ran = site.sandbox.expect(0, &[&plan, more].concat());
    let json: Value = serde_json::from_str(&site.sandbox.read("out/plan.json")).unwrap();
    (json["commit"].clone(), ran.out)
}

#[test]
fn branch_and_author_are_those_that_git_tells() {
    let site = Site::new("");
    let (commit, text) = plan(&site, &[]);
    let id = site.history()[0].clone();
    assert_eq!(
        (&commit["id"], &commit["branch"], &commit["dirty"]),
        (&id.clone().into(), &"main".into(), &false.into())
    );
    assert_eq!(commit["author"]["name"], "Ann");
    assert!(
        text.contains(&format!("Commit {} on branch main, by Ann.\n", &id[..10])),
        "{text}"
    );
    assert_eq!(commit.get("pipeline"), None);

    // By the name of the revision.
    site.point(
        "refs/remotes/origin/release",
        site.repository.head().unwrap().target().unwrap(),
    );
    assert_eq!(
        plan(&site, &["--at", "origin/release"]).0["branch"],
        "origin/release"
    );
    assert_eq!(plan(&site, &["--at", "HEAD"]).0["branch"], "main");
    assert_eq!(plan(&site, &["--at", &id]).0.get("branch"), None);
    assert_eq!(plan(&site, &["--staged"]).0["branch"], "main");
    site.repository
        .set_head_detached(site.repository.head().unwrap().target().unwrap())
        .unwrap();
    let (commit, text) = plan(&site, &[]);
    assert_eq!(commit.get("branch"), None);
    assert!(
        text.contains(&format!("Commit {}, by Ann.\n", &id[..10])),
        "{text}"
    );
    site.allow("b");
    let (commit, text) = plan(&site, &[]);
    assert!(
        commit["dirty"] == true && text.contains("by Ann, with changes that are not committed."),
        "{text}"
    );
}

#[test]
fn what_a_pipeline_says_is_told_apart_and_changes_no_digest() {
    let mut site = Site::new("");
    site.repository
        .set_head_detached(site.repository.head().unwrap().target().unwrap())
        .unwrap();
    let digest = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with("Digest: sha256:"));
        line.unwrap().to_owned()
    };
    let (_, before) = plan(&site, &[]);
    for (name, value) in [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_REF_NAME", "main"),
        ("GITLAB_USER_LOGIN", "bob"),
    ] {
        site.sandbox.set(name, value);
    }
    let (commit, text) = plan(&site, &[]);
    assert_eq!(commit.get("branch"), None);
    assert_eq!(
        commit["pipeline"],
        serde_json::json!({"service": "gitlab", "branch": "main", "actor": "bob"})
    );
    assert!(
        text.contains("by Ann. GitLab says: branch main, started by bob.\n"),
        "{text}"
    );
    assert_eq!(digest(&before), digest(&text));
}

#[test]
fn names_of_people_and_branches_are_data() {
    let mut site = Site::new("");
    let hostile = "\u{1b}[2J\u{202e}<img src=x>`**::set-output";
    let head = site.repository.head().unwrap().peel_to_commit().unwrap();
    // Git takes no angle brackets in a name.
    let author = git2::Signature::now(&hostile.replace(['<', '>'], ""), "a@example.com").unwrap();
    let tree = head.tree().unwrap();
    site.repository
        .commit(Some("HEAD"), &author, &author, "x", &tree, &[&head])
        .unwrap();
    site.sandbox.set("GITHUB_ACTIONS", "true");
    site.sandbox.set("GITHUB_ACTOR", hostile);
    let files = [
        "--output",
        "markdown=out/plan.md",
        "--output",
        "html=out/plan.html",
    ];
    let (_, text) = plan(&site, &files);
    for text in [
        text,
        site.sandbox.read("out/plan.md"),
        site.sandbox.read("out/plan.html"),
    ] {
        assert!(
            text.contains("set-output") && !text.contains(['\u{1b}', '\u{202e}']),
            "{text}"
        );
        assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
    }
    assert!(!site.sandbox.read("out/plan.html").contains("<img"));
    let page = site.sandbox.read("out/plan.md");
    let events: Vec<_> = pulldown_cmark::Parser::new(&page).collect();
    let is_markup = |event: &pulldown_cmark::Event<'_>| match event {
        pulldown_cmark::Event::InlineHtml(text) | pulldown_cmark::Event::Html(text) => {
            text.contains("img")
        }
        _ => false,
    };
    assert!(!events.iter().any(is_markup), "{page}");
}

#[test]
fn long_names_are_cut_with_a_mark() {
    let mut site = Site::new("");
    let (long, limit) = ("n".repeat(10_000), "n".repeat(200));
    let cut = format!("{limit}… (9800 characters more)");
    let head = site.repository.head().unwrap().peel_to_commit().unwrap();
    let author = git2::Signature::now(&long, &long).unwrap();
    let tree = head.tree().unwrap();
    site.repository
        .commit(Some("HEAD"), &author, &author, "x", &tree, &[&head])
        .unwrap();
    site.sandbox.set("GITHUB_ACTIONS", "true");
    site.sandbox.set("GITHUB_ACTOR", &long);
    site.sandbox.set("GITHUB_HEAD_REF", &long);
    let files = ["--output", "markdown=out/plan.md"];
    let (commit, text) = plan(&site, &files);
    for person in ["author", "committer"] {
        assert_eq!(commit[person]["name"], *cut);
        assert_eq!(commit[person]["email"], *cut);
    }
    assert_eq!(commit["pipeline"]["actor"], *cut);
    assert_eq!(commit["pipeline"]["branch"], *cut);
    for text in [text, site.sandbox.read("out/plan.md")] {
        assert!(text.contains("(9800 characters more)"), "{text}");
        assert!(text.len() < 20_000, "{}", text.len());
    }
}
