//! Applies that fail on the way, through the binary.

mod faults;
pub(crate) mod proxy;

use std::sync::Arc;

use emulator::{DockerOptions, EmulatorProfile};

use self::proxy::{Asked, Fault, Faulty};
use crate::cli::sandbox::{Sandbox, policy, target, tcp};
use crate::emulator::organization;

/// A sandbox whose service is behind a proxy.
fn behind(
    profile: EmulatorProfile,
    decide: impl Fn(&Asked) -> Fault + Send + Sync + 'static,
) -> (Sandbox, Faulty) {
    let organizations = ["my-org", "other-org"].map(organization).to_vec();
    let mut sandbox = Sandbox::new(&format!("profile: {profile}\n")).serve(DockerOptions {
        profile,
        organizations,
        ..DockerOptions::default()
    });
    let url = sandbox.url();
    let faulty = sandbox.wait(Faulty::start(&url, Arc::new(decide)));
    sandbox.sign_in_at(&faulty.url());
    (sandbox, faulty)
}

const INTERNAL: &str = r#"{"error":{"code":"internal","message":"internal error"}}"#;
const CONFLICT: &str = r#"{"error":{"code":"conflict","message":"name is taken"}}"#;

fn three_rules() -> String {
    format!(
        "rules:\n{}{}{}",
        tcp("a", "allow", "a.example.com"),
        tcp("b", "allow", "b.example.com"),
        tcp("c", "allow", "c.example.com")
    )
}

const APPLY: &[&str] = &["apply", "--auto-approve", "--concurrency", "1"];

#[test]
fn a_refused_call_in_the_middle_is_7_and_blocks_its_policy() {
    for profile in EmulatorProfile::ALL {
        let (sandbox, faulty) = behind(profile, |asked| {
            Fault::answer_if(asked.write == 3, 400, CONFLICT)
        });
        sandbox.write("policies/p.yaml", policy("p", &three_rules()));
        let ran = sandbox.expect(7, APPLY);
        assert_eq!(
            faulty.writes().len(),
            3,
            "{profile}: nothing more is sent to the policy"
        );
        assert!(ran.out.contains("failed, not applied"), "{}", ran.out);
        assert!(ran.out.contains("name is taken"), "{}", ran.out);
        assert!(
            ran.out.contains("skipped, because call 3 failed"),
            "{}",
            ran.out
        );
        assert!(
            ran.out
                .contains("\n  2 applied · 0 adopted · 1 failed · 0 unknown · 1 skipped\n"),
            "{}",
            ran.out
        );
        // The next run does the rest, and only that.
        let ran = sandbox.expect(0, APPLY);
        assert!(ran.out.contains("(2 API calls)"), "{}", ran.out);
        sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    }
}

#[test]
fn a_write_that_ends_in_a_fault_is_read_back_and_repeated_only_if_it_was_not_applied() {
    for applied in [false, true] {
        let (sandbox, faulty) = behind(EmulatorProfile::Current, move |asked| {
            match (asked.write == 2, applied) {
                (true, true) => Fault::AfterAll(500, INTERNAL),
                (true, false) => Fault::Answer(500, INTERNAL),
                _ => Fault::Pass,
            }
        });
        sandbox.write("policies/p.yaml", policy("p", &three_rules()));
        let ran = sandbox.expect(0, APPLY);
        assert_eq!(
            faulty.writes().len(),
            if applied { 4 } else { 5 },
            "no blind retry"
        );
        assert_eq!(
            ran.out.contains("the live state shows that it was applied"),
            applied,
            "{}",
            ran.out
        );
        sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    }
}

#[test]
fn a_first_call_that_is_refused_is_an_error() {
    let (sandbox, faulty) = behind(EmulatorProfile::Current, |asked| {
        Fault::answer_if(asked.write == 1, 400, CONFLICT)
    });
    sandbox.write("policies/p.yaml", policy("p", &three_rules()));
    sandbox.expect(1, APPLY);
    assert_eq!(faulty.writes().len(), 1);
}

#[test]
fn an_answer_that_is_not_understood_is_no_success() {
    // If the answer of the read-back is unusable too, the outcome is unknown.
    let seen = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (sandbox, faulty) = behind(EmulatorProfile::Current, move |asked| {
        let broken = seen.load(std::sync::atomic::Ordering::SeqCst) && asked.method == "GET";
        let breaks = asked.write == 2 && asked.method != "GET";
        seen.fetch_or(breaks, std::sync::atomic::Ordering::SeqCst);
        if breaks || broken {
            Fault::Truncate
        } else {
            Fault::Pass
        }
    });
    sandbox.write("policies/p.yaml", policy("p", &three_rules()));
    let ran = sandbox.expect(7, APPLY);
    assert_eq!(faulty.writes().len(), 2);
    assert!(ran.out.contains("it may have been applied"), "{}", ran.out);
    assert!(
        ran.out
            .contains("\n  1 applied · 0 adopted · 0 failed · 1 unknown · 2 skipped\n"),
        "{}",
        ran.out
    );
}

