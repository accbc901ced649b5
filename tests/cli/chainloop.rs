//! `import`, `call` and `emulate` at Chainloop, and the example.

use std::path::Path;

use emulator::RunningEmulator;
use emulator::chainloop::{
    ChainloopOptions, ChainloopOrganizationSeed, DocumentSeed, VersionSeed, start,
};
use serde_json::Value;

use super::sandbox::{SECRET, Sandbox};

const TARGET: &str = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - name: builds\n    provider: chainloop\n    \
                      organization: my-org\n    paths: [policies]\n    writes: true\n";

fn policy(name: &str, script: &str) -> String {
    format!(
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n  policies:\n    - kind: SARIF\n      \
         embedded: |\n        package main # {script}\n"
    )
}

fn group(name: &str) -> String {
    format!(
        "apiVersion: chainloop.dev/v1\r\nkind: PolicyGroup\r\nmetadata: {{name: {name}}}\r\nspec:\r\n  policies:\r\n    \
         attestation:\r\n      - ref: builtin-commit # kept\r\n"
    )
}

fn document(name: &str, text: &str) -> DocumentSeed {
    DocumentSeed {
        name: name.to_owned(),
        versions: vec![VersionSeed {
            text: text.to_owned(),
            ..VersionSeed::default()
        }],
    }
}

/// A service with these policies, and a sandbox that speaks to it.
fn served(policies: &[(&str, &str)], groups: &[(&str, &str)]) -> (Sandbox, RunningEmulator) {
    let seeds = |documents: &[(&str, &str)]| {
        documents
            .iter()
            .map(|(name, text)| document(name, text))
            .collect()
    };
    let own = ChainloopOrganizationSeed {
        name: "my-org".to_owned(),
        policies: seeds(policies),
        groups: seeds(groups),
        ..ChainloopOrganizationSeed::default()
    };
    let mut sandbox = Sandbox::empty();
    sandbox.write("polwarden.yaml", TARGET);
    let options = ChainloopOptions {
        organizations: vec![own],
        token: Some(SECRET.into()),
        ..ChainloopOptions::default()
    };
    let running = sandbox.wait(start(options)).unwrap();
    sandbox.set("POLWARDEN_CHAINLOOP_ENDPOINT", &running.url());
    sandbox.set("CHAINLOOP_TOKEN", SECRET);
    (sandbox, running)
}

