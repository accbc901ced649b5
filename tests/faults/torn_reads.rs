//! Reading a whole organization is not atomic: a plan may be made from a mixture of two states. An
//! apply notices that before its first call and after its last one.

use std::process::Stdio;
use std::time::Duration;

use emulator::EmulatorProfile;

use super::races::{THEIRS, check_out, race_of};
use super::{APPLY, serving};
use crate::cli::sandbox::{Ran, Sandbox, policy, tcp};

const ACK: [&str; 2] = ["--ack", "last-deny=1"];

fn write_policies(sandbox: &Sandbox, folder: &str, deny_in: &str) {
    let deny = tcp("no paste", "deny", "\"**.paste.example.com\"");
    for (name, allow) in [
        ("a", tcp("all", "allow", "\"**.example.com\"")),
        ("b", tcp("other", "allow", "other.example.org")),
        ("c", tcp("third", "allow", "third.example.org")),
    ] {
        let rules = if name == deny_in {
            allow + &deny
        } else {
            allow
        };
        sandbox.write(
            &format!("{folder}policies/{name}.yaml"),
            policy(name, &format!("rules:\n{rules}")),
        );
    }
}

/// An organization in which policy `a` denies paste sites. The manifests of this checkout keep it so;
/// those of the other one move the deny to policy `b`.
fn rivals(faults: &[&str]) -> Sandbox {
    let sandbox = serving(EmulatorProfile::Current, faults);
    write_policies(&sandbox, "", "a");
    check_out(&sandbox);
    write_policies(&sandbox, "other/", "b");
    sandbox.expect(0, &[APPLY, &["--concurrency", "1"]].concat());
    sandbox
}

fn denies(sandbox: &Sandbox) -> usize {
    let live = super::state(sandbox, EmulatorProfile::Current);
    serde_json::json!(live)
        .to_string()
        .matches("\"deny\"")
        .count()
}

/// Two applies. The slow one reads its second policy two seconds after the first one. The
/// quick one moves the deny from `a` to `b` between the two readings.
fn slow_and_quick() -> (Sandbox, Ran) {
    let sandbox = rivals(&["delay=2s@getPolicy:5"]);
    let slow = sandbox
        .command(&[APPLY, &ACK, &["--concurrency", "1"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    sandbox.expect(0, &[THEIRS, &ACK].concat());
    let slow = Ran::of(slow.wait_with_output().unwrap());
    (sandbox, slow)
}

#[test]
fn a_plan_from_a_mixture_of_two_states_is_made_again() {
    // The order in which the service lists policies is not fixed, and only some orders make a mixture:
    // if `a` comes first, the deny seems to be in both policies, and the plan would delete it.
    for _ in 0..10 {
        let (sandbox, slow) = slow_and_quick();
        assert_eq!(denies(&sandbox), 1, "{slow:#?}");
        assert!([0, 5].contains(&slow.code), "{slow:#?}");
        if slow.out.contains("planned again") && slow.code == 0 {
            sandbox.expect(0, &["plan", "--detailed-exitcode"]);
            return;
        }
    }
    panic!("no plan was made from a mixture");
}

#[test]
fn a_change_of_an_untouched_policy_during_the_run_is_reported() {
    // The other client changes policy `b`, which this plan leaves as it is, while it changes `a`.
    let sandbox = rivals(&["change-rule=b/other@updateRule:1"]);
    let rules = tcp("all", "allow", "\"**.example.net\"")
        + &tcp("no paste", "deny", "\"**.paste.example.com\"");
    sandbox.write("policies/a.yaml", policy("a", &format!("rules:\n{rules}")));
    let ran = sandbox.expect(7, APPLY);
    assert!(
        ran.err
            .contains("policy `b`: changed by another client during the run"),
        "{ran:#?}"
    );
}

#[test]
fn rivals_that_both_exit_with_0_keep_the_deny_that_both_want() {
    let mut met = 0;
    for round in 0..12 {
        let sandbox = rivals(&["delay=5ms"]);
        let theirs = [THEIRS, &ACK].concat();
        write_policies(&sandbox, "", "c");
        let ours = [APPLY, &ACK].concat();
        let ends = race_of(
            &sandbox,
            &ours,
            &theirs,
            Duration::from_millis(round * 7 % 41),
        );
        let what = format!("round {round}: {ends:#?}");
        let codes = ends.each_ref().map(|ran| ran.code);
        assert!(
            codes.iter().all(|code| [0, 1, 5, 6, 7].contains(code)),
            "{what}"
        );
        if codes == [0, 0] {
            assert_eq!(denies(&sandbox), 1, "{what}");
        }
        met += usize::from(codes != [0, 0] || what.contains("planned again"));
    }
    assert!(met > 0, "the two never met");
}