#[test]
fn what_the_server_kept_otherwise_is_noticed_when_it_is_read_back() {
    // The service says that it made the rule, but did not.
    const MADE: &str = r#"{"id":"rule_x","name":"c","actions":["connect:tcp"],"resources":["c.example.com"],"decision":"allow"}"#;
    let (sandbox, _faulty) = behind(EmulatorProfile::Current, |asked| {
        Fault::answer_if(asked.write == 4, 201, MADE)
    });
    sandbox.write("policies/p.yaml", policy("p", &three_rules()));
    let ran = sandbox.expect(7, APPLY);
    assert!(ran.err.contains("read back"), "{}", ran.err);
    assert!(
        !ran.out.contains("the server has the desired state"),
        "a false success: {}",
        ran.out
    );
}

#[test]
fn a_failed_read_back_does_not_hide_what_was_done() {
    let writes = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = Arc::clone(&writes);
    let (sandbox, faulty) = behind(EmulatorProfile::Current, move |asked| {
        seen.fetch_max(asked.write, std::sync::atomic::Ordering::SeqCst);
        let done = seen.load(std::sync::atomic::Ordering::SeqCst) == 4;
        Fault::answer_if(
            done && asked.method == "GET",
            403,
            r#"{"error":{"code":"permission_denied","message":"no"}}"#,
        )
    });
    sandbox.write("policies/p.yaml", policy("p", &three_rules()));
    let ran = sandbox.expect(7, APPLY);
    assert_eq!(faulty.writes().len(), 4);
    assert!(ran.err.contains("permission_denied"), "{}", ran.err);
    assert!(
        ran.out
            .contains("\n  4 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped\n"),
        "the count is still told: {}",
        ran.out
    );
    assert!(
        !ran.out.contains("the server has the desired state"),
        "a false success: {}",
        ran.out
    );
}

fn two_targets(sandbox: &Sandbox, second: &str) {
    let targets =
        target("first", "my-org", "policies/a", "") + &target("second", second, "policies/b", "");
    sandbox.write(
        "polwarden.yaml",
        format!("apiVersion: polwarden/v1\nkind: Config\ntargets:\n{targets}"),
    );
    sandbox.write("policies/a/p.yaml", policy("p", &three_rules()));
    sandbox.write("policies/b/p.yaml", policy("p", &three_rules()));
}

#[test]
fn failures_of_two_organizations_are_both_told() {
    let (sandbox, faulty) = behind(EmulatorProfile::Current, |_| Fault::Pass);
    two_targets(&sandbox, "other-org");
    let text = sandbox
        .read("polwarden.yaml")
        .replace("my-org", "absent-a")
        .replace("other-org", "absent-b");
    sandbox.write("polwarden.yaml", text);
    for arguments in [&["plan"][..], &["apply", "--auto-approve"], &["import"]] {
        let ran = sandbox.expect(1, arguments);
        for target in ["first", "second"] {
            assert!(
                ran.err.contains(&format!("target `{target}`")),
                "{arguments:?} hides {target}: {}",
                ran.err
            );
        }
    }
    // Teams have to be asked for: another operation fails first.
    let scoped = policy(
        "p",
        &format!("scope: {{teams: [security]}}\n{}", three_rules()),
    );
    sandbox.write("policies/a/p.yaml", scoped);
    for arguments in [&["plan"][..], &["validate", "--live"]] {
        let ran = sandbox.expect(1, arguments);
        assert!(ran.err.contains("target `first`"), "{}", ran.err);
    }
    let ran = sandbox.expect(1, &["plan"]);
    assert!(
        ran.err.contains("target `second`"),
        "the teams of the first hide the second: {}",
        ran.err
    );
    assert_eq!(faulty.writes().len(), 0);
}

#[test]
fn one_organization_that_fails_leaves_the_other_untouched() {
    let (sandbox, faulty) = behind(EmulatorProfile::Current, |_| Fault::Pass);
    two_targets(&sandbox, "absent");
    let ran = sandbox.expect(1, APPLY);
    assert!(
        ran.err.contains("target `second`") && ran.err.contains("not_found"),
        "{}",
        ran.err
    );
    assert_eq!(
        faulty.writes().len(),
        0,
        "nothing is written without a plan"
    );
    sandbox.expect(0, &["apply", "--auto-approve", "--target", "first"]);
    assert_eq!(faulty.writes().len(), 4);
}

#[test]
fn a_failure_at_the_first_organization_leaves_the_second_to_go_on() {
    let (sandbox, faulty) = behind(EmulatorProfile::Current, |asked| {
        Fault::answer_if(asked.write == 2, 400, CONFLICT)
    });
    two_targets(&sandbox, "other-org");
    let ran = sandbox.expect(7, APPLY);
    assert!(
        ran.out
            .contains("\n  5 applied · 0 adopted · 1 failed · 0 unknown · 2 skipped\n"),
        "{}",
        ran.out
    );
    assert_eq!(
        faulty
            .writes()
            .iter()
            .filter(|asked| asked.path.contains("/other-org/"))
            .count(),
        4
    );
}

#[test]
fn a_refused_sign_in_is_not_tried_again() {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = Arc::clone(&asked);
    let (sandbox, _faulty) = behind(EmulatorProfile::Current, move |asked| {
        let sign_in = asked.path.ends_with("/auth/token");
        if sign_in {
            seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        Fault::answer_if(
            sign_in,
            401,
            r#"{"detail":"Incorrect authentication credentials"}"#,
        )
    });
    two_targets(&sandbox, "other-org");
    let ran = sandbox.expect(1, &["plan"]);
    assert!(ran.err.contains("401"), "{}", ran.err);
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}