#[test]
fn the_example_is_sound() {
    let sandbox = Sandbox::empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/chainloop");
    for name in [
        "polwarden.yaml",
        "policies/sbom-licenses.yaml",
        "policies/sbom-freshness.yaml",
        "policies/sbom-quality.yaml",
    ] {
        sandbox.write(name, std::fs::read(root.join(name)).unwrap());
    }
    sandbox.expect(0, &["validate", "--strict"]);
    sandbox.expect(0, &["fmt", "--check"]);
    sandbox.expect(0, &["lint", "--strict"]);
    // What is attached fits what the policies take.
    let group = sandbox.read("policies/sbom-quality.yaml");
    sandbox.write(
        "policies/sbom-quality.yaml",
        group.replace("days: 14", "weeks: 2"),
    );
    let ran = sandbox.expect(3, &["validate"]);
    assert!(
        ran.err.contains("weeks") || ran.out.contains("weeks"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn documents_are_imported_byte_for_byte() {
    let policy = format!(
        "\u{feff}# first\r\n{}",
        policy("p", "x").replace('\n', "\r\n")
    );
    let (sandbox, _running) = served(&[("p", &policy)], &[("g", &group("g"))]);
    let ran = sandbox.expect(
        0,
        &[
            "import",
            "--provider",
            "chainloop",
            "--only",
            "p",
            "--only",
            "g",
        ],
    );
    assert!(
        ran.out.contains("wrote policies/p.yaml")
            && ran.out.contains("wrote policies/group-g.yaml"),
        "{}",
        ran.out
    );
    assert_eq!(sandbox.read("policies/p.yaml"), policy);
    assert_eq!(sandbox.read("policies/group-g.yaml"), group("g"));
    let ran = sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(ran.out.contains("No changes."), "{}", ran.out);
    let files = sandbox.files();
    let ran = sandbox.expect(0, &["import", "--only", "p"]);
    assert!(ran.out.contains("has the live bytes"), "{}", ran.out);
    assert_eq!(sandbox.files(), files);
}

#[test]
fn what_is_declared_is_replaced_where_it_stands() {
    let (sandbox, _running) = served(&[("b", &policy("b", "live"))], &[]);
    let before = policy("a", "here").replace('\n', "\r\n");
    let after = policy("c", "here");
    let file = |b: &str| format!("# of three\n---\n{before}--- # the second\n{b}---\n{after}");
    sandbox.write("policies/all.yaml", file(&policy("b", "old\n# and a note")));
    sandbox.expect(0, &["import", "--only", "b"]);
    assert_eq!(
        sandbox.read("policies/all.yaml"),
        file(&policy("b", "live"))
    );
}

#[test]
fn what_cannot_stand_in_a_file_is_not_written() {
    // Alone it is one document; among others its end runs into the next, or it is two.
    let open = policy("b", "live").trim_end().to_owned();
    let marked = format!("---\n{}", policy("m", "live"));
    let broken = "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {name: x}\nspec: {}\n";
    let two = format!("{}---\n{}", policy("t", "live"), policy("u", "live"));
    let live = [
        ("b", open.as_str()),
        ("m", &marked),
        ("x", broken),
        ("t", &two),
    ];
    let (sandbox, _running) = served(&live, &[]);
    sandbox.write(
        "policies/all.yaml",
        format!(
            "{}---\n{}---\n{}",
            policy("b", "old"),
            policy("m", "old"),
            policy("c", "here")
        ),
    );
    let files = sandbox.files();
    for (name, why) in [
        ("b", "would not be valid"),
        ("m", "without changing a byte"),
        ("x", "would not be valid"),
        ("t", "without changing a byte"),
        ("builtin-commit", "is builtin"),
        ("builtin-quality", "is builtin"),
        ("none", "there is no policy or policy group `none`"),
        ("NONE", "is no name of a policy"),
    ] {
        let ran = sandbox.expect(1, &["import", "--only", name]);
        assert!(ran.err.contains(why), "{name}: {}", ran.err);
        assert_eq!(sandbox.files(), files, "{name}");
    }
    // What is in the way stays, unless it is said to go.
    sandbox.write("policies/all.yaml", policy("c", "here"));
    sandbox.write("policies/b.yaml", policy("d", "here"));
    let ran = sandbox.expect(1, &["import", "--only", "b"]);
    assert!(ran.err.contains("--force"), "{}", ran.err);
    sandbox.write("policies/b.yaml", policy("b", "old"));
    sandbox.expect(0, &["import", "--only", "b"]);
    assert_eq!(sandbox.read("policies/b.yaml"), open);
}

#[test]
fn without_names_nothing_is_imported_and_that_is_said() {
    let (sandbox, _running) = served(&[("p", &policy("p", "x"))], &[]);
    sandbox.write("policies/q.yaml", policy("q", "x"));
    for (code, arguments) in [
        (0, &["import"][..]),
        (1, &["import", "--provider", "chainloop"]),
    ] {
        let ran = sandbox.expect(code, arguments);
        assert!(
            ran.err.contains("no list of policies") && ran.err.contains("--only NAME"),
            "{}",
            ran.err
        );
    }
    let docker = "  - {name: hosts, provider: docker, organization: other, paths: [hosts]}\n";
    sandbox.write("polwarden.yaml", format!("{TARGET}{docker}"));
    let ran = sandbox.expect(1, &["import", "--only", "p"]);
    assert!(
        ran.err.contains("choose it with --provider or --target"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["import", "--only", "p", "--target", "builds"]);
}

#[test]
fn single_operations_are_called_and_no_token_is_shown() {
    let (mut sandbox, running) = served(&[("p", &policy("p", "x"))], &[]);
    sandbox.write("policies/p.yaml", policy("p", "x"));
    let ran = sandbox.expect(
        0,
        &["call", "PolicyService_Get", "-F", "policy_name=p", "-vv"],
    );
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (
            &answer["organization_name"],
            &answer["policy"]["metadata"]["name"]
        ),
        (&"my-org".into(), &"p".into())
    );
    assert!(!ran.err.contains(SECRET), "{}", ran.err);

    sandbox.write(
        "policy.json",
        r#"{"apiVersion": "chainloop.dev/v1", "kind": "Policy", "metadata": {"name": "p"},
        "spec": {"policies": [{"kind": "SARIF", "embedded": "x"}]}}"#,
    );
    sandbox.write(
        "raw",
        data_encoding::BASE64.encode(policy("p", "y").as_bytes()),
    );
    let update = [
        "call",
        "PolicyService_Update",
        "-F",
        "policy=@policy.json",
        "-F",
        "raw_schema=@raw",
    ];
    sandbox.expect(5, &update);
    let config = sandbox.read("polwarden.yaml");
    sandbox.write("polwarden.yaml", config.replace("    writes: true\n", ""));
    let ran = sandbox.expect(1, &[&update[..], &["--auto-approve"]].concat());
    assert!(
        ran.err.contains("does not set `writes: true`"),
        "{}",
        ran.err
    );
    sandbox.write("polwarden.yaml", config);
    sandbox.expect(0, &[&update[..], &["--auto-approve"]].concat());
    let ran = sandbox.expect(
        1,
        &[
            "call",
            "PolicyService_Create",
            "-F",
            "policy=@policy.json",
            "-F",
            "raw_schema=@raw",
            "--auto-approve",
        ],
    );
    assert!(ran.err.contains("already exists"), "{}", ran.err);
    sandbox.set("CHAINLOOP_TOKEN", "wrong-hunter2");
    let ran = sandbox.expect(1, &["call", "PolicyService_Get", "-F", "policy_name=p"]);
    assert!(
        ran.err.contains("CHAINLOOP_TOKEN is not accepted") && !ran.err.contains("wrong-hunter2"),
        "{}",
        ran.err
    );
    sandbox.environment.remove("CHAINLOOP_TOKEN");
    let ran = sandbox.expect(1, &["call", "PolicyService_Get", "-F", "policy_name=p"]);
    assert!(ran.err.contains("set CHAINLOOP_TOKEN"), "{}", ran.err);
    let wrong = sandbox.expect(1, &["plan", "--endpoint", "chainlop=embedded"]);
    assert!(
        wrong.err.contains("docker, pulumi and chainloop"),
        "{}",
        wrong.err
    );
    drop(running);
}
