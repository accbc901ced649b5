//! Saved plans of another commit than the one that is applied.

use super::{MAIN, Site};

fn planned(site: &Site) -> String {
    site.sandbox.expect(
        0,
        &["plan", "--endpoint=docker=embedded", "--out", "plan.json"],
    );
    let plan: serde_json::Value = serde_json::from_str(&site.sandbox.read("plan.json")).unwrap();
    plan["digest"].as_str().unwrap().to_owned()
}

fn stale(site: &Site, more: &[&str], says: &str) {
    let ran = site.apply(6, &[&["plan.json"], more].concat());
    assert!(
        ran.err.contains("stale plan: ") && ran.err.contains(says),
        "{}",
        ran.err
    );
}

#[test]
fn a_plan_of_another_commit_is_6() {
    let site = Site::in_pipeline(MAIN);
    planned(&site);
    let made = site.history()[0].clone();
    site.sandbox.write("README.md", "x");
    let here = site.commit().to_string();
    stale(
        &site,
        &[],
        &format!("the plan was made from {made}, and this is {here}"),
    );
    site.apply(0, &["plan.json", "--allow-other-commit"]);
}

#[test]
fn a_plan_of_other_files_is_6_where_it_is_asked_for() {
    let site = Site::new("");
    planned(&site);
    site.allow("b");
    stale(
        &site,
        &["--require-same-commit"],
        "made from other files than those that are here",
    );
    // The plan says that its files were not committed.
    planned(&site);
    site.allow("a");
    site.refused(&["plan.json", "--require-clean"], "uncommitted changes");
    site.apply(0, &["plan.json"]);
}

#[test]
fn a_plan_of_no_commit_is_6_in_a_pipeline() {
    let site = Site::in_pipeline(MAIN);
    let digest = planned(&site);
    let mut plan: serde_json::Value =
        serde_json::from_str(&site.sandbox.read("plan.json")).unwrap();
    // The digest is of all but the commit.
    plan.as_object_mut().unwrap().remove("commit");
    site.sandbox.write("plan.json", plan.to_string());
    stale(&site, &[], "the plan was made from no commit");
    site.apply(
        0,
        &[
            "plan.json",
            "--allow-other-commit",
            "--expect-plan",
            &digest,
        ],
    );
}

#[test]
fn a_plan_that_is_not_the_reviewed_one_is_6() {
    let site = Site::in_pipeline(MAIN);
    let digest = planned(&site);
    let other = format!("sha256:{}", "0".repeat(64));
    let ran = site.apply(6, &["plan.json", "--expect-plan", &other]);
    assert!(
        ran.err.contains(&digest) && ran.err.contains(&other),
        "{}",
        ran.err
    );
    // A file that claims the reviewed digest has another one.
    let text = site.sandbox.read("plan.json").replace(&digest, &other);
    site.sandbox.write("plan.json", text);
    let ran = site.apply(1, &["plan.json", "--expect-plan", &other]);
    assert!(
        ran.err.contains("was changed after it was saved"),
        "{}",
        ran.err
    );
    planned(&site);
    site.apply(0, &["plan.json", "--expect-plan", &digest]);
}
