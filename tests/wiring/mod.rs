//! The wiring that users copy: the action, the pipelines and their shell are run here, and what they promise is held.
//!
//! Where bash, git, curl, jq or tar is missing, tests that need them say so and are skipped.
#![cfg(unix)]

mod acks;
mod action;
mod apply;
mod expression;
mod hooks;
mod install;
mod job;
mod packages;
mod service;
mod shell;
mod workflows;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip;

/// A path of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether all tools of a runner are here. If not, says that the test is skipped.
fn has_tools() -> bool {
    ["bash", "git", "curl", "jq", "tar"]
        .into_iter()
        .all(skip::has)
}

/// Runs git in a folder, apart from the settings of the machine; gives what it says.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(arguments);
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Writes a program.
fn program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
