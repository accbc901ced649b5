//! Documents of Chainloop, from manifests to a service and back, through the binary.

use std::fs;

use emulator::chainloop::{
    ChainloopOptions, ChainloopOrganizationSeed, DocumentSeed, VersionSeed, start,
};
use serde_json::Value;

use crate::cli::sandbox::{SECRET, Sandbox, forge_plan, unwrapped};

/// A repository with one target at Chainloop, and the service.
pub(super) struct Site {
    pub(super) sandbox: Sandbox,
    running: Option<emulator::RunningEmulator>,
}

/// A policy with these lines of Rego.
pub(super) fn policy(name: &str, rego: &str) -> String {
    format!(
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n  policies:\n    - kind: SARIF\n      \
         embedded: |\n        package main\n        {rego}\n"
    )
}

fn seed(name: &str, texts: &[&str]) -> DocumentSeed {
    let version = |(day, text): (usize, &&str)| VersionSeed {
        text: (*text).to_owned(),
        created_at: Some(format!("2026-01-0{}T03:04:05Z", day + 1)),
        ..VersionSeed::default()
    };
    DocumentSeed {
        name: name.to_owned(),
        versions: texts.iter().enumerate().map(version).collect(),
    }
}

fn config(more: &str) -> String {
    format!(
        "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - name: chain\n    provider: chainloop\n    organization: \
         my-org\n    paths: [policies]\n{more}"
    )
}

const WRITES: &str = "    writes: true\n";
const APPLY: &[&str] = &["apply", "--auto-approve"];
const GROUP: &str = "apiVersion: chainloop.dev/v1\nkind: PolicyGroup\nmetadata:\n  name: g\n  description: d\nspec:\n  \
                     policies:\n    attestation:\n      - ref: p\n";

impl Site {
    pub(super) fn new(more: &str, policies: Vec<DocumentSeed>, faults: &[String]) -> Self {
        let mut site = Self {
            sandbox: Sandbox::empty(),
            running: None,
        };
        site.sandbox.write("polwarden.yaml", config(more));
        let own = ChainloopOrganizationSeed {
            name: "my-org".to_owned(),
            policies,
            groups: vec![seed("g", &[GROUP])],
            ..ChainloopOrganizationSeed::default()
        };
        site.serve(vec![own], faults);
        site
    }

    /// Serves the same state with other faults.
    fn serve(&mut self, organizations: Vec<ChainloopOrganizationSeed>, faults: &[String]) {
        let options = ChainloopOptions {
            state: emulator::StateLocation::File(self.sandbox.path("service.sqlite")),
            organizations,
            faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
            ..ChainloopOptions::default()
        };
        if let Some(running) = self.running.take() {
            self.sandbox.wait(running.shutdown());
        }
        let running = self.sandbox.wait(start(options)).unwrap();
        self.sandbox
            .set("POLWARDEN_CHAINLOOP_ENDPOINT", &running.url());
        self.sandbox.set("CHAINLOOP_TOKEN", SECRET);
        self.running = Some(running);
    }

    pub(super) fn url(&self) -> String {
        self.running.as_ref().unwrap().url()
    }

    /// The bytes that the service has.
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let url = format!("{}/v1/policies/{name}?organization_name=my-org", self.url());
        let answer = self.sandbox.wait(async {
            let client = crate::emulator::client();
            client
                .get(url)
                .header("authorization", "Bearer t")
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap()
        });
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let body = answer["raw"]["body"].as_str()?;
        Some(data_encoding::BASE64.decode(body.as_bytes()).unwrap())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.sandbox.wait(running.shutdown());
        }
    }
}

/// Every state at once: in sync, format only, meaning differs, missing, behind, and builtin.
fn all_states(more: &str) -> Site {
    all_states_with(more, "a := 1")
}

