//! `import`, `call` and `emulate` at Chainloop, and the example.

use std::path::Path;

use emulator::RunningEmulator;
use emulator::chainloop::{
    ChainloopOptions, ChainloopOrganizationSeed, DocumentSeed, VersionSeed, start,
};
use serde_json::Value;

use super::sandbox::{SECRET, Sandbox, unwrapped};
use crate::git_command::{commit_all, init};

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
        "policies/sbom-present.yaml",
        "policies/sbom-present.rego",
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
        ("m", "without changing its bytes"),
        ("x", "would not be valid"),
        ("t", "without changing its bytes"),
        ("builtin-commit", "is builtin"),
        ("builtin-quality", "is builtin"),
        ("none", "unknown policy or policy group `none`"),
        ("NONE", "invalid policy name"),
    ] {
        let ran = sandbox.expect(1, &["import", "--only", name]);
        assert!(ran.err.contains(why), "{name}: {}", ran.err);
        assert_eq!(sandbox.files(), files, "{name}");
    }
    // Existing files are kept, unless --force is used.
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
        wrong.err.contains("docker, pulumi or chainloop"),
        "{}",
        wrong.err
    );
    drop(running);
}

#[test]
fn contracts_next_to_policies_are_skipped_with_a_note() {
    let (sandbox, _running) = served(&[], &[]);
    sandbox.write("policies/p.yaml", policy("p", "x"));
    let contract = "apiVersion: chainloop.dev/v1\nkind: Contract\nmetadata: {name: c}\nspec:\n  materials: []\n";
    sandbox.write("policies/c.yaml", contract);
    let ran = sandbox.expect(0, &["validate", "--strict"]);
    assert!(
        ran.text().contains("note[document-skipped]"),
        "{}",
        ran.text()
    );
    assert!(ran.out.contains("2 manifest files: valid\n"), "{}", ran.out);
    let report = sandbox.expect(0, &["validate", "--format", "json"]).json();
    assert_eq!(
        (&report["errors"], &report["warnings"]),
        (&0.into(), &0.into())
    );
    assert_eq!(report["diagnostics"][0]["severity"], "note");
    let ran = sandbox.expect(0, &["validate", "--format", "github"]);
    assert!(ran.out.contains("::notice"), "{}", ran.out);
    sandbox.expect(0, &["fmt", "--check"]);
    let ran = sandbox.expect(0, &["plan"]);
    assert!(ran.out.contains("(1 API call)"), "{}", ran.out);
    // One new type of material does not block the repository.
    sandbox.write(
        "policies/q.yaml",
        policy("q", "x").replace("SARIF", "NEW_TYPE"),
    );
    let ran = sandbox.expect(0, &["plan"]);
    assert!(ran.out.contains("(2 API calls)"), "{}", ran.out);
    sandbox.expect(3, &["validate", "--strict"]);
}

const INLINE: &str = "    inline: true\n";

/// A policy with a script and a module in files.
fn with_files(name: &str) -> String {
    format!(
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n  policies:\n    - kind: SARIF # note\n      \
         path: rules/check.rego\n    - kind: ATTESTATION\n      ref: file://rules/check.wasm\n"
    )
}

/// What the service gets: the bytes of the manifest with the content of the files. The base64 is
/// that of `printf '\0asm\1\0\0\0' | base64`.
fn embedded(name: &str) -> String {
    with_files(name)
        .replace(
            "# note\n      path: rules/check.rego\n",
            "# note\n      embedded: |\n        package main\n\n        \tallow := true\n",
        )
        .replace("ref: file://rules/check.wasm", "embedded: \"AGFzbQEAAAA=\"")
}

const REGO: &str = "package main\n\n\tallow := true\n";
const WASM: &[u8] = b"\0asm\x01\0\0\0";

/// A committed repository with such a policy.
fn inlining() -> (Sandbox, RunningEmulator, git2::Repository) {
    let (sandbox, running) = served(&[], &[]);
    sandbox.write("polwarden.yaml", format!("{TARGET}{INLINE}"));
    sandbox.write(".gitignore", ".polwarden/\n*.ignored.rego\n");
    sandbox.write("policies/p.yaml", with_files("p"));
    sandbox.write("policies/rules/check.rego", REGO);
    sandbox.write("policies/rules/check.wasm", WASM);
    init(&sandbox.path("."));
    commit_all(&sandbox.path("."));
    let repository = git2::Repository::open(sandbox.path(".")).unwrap();
    (sandbox, running, repository)
}

/// The digest that a plan of one document shows.
fn planned_digest(sandbox: &Sandbox, more: &[&str]) -> String {
    let ran = sandbox.expect(0, &[&["plan", "--format", "json"], more].concat());
    let document = &ran.json()["targets"][0]["documents"][0];
    assert_eq!(
        document["inlined"],
        serde_json::json!(["policies/rules/check.rego", "policies/rules/check.wasm"])
    );
    document["digest"].as_str().unwrap().to_owned()
}

