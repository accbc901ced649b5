//! Plans, applies and rollbacks in terminals of 80 and 200 columns, and comments on pull requests.

use emulator::{DockerOptions, EmulatorProfile};

use super::scenarios::{self, Scenario, at};
use crate::cli::sandbox::{Sandbox, policy, tcp};
use crate::emulator::organization;

const WIDTHS: [usize; 2] = [80, 200];

/// Compares with a snapshot, without what differs between two runs.
macro_rules! assert_view {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => vec![
                (r"\b(pol|rule)_[0-9a-z]{20,}", "[$1 id]"),
                (r"sha256:[0-9a-f]{64}", "sha256:[digest]"),
                (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
                (r"\b\d{8}T\d{9}Z-[0-9a-f]{8}\b", "[run]"),
                (r" · \d+ s\b", " · [time] s"),
                (r"request id(\s+)[0-9a-z]+", "request id$1[id]"),
                // The mark covers ids of the server.
                (r"\bplan([ =]|\n +)[0-9a-f]{16}\b", "plan$1[mark]"),
                (r"(Plan of `[a-z]+`: `)[0-9a-f]{16}", "$1[mark]"),
            ],
        }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

fn widths(name: &str, scenario: &Scenario) {
    for width in WIDTHS {
        let text = scenario.at(width);
        assert_width(&text, width);
        assert_view!(format!("{name}_{width}"), text);
    }
}

/// No line is longer than the terminal is wide, apart from single words and commands to copy.
fn assert_width(text: &str, width: usize) {
    let is_command = |line: &&str| line.starts_with("Next: ") || line.starts_with("Requires: ");
    for line in text.lines().filter(|line| !is_command(line)) {
        let is_one_word = !line.trim().contains(' ');
        assert!(
            line.chars().count() <= width || is_one_word,
            "{width}: {line}"
        );
    }
}

#[test]
fn three_changes() {
    let scenario = scenarios::three_changes();
    widths("three_changes", &scenario);
    assert_view!("three_changes_comment", scenario.format("markdown"));
}

#[test]
fn three_hundred_hosts_fit_in_sixty_lines_and_eight_kilobytes() {
    for (name, scenario) in [
        ("hosts", scenarios::three_hundred_hosts()),
        ("rules", scenarios::three_hundred_rules()),
    ] {
        widths(&format!("three_hundred_{name}"), &scenario);
        for width in WIDTHS {
            let lines = scenario.at(width).lines().count();
            assert!(lines <= 60, "{name}, {width} columns: {lines} lines");
        }
        let comment = scenario.format("markdown");
        assert!(comment.len() <= 8_192, "{name}: {} bytes", comment.len());
        assert!(comment.contains("300 opened"), "{comment}");
    }
}

#[test]
fn a_widened_scope() {
    let scenario = scenarios::widened_scope();
    widths("widened_scope", &scenario);
    assert_view!("widened_scope_comment", scenario.format("markdown"));
}

#[test]
fn removed_and_renamed_manifests() {
    let scenario = scenarios::removed_and_renamed();
    widths("removed_and_renamed", &scenario);
    assert_view!("removed_and_renamed_comment", scenario.format("markdown"));
}

#[test]
fn several_targets() {
    let scenario = scenarios::several_targets();
    widths("several_targets", &scenario);
    assert_view!("several_targets_comment", scenario.format("markdown"));
}

#[test]
fn no_changes() {
    widths("no_changes", &scenarios::no_changes());
}

#[test]
fn packs() {
    widths("pulumi", &scenarios::example("pulumi"));
}

#[test]
fn documents() {
    widths("chainloop", &scenarios::example("chainloop"));
}

#[test]
fn the_plan_of_the_quick_start_fits_on_one_screen() {
    for scenario in [
        scenarios::quick_start_at_an_empty_organization(),
        scenarios::example("quickstart"),
    ] {
        let text = scenario.at(80);
        let lines = text.lines().count();
        assert!(lines <= 45, "{lines} lines:\n{text}");
        assert_width(&text, 80);
    }
}

/// A policy with three rules, at a service that refuses a call.
fn refusing(call: &str) -> Sandbox {
    let options = DockerOptions {
        profile: EmulatorProfile::Current,
        organizations: vec![organization("acme")],
        faults: vec![format!("before-403@{call}").parse().unwrap()],
        ..DockerOptions::default()
    };
    let sandbox = Sandbox::empty().serve(options);
    let target = crate::cli::sandbox::target("production", "acme", "policies", "");
    let config = format!("apiVersion: polwarden/v1\nkind: Config\ntargets:\n{target}");
    sandbox.write("polwarden.yaml", config);
    let rules = ["git", "models", "telemetry"];
    let rules = rules.map(|name| tcp(name, "allow", &format!("\"{name}.example.com:443\"")));
    let spec = format!("rules:\n{}", rules.concat());
    sandbox.write("policies/p.yaml", policy("Tools", &spec));
    sandbox
}

#[test]
fn a_failed_apply() {
    for width in WIDTHS {
        let sandbox = refusing("createRule:2");
        let arguments = ["apply", "--auto-approve", "--concurrency", "1"];
        let ran = at(&sandbox, width, &arguments);
        assert_eq!(ran.code, 7, "{ran:#?}");
        assert_view!(format!("failed_apply_{width}"), ran.out);
    }
}

#[test]
fn the_summary_says_what_is_open_beyond_the_plan() {
    let sandbox = refusing("deleteRule:1");
    sandbox.expect(0, &["apply", "--auto-approve"]);
    let rules = ["git", "models"].map(|name| {
        let host = format!("\"{name}.example.com:443\"");
        tcp(name, "allow", &host)
    });
    let spec = format!("rules:\n{}", rules.concat());
    sandbox.write("policies/p.yaml", policy("Tools", &spec));
    let deny = format!("rules:\n{}", tcp("paste", "deny", "paste.example.com"));
    sandbox.write("policies/q.yaml", policy("Paste sites", &deny));
    let ran = sandbox.expect(7, &["apply", "--auto-approve", "--concurrency", "1"]);
    let now = "Access now: open beyond the plan: telemetry.example.com:443 (everyone)\n";
    assert!(ran.out.contains(now), "{}", ran.out);
    let last = sandbox.expect(0, &["runs", "last"]).out;
    assert!(last.contains("Access now: not checked;"), "{last}");
}

#[test]
fn a_rollback() {
    let scenario = scenarios::no_changes();
    for width in WIDTHS {
        let ran = at(&scenario.sandbox, width, &["rollback", "--auto-approve"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
        assert_view!(format!("rollback_{width}"), ran.out);
        // Undone once more, so that both widths show the same plan.
        let again = ["rollback", "--auto-approve", "--ack", "scope-widens=1"];
        scenario.sandbox.expect(0, &again);
    }
}
