//! Pull requests: planned without their files, and commented on once.

use std::path::{Path, PathBuf};

use emulator::DockerOptions;

use super::job::{Ended, Job};
use super::service::{BOT, Service, TOKEN};
use super::{git, has_tools, program};
use crate::cli::sandbox::{SECRET, Sandbox, config, policy, tcp};

const MARKER: &str = "<!-- polwarden:plan:default -->";

/// A repository on a server, with a branch `main` that is live.
struct World {
    sandbox: Sandbox,
    github: Service,
}

fn manifest(hosts: &[&str]) -> String {
    let rules: String = hosts
        .iter()
        .map(|host| {
            tcp(
                &format!("allow {host}"),
                "allow",
                &format!("\"{host}:443\""),
            )
        })
        .collect();
    policy("p", &format!("rules:\n{rules}"))
}

impl World {
    fn new() -> Option<Self> {
        if !has_tools() {
            return None;
        }
        let sandbox = Sandbox::empty().serve(DockerOptions::default());
        sandbox.write("server/my-org/policies/polwarden.yaml", config(""));
        sandbox.write(
            "server/my-org/policies/policies/p.yaml",
            manifest(&["a.example.com"]),
        );
        let world = Self {
            sandbox,
            github: Service::start(),
        };
        git(
            &world.repository(),
            &["init", "--quiet", "--initial-branch", "main"],
        );
        world.commit();
        world.sandbox.expect(
            0,
            &["apply", "-C", "server/my-org/policies", "--auto-approve"],
        );
        Some(world)
    }

    fn repository(&self) -> PathBuf {
        self.sandbox.path("server/my-org/policies")
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        self.sandbox
            .write(&format!("server/my-org/policies/{path}"), text);
    }

    fn commit(&self) -> String {
        git(
            &self.repository(),
            &["add", "--all", "polwarden.yaml", "policies"],
        );
        git(
            &self.repository(),
            &["commit", "--quiet", "--message", "change"],
        );
        git(&self.repository(), &["rev-parse", "HEAD"])
    }

    fn branch(&self, name: &str) {
        git(
            &self.repository(),
            &["checkout", "--quiet", "-B", name, "main"],
        );
    }

    /// The job of `examples/ci/github/polwarden-plan.yml`.
    fn job(&self, head: &str) -> Job {
        let inputs = [
            ("command", "plan"),
            ("head", head),
            ("base", "main"),
            ("pull-request", "7"),
            ("binary", env!("CARGO_BIN_EXE_polwarden")),
            ("docker-identifier", "me"),
            ("docker-secret", SECRET),
        ];
        let mut job = Job::new(self.sandbox.path(".").as_path(), &inputs);
        job.set(
            "GITHUB_SERVER_URL",
            &format!("file://{}", self.sandbox.path("server").display()),
        );
        job.set("GITHUB_API_URL", &self.github.url);
        job.input("endpoint", &self.sandbox.url());
        job
    }

    fn plan(&self, head: &str) -> Ended {
        self.job(head).run()
    }
}

/// The files of a folder, with their content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn a_pull_request_has_one_comment_that_is_kept_up_to_date() {
    let Some(world) = World::new() else { return };
    // Comments of other users are ignored, however many there are.
    for number in 0..120 {
        world.github.says("reviewer", &format!("comment {number}"));
    }
    let base = git(&world.repository(), &["rev-parse", "main"]);
    world.branch("change");
    world.write(
        "policies/p.yaml",
        manifest(&["a.example.com", "b.example.com"]),
    );
    let first = world.commit();
    let job = world.job(&first);
    let ended = job.run();
    assert!(!ended.failed, "{}", ended.log);
    assert_eq!(ended.output("run.exit-code"), "2");
    assert_eq!(ended.output("run.changes"), "true");
    assert!(
        ended.output("run.digest").starts_with("sha256:"),
        "{:?}",
        ended.outputs
    );
    let comments = world.github.own();
    let [comment] = comments.as_slice() else {
        panic!("one comment: {comments:?}")
    };
    assert!(
        comment.starts_with(MARKER)
            && comment.contains("b.example.com")
            && comment.contains(&format!("Commit {first} merged into `main` at {base}")),
        "{comment}"
    );
    assert!(ended.summary.contains("b.example.com"), "{}", ended.summary);
    let kept = &ended.used["actions/upload-artifact"];
    assert_eq!(kept["name"], "polwarden-plan-default");
    for file in ["plan.json", "plan.html", "polwarden.sarif", "comment.md"] {
        assert!(!ended.read(file).is_empty(), "{file} of {}", kept["path"]);
    }

    world.write(
        "policies/p.yaml",
        manifest(&["a.example.com", "c.example.com"]),
    );
    let second = world.commit();
    let ended = world.plan(&second);
    let comments = world.github.own();
    let [comment] = comments.as_slice() else {
        panic!("still one comment: {comments:?}")
    };
    assert!(
        comment.contains("c.example.com") && !comment.contains("b.example.com"),
        "{comment}"
    );
    assert!(
        comment.contains(&second) && !comment.contains(&first),
        "{comment}"
    );
    assert_eq!(
        ended.output("comment.comment-url"),
        "https://github.com/comments/121"
    );
    assert_eq!(
        (world.github.comments().len(), world.github.writes()),
        (121, 2)
    );
}

