//! Traffic files and their replay.

use super::sandbox::{Sandbox, policy, tcp, unwrapped};

const TEAM: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";
const OTHER: &str = "0b4d2f11-7b1c-4d5e-9a6f-3c2b1a0f9e8d";

fn record(user: &str, day: u8, resource: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-11-{day:02}T10:00:00Z","category":"AUDIT_CATEGORY_EVALUATION","decision":"AUDIT_DECISION_ALLOW","username":"{user}","agent":"claude","action_type":"network_egress","resource_id":"{resource}","payload":{{"protocol":"tcp"}}}}"#
    )
}

/// A repository whose live state allows two hosts, and whose manifests allow one of them and a new one.
fn world() -> Sandbox {
    let mut sandbox = Sandbox::new(&format!("teams: {{security: {TEAM}, platform: {OTHER}}}\n"));
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", "embedded");
    let rules = |hosts: &[&str]| {
        let rules = hosts
            .iter()
            .map(|host| tcp(&format!("allow {host}"), "allow", host));
        format!("rules:\n{}", rules.collect::<String>())
    };
    let hosts = rules(&["old.example.com:443", "kept.example.com:443"]);
    sandbox.write("policies/a.yaml", policy("web", &hosts));
    sandbox.expect(0, &["apply", "-y"]);
    let hosts = rules(&["kept.example.com:443", "new.example.com:443"]);
    sandbox.write("policies/a.yaml", policy("web", &hosts));
    let records = [
        record("alice", 20, "old.example.com:443"),
        record("alice", 21, "old.example.com:443"),
        record("bob", 21, "old.example.com:443"),
        record("bob", 21, "kept.example.com:443"),
        record("bob", 21, "new.example.com:443"),
        record("bob", 21, "old.example.com"),
        r#"{"action_type":"session"}"#.to_owned(),
    ];
    sandbox.write("audit/audit-1.jsonl", records.join("\n"));
    sandbox.write("audit/audit-2.jsonl.tmp", "{");
    sandbox
}