#[test]
fn files_are_embedded_on_request_and_the_plan_names_them() {
    let (sandbox, _running, _) = inlining();
    let ran = sandbox.expect(0, &["validate", "--strict"]);
    assert!(!ran.text().contains("local-reference"), "{}", ran.text());
    let ran = sandbox.expect(0, &["plan"]);
    assert!(
        unwrapped(&ran.out)
            .contains("contains policies/rules/check.rego, policies/rules/check.wasm"),
        "{}",
        ran.out
    );
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    sandbox.expect(0, &["apply", "plan.json", "--auto-approve"]);
    let call = [
        "call",
        "PolicyService_Get",
        "--target",
        "builds",
        "--field",
        "policy_name=p",
    ];
    let answer = sandbox.expect(0, &call).json();
    let digest = model::digest::Digest::of(embedded("p").as_bytes());
    assert_eq!(answer["digest"], digest.to_string());
    // A different script is a different version, although the manifest is the same.
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    sandbox.write(
        "policies/rules/check.rego",
        "package main\n\n\tallow := false\n",
    );
    sandbox.expect(2, &["plan", "--detailed-exitcode"]);
    // Drift is a difference from the commit.
    sandbox.expect(0, &["drift"]);
    commit_all(&sandbox.path("."));
    let ran = sandbox.expect(8, &["drift"]);
    assert!(ran.out.contains("policies/rules/check.rego"), "{}", ran.out);
    sandbox.write("policies/rules/check.rego", REGO);
    commit_all(&sandbox.path("."));
    // The manifest with its files has the live bytes, so there is nothing to import.
    let ran = sandbox.expect(0, &["import", "--only", "p"]);
    assert!(ran.out.contains("has the live bytes"), "{}", ran.out);
    assert_eq!(sandbox.read("policies/p.yaml"), with_files("p"));
    // Without the setting, the document is held and the help names the setting.
    sandbox.write("polwarden.yaml", TARGET);
    let ran = sandbox.expect(0, &["validate"]);
    assert!(ran.text().contains("`inline: true`"), "{}", ran.text());
    let ran = sandbox.expect(0, &["plan"]);
    assert!(
        unwrapped(&ran.out).contains("it names files"),
        "{}",
        ran.out
    );
}

#[test]
fn embedded_files_are_the_same_bytes_on_every_machine() {
    let (sandbox, _running, repository) = inlining();
    let digest = planned_digest(&sandbox, &[]);
    assert_eq!(
        digest,
        model::digest::Digest::of(embedded("p").as_bytes()).to_string()
    );
    assert_eq!(planned_digest(&sandbox, &["--at", "HEAD"]), digest);
    assert_eq!(planned_digest(&sandbox, &["--staged"]), digest);
    // A checkout that converts line endings.
    repository
        .config()
        .unwrap()
        .set_str("core.autocrlf", "true")
        .unwrap();
    sandbox.write("policies/rules/check.rego", REGO.replace('\n', "\r\n"));
    sandbox.write("policies/p.yaml", with_files("p").replace('\n', "\r\n"));
    assert_eq!(planned_digest(&sandbox, &[]), digest);
    // The index or the commit is read, and not the work tree.
    sandbox.write("policies/rules/check.rego", "package other\n\n");
    assert_eq!(planned_digest(&sandbox, &["--at", "HEAD"]), digest);
    assert_eq!(planned_digest(&sandbox, &["--staged"]), digest);
    let other = planned_digest(&sandbox, &[]);
    assert_ne!(other, digest);
    let mut index = repository.index().unwrap();
    index
        .add_path("policies/rules/check.rego".as_ref())
        .unwrap();
    index.write().unwrap();
    assert_eq!(planned_digest(&sandbox, &["--staged"]), other);
}

#[test]
fn embedded_files_must_be_committed_in_a_pipeline() {
    let (mut sandbox, _running, repository) = inlining();
    sandbox.set("CI", "true");
    let apply = ["apply", "--auto-approve", "--require-branch", "main"];
    let refused = |sandbox: &Sandbox| {
        let ran = sandbox.expect(5, &apply);
        let says = "uncommitted changes";
        assert!(ran.err.contains(says), "{}", ran.err);
    };
    sandbox.write("policies/rules/check.rego", "package changed\n\n");
    refused(&sandbox);
    // The index cannot hide the change.
    let mut index = repository.index().unwrap();
    let mut entry = index
        .get_path("policies/rules/check.rego".as_ref(), 0)
        .unwrap();
    entry.flags |= git2::IndexEntryFlag::VALID.bits();
    index.add(&entry).unwrap();
    index.write().unwrap();
    refused(&sandbox);
    sandbox.write("policies/rules/check.rego", REGO);
    let ignored = with_files("p").replace("check.rego", "check.ignored.rego");
    sandbox.write("policies/p.yaml", ignored);
    sandbox.write("policies/rules/check.ignored.rego", REGO);
    commit_all(&sandbox.path("."));
    refused(&sandbox);
    sandbox.write("policies/p.yaml", with_files("p"));
    commit_all(&sandbox.path("."));
    sandbox.expect(0, &apply);
}