/// Like [`all_states`], with this script in the live policy `meaning`.
fn all_states_with(more: &str, live: &str) -> Site {
    let sync = policy("sync", "a := 1");
    let format = policy("format", "a := 1");
    let meaning = policy("meaning", live);
    let old = policy("behind", "a := 1");
    let newer = policy("behind", "a := 2");
    let seeds = vec![
        seed("sync", &[&sync]),
        seed("format", &[&format]),
        seed("meaning", &[&meaning]),
        seed("behind", &[&old, &newer]),
    ];
    let site = Site::new(more, seeds, &[]);
    site.sandbox.write("policies/sync.yaml", &sync);
    site.sandbox
        .write("policies/format.yaml", format.replace('\n', "\r\n"));
    site.sandbox.write(
        "policies/meaning.yaml",
        policy("meaning", "a := 1\n        b := \"[31m\""),
    );
    site.sandbox.write("policies/behind.yaml", &old);
    site.sandbox.write(
        "policies/more.yaml",
        format!(
            "---\n{}---\n{}",
            policy("one", "a := 1"),
            policy("two", "a := 1")
        ),
    );
    site
}

fn without_digest(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("Digest"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_state_of_a_document_is_told_and_shown() {
    let site = all_states(WRITES);
    let plan = site.sandbox.expect(0, &["plan"]);
    let drift = site.sandbox.expect(8, &["drift"]);
    insta::with_settings!({ filters => vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
        // It covers the endpoint.
        (r"\bplan [0-9a-f]{16}\b", "plan [mark]"),
    ] }, {
        insta::assert_snapshot!("documents_plan", without_digest(&plan.out));
        insta::assert_snapshot!("documents_drift", without_digest(&drift.out));
    });
    let json = site.sandbox.expect(0, &["plan", "--format", "json"]).json();
    let states = json["targets"][0]["documents"].as_array().unwrap().iter();
    let states: Vec<_> = states
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["state"]["code"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("behind", "behind"),
        ("format", "format-only"),
        ("meaning", "meaning-differs"),
        ("one", "missing"),
        ("sync", "in-sync"),
        ("two", "missing"),
    ];
    assert_eq!(states, expected);
    let json = site
        .sandbox
        .expect(8, &["drift", "--format", "json"])
        .json();
    assert_eq!(
        json["targets"][0]["documents"][0]["state"]["since"],
        "2026-01-01T03:04:05Z"
    );
}

#[test]
fn all_formats_tell_of_documents_and_nothing_in_them_steers_a_terminal() {
    for more in [WRITES, ""] {
        // Manifests cannot contain invisible characters, but a server may have them.
        let site = all_states_with(more, "a := 1\n        b := \"\u{202e}\"");
        for format in [
            "human", "json", "markdown", "github", "gitlab", "sarif", "junit", "html",
        ] {
            let plan = site.sandbox.expect(0, &["plan", "--format", format]).out;
            let drift = site.sandbox.expect(8, &["drift", "--format", format]).out;
            for text in [&plan, &drift] {
                assert!(
                    !text.contains('\u{1b}') && !text.contains('\u{202e}'),
                    "{format}: {text}"
                );
                assert!(text.contains("behind"), "{format}: {text}");
            }
            for name in ["format", "meaning", "one"] {
                assert!(drift.contains(name), "{format}: {drift}");
            }
        }
    }
}

#[test]
fn documents_are_written_byte_by_byte_and_the_next_plan_is_empty() {
    let site = all_states(WRITES);
    let ran = site.sandbox.expect(0, APPLY);
    assert!(
        ran.out
            .contains("\n  5 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped\n"),
        "{}",
        ran.out
    );
    site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    site.sandbox.expect(0, &["drift"]);
    for name in ["sync", "format", "meaning", "behind"] {
        let file = fs::read(site.sandbox.path(&format!("policies/{name}.yaml"))).unwrap();
        assert_eq!(site.bytes(name).unwrap(), file, "{name}");
    }
    assert_eq!(
        site.bytes("one").unwrap(),
        policy("one", "a := 1").into_bytes()
    );
    assert_eq!(
        site.bytes("two").unwrap(),
        policy("two", "a := 1").into_bytes()
    );
    // Put back what was there before, but for what cannot be deleted.
    let ran = site.sandbox.expect(0, &["rollback", "--auto-approve"]);
    assert!(
        ran.err
            .contains("policy \"one\" was created by the run and is kept"),
        "{}",
        ran.err
    );
    assert_eq!(
        site.bytes("meaning").unwrap(),
        policy("meaning", "a := 1").into_bytes()
    );
    assert_eq!(
        site.bytes("behind").unwrap(),
        policy("behind", "a := 2").into_bytes()
    );
    let shown = site.sandbox.expect(0, &["runs", "last"]).out;
    assert!(shown.contains("update policy \"meaning\" as "), "{shown}");
    assert!(!shown.contains(SECRET) && !ran.text().contains(SECRET));
}

#[test]
fn without_writes_nothing_is_sent_and_what_would_be_is_shown() {
    let site = all_states("");
    let ran = site
        .sandbox
        .expect(0, &["plan", "-v", "--detailed-exitcode"]);
    assert!(
        ran.out.contains("the target does not set `writes: true`"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("Changes that are held back") && ran.out.contains("b := "),
        "{}",
        ran.out
    );
    site.sandbox.expect(0, APPLY);
    assert_eq!(site.bytes("one"), None);
    assert_eq!(
        site.bytes("meaning").unwrap(),
        policy("meaning", "a := 1").into_bytes()
    );
    site.sandbox.expect(8, &["drift"]);
    // Nor by a plan that was made when the target had them on.
    site.sandbox.write("polwarden.yaml", config(WRITES));
    site.sandbox.expect(0, &["plan", "--out", "plan.json"]);
    site.sandbox.write("polwarden.yaml", config(""));
    let ran = site.sandbox.run(&["apply", "plan.json", "--auto-approve"]);
    assert_ne!(ran.code, 0, "{}", ran.text());
    assert_eq!(site.bytes("one"), None);
}

#[test]
fn what_drifted_is_kept_by_the_command_that_the_report_names() {
    let site = all_states(WRITES);
    let drift = site
        .sandbox
        .expect(8, &["drift", "--format", "json"])
        .json();
    let words: Vec<&str> = drift["targets"][0]["adopt"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    site.sandbox.expect(0, &words[1..]);
    let drift = site
        .sandbox
        .expect(8, &["drift", "--format", "json"])
        .json();
    let changes = drift["targets"][0]["changes"].as_array().unwrap();
    let left: Vec<&str> = changes
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(left, ["one", "two"], "only what the server lost is left");
}

/// A run that was cut off after its writes: the next one reads back what became of them.
#[test]
fn a_run_that_was_cut_off_is_settled_by_the_next() {
    let site = all_states(WRITES);
    site.sandbox.expect(0, APPLY);
    let folder = site.sandbox.path(".polwarden/journal");
    let is_journal = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    let file = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(is_journal)
        .unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let before =
        |line: &&str| !line.contains(r#""record":"answer""#) && !line.contains(r#""record":"end""#);
    let cut: String = text
        .lines()
        .filter(before)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_ne!(text, cut);
    fs::write(&file, cut).unwrap();
    site.sandbox.expect(0, APPLY);
    let records: Vec<Value> = fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answers: Vec<&Value> = records
        .iter()
        .filter(|record| record["record"] == "answer")
        .collect();
    assert_eq!(answers.len(), 5);
    assert!(
        answers.iter().all(|answer| {
            let applied = &answer["result"]["applied"];
            answer["readBack"] == true && (applied.is_string() || applied.is_object())
        }),
        "{answers:#?}"
    );
    assert_eq!(records.last().unwrap()["by"], "recovery");
}

#[test]
fn settings_of_other_services_are_findings_at_their_lines() {
    for (line, name) in [
        ("    unmanaged: prune\n", "unmanaged"),
        ("    keepVersions: 3\n", "keepVersions"),
        (
            "    teams: {a: 0b0c6b3e-8a52-4c5e-9f0e-2f6d1c1b7a11}\n",
            "teams",
        ),
        ("    profile: current\n", "profile"),
        ("    access: {never: [\"tcp a.example.com\"]}\n", "access"),
    ] {
        let sandbox = Sandbox::empty();
        sandbox.write("polwarden.yaml", config(line));
        let ran = sandbox.expect(3, &["validate"]);
        assert!(
            ran.out.contains("polwarden.yaml:8:") && ran.out.contains(name),
            "{name}: {}",
            ran.text()
        );
        assert!(
            ran.out.contains("provider: chainloop"),
            "{name}: {}",
            ran.text()
        );
    }
    for (provider, line) in [
        ("docker", "    writes: true\n"),
        ("pulumi", "    rawSchemaEncoding: text\n"),
    ] {
        let sandbox = Sandbox::empty();
        sandbox.write(
            "polwarden.yaml",
            config(line).replace("chainloop", provider),
        );
        let ran = sandbox.expect(3, &["validate"]);
        assert!(
            ran.out.contains("polwarden.yaml:8:"),
            "{provider}: {}",
            ran.text()
        );
    }
}

#[test]
fn what_is_builtin_or_local_or_a_group_is_held_with_its_reason() {
    let mut site = Site::new(WRITES, vec![seed("p", &[&policy("p", "a := 1")])], &[]);
    site.sandbox.write("policies/p.yaml", policy("p", "a := 1"));
    site.sandbox.write(
        "policies/g.yaml",
        GROUP.replace("description: d", "description: e"),
    );
    let local = policy("local", "x").replace(
        "embedded: |\n        package main\n        x",
        "path: check.rego",
    );
    site.sandbox.write("policies/local.yaml", &local);
    site.sandbox.write("policies/check.rego", "package main\n");
    let builtin = policy("brought-along", "a := 1");
    let options = ChainloopOptions {
        state: emulator::StateLocation::File(site.sandbox.path("other.sqlite")),
        seed: Some(
            emulator::chainloop::ChainloopSeed::from_json(
                &serde_json::json!({
                    "organizations": [{"name": "my-org", "groups": [{"name": "g", "versions": [{"text": GROUP}]}]}],
                    "builtin": {"policies": [{"name": "brought-along", "versions": [{"text": builtin}]}]},
                })
                .to_string(),
            )
            .unwrap(),
        ),
        ..ChainloopOptions::default()
    };
    let running = site.sandbox.wait(start(options)).unwrap();
    site.sandbox
        .set("POLWARDEN_CHAINLOOP_ENDPOINT", &running.url());
    site.sandbox
        .write("policies/brought.yaml", policy("brought-along", "a := 2"));
    let ran = site.sandbox.expect(0, &["plan"]);
    for text in [
        "the server's is builtin, which is never written",
        "the service documents no call that writes it",
        "it names files, which mean nothing at the service (`check.rego`): set `inline: true` on the target, or write their content into `embedded`",
        "(1 API call)",
    ] {
        assert!(unwrapped(&ran.out).contains(text), "{text}: {}", ran.out);
    }
    site.sandbox.expect(0, APPLY);
    site.sandbox.wait(running.shutdown());
}

#[test]
fn a_plan_that_no_longer_fits_is_stale_and_another_writer_is_not_written_over() {
    let site = all_states(WRITES);
    site.sandbox.expect(0, &["plan", "--out", "plan.json"]);
    // A plan without the fingerprints of what its calls change.
    forge_plan(&site.sandbox, |plan| plan.targets[0].before.clear());
    let ran = site
        .sandbox
        .expect(6, &["apply", "forged.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("policy `meaning` has changed since the plan was made"),
        "{}",
        ran.err
    );
    site.sandbox
        .write("policies/meaning.yaml", policy("meaning", "a := 7"));
    site.sandbox.expect(0, APPLY);
    let ran = site
        .sandbox
        .expect(6, &["apply", "plan.json", "--auto-approve"]);
    assert!(
        ran.err
            .contains("policy `meaning` has changed since the plan was made"),
        "{}",
        ran.err
    );
    // Between the reading and the write: the run reads once more.
    for (place, code, said) in [
        (2, 6, "policy `p` has changed since the plan was made"),
        // After the last reading before the write.
        (3, 7, "another client wrote a version of it in the meantime"),
        // After the write and before the reading of it.
        (4, 7, "its bytes differ from the expected bytes"),
    ] {
        let mut site = Site::new(WRITES, vec![seed("p", &[&policy("p", "a := 1")])], &[]);
        site.sandbox.write("policies/p.yaml", policy("p", "a := 2"));
        site.serve(Vec::new(), &[format!("change-policy=p@{place}")]);
        let ran = site.sandbox.expect(code, APPLY);
        assert!(ran.text().contains(said), "{place}: {}", ran.text());
        let bytes = String::from_utf8(site.bytes("p").unwrap()).unwrap();
        assert_eq!(bytes.contains("a := 2"), place > 2, "{place}: {bytes}");
        assert_eq!(
            bytes.contains("another client"),
            place != 3,
            "{place}: {bytes}"
        );
    }
}

/// A fault at every write, of every kind: the apply that follows ends the work.
#[test]
fn whatever_fails_the_next_apply_ends_it() {
    for kind in [
        "before-500",
        "after-500",
        "before-reset",
        "after-reset",
        "before-429",
        "after-undecodable",
    ] {
        for write in 1..=2 {
            let fault = format!("{kind}@write:{write}");
            let mut site = Site::new(
                WRITES,
                vec![seed("p", &[&policy("p", "a := 1")])],
                std::slice::from_ref(&fault),
            );
            site.sandbox.write("policies/p.yaml", policy("p", "a := 2"));
            site.sandbox.write("policies/q.yaml", policy("q", "a := 2"));
            let ran = site.sandbox.run(APPLY);
            let told = format!("{fault}: {}", ran.text());
            assert!(matches!(ran.code, 0 | 1 | 7), "{} {told}", ran.code);
            assert!(!told.contains("panicked"), "{told}");
            site.serve(Vec::new(), &[]);
            if ran.code != 0 {
                site.sandbox.expect(0, APPLY);
            }
            site.sandbox.expect(0, &["plan", "--detailed-exitcode"]);
            assert_eq!(
                site.bytes("p").unwrap(),
                policy("p", "a := 2").into_bytes(),
                "{told}"
            );
            assert_eq!(
                site.bytes("q").unwrap(),
                policy("q", "a := 2").into_bytes(),
                "{told}"
            );
        }
    }
}

/// The plan writes policy `p`; another client changes `u`, which the plan was made from and leaves as it
/// is.
#[test]
fn changes_of_untouched_policies_are_noticed_before_and_after_the_writes() {
    for (place, code, said) in [
        // Between the reading for the plan and the first write.
        (
            "PolicyService_Get:3",
            6,
            "policy `u` has changed since the plan was made",
        ),
        (
            "PolicyService_Update:1",
            7,
            "policy `u`: changed by another client during the run",
        ),
    ] {
        let seeds = vec![
            seed("p", &[&policy("p", "a := 1")]),
            seed("u", &[&policy("u", "a := 1")]),
        ];
        let mut site = Site::new(WRITES, seeds, &[]);
        site.sandbox.write("policies/p.yaml", policy("p", "a := 2"));
        site.sandbox.write("policies/u.yaml", policy("u", "a := 1"));
        site.serve(Vec::new(), &[format!("change-policy=u@{place}")]);
        let ran = site.sandbox.expect(code, APPLY);
        assert!(ran.text().contains(said), "{place}: {}", ran.text());
        let bytes = String::from_utf8(site.bytes("p").unwrap()).unwrap();
        assert_eq!(bytes.contains("a := 2"), code == 7, "{place}: {bytes}");
    }
}
