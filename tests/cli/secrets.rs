//! Secrets reach nothing that anybody reads (invariant 11).

use emulator::{DockerOptions, EmulatorProfile};

use super::sandbox::{Ran, SECRET, Sandbox, policy, tcp};
use crate::emulator::organization;

#[track_caller]
fn assert_kept(secret: &str, what: &str, ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains(secret), "{what} shows the secret: {text}");
    }
}

#[test]
fn no_command_shows_or_stores_the_secret() {
    for profile in EmulatorProfile::ALL {
        let log = tempfile::NamedTempFile::new().unwrap();
        let options = DockerOptions {
            profile,
            organizations: vec![organization("my-org")],
            request_log: Some(log.path().to_owned()),
            ..DockerOptions::default()
        };
        let mut sandbox = Sandbox::new(&format!("profile: {profile}\n")).serve(options);
        sandbox.set("RUST_LOG", "trace");
        sandbox.set("RUST_BACKTRACE", "full");
        let spec = format!(
            "scope: {{teams: [security]}}\nrules:\n{}",
            tcp("r", "allow", "a.example.com")
        );
        sandbox.write("policies/p.yaml", policy("p", &spec));
        for arguments in [
            &[
                "init",
                "sub",
                "--provider=docker",
                "--organization=my-org",
                "--new",
                "--ci=github",
            ][..],
            &["validate", "--live"],
            &["plan", "--out", "plan.json"],
            &["plan", "--format", "json"],
            &["apply", "plan.json", "--auto-approve"],
            &["apply", "--auto-approve"],
            &["import"],
            &["schema"],
        ] {
            let ran = sandbox.expect(0, arguments);
            assert_kept(SECRET, &format!("{arguments:?}"), &ran);
        }
        for (path, bytes) in sandbox.files() {
            assert!(
                !String::from_utf8_lossy(&bytes).contains(SECRET),
                "{} holds the secret",
                path.display()
            );
        }
        let log = std::fs::read_to_string(log.path()).unwrap();
        assert!(
            !log.is_empty() && !log.contains(SECRET) && !log.contains("Bearer"),
            "{log}"
        );
    }
}

#[test]
fn errors_do_not_repeat_secrets() {
    let mut sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", policy("p", "rules: []\n"));
    // The service wants another secret.
    let exact = DockerOptions {
        organizations: vec![organization("my-org")],
        secret: Some("another".into()),
        ..DockerOptions::default()
    };
    let refused = Sandbox::new("").serve(exact);
    refused.write("policies/p.yaml", policy("p", "rules: []\n"));
    let ran = refused.expect(1, &["plan"]);
    assert_kept(SECRET, "a refused sign-in", &ran);

    // A password in an endpoint.
    let url = format!("docker=https://me:{SECRET}@hub.example.com");
    assert_kept(
        SECRET,
        "an endpoint",
        &sandbox.expect(1, &["plan", "--endpoint", &url]),
    );
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", &url["docker=".len()..]);
    assert_kept(
        SECRET,
        "an endpoint variable",
        &sandbox.expect(1, &["plan"]),
    );
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", "http://127.0.0.1:1");

    // Credentials that cannot be used.
    for (name, value) in [
        ("POLWARDEN_DOCKER_TOKEN", format!("dckr_pat_{SECRET}")),
        ("POLWARDEN_DOCKER_TOKEN", format!("{SECRET}\u{1}x")),
        ("DOCKER_HUB_SECRET", SECRET.to_owned()),
    ] {
        sandbox.set(name, &value);
        assert_kept(SECRET, name, &sandbox.expect(1, &["plan"]));
        sandbox.environment.remove(name);
    }
    // A configuration that somebody put one into.
    sandbox.write(
        "polwarden.yaml",
        sandbox
            .read("polwarden.yaml")
            .replace("my-org", "other-org"),
    );
    sandbox.set("POLWARDEN_DOCKER_TOKEN", SECRET);
    assert_kept(
        SECRET,
        "an unreachable service",
        &sandbox.expect(1, &["plan"]),
    );
}

#[test]
fn the_emulators_secret_is_not_shown_in_help() {
    let mut sandbox = Sandbox::empty();
    sandbox.set("POLWARDEN_EMULATOR_SECRET", SECRET);
    assert_kept(
        SECRET,
        "help",
        &sandbox.expect(0, &["emulate", "docker", "--help"]),
    );
    let ran = sandbox.expect(1, &["emulate", "docker", "--listen", "0.0.0.0:0"]);
    assert_kept(SECRET, "an error", &ran);
}
