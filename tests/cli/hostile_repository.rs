//! Repositories, folders and state that a pull request brings along (docs/explanation/security.md).
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::git_command::{git, init};

use super::sandbox::{Ran, Sandbox, config, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const APPLY: &[&str] = &["apply", EMBEDDED, "--auto-approve"];

/// A sandbox whose folder `r` is a repository, with what some test needs beside it.
struct Site {
    sandbox: Sandbox,
}

impl Site {
    /// With a configuration in `r/infra`, committed on `main`.
    fn new(more: &str) -> Self {
        let sandbox = Sandbox::empty();
        sandbox.write("r/infra/polwarden.yaml", config("") + more);
        let site = Self { sandbox };
        site.allow("infra", "a.example.com");
        init(&site.sandbox.path("r"));
        site.commit();
        site
    }

    fn git(&self, arguments: &[&str]) {
        git(&self.sandbox.path("r"), arguments);
    }

    fn commit(&self) {
        self.git(&["add", "-A", "-f"]);
        self.git(&["commit", "-qm", "x"]);
    }

    fn allow(&self, folder: &str, host: &str) {
        let rules = tcp("a", "allow", &format!("\"{host}\""));
        let text = policy("p", &format!("rules:\n{rules}"));
        self.sandbox
            .write(&format!("r/{folder}/policies/p.yaml"), text);
    }

    /// Runs a command in a folder.
    fn run(&self, folder: &str, arguments: &[&str]) -> Ran {
        let command = [&["-C", folder], arguments].concat();
        self.sandbox.run(&command)
    }

    #[track_caller]
    fn expect(&self, code: i32, folder: &str, arguments: &[&str]) -> Ran {
        let ran = self.run(folder, arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran
    }

    /// Adds files to a folder that make it look like a repository.
    fn add_fake(&self, folder: &str, config: &str) {
        for name in ["objects", "refs"] {
            self.sandbox.write(&format!("r/{folder}/{name}/.keep"), "");
        }
        self.sandbox
            .write(&format!("r/{folder}/HEAD"), "ref: refs/heads/main\n");
        self.sandbox.write(&format!("r/{folder}/config"), config);
    }
}

const EVERYWHERE: &str = "[core]\n\tbare = false\n\tworktree = /\n\trepositoryformatversion = 0\n";

#[test]
fn a_folder_that_looks_like_a_repository_opens_nothing() {
    for (place, settings) in [
        ("infra", EVERYWHERE),
        ("infra", "[core]\n\tbare = true\n"),
        ("infra/policies", EVERYWHERE),
        (".", EVERYWHERE),
    ] {
        let site = Site::new("");
        let secret = "canary: 4711\n";
        site.sandbox.write("outside/secret.yaml", secret);
        site.add_fake(place, settings);
        symlink(
            "../../../outside/secret.yaml",
            site.sandbox.path("r/infra/policies/x.yaml"),
        )
        .unwrap();
        site.commit();
        for command in [
            &["validate"][..],
            &["validate", "--at", "HEAD"],
            &["validate", "--staged"],
            &["fmt"],
            &["plan", EMBEDDED],
        ] {
            let ran = site.expect(3, "r/infra", command);
            assert!(!ran.text().contains("canary"), "{}", ran.text());
            assert!(
                ran.text()
                    .contains("the symbolic link leads out of the repository"),
                "{}",
                ran.text()
            );
        }
        assert_eq!(site.sandbox.read("outside/secret.yaml"), secret);
        fs::remove_file(site.sandbox.path("r/infra/policies/x.yaml")).unwrap();
        site.commit();
        // The branch of the real repository counts.
        site.git(&["checkout", "-q", "-b", "change"]);
        site.allow("infra", "b.example.com");
        site.commit();
        let merged = ["--require-branch", "main", "--require-clean"];
        let ran = site.expect(5, "r/infra", &[APPLY, &merged].concat());
        assert!(
            ran.err.contains("is not on the branch `main`"),
            "{}",
            ran.err
        );
    }
}

/// Credentials of a checkout are in `.git/config`.
#[test]
fn files_of_git_are_not_read() {
    let site = Site::new("");
    site.git(&["config", "http.extraheader", "canary"]);
    symlink(
        "../../.git/config",
        site.sandbox.path("r/infra/policies/x.yaml"),
    )
    .unwrap();
    site.commit();
    let ran = site.expect(3, "r/infra", &["validate"]);
    assert!(!ran.text().contains("canary"), "{}", ran.text());
}

#[test]
fn gates_of_the_base_come_from_the_folder_of_the_change() {
    let gate = "access:\n  never:\n    - tcp **.paste.example.com\n";
    let site = Site::new(gate);
    site.git(&["checkout", "-q", "-b", "change"]);
    let open = config("");
    site.sandbox.write("r/infra/polwarden.yaml", &open);
    site.allow("infra", "**.paste.example.com");
    site.commit();
    let bare = site.sandbox.path("bare");
    git(
        &site.sandbox.path("."),
        &["clone", "-q", "--bare", "r", bare.to_str().unwrap()],
    );
    for (folder, at, base) in [
        ("r/infra", "change", "main"),
        ("r", "change:infra", "main"),
        ("r", "change:infra", "main:infra"),
        ("bare", "change:infra", "main"),
        ("bare", "change:infra/policies", "main"),
    ] {
        let plan = ["plan", EMBEDDED, "--at", at, "--base", base];
        let ran = site.expect(4, folder, &plan);
        assert!(ran.out.contains("paste.example.com"), "{}", ran.text());
    }
    // A bare repository inside of a work tree is named.
    let nested = site.sandbox.path("r/nested.git");
    git(
        &site.sandbox.path("."),
        &["clone", "-q", "--bare", "r", nested.to_str().unwrap()],
    );
    git(&nested, &["branch", "only", "change"]);
    let plan = ["plan", EMBEDDED, "--at", "only:infra", "--base", "main"];
    site.expect(4, "r", &[&plan[..], &["--git-dir", "nested.git"]].concat());
    site.expect(1, "r/nested.git", &plan);
    let ran = site.expect(
        1,
        "r/infra",
        &["plan", EMBEDDED, "--git-dir", "../nested.git"],
    );
    assert!(ran.err.contains("--at REV"), "{}", ran.err);

    // A configuration that is added below the old one takes no gate away.
    let site = Site::new(gate);
    site.git(&["checkout", "-q", "-b", "change"]);
    let below = open.replace("[policies]", "[.]");
    site.sandbox.write("r/infra/policies/polwarden.yaml", below);
    site.allow("infra", "**.paste.example.com");
    site.commit();
    site.expect(4, "r/infra/policies", &["plan", EMBEDDED, "--base", "main"]);
    site.expect(
        4,
        "r",
        &[
            "plan",
            EMBEDDED,
            "--at",
            "change:infra/policies",
            "--base",
            "main",
        ],
    );
}

#[test]
fn the_branch_of_the_base_comes_from_the_folder_of_the_change() {
    let mut site = Site::new("apply: {branch: main}\n");
    site.git(&["checkout", "-q", "-b", "sneaky"]);
    site.sandbox.write("r/infra/polwarden.yaml", config(""));
    site.allow("infra", "**.paste.example.com");
    site.commit();
    site.git(&["checkout", "-q", "main"]);
    git(
        &site.sandbox.path("."),
        &["clone", "-q", "--bare", "r", "bare"],
    );
    site.sandbox.set("CI", "true");
    for folder in ["r", "bare"] {
        let ran = site.expect(5, folder, &[APPLY, &["--at", "sneaky:infra"]].concat());
        assert!(
            ran.err.contains("is not on the branch `main`"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_configuration_is_found_in_parents_inside_of_the_repository() {
    let site = Site::new("");
    site.sandbox.write("polwarden.yaml", "targets: 1\n");
    let ran = site.expect(0, "r/infra/policies", &["validate"]);
    assert!(ran.text().contains("1 manifest file"), "{}", ran.text());
    for at in ["--at=HEAD", "--staged"] {
        site.expect(0, "r/infra/policies", &["validate", at]);
    }
    // Paths of arguments are relative to where the command was started.
    let plan = [
        "plan",
        EMBEDDED,
        "--out",
        "plan.json",
        "--output",
        "html=plan.html",
    ];
    site.expect(0, "r/infra/policies", &plan);
    for name in ["plan.json", "plan.html"] {
        let path = site.sandbox.path("r/infra/policies").join(name);
        assert!(path.exists(), "{name}");
    }
    fs::remove_file(site.sandbox.path("r/infra/policies/plan.json")).unwrap();
    site.expect(0, "r/infra/policies", &["fmt", "p.yaml"]);
    site.expect(0, "r/infra/policies", APPLY);
    assert!(site.sandbox.path("r/infra/.polwarden/journal").exists());
    assert!(!site.sandbox.path("r/infra/policies/.polwarden").exists());
    site.expect(0, "r/infra/policies", &["runs", "last"]);
    // Never above the top, and without a repository only in the directory itself.
    site.sandbox.write("r/other/x", "");
    let ran = site.expect(1, "r/other", &["validate"]);
    assert!(
        ran.err.contains("no polwarden.yaml in this directory"),
        "{}",
        ran.err
    );
    let plain = Sandbox::new("");
    plain.write("policies/p.yaml", policy("p", "rules: []\n"));
    plain.expect(0, &["validate"]);
    plain.expect(1, &["-C", "policies", "validate"]);
    // A broken link is the configuration too: no other one takes its place.
    symlink(
        "nowhere",
        site.sandbox.path("r/infra/policies/polwarden.yaml"),
    )
    .unwrap();
    site.expect(1, "r/infra/policies", &["validate"]);
}

#[test]
fn the_state_folder_is_no_link() {
    for (name, target) in [
        (".polwarden", "../../outside"),
        (".polwarden/journal", "../../../outside"),
        (".polwarden/journal/.gitignore", "../../../../outside/new"),
        (".polwarden/.gitignore", "../../../outside/new"),
        (".polwarden/docker-current.sqlite", "../../../outside/new"),
        (
            ".polwarden/docker-current.sqlite-wal",
            "../../../outside/new",
        ),
    ] {
        let site = Site::new("");
        fs::create_dir(site.sandbox.path("outside")).unwrap();
        let link = site.sandbox.path("r/infra").join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, &link).unwrap();
        site.commit();
        let ran = site.run("r/infra", APPLY);
        assert!(
            ran.code == 0 || ran.err.contains("link") || ran.err.contains("not a regular file"),
            "{name}: {}",
            ran.text()
        );
        let outside = fs::read_dir(site.sandbox.path("outside")).unwrap();
        assert_eq!(outside.count(), 0, "{name}: {}", ran.text());
    }
}

#[test]
fn nothing_in_the_state_folder_that_came_with_the_repository_is_trusted() {
    let site = Site::new("");
    site.expect(0, "r/infra", APPLY);
    let journals = site.sandbox.path("r/infra/.polwarden/journal");
    let own = fs::read_dir(&journals).unwrap();
    let own = own
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .unwrap();
    let text = fs::read_to_string(&own).unwrap();
    // A journal that says that a call is open.
    let forged: String = text
        .lines()
        .filter(|line| {
            !line.contains("\"record\":\"end\"") && !line.contains("\"record\":\"answer\"")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let name = "29990101T000000000Z-00000000";
    let path = format!("r/infra/.polwarden/journal/{name}.jsonl");
    site.sandbox.write(&path, &forged);
    site.git(&["add", "-f", &path["r/".len()..]]);
    site.git(&["commit", "-qm", "x"]);
    let ran = site.expect(0, "r/infra", APPLY);
    assert!(ran.err.contains("it is tracked by git"), "{}", ran.err);
    assert!(!ran.err.contains("its journal leaves"), "{}", ran.err);
    assert_eq!(site.sandbox.read(&path), forged);
    let ran = site.expect(0, "r/infra", &["runs", "last"]);
    assert!(!ran.out.contains(name), "{}", ran.out);
    let file = &path["r/infra/".len()..];
    for run in [name, file] {
        let ran = site.expect(1, "r/infra", &["runs", run]);
        assert!(ran.err.contains("it is tracked by git"), "{}", ran.err);
        let ran = site.expect(1, "r/infra", &["rollback", run, EMBEDDED]);
        assert!(ran.err.contains("it is tracked by git"), "{}", ran.err);
    }
    // The state of the embedded service counts as well.
    site.git(&["add", "-f", "infra/.polwarden/docker-current.sqlite"]);
    let ran = site.expect(1, "r/infra", APPLY);
    assert!(ran.err.contains("it is tracked by git"), "{}", ran.err);
}

#[test]
fn journals_plans_and_audit_records_are_for_their_owner_and_follow_no_link() {
    let site = Site::new("");
    site.expect(
        0,
        "r/infra",
        &["plan", EMBEDDED, "--out", "../../plan.json"],
    );
    let files = [
        "--journal",
        "../../run.jsonl",
        "--audit-record",
        "../../audit.json",
    ];
    site.expect(0, "r/infra", &[APPLY, &files].concat());
    site.allow("infra", "b.example.com");
    site.expect(0, "r/infra", APPLY);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["plan.json", "run.jsonl", "audit.json"] {
        assert_eq!(mode(&site.sandbox.path(name)), 0o600, "{name}");
    }
    let state = site.sandbox.path("r/infra/.polwarden");
    assert_eq!(mode(&state), 0o700);
    for entry in fs::read_dir(state.join("journal")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(&state.join("docker-current.sqlite")), 0o600);

    site.sandbox.write("target", "kept");
    for arguments in [
        &["plan", EMBEDDED, "--out", "link"][..],
        &["plan", EMBEDDED, "--output", "html=link"],
        &[APPLY, &["--journal", "link"]].concat(),
        &[APPLY, &["--audit-record", "link"]].concat(),
    ] {
        site.allow("infra", "c.example.com");
        let link = site.sandbox.path("r/infra/link");
        let _ = fs::remove_file(&link);
        symlink("../../target", &link).unwrap();
        let ran = site.expect(1, "r/infra", arguments);
        assert!(ran.err.contains("symbolic link"), "{}", ran.err);
        assert_eq!(site.sandbox.read("target"), "kept");
    }
}

#[test]
fn a_hook_checks_the_index_of_the_commit() {
    let mut site = Site::new("");
    let before = site.sandbox.path("r/.git/index");
    let other = site.sandbox.path("other-index");
    fs::copy(&before, &other).unwrap();
    site.sandbox
        .write("r/infra/policies/p.yaml", "kind: Nothing\n");
    let mut add = Command::new("git");
    add.current_dir(site.sandbox.path("r"))
        .env("GIT_INDEX_FILE", &other)
        .args(["add", "-A"]);
    assert!(add.status().unwrap().success());
    site.expect(0, "r/infra", &["validate", "--staged"]);
    site.sandbox.set("GIT_INDEX_FILE", other.to_str().unwrap());
    site.expect(3, "r/infra", &["validate", "--staged"]);
    site.sandbox.set("GIT_INDEX_FILE", ".git/index");
    site.expect(0, "r/infra", &["validate", "--staged"]);
}

#[test]
fn a_repository_that_cannot_be_read_is_named_wherever_its_commit_matters() {
    let mut site = Site::new("apply: {branch: main}\n");
    let settings = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n";
    site.sandbox.write("r/.git/config", settings);
    site.expect(0, "r/infra", &["validate"]);
    let ran = site.expect(0, "r/infra", &["plan", EMBEDDED]);
    assert!(ran.err.contains("SHA-256"), "{}", ran.err);
    site.sandbox.set("CI", "true");
    for more in [&[][..], &["--allow-any-branch"], &["--at", "HEAD"]] {
        let ran = site.run("r/infra", &[APPLY, more].concat());
        assert!(matches!(ran.code, 1 | 5), "{}", ran.text());
        assert!(ran.err.contains("SHA-256"), "{}", ran.err);
    }
    // A broken configuration of the user is named by its file.
    let mut site = Site::new("");
    site.sandbox.write(".gitconfig", "[user\n");
    site.sandbox.set("CI", "true");
    let ran = site.run("r/infra", &[APPLY, &["--allow-any-branch"]].concat());
    assert!(
        ran.code != 0 && ran.err.contains(".gitconfig"),
        "{}",
        ran.text()
    );
}

#[test]
fn a_base_that_is_not_in_a_partial_clone_is_an_error() {
    let site = Site::new("");
    site.git(&["config", "uploadpack.allowFilter", "true"]);
    site.git(&["checkout", "-q", "-b", "change"]);
    site.allow("infra", "b.example.com");
    site.commit();
    let from = format!("file://{}", site.sandbox.path("r").display());
    git(
        &site.sandbox.path("."),
        &[
            "clone",
            "-q",
            "--filter=blob:none",
            "--branch",
            "change",
            &from,
            "clone",
        ],
    );
    let plan = ["plan", EMBEDDED, "--base", "origin/main"];
    let ran = site.expect(1, "clone/infra", &plan);
    let advice = "git fetch --refetch --no-filter origin";
    assert!(ran.err.contains(advice), "{}", ran.err);
    site.expect(3, "clone/infra", &["validate", "--at", "origin/main"]);
    let words: Vec<&str> = advice.split(' ').skip(1).collect();
    git(&site.sandbox.path("clone"), &words);
    site.expect(0, "clone/infra", &plan);
}

#[test]
fn a_link_as_the_directory_stays_in_the_repository() {
    let site = Site::new("");
    let outside = site.sandbox.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("polwarden.yaml"), config("")).unwrap();
    symlink("../outside", site.sandbox.path("r/out")).unwrap();
    symlink("infra", site.sandbox.path("r/in")).unwrap();
    site.expect(0, "r/in", &["validate"]);
    let ran = site.expect(1, "r/out", &["validate"]);
    assert!(
        ran.err.contains("leads out of the repository"),
        "{}",
        ran.err
    );
}

#[test]
fn branches_of_a_submodule_do_not_count() {
    let mut site = Site::new("apply: {branch: main}\n");
    git(
        &site.sandbox.path("."),
        &["init", "-q", "-b", "main", "outer"],
    );
    let outer = site.sandbox.path("outer");
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        "../r",
        "inner",
    ];
    let from = site.sandbox.path("r").display().to_string();
    let add = add.map(|word| if word == "../r" { from.as_str() } else { word });
    git(&outer, &add);
    site.expect(0, "outer/inner/infra", &["validate"]);
    site.sandbox.set("CI", "true");
    let ran = site.expect(5, "outer/inner/infra", APPLY);
    assert!(ran.err.contains("is in a submodule of"), "{}", ran.err);
    site.expect(0, "r/infra", APPLY);
}