#[test]
fn a_comment_of_somebody_else_is_left_alone_whatever_it_holds() {
    let Some(world) = World::new() else { return };
    // The author of a comment can change it later, and forge the plan in it.
    let forged = format!("{MARKER}\nNothing changes.");
    world.github.says("hostile", &forged);
    world.github.says(BOT, &format!("Quoting:\n{MARKER}\n"));
    world.branch("change");
    world.write("policies/p.yaml", manifest(&["b.example.com"]));
    let head = world.commit();
    world.plan(&head);
    let comments = world.github.comments();
    assert_eq!(comments.len(), 3, "{comments:?}");
    assert_eq!(comments[0].1, forged);
    assert_eq!(comments[1].1, format!("Quoting:\n{MARKER}\n"));
    assert!(comments[2].1.contains("b.example.com"));
}

#[test]
fn the_files_of_a_pull_request_are_nowhere_and_the_credentials_are_in_no_file_and_no_argument() {
    let Some(world) = World::new() else { return };
    world.branch("change");
    world.write("policies/p.yaml", manifest(&["b.example.com"]));
    world.write("policies/hostile.sh", "#!/bin/sh\necho hostile\n");
    world.write(
        "policies/.gitattributes",
        "* filter=hostile merge=hostile\n",
    );
    let head = world.commit();
    let mut job = world.job(&head);
    // Programs that note how they are called, and are what they stand for.
    let path = std::env::var("PATH").unwrap();
    let log = world.sandbox.path("calls");
    for name in ["git", "curl", "jq"] {
        let text = format!(
            "#!/bin/sh\necho {name} \"$@\" >>'{}'\nPATH='{path}' exec {name} \"$@\"\n",
            log.display()
        );
        program(&world.sandbox.path("bin").join(name), &text);
    }
    job.set(
        "PATH",
        &format!("{}:{path}", world.sandbox.path("bin").display()),
    );
    let ended = job.run();
    assert!(!ended.failed, "{}", ended.log);
    let calls = std::fs::read_to_string(&log).unwrap();
    assert!(
        calls.contains("git -c fetch.fsckObjects=true") && calls.contains("curl --config -"),
        "{calls}"
    );
    for secret in [TOKEN, SECRET] {
        assert!(
            !calls.contains(secret) && !ended.log.contains(secret),
            "a secret is shown"
        );
    }
    let files = files(&job.temp());
    assert!(files.len() > 5);
    for (path, bytes) in files {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !path.ends_with("hostile.sh") && !text.contains("echo hostile"),
            "{} is a file",
            path.display()
        );
        assert!(
            !text.contains(TOKEN) && !text.contains(SECRET),
            "{} contains a secret",
            path.display()
        );
    }
    assert!(
        !calls.contains(" checkout") && !calls.contains("worktree"),
        "{calls}"
    );
}

