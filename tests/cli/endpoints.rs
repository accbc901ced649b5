//! Where requests and credentials go, and who may say so.

use emulator::DockerOptions;

use super::sandbox::{Sandbox, config, policy, tcp};
use crate::emulator::organization;

fn spec() -> String {
    format!("rules:\n{}", tcp("r", "allow", "a.example.com"))
}

fn served() -> Sandbox {
    let sandbox = Sandbox::new("").serve(DockerOptions {
        organizations: vec![organization("my-org")],
        ..DockerOptions::default()
    });
    sandbox.write("policies/p.yaml", policy("p", &spec()));
    sandbox
}

#[test]
fn the_argument_goes_before_the_variable() {
    let mut sandbox = served();
    sandbox.expect(2, &["plan", "--detailed-exitcode"]);
    sandbox.expect(0, &["apply", "--auto-approve"]);
    let url = sandbox.url();
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", "http://127.0.0.1:1");
    sandbox.expect(
        0,
        &[
            "plan",
            "--detailed-exitcode",
            "--endpoint",
            &format!("docker={url}"),
        ],
    );
    sandbox.expect(
        0,
        &[
            "plan",
            "--detailed-exitcode",
            "--endpoint",
            &format!("docker={url}/v2/"),
        ],
    );
    // The embedded service is another one: there the policy does not exist.
    sandbox.expect(
        2,
        &[
            "plan",
            "--detailed-exitcode",
            "--endpoint",
            "docker=embedded",
        ],
    );
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", "embedded");
    sandbox.expect(2, &["plan", "--detailed-exitcode"]);
    for bad in [
        "ftp://localhost",
        "http://hub.example.com",
        "nowhere",
        "https://hub.example.com?x=1",
    ] {
        sandbox.set("POLWARDEN_DOCKER_ENDPOINT", bad);
        let ran = sandbox.expect(1, &["plan"]);
        assert!(
            ran.err.contains("POLWARDEN_DOCKER_ENDPOINT"),
            "{bad}: {}",
            ran.err
        );
    }
}

#[test]
fn nothing_in_the_repository_moves_the_endpoint() {
    let sandbox = served();
    for field in [
        "endpoint: http://127.0.0.1:1",
        "endpoints: {docker: embedded}",
        "url: https://evil.example.com",
        "token: abc",
        "credentials: {secret: x}",
        "host: evil.example.com",
    ] {
        sandbox.write("polwarden.yaml", config(&format!("{field}\n")));
        let ran = sandbox.expect(3, &["plan"]);
        assert!(ran.err.contains("unknown-field"), "{field}: {}", ran.err);
        sandbox.write("polwarden.yaml", format!("{}{field}\n", config("")));
        sandbox.expect(3, &["apply", "--auto-approve"]);
    }
    sandbox.write("polwarden.yaml", config(""));
    // Neither do files that other tools read from the directory.
    sandbox.write(
        ".env",
        "POLWARDEN_DOCKER_ENDPOINT=http://127.0.0.1:1\nDOCKER_HUB_SECRET=x\n",
    );
    sandbox.write(".polwarden/config.yaml", "endpoint: http://127.0.0.1:1\n");
    sandbox.expect(2, &["plan", "--detailed-exitcode"]);
    for organization in [
        "../../evil",
        "a/b",
        "a?b=c",
        "a#b",
        "%2e%2e",
        "a b",
        "evil.example.com/x",
        "@host",
        "a\\b",
    ] {
        let text = config("").replace("my-org", &format!("'{organization}'"));
        sandbox.write("polwarden.yaml", text);
        let ran = sandbox.expect(3, &["plan"]);
        assert!(
            ran.err.contains("invalid-value"),
            "{organization}: {}",
            ran.err
        );
    }
}

#[test]
fn paths_do_not_leave_the_repository() {
    let sandbox = served();
    for path in ["..", "../x", "/etc", "a/../..", "~", "C:/x"] {
        let text = config("").replace("[policies]", &format!("['{path}']"));
        sandbox.write("polwarden.yaml", text);
        let ran = sandbox.expect(3, &["validate"]);
        assert!(
            ran.out.contains("target-path-invalid"),
            "{path}: {}",
            ran.out
        );
    }
}

#[cfg(unix)]
#[test]
fn links_loops_and_pipes_are_errors_and_the_rest_is_checked() {
    let sandbox = served();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "secret: of another repository\n").unwrap();
    std::os::unix::fs::symlink(outside.path(), sandbox.path("policies/link.yaml")).unwrap();
    std::os::unix::fs::symlink(".", sandbox.path("policies/loop")).unwrap();
    sandbox.write("policies/wrong.yaml", "kind: Nothing\n");
    let ran = sandbox.expect(3, &["validate"]);
    for code in ["symlink-outside", "directory-loop", "policies/wrong.yaml"] {
        assert!(ran.out.contains(code), "{code}: {}", ran.out);
    }
    assert!(!ran.out.contains("another repository"), "{}", ran.out);
}
