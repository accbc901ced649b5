//! Acknowledgements of a review: comments and labels of people who may write.

use serde_json::Value;

use super::apply::{job, merged};
use super::git;
use super::job::{Ended, Job};
use super::service::{Service, TOKEN};
use crate::cli::sandbox::{Sandbox, policy, tcp};

/// A merged change whose plan deletes a policy, which needs an acknowledgement.
struct Review {
    sandbox: Sandbox,
    github: Service,
    commit: String,
    /// The acknowledgement that the plan prints, and the mark in it.
    value: String,
    mark: String,
}

impl Review {
    fn new() -> Option<Self> {
        let sandbox = merged()?;
        let rules = format!("rules:\n{}", tcp("b", "allow", "b.example.com"));
        sandbox.write("policies/q.yaml", policy("q", &rules));
        sandbox.expect(0, &["apply", "--auto-approve"]);
        std::fs::remove_file(sandbox.path("policies/q.yaml")).unwrap();
        let config = sandbox.read("polwarden.yaml");
        sandbox.write("polwarden.yaml", format!("{config}    unmanaged: prune\n"));
        let folder = sandbox.path(".");
        git(&folder, &["add", "--all", "polwarden.yaml", "policies"]);
        git(&folder, &["commit", "--quiet", "--message", "prune"]);
        let commit = git(&folder, &["rev-parse", "HEAD"]);
        let plan: Value =
            serde_json::from_str(&job(&sandbox, "plan").run().read("plan.json")).unwrap();
        let value = plan["targets"][0]["requires"].as_str().unwrap().to_owned();
        let mark = value.split_once("plan=").unwrap().1.to_owned();
        let github = Service::start();
        github.merge(&commit, 7);
        for (person, permission) in [("ann", "write"), ("root", "admin"), ("joe", "read")] {
            github.allow(person, permission);
        }
        Some(Self {
            sandbox,
            github,
            commit,
            value,
            mark,
        })
    }

    fn job(&self) -> Job {
        let mut job = job(&self.sandbox, "apply");
        job.set("GITHUB_API_URL", &self.github.url);
        job.set("GITHUB_SHA", &self.commit);
        job.input("review-acks", "true");
        job
    }

    /// The change is refused by its guard.
    #[track_caller]
    fn is_refused(&self) -> Ended {
        let ended = self.job().run();
        assert_eq!(ended.output("last.status"), "5", "{}", ended.log);
        ended
    }

    #[track_caller]
    fn is_applied(&self) -> Ended {
        let ended = self.job().run();
        assert!(!ended.failed, "{}", ended.log);
        assert!(
            ended.log.contains("Acknowledged in review: "),
            "{}",
            ended.log
        );
        self.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
        ended
    }

    fn comment(&self) -> String {
        format!("/polwarden ack {}", self.value)
    }
}

#[test]
fn a_comment_of_a_person_who_may_write_is_an_acknowledgement() {
    let Some(review) = Review::new() else { return };
    review.is_refused();
    // The comment is on the second page.
    for number in 0..120 {
        review.github.says("joe", &format!("comment {number}"));
    }
    review.github.says("joe", &review.comment());
    review.github.says("stranger", &review.comment());
    let ended = review.is_refused();
    assert!(
        ended
            .log
            .contains("an acknowledgement of joe does not count"),
        "{}",
        ended.log
    );
    review
        .github
        .says("ann", &format!("{}\r\n", review.comment()));
    review.is_applied();
}

#[test]
fn an_acknowledgement_of_another_plan_or_a_deleted_one_is_void() {
    let Some(review) = Review::new() else { return };
    review
        .github
        .says("ann", "/polwarden ack prune=1,plan=0123456789abcdef");
    review.github.says("ann", "/polwarden ack prune=1");
    review.github.says(
        "ann",
        &format!("/polwarden ack prune=2,plan={}", review.mark),
    );
    review.github.label("ann", "polwarden-ack-0123456789abcdef");
    review.is_refused();
    review.github.says("ann", &review.comment());
    review.github.delete_comments();
    review.is_refused();
    // A commit that no pull request was merged as has none.
    review.github.says("ann", &review.comment());
    let mut job = review.job();
    job.set("GITHUB_SHA", &"0".repeat(40));
    assert_eq!(job.run().output("last.status"), "5");
    review.is_applied();
}

#[test]
fn a_label_counts_if_the_last_person_who_set_it_may_write() {
    let Some(review) = Review::new() else { return };
    let label = format!("polwarden-ack-{}", review.mark);
    assert!(label.len() <= 50, "GitHub accepts no longer name");
    review.github.label("joe", &label);
    review.is_refused();
    review.github.label("root", &label);
    review.github.unlabel("root", &label);
    review.is_refused();
    review.github.label("joe", &label);
    review.is_refused();
    review.github.label("root", &label);
    review.is_applied();
}

#[test]
fn only_the_whole_comment_counts_and_nothing_of_it_is_run() {
    let Some(review) = Review::new() else { return };
    let own = review.comment();
    for body in [
        format!("Please do:\n{own}"),
        format!("{own}\nas discussed"),
        format!("> {own}"),
        format!("{own}\n{own}"),
        "/polwarden ack $(touch x)".to_owned(),
        "/polwarden ack `touch x`; touch x".to_owned(),
        "/polwarden ack ::add-mask::a".to_owned(),
        format!("/polwarden ack {}\u{202e}", review.value),
        "/polwarden ack --auto-approve".to_owned(),
        String::new(),
    ] {
        review.github.says("ann", &body);
    }
    review.github.allow("$(touch x)", "admin");
    review.github.says("$(touch x)", &own);
    let ended = review.is_refused();
    assert!(!review.sandbox.path("x").exists());
    assert!(!ended.log.contains("\n::add-mask::"), "{}", ended.log);
    assert!(!ended.log.contains(TOKEN));
}

#[test]
fn without_an_answer_of_the_api_nothing_is_acknowledged() {
    let Some(review) = Review::new() else { return };
    review.github.says("ann", &review.comment());
    let mut job = review.job();
    job.set("GITHUB_API_URL", "http://127.0.0.1:1");
    let ended = job.run();
    assert_eq!(ended.output("last.status"), "5", "{}", ended.log);
    assert!(
        ended.log.contains("no acknowledgement of a review counts"),
        "{}",
        ended.log
    );
    // It is not asked unless that is wanted.
    let mut job = review.job();
    job.input("review-acks", "false");
    assert_eq!(job.run().output("last.status"), "5");
    review.is_applied();
}

#[test]
fn the_comment_of_a_plan_says_how_to_acknowledge() {
    let Some(review) = Review::new() else { return };
    let mut planned = job(&review.sandbox, "plan");
    planned.input("review-acks", "true");
    let text = planned.run().read("comment.md");
    assert!(
        text.contains(&format!("\n    {}\n", review.comment())),
        "{text}"
    );
    assert!(
        text.contains(&format!("`polwarden-ack-{}`", review.mark)),
        "{text}"
    );
    planned.input("review-acks", "false");
    assert!(!planned.run().read("comment.md").contains("/polwarden ack"));
}
