//! `lock` of references to policies of Chainloop, against a service on loopback.

use emulator::RunningEmulator;
use emulator::chainloop::{
    ChainloopOptions, ChainloopOrganizationSeed, DocumentSeed, VersionSeed, start,
};
use model::digest::Digest;

use super::sandbox::Sandbox;

const GROUP: &str = "# Who looks at what.
apiVersion: chainloop.dev/v1
kind: PolicyGroup
metadata:
  name: supply-chain
spec:
  policies:
    attestation:
      - ref: builtin-commit # ours is not better
      - ref: \"licenses\"
        with: {days: 30}
      - ref:   'other-org/signed'
";

fn script(name: &str, note: &str) -> String {
    format!(
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n  inputs:\n    - name: days\n  \
         policies:\n    - kind: SARIF\n      embedded: package {note}\n"
    )
}

fn document(name: &str, notes: &[&str]) -> DocumentSeed {
    let version = |(index, note): (usize, &&str)| VersionSeed {
        text: script(name, note),
        created_at: Some(format!("2026-01-0{}T00:00:00Z", index + 1)),
        ..VersionSeed::default()
    };
    DocumentSeed {
        name: name.to_owned(),
        versions: notes.iter().enumerate().map(version).collect(),
    }
}

fn digest(name: &str, note: &str) -> Digest {
    Digest::of(script(name, note).as_bytes())
}

/// A folder with a group, and a service with these versions of `licenses`.
fn sandbox(licenses: &[&str]) -> (Sandbox, RunningEmulator) {
    let mut sandbox = Sandbox::empty();
    let target = "  - name: loop\n    provider: chainloop\n    organization: my-org\n    paths: [policies]\n";
    sandbox.write(
        "polwarden.yaml",
        format!("apiVersion: polwarden/v1\nkind: Config\ntargets:\n{target}"),
    );
    sandbox.write("policies/group.yaml", GROUP);
    let running = serve(&mut sandbox, licenses);
    (sandbox, running)
}

fn serve(sandbox: &mut Sandbox, licenses: &[&str]) -> RunningEmulator {
    let own = if licenses.is_empty() {
        Vec::new()
    } else {
        vec![document("licenses", licenses)]
    };
    let options = ChainloopOptions {
        organizations: vec![
            ChainloopOrganizationSeed {
                name: "my-org".to_owned(),
                policies: own,
                ..ChainloopOrganizationSeed::default()
            },
            ChainloopOrganizationSeed {
                name: "other-org".to_owned(),
                foreign: true,
                policies: vec![document("signed", &["one"])],
                ..ChainloopOrganizationSeed::default()
            },
        ],
        ..ChainloopOptions::default()
    };
    let running = sandbox.wait(start(options)).unwrap();
    sandbox.set("POLWARDEN_CHAINLOOP_ENDPOINT", &running.url());
    sandbox.set("CHAINLOOP_TOKEN", "t");
    running
}