#[test]
fn audit_records_are_imported_without_names_and_replayed() {
    let sandbox = world();
    let ran = sandbox.expect(0, &["traffic", "import", "audit", "--out", "traffic.jsonl"]);
    for expected in [
        "Imported 6 attempts as 6 rows from 1 input.",
        "Skipped 2 records:",
        "1  events of sessions",
        "1  unfinished files",
    ] {
        assert!(ran.err.contains(expected), "{expected}: {}", ran.err);
    }
    let traffic = sandbox.read("traffic.jsonl");
    assert!(!traffic.contains("alice"), "{traffic}");
    #[cfg(unix)]
    for file in ["traffic.jsonl", ".polwarden/traffic.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = sandbox.path(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }

    let ran = sandbox.expect(0, &["replay", "traffic.jsonl"]);
    let shown = unwrapped(&ran.out);
    for expected in [
        "6 attempts by 2 people, 2026-11-20 to 2026-11-21",
        "Blocked: 1 request (3 attempts)",
        "! tcp old.example.com:443",
        "3 attempts · 2 people · 1 agent · 2 days",
        "who: everyone",
        "after: denied by default",
        "Opened: 1 request (1 attempt)",
        "+ tcp new.example.com:443",
        "Not replayed: 1 attempt:",
        "1 the port is not recorded",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!ran.out.contains("kept.example.com"), "{}", ran.out);

    let json = sandbox
        .expect(0, &["replay", "traffic.jsonl", "-o", "json"])
        .json();
    assert_eq!(json["formatVersion"], 1);
    assert_eq!(json["blocked"][0]["request"], "tcp old.example.com:443");
    assert_eq!(json["blocked"][0]["people"], 2);
    assert_eq!(
        json["blocked"][0]["before"][0]["rule"],
        "allow old.example.com:443"
    );
    assert_eq!(json["blocked"][0]["after"].as_array().unwrap().len(), 0);
    assert_eq!(json["skipped"]["noPort"], 1);
}

#[test]
fn the_example_shows_what_the_documentation_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = root.join("examples/traffic");
    let sandbox = Sandbox::empty();
    for file in [
        "polwarden.yaml",
        "embedded-docker.json",
        "policies/agents.yaml",
        "audit/audit-20261126T100000Z.jsonl",
    ] {
        let text = std::fs::read(example.join(file)).unwrap();
        sandbox.write(&format!("examples/traffic/{file}"), text);
    }
    let page = std::fs::read_to_string(root.join("docs/reference/traffic.md")).unwrap();
    let blocks: Vec<&str> = page.split("```").collect();
    let mut shown = String::new();
    for command in blocks[1]
        .lines()
        .filter(|line| line.starts_with("polwarden "))
    {
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        shown.push_str(&sandbox.expect(0, &arguments).out);
    }
    let expected = blocks[3].trim_start_matches("text\n");
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn blocked_attempts_beyond_a_limit_exit_with_4() {
    let sandbox = world();
    sandbox.expect(0, &["traffic", "import", "audit", "--out", "traffic.jsonl"]);
    sandbox.expect(4, &["replay", "traffic.jsonl", "--fail-on", "blocks"]);
    let ran = sandbox.expect(4, &["replay", "traffic.jsonl", "--fail-on", "blocks:2"]);
    assert!(
        ran.err
            .contains("3 recorded attempts would be blocked; --fail-on accepts 2"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["replay", "traffic.jsonl", "--fail-on", "blocks:3"]);
    let ran = sandbox.expect(1, &["replay", "traffic.jsonl", "--fail-on", "opens"]);
    assert!(ran.err.contains("expected `blocks`"), "{}", ran.err);
}

#[test]
fn teams_of_a_file_decide_for_each_user() {
    let sandbox = world();
    // The host is closed for one team only.
    let scope = "scope: {teams: [security]}\n";
    let denied = tcp("deny old", "deny", "old.example.com:443");
    let kept = ["old", "kept"].map(|host| {
        tcp(
            &format!("allow {host}.example.com:443"),
            "allow",
            &format!("{host}.example.com:443"),
        )
    });
    sandbox.write(
        "policies/a.yaml",
        policy("web", &format!("rules:\n{}", kept.concat())),
    );
    sandbox.write(
        "policies/b.yaml",
        policy("security", &format!("{scope}rules:\n{denied}")),
    );
    sandbox.expect(0, &["traffic", "import", "audit", "--out", "traffic.jsonl"]);
    let json = |arguments: &[&str]| sandbox.expect(0, arguments).json();

    let report = json(&["replay", "traffic.jsonl", "-o", "json"]);
    assert_eq!(report["teams"], "everyCombination");
    assert_eq!(report["blocked"][0]["count"], 3);
    assert_eq!(report["blocked"][0]["who"][0]["allOf"][0], "security");

    sandbox.write("teams.yaml", "Alice: [security]\nbob: [platform]\n");
    let report = json(&[
        "replay",
        "traffic.jsonl",
        "--principals",
        "teams.yaml",
        "-o",
        "json",
    ]);
    assert_eq!(report["teams"], "file");
    assert_eq!(report["blocked"][0]["count"], 2, "{report}");
    assert_eq!(report["blocked"][0]["people"], 1);
    assert!(report["blocked"][0]["who"].is_null());

    // Without the key, users cannot be compared: that is an error, not "nobody is affected".
    std::fs::remove_file(sandbox.path(".polwarden/traffic.key")).unwrap();
    sandbox.expect(
        0,
        &[
            "traffic",
            "import",
            "audit/audit-1.jsonl",
            "--out",
            "other.jsonl",
        ],
    );
    let ran = sandbox.expect(
        1,
        &["replay", "traffic.jsonl", "--principals", "teams.yaml"],
    );
    assert!(ran.err.contains("written with another key"), "{}", ran.err);
}

#[test]
fn names_are_kept_only_on_request_and_revisions_are_compared() {
    let sandbox = world();
    let arguments = [
        "traffic",
        "import",
        "audit",
        "--out",
        "kept.jsonl",
        "--keep-names",
    ];
    sandbox.expect(0, &arguments);
    assert!(sandbox.read("kept.jsonl").contains("\"alice\""));

    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        command
            .current_dir(sandbox.path("."))
            .args(identity)
            .args(arguments);
        assert!(command.output().unwrap().status.success());
    };
    git(&["init", "-q"]);
    git(&["add", "policies", "polwarden.yaml"]);
    git(&["commit", "-q", "-m", "base"]);
    std::fs::write(
        sandbox.path("policies/a.yaml"),
        policy(
            "web",
            &format!("rules:\n{}", tcp("r", "allow", "kept.example.com:443")),
        ),
    )
    .unwrap();
    let ran = sandbox.expect(0, &["replay", "kept.jsonl", "--base", "HEAD"]);
    assert!(ran.out.contains("the manifests at HEAD"), "{}", ran.out);
    assert!(ran.out.contains("! tcp new.example.com:443"), "{}", ran.out);
    assert!(!ran.out.contains("alice"), "{}", ran.out);
    let ran = sandbox.expect(
        0,
        &["replay", "kept.jsonl", "--base", "HEAD", "--at", "HEAD"],
    );
    assert!(
        ran.out.contains("No replayed request changes."),
        "{}",
        ran.out
    );
}

#[test]
fn a_file_that_is_no_traffic_is_an_error_with_the_next_command() {
    let sandbox = world();
    let ran = sandbox.expect(1, &["replay", "audit/audit-1.jsonl"]);
    assert!(ran.err.contains("polwarden traffic import"), "{}", ran.err);
    sandbox.write("notes.txt", "nothing\n");
    let ran = sandbox.expect(1, &["traffic", "import", "notes.txt", "--out", "x.jsonl"]);
    assert!(ran.err.contains("unknown format"), "{}", ran.err);
    assert!(!sandbox.path("x.jsonl").exists());
    let ran = sandbox.expect(
        1,
        &["traffic", "import", "missing.jsonl", "--out", "x.jsonl"],
    );
    assert!(ran.err.contains("missing.jsonl"), "{}", ran.err);
}
