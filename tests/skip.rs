// What a test says when it cannot run here. The unit tests include this file too.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Prints that a test is skipped because something is missing. The test harness does not capture what is written like
/// this, and `.ci/run` fails where it finds such a line.
pub(crate) fn needs(what: &str) {
    let line = format!("skipped: needs {what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Whether a program is there to be run. If not, says that the test is skipped.
pub(crate) fn has(tool: &str) -> bool {
    let ran = Command::new(tool)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if ran.is_err() {
        needs(tool);
    }
    ran.is_ok()
}
