//! The hooks for pre-commit: they check staged files, not the work tree.

use std::process::Command;

use serde_json::Value;

use super::{git, has_tools, project};
use crate::cli::sandbox::{Ran, Sandbox, policy};

fn hook(sandbox: &Sandbox, id: &str) -> i32 {
    let hooks: Value =
        serde_yaml::from_str(&std::fs::read_to_string(project(".pre-commit-hooks.yaml")).unwrap())
            .unwrap();
    let hook = hooks
        .as_array()
        .unwrap()
        .iter()
        .find(|hook| hook["id"] == id)
        .unwrap();
    assert_eq!(hook["pass_filenames"], false);
    let mut words = hook["entry"].as_str().unwrap().split(' ');
    assert_eq!(words.next(), Some("polwarden"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_polwarden"));
    command
        .args(words)
        .current_dir(sandbox.path("."))
        .env_clear()
        .env("HOME", sandbox.path("."));
    Ran::of(command.output().unwrap()).code
}

#[test]
fn hooks_look_at_what_is_staged() {
    if !has_tools() {
        return;
    }
    let sandbox = Sandbox::new("");
    git(
        &sandbox.path("."),
        &["init", "--quiet", "--initial-branch", "main"],
    );
    sandbox.write("policies/p.yaml", policy("p", "rules: []\n"));
    git(&sandbox.path("."), &["add", "--all", "."]);
    sandbox.write("policies/p.yaml", "kind: Nothing\n");
    assert_eq!(hook(&sandbox, "polwarden-validate"), 0);
    git(&sandbox.path("."), &["add", "--all", "."]);
    sandbox.write("policies/p.yaml", policy("p", "rules: []\n"));
    for id in ["polwarden-validate", "polwarden-lint"] {
        assert_eq!(hook(&sandbox, id), 3, "{id}");
    }
    // A rule that adds nothing is an error to the linter, and none to the other.
    let rule = |name: &str, hosts: &str| {
        format!(
            "  - {{name: {name}, decision: allow, actions: [\"connect:tcp\"], resources: [{hosts}]}}\n"
        )
    };
    let rules = rule("r", "\"**.example.com\"") + &rule("s", "b.example.com, a.example.com");
    let unsorted = policy("p", &format!("rules:\n{rules}"));
    sandbox.write("policies/p.yaml", &unsorted);
    git(&sandbox.path("."), &["add", "--all", "."]);
    assert_eq!(hook(&sandbox, "polwarden-lint"), 3);
    assert_eq!(hook(&sandbox, "polwarden-validate"), 0);
    assert_eq!(hook(&sandbox, "polwarden-fmt-check"), 1);
    assert_eq!(hook(&sandbox, "polwarden-fmt"), 0);
    assert_ne!(
        sandbox.read("policies/p.yaml"),
        unsorted,
        "it is written in its canonical form"
    );
    assert_eq!(
        hook(&sandbox, "polwarden-fmt-check"),
        1,
        "it is not staged yet"
    );
    git(&sandbox.path("."), &["add", "--all", "."]);
    assert_eq!(hook(&sandbox, "polwarden-fmt-check"), 0);
}
