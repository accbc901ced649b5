//! Every example of the repository is run.

use std::path::{Path, PathBuf};

use super::sandbox::{Ran, Sandbox, unwrapped};

/// The folders below `examples/` that hold a configuration.
fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(&root)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    let mut folders: Vec<PathBuf> = entries.unwrap_or_default();
    folders.retain(|folder| folder.join("polwarden.yaml").exists());
    folders.sort();
    folders
}

/// Copies what a person would find in a fresh clone.
fn copy(from: &Path, sandbox: &Sandbox, below: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let to = format!("{below}/{name}");
        if entry.path().is_dir() {
            if name != ".polwarden" {
                copy(&entry.path(), sandbox, &to);
            }
        } else {
            sandbox.write(&to, std::fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn every_example_is_valid_and_applies() {
    let examples = examples();
    assert!(
        !examples.is_empty(),
        "examples/ holds no folder with polwarden.yaml"
    );
    for example in examples {
        let name = example.file_name().unwrap().to_str().unwrap();
        let sandbox = Sandbox::empty();
        copy(&example, &sandbox, name);
        sandbox.expect(0, &["validate", name]);
        if sandbox
            .read(&format!("{name}/polwarden.yaml"))
            .contains("provider: pulumi")
        {
            sandbox.expect(0, &["lock", "--check", name]);
            becomes_live(&sandbox, name, "--endpoint=pulumi=embedded");
            continue;
        }
        if sandbox
            .read(&format!("{name}/polwarden.yaml"))
            .contains("provider: chainloop")
        {
            becomes_live(&sandbox, name, "--endpoint=chainloop=embedded");
            continue;
        }
        let tests = sandbox.path(name).join("tests").is_dir();
        let ran = sandbox.expect(if tests { 0 } else { 1 }, &["test", name]);
        assert!(if tests {
            ran.out.contains("all answered as expected")
        } else {
            ran.err.contains("no policy tests")
        });
        let embedded = "--endpoint=docker=embedded";
        becomes_live(&sandbox, name, embedded);
        sandbox.expect(
            if tests { 0 } else { 1 },
            &["test", name, embedded, "--live"],
        );
    }
}

/// The quick start in a fresh clone.
fn quick_start() -> Sandbox {
    let sandbox = Sandbox::empty();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
    copy(&example, &sandbox, "quickstart");
    sandbox
}

/// The plan of the quick start at the embedded service, for 80 columns.
fn quick_start_plan(sandbox: &Sandbox) -> String {
    let arguments = [
        "plan",
        "quickstart",
        "--endpoint=docker=embedded",
        "--detailed-exitcode",
    ];
    let mut command = sandbox.command(&arguments);
    let ran = Ran::of(command.env("COLUMNS", "80").output().unwrap());
    assert_eq!(ran.code, 2, "{}", ran.err);
    let lines = ran.out.lines().count();
    assert!(lines <= 45, "{lines} lines:\n{}", ran.out);
    ran.out
}

#[test]
fn the_first_plan_of_the_quick_start_is_one_small_change() {
    let sandbox = quick_start();
    let plan = quick_start_plan(&sandbox);
    let text = unwrapped(&plan);
    assert!(
        text.contains("Access: 1 opened, 1 guard weakened"),
        "{plan}"
    );
    assert!(
        text.contains("members of research: datasets.example.com:443"),
        "{plan}"
    );
    assert!(text.contains("beta.packages.example.com"), "{plan}");
    assert!(
        text.contains("Changes: 0 to add, 2 to change, 0 to delete (2 API calls)"),
        "{plan}"
    );
    let arguments = [
        "apply",
        "quickstart",
        "--endpoint=docker=embedded",
        "--auto-approve",
    ];
    sandbox.expect(0, &arguments);
    // What was applied is not replaced by the initial contents.
    sandbox.expect(
        0,
        &[
            "plan",
            "quickstart",
            "--endpoint=docker=embedded",
            "--detailed-exitcode",
        ],
    );
}

#[test]
fn the_plan_of_the_quick_start_for_an_empty_organization_fits_a_screen() {
    let sandbox = quick_start();
    std::fs::remove_file(sandbox.path("quickstart/embedded-docker.json")).unwrap();
    let plan = quick_start_plan(&sandbox);
    assert!(plan.contains("4 to add"), "{plan}");
}

#[test]
fn invalid_initial_contents_are_an_error_that_names_the_file() {
    let sandbox = quick_start();
    sandbox.write("quickstart/embedded-docker.json", "{\"organization\": []}");
    let arguments = ["plan", "quickstart", "--endpoint=docker=embedded"];
    let ran = sandbox.expect(1, &arguments);
    assert!(ran.err.contains("embedded-docker.json"), "{}", ran.err);
    #[cfg(unix)]
    {
        let path = sandbox.path("quickstart/embedded-docker.json");
        std::fs::rename(&path, sandbox.path("elsewhere.json")).unwrap();
        std::os::unix::fs::symlink("../elsewhere.json", &path).unwrap();
        let ran = sandbox.expect(1, &arguments);
        assert!(ran.err.contains("not a regular file"), "{}", ran.err);
    }
}

fn becomes_live(sandbox: &Sandbox, name: &str, embedded: &str) {
    sandbox.expect(0, &["plan", name, embedded]);
    sandbox.expect(0, &["apply", name, embedded, "--auto-approve"]);
    let ran = sandbox.expect(0, &["plan", name, embedded, "--detailed-exitcode"]);
    assert!(ran.out.contains("No changes."), "{name}: {}", ran.out);
    assert!(
        sandbox.path(name).join(".polwarden").is_dir(),
        "{name}: the state stays with the example"
    );
}
