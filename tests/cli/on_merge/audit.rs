//! The audit record: from the commit down to the server's clock.

use emulator::DockerOptions;
use serde_json::Value;

use super::{MAIN, Site};
use crate::cli::sandbox::{SECRET, policy, tcp};

/// A site with a service of its own, and two rules to make.
fn serving() -> Site {
    let Site {
        sandbox,
        repository,
    } = Site::in_pipeline(MAIN);
    let site = Site {
        sandbox: sandbox.serve(DockerOptions::default()),
        repository,
    };
    let rules = tcp("a", "allow", "a.example.com") + &tcp("b", "deny", "b.example.com");
    site.sandbox
        .write("policies/p.yaml", policy("p", &format!("rules:\n{rules}")));
    site.commit();
    site
}

fn apply(site: &Site, code: i32, more: &[&str]) -> crate::cli::sandbox::Ran {
    site.sandbox
        .expect(code, &[&["apply", "--auto-approve"], more].concat())
}

fn record(site: &Site, name: &str) -> Value {
    let record: Value = serde_json::from_str(&site.sandbox.read(name)).unwrap();
    site.sandbox
        .expect(0, &["schema", "--out", "../schemas-of-the-audit"]);
    let schema = site
        .sandbox
        .read("../schemas-of-the-audit/audit.schema.json");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let faults: Vec<String> = jsonschema::draft202012::new(&schema)
        .unwrap()
        .iter_errors(&record)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?}: {record:#}");
    assert_eq!(
        (
            &record["formatVersion"],
            record["runs"].as_array().unwrap().len()
        ),
        (&3.into(), 1)
    );
    record["runs"][0].clone()
}

#[test]
fn it_links_the_commit_to_changes_calls_and_the_clock_of_the_server() {
    let mut site = serving();
    site.sandbox.set("GITHUB_ACTIONS", "true");
    site.sandbox.set("GITHUB_ACTOR", "ann-at-work");
    let ran = apply(&site, 0, &["--audit-record", "audit.json"]);
    let record = record(&site, "audit.json");
    let head = site.history().pop().unwrap();
    assert_eq!(record["commit"]["id"], head);
    assert_eq!(record["commit"]["author"]["email"], "ann@example.com");
    assert_eq!(
        record["commit"]["committer"]["time"],
        "2026-03-01T00:00:00Z"
    );
    assert_eq!(record["commit"]["pipeline"]["actor"], "ann-at-work");
    assert_eq!(
        record["result"],
        serde_json::json!({
            "applied": 3, "replaced": 0, "adopted": 0, "failed": 0, "unknown": 0, "skipped": 0
        })
    );
    let changes = record["targets"][0]["changes"].as_array().unwrap();
    let told: Vec<_> = changes
        .iter()
        .map(|change| (&change["change"]["part"], &change["change"]["source"]))
        .collect();
    assert_eq!(told.len(), 3, "{record:#}");
    let line = |rule: &str| {
        let (_, source) = told.iter().find(|(name, _)| **name == rule).unwrap();
        assert_eq!(source["file"], "policies/p.yaml");
        source["line"].as_u64().unwrap()
    };
    assert_eq!(line("b"), line("a") + 1);
    for change in changes {
        let call = &change["calls"][0];
        assert_eq!(call["result"], "applied");
        assert!(call["id"].as_str().unwrap().starts_with("pol_"), "{call}");
        let rule = change["change"]["resource"] == "rule";
        assert_eq!(call["part"].is_string(), rule, "{call}");
        // A rule has no time of its own.
        assert_eq!(
            call["serverTime"]["saidBy"],
            if rule { "date" } else { "updatedAt" },
            "{call}"
        );
        let time = call["serverTime"]["time"].as_str().unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    // It is printed, and is in the journal, from which it is made again to the letter.
    assert!(
        ran.out
            .contains(&format!("Audit: run {}", record["run"].as_str().unwrap())),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains(&head[..7])
            && ran
                .out
                .contains("\n  3 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped\n"),
        "{}",
        ran.out
    );
    site.sandbox
        .expect(0, &["runs", "last", "--audit-record", "again.json"]);
    assert_eq!(
        site.sandbox.read("again.json"),
        site.sandbox.read("audit.json")
    );
    for (path, bytes) in site.sandbox.files() {
        assert!(
            !String::from_utf8_lossy(&bytes).contains(SECRET),
            "{}",
            path.display()
        );
    }
}

#[test]
fn what_failed_and_what_was_never_begun_is_in_it() {
    let faults = vec!["before-400@createPolicy:1".parse().unwrap()];
    let Site {
        sandbox,
        repository,
    } = Site::in_pipeline(MAIN);
    let site = Site {
        sandbox: sandbox.serve(DockerOptions {
            faults,
            ..DockerOptions::default()
        }),
        repository,
    };
    let ran = apply(&site, 1, &["--audit-record", "audit.json"]);
    let record = record(&site, "audit.json");
    assert_eq!(
        record["result"],
        serde_json::json!({
            "applied": 0, "replaced": 0, "adopted": 0, "failed": 1, "unknown": 0, "skipped": 1
        })
    );
    let changes = record["targets"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{record:#}");
    let skipped = &changes[1]["calls"][0];
    assert_eq!(skipped["result"], "skipped", "{skipped}");
    assert_eq!(
        skipped["skipped"],
        serde_json::json!({"afterFailure": {"call": 1}})
    );
    assert!(skipped.get("sent").is_none(), "{skipped}");
    let call = &changes[0]["calls"][0];
    assert_eq!(call["result"], "failed");
    assert!(
        call["error"].as_str().unwrap().contains("400") && call.get("serverTime").is_none(),
        "{call}"
    );
    assert!(
        ran.out
            .contains("\n  0 applied · 0 adopted · 1 failed · 0 unknown · 1 skipped\n"),
        "{}",
        ran.out
    );
}

#[test]
fn what_cannot_be_recorded_is_not_begun() {
    let site = serving();
    let ran = apply(&site, 1, &["--audit-record", "absent/audit.json"]);
    assert!(
        ran.err
            .contains("cannot write the audit record to `absent/audit.json`"),
        "{}",
        ran.err
    );
    assert!(!site.sandbox.path(".polwarden/journal").exists());
    site.sandbox.expect(2, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_rollback_has_one_too() {
    let site = serving();
    apply(&site, 0, &[]);
    site.sandbox.expect(
        0,
        &[
            "rollback",
            "--auto-approve",
            "--audit-record",
            "audit.json",
            "--ack",
            "prune=1,last-deny=1",
        ],
    );
    let record = record(&site, "audit.json");
    assert!(
        record["kind"]["rollback"].is_string() && record.get("commit").is_none(),
        "{record:#}"
    );
}