#[test]
fn pins_are_written_down_and_told_when_they_are_behind_or_gone() {
    let (mut sandbox, _first) = sandbox(&["one", "two"]);
    let ran = sandbox.expect(1, &["lock", "--check"]);
    assert!(
        ran.err.contains("not pinned licenses of loop"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["lock"]);
    let lock = sandbox.read("polwarden.lock");
    let licenses = format!(
        "      licenses:\n        organization: my-org\n        name: licenses\n        digest: {}\n        createdAt: 2026-01-02T00:00:00Z\n",
        digest("licenses", "two")
    );
    assert!(lock.contains(&licenses), "{lock}");
    assert!(
        lock.contains("      builtin-commit:\n        name: builtin-commit\n"),
        "{lock}"
    );
    assert!(
        lock.contains("      other-org/signed:\n        organization: other-org\n"),
        "{lock}"
    );
    sandbox.expect(0, &["lock", "--check"]);

    // Another version on the server: the pin is behind, and stays until it is moved.
    let _second = serve(&mut sandbox, &["one", "two", "three"]);
    for arguments in [&["lock", "--check"][..], &["lock"]] {
        let ran = sandbox.expect(8, arguments);
        let pinned = digest("licenses", "two");
        let latest = digest("licenses", "three");
        let line = format!(
            "licenses of loop: {} is behind {}, available since 2026-01-03T00:00:00Z",
            pinned.short(),
            latest.short()
        );
        assert!(ran.err.contains(&line), "{}", ran.err);
        assert_eq!(sandbox.read("polwarden.lock"), lock);
    }
    sandbox.expect(0, &["lock", "--update"]);
    assert!(
        sandbox
            .read("polwarden.lock")
            .contains(digest("licenses", "three").as_str())
    );
    sandbox.expect(0, &["lock", "--check"]);

    let _third = serve(&mut sandbox, &["four"]);
    let ran = sandbox.expect(8, &["lock", "--check"]);
    assert!(ran.err.contains("no longer has"), "{}", ran.err);
    let _fourth = serve(&mut sandbox, &[]);
    let ran = sandbox.expect(8, &["lock", "--check"]);
    assert!(
        ran.err
            .contains("licenses of loop: the policy no longer exists on the server"),
        "{}",
        ran.err
    );
}

#[test]
fn references_are_written_anew_and_nothing_else_is() {
    let (mut sandbox, _running) = sandbox(&["one"]);
    sandbox.expect(0, &["lock", "--rewrite"]);
    let pinned = sandbox.read("policies/group.yaml");
    let licenses = digest("licenses", "one");
    let signed = digest("signed", "one");
    assert!(
        pinned.contains(&format!("- ref: \"licenses@{licenses}\"\n")),
        "{pinned}"
    );
    assert!(
        pinned.contains(&format!("- ref:   'other-org/signed@{signed}'\n")),
        "{pinned}"
    );
    let builtin = pinned
        .lines()
        .find(|line| line.contains("builtin-commit@sha256:"))
        .unwrap();
    assert!(builtin.ends_with(" # ours is not better"), "{builtin}");
    // What was added is all that differs.
    let mut stripped = pinned.clone();
    while let Some(at) = stripped.find("@sha256:") {
        stripped.replace_range(at..at + "@sha256:".len() + 64, "");
    }
    assert_eq!(stripped, GROUP);
    let lock = sandbox.read("polwarden.lock");
    assert!(
        lock.contains(&format!("licenses@{licenses}:")) && !lock.contains("      licenses:\n"),
        "{lock}"
    );
    sandbox.expect(0, &["lock", "--check"]);
    sandbox.expect(0, &["validate"]);

    let _later = serve(&mut sandbox, &["one", "two"]);
    sandbox.expect(8, &["lock", "--update"]);
    assert_eq!(sandbox.read("policies/group.yaml"), pinned);
    sandbox.expect(0, &["lock", "--update", "--rewrite"]);
    let moved = sandbox.read("policies/group.yaml");
    assert_eq!(
        moved,
        pinned.replace(licenses.as_str(), digest("licenses", "two").as_str())
    );
    sandbox.expect(0, &["lock", "--check"]);
}

#[test]
fn a_failed_read_is_no_vanished_pin() {
    let (mut sandbox, running) = sandbox(&["one"]);
    sandbox.expect(0, &["lock"]);
    let lock = sandbox.read("polwarden.lock");
    sandbox.set("CHAINLOOP_TOKEN", "");
    sandbox.expect(1, &["lock", "--check"]);
    sandbox.set("CHAINLOOP_TOKEN", "t");
    sandbox.wait(running.shutdown());
    let ran = sandbox.expect(1, &["lock", "--update"]);
    assert!(!ran.err.contains("no such policy"), "{}", ran.err);
    assert_eq!(sandbox.read("polwarden.lock"), lock);
}

#[cfg(unix)]
#[test]
fn a_lock_that_leads_out_of_the_repository_is_not_written() {
    let (sandbox, _running) = sandbox(&["one"]);
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    std::os::unix::fs::symlink(&victim, sandbox.path("polwarden.lock")).unwrap();
    let ran = sandbox.expect(1, &["lock"]);
    assert!(
        ran.err.contains("is a link to nothing") && !victim.exists(),
        "{}",
        ran.err
    );
}

#[test]
fn what_the_server_takes_as_arguments_counts() {
    let (sandbox, _running) = sandbox(&["one"]);
    sandbox.write("policies/group.yaml", GROUP.replace("days: 30", "dais: 30"));
    let ran = sandbox.expect(3, &["lock"]);
    assert!(
        ran.err.contains("error[argument-unknown]") && ran.err.contains("did you mean `days`?"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["validate"]);
    let ran = sandbox.expect(3, &["validate", "--live"]);
    assert!(ran.out.contains("policies/group.yaml:11:16"), "{}", ran.out);
    // No organization has this policy.
    sandbox.write(
        "policies/group.yaml",
        GROUP.replace("\"licenses\"", "lizences"),
    );
    let ran = sandbox.expect(1, &["lock"]);
    assert!(
        ran.err
            .contains("lizences of loop: unknown policy on the server"),
        "{}",
        ran.err
    );
}

#[test]
fn without_references_no_server_is_asked() {
    let mut sandbox = Sandbox::empty();
    let target = "  - name: loop\n    provider: chainloop\n    organization: my-org\n    paths: [policies]\n";
    sandbox.write(
        "polwarden.yaml",
        format!("apiVersion: polwarden/v1\nkind: Config\ntargets:\n{target}"),
    );
    sandbox.write("policies/policy.yaml", script("licenses", "one"));
    sandbox.set("POLWARDEN_CHAINLOOP_ENDPOINT", "https://nobody.example.com");
    let ran = sandbox.expect(0, &["lock", "--check"]);
    assert!(ran.err.contains("up to date"), "{}", ran.err);
    // Documents of another service than the target's are reported at their place.
    sandbox.write("polwarden.yaml", super::sandbox::config(""));
    let ran = sandbox.expect(3, &["validate"]);
    assert!(
        ran.out.contains("error[kind-misplaced]") && ran.out.contains("provider: chainloop"),
        "{}",
        ran.out
    );
    let before = sandbox.read("policies/policy.yaml");
    sandbox.expect(0, &["fmt"]);
    assert_eq!(sandbox.read("policies/policy.yaml"), before);
}