#[test]
fn what_is_planned_is_what_will_be_there_after_the_merge() {
    let Some(world) = World::new() else { return };
    world.branch("change");
    world.write(
        "policies/q.yaml",
        policy(
            "q",
            &format!("rules:\n{}", tcp("q", "allow", "q.example.com")),
        ),
    );
    let head = world.commit();
    // Another change is merged and applied in the meantime: the plan must not revert it.
    git(&world.repository(), &["checkout", "--quiet", "main"]);
    world.write(
        "policies/p.yaml",
        manifest(&["a.example.com", "m.example.com"]),
    );
    world.commit();
    world.sandbox.expect(
        0,
        &["apply", "-C", "server/my-org/policies", "--auto-approve"],
    );
    let ended = world.plan(&head);
    let comment = world.github.own().pop().unwrap();
    assert!(
        comment.contains("q.example.com") && !comment.contains("m.example.com"),
        "{comment}"
    );
    // The merged revision has the same digest that the reviewer saw.
    git(
        &world.repository(),
        &["merge", "--quiet", "--no-edit", "change"],
    );
    let inputs = [
        ("command", "plan"),
        ("binary", env!("CARGO_BIN_EXE_polwarden")),
    ];
    let mut merged = Job::new(&world.repository(), &inputs);
    merged.input("endpoint", &world.sandbox.url());
    merged.input("docker-identifier", "me");
    merged.input("docker-secret", SECRET);
    assert_eq!(
        merged.run().output("run.digest"),
        ended.output("run.digest")
    );
}

#[test]
fn without_a_plan_the_job_fails_and_the_comment_says_so() {
    let Some(world) = World::new() else { return };
    world.branch("change");
    world.write("policies/p.yaml", manifest(&["b.example.com"]));
    let good = world.commit();
    world.plan(&good);
    assert!(world.github.own()[0].contains("b.example.com"));

    // Invalid.
    world.write("policies/p.yaml", "kind: Nothing\n");
    let ended = world.plan(&world.commit());
    assert!(
        ended.failed && ended.output("last.status") == "3",
        "{}",
        ended.log
    );
    let comment = world.github.own().pop().unwrap();
    assert!(
        comment.starts_with(MARKER) && !comment.contains("b.example.com"),
        "{comment}"
    );

    // No sign-in.
    world.write("policies/p.yaml", manifest(&["b.example.com"]));
    let mut job = world.job(&world.commit());
    job.input("docker-secret", "");
    let ended = job.run();
    assert!(
        ended.failed && ended.output("last.status") == "1",
        "{}",
        ended.log
    );
    let comment = world.github.own().pop().unwrap();
    assert!(
        comment.contains("No plan") && !comment.contains("b.example.com"),
        "{comment}"
    );

    // A conflict: not even fetched to the end.
    let head = git(&world.repository(), &["rev-parse", "HEAD"]);
    git(&world.repository(), &["checkout", "--quiet", "main"]);
    world.write("policies/p.yaml", manifest(&["z.example.com"]));
    world.commit();
    let ended = world.plan(&head);
    assert!(
        ended.failed && ended.log.contains("conflicts with main"),
        "{}",
        ended.log
    );
    let comments = world.github.own();
    let [comment] = comments.as_slice() else {
        panic!("one comment: {comments:?}")
    };
    assert!(
        comment.contains(&format!("No plan for {head}")),
        "{comment}"
    );

    // Only full commit ids are fetched, and only numbers are used for comments.
    for head in ["main", "--upload-pack=touch x", "0123"] {
        assert!(world.plan(head).log.contains("a full commit id"), "{head}");
    }
    let mut job = world.job(&head);
    job.input("pull-request", "7/../8");
    assert!(job.run().log.contains("is a number"));
}

#[test]
fn findings_of_a_pull_request_are_uploaded_as_its_own() {
    let Some(world) = World::new() else { return };
    world.branch("change");
    world.write("policies/p.yaml", manifest(&["b.example.com"]));
    let head = world.commit();
    let mut job = world.job(&head);
    job.input("sarif", "true");
    let upload = job
        .run()
        .used
        .remove("github/codeql-action/upload-sarif")
        .unwrap();
    assert_eq!(
        (upload["ref"].as_str(), upload["sha"].as_str()),
        ("refs/pull/7/head", head.as_str())
    );
    assert!(
        std::fs::read_to_string(&upload["sarif_file"])
            .unwrap()
            .contains("\"2.1.0\"")
    );
    assert!(
        !world
            .plan(&head)
            .used
            .contains_key("github/codeql-action/upload-sarif"),
        "only if asked for"
    );
}
