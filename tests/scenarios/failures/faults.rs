//! Applies against an emulator with faults, through the binary: messages, how often a write is sent, and that the
//! next run makes it good.

use std::time::{Duration, Instant};

use emulator::{DockerOptions, EmulatorProfile, StateLocation};
use serde_json::{Value, json};

use super::three_rules;
use crate::cli::sandbox::{Ran, Sandbox, policy, tcp};
use crate::emulator::faults::faults;
use crate::emulator::{client, organization};

/// A deny becomes an allow before the desired state is reached.
const APPLY: &[&str] = &[
    "apply",
    "--auto-approve",
    "--concurrency",
    "1",
    "--ack",
    "last-deny=1",
];

/// A sandbox whose service has faults and keeps state and log in the sandbox.
fn faulted(profile: EmulatorProfile, specs: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new(&format!("profile: {profile}\n"));
    let options = options(&sandbox, profile, specs);
    sandbox.serve(options)
}

fn options(sandbox: &Sandbox, profile: EmulatorProfile, specs: &[&str]) -> DockerOptions {
    DockerOptions {
        profile,
        organizations: vec![organization("my-org")],
        state: StateLocation::File(sandbox.path("state.db")),
        request_log: Some(sandbox.path("requests.jsonl")),
        faults: faults(specs),
        ..DockerOptions::default()
    }
}

/// The writes so far, in the order of their answers.
fn writes(sandbox: &Sandbox) -> Vec<Value> {
    let lines: Vec<Value> = sandbox
        .read("requests.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let reads = ["listPolicies", "getPolicy", "listGroups", "signIn"];
    lines
        .into_iter()
        .filter(|line| !reads.contains(&line["operation"].as_str().unwrap()))
        .collect()
}

/// The live policies with the names of their rules, asked for by a bare client.
fn live(sandbox: &Sandbox, profile: EmulatorProfile) -> Vec<(String, Vec<String>)> {
    let base = format!("{}/v2", sandbox.url());
    let (path, body, member) = match profile {
        EmulatorProfile::Seed => (
            "users/login",
            json!({"username": "me", "password": "s"}),
            "token",
        ),
        EmulatorProfile::Intermediate | EmulatorProfile::Current => (
            "auth/token",
            json!({"identifier": "me", "secret": "s"}),
            "access_token",
        ),
    };
    sandbox.wait(async {
        let answer = client()
            .post(format!("{base}/{path}"))
            .json(&body)
            .send()
            .await
            .unwrap();
        let token = answer.json::<Value>().await.unwrap()[member]
            .as_str()
            .unwrap()
            .to_owned();
        let get = async |path: &str| {
            let request = client()
                .get(format!("{base}/orgs/my-org/governance/policies{path}"))
                .bearer_auth(&token);
            request.send().await.unwrap().json::<Value>().await.unwrap()
        };
        let list = get("").await;
        let list = if list.is_array() {
            list
        } else {
            list["data"].clone()
        };
        let mut found = Vec::new();
        for summary in list.as_array().unwrap() {
            let policy = get(&format!("/{}", summary["id"].as_str().unwrap())).await;
            let rules = policy["allowlist_v0"]["rules"]
                .as_array()
                .into_iter()
                .flatten();
            let mut rules: Vec<String> = rules
                .map(|rule| rule["name"].as_str().unwrap().to_owned())
                .collect();
            rules.sort();
            found.push((policy["name"].as_str().unwrap().to_owned(), rules));
        }
        found
    })
}

fn whole() -> Vec<(String, Vec<String>)> {
    vec![("p".to_owned(), ["a", "b", "c"].map(str::to_owned).to_vec())]
}

#[test]
fn a_write_without_an_answer_is_read_back_and_made_good_in_the_same_run() {
    for profile in EmulatorProfile::ALL {
        for kind in ["before-500", "after-500", "after-reset", "truncated"] {
            for number in 1..=4 {
                let what = format!("{profile}, {kind} at write {number}");
                let sandbox = faulted(profile, &[&format!("{kind}@write:{number}")]);
                sandbox.write("policies/p.yaml", policy("p", &three_rules()));
                let ran = sandbox.run(APPLY);
                assert_eq!(ran.code, 0, "{what}: {}{}", ran.out, ran.err);
                assert_eq!(
                    ran.out.contains("the live state shows that it was applied"),
                    kind != "before-500",
                    "{what}: {}",
                    ran.out
                );
                let sent = writes(&sandbox);
                assert_eq!(
                    sent[number - 1]["served"].is_null(),
                    kind == "before-500",
                    "{what}"
                );
                assert_eq!(
                    live(&sandbox, profile),
                    whole(),
                    "{what}: nothing is lost, nothing doubled"
                );
                let needed = if kind == "before-500" { 5 } else { 4 };
                assert_eq!(
                    sent.len(),
                    needed,
                    "{what}: only what was not applied is sent again"
                );
            }
        }
    }
}

#[test]
fn what_surely_was_not_applied_is_sent_again_and_nobody_notices() {
    for profile in EmulatorProfile::ALL {
        for specs in [
            &["before-429@write:2"][..],
            &["revoke-tokens@write:3"],
            &["before-401@write:1", "before-429=1s@write:4"],
            &[
                "before-500@listPolicies:1",
                "after-reset@getPolicy:1",
                "truncated@signIn:1",
            ],
        ] {
            let sandbox = faulted(profile, specs);
            sandbox.write("policies/p.yaml", policy("p", &three_rules()));
            sandbox.expect(0, APPLY);
            assert_eq!(live(&sandbox, profile), whole(), "{profile} {specs:?}");
            let done = writes(&sandbox)
                .iter()
                .filter(|line| line["served"] == 201)
                .count();
            assert_eq!(done, 4, "{profile} {specs:?}");
        }
    }
}

#[test]
fn reads_that_fail_at_random_end_in_an_error_or_in_the_whole() {
    let mut ends = [0, 0];
    for seed in 0..12 {
        let spec = format!("before-reset@reads,p=0.75,seed={seed}");
        let sandbox = faulted(EmulatorProfile::Current, &[&spec]);
        let prune = sandbox.read("polwarden.yaml") + "    unmanaged: prune\n";
        sandbox.write("polwarden.yaml", prune);
        sandbox.write("policies/p.yaml", policy("p", &three_rules()));
        let ran = sandbox.run(&["plan", "--detailed-exitcode"]);
        let whole = ran.code == 2 && ran.out.contains("(4 API calls)");
        let error = ran.code == 1 && ran.err.contains("listPolicies") && !ran.out.contains("Plan:");
        assert!(
            whole || error,
            "{spec}: {} {}{}",
            ran.code,
            ran.out,
            ran.err
        );
        ends[usize::from(whole)] += 1;
    }
    assert!(
        ends.iter().all(|count| *count > 0),
        "both were seen: {ends:?}"
    );
}

#[test]
fn a_server_that_crashes_in_mid_run_is_told_and_made_good() {
    for (kind, left) in [("before-crash", 3), ("after-crash", 2)] {
        let mut sandbox = faulted(EmulatorProfile::Current, &[&format!("{kind}@write:2")]);
        sandbox.write("policies/p.yaml", policy("p", &three_rules()));
        let Ran { code, out, .. } = sandbox.run(APPLY);
        assert_eq!(code, 7, "{kind}: {out}");
        assert_eq!(writes(&sandbox).len(), 2, "{kind}");
        let options = options(&sandbox, EmulatorProfile::Current, &[]);
        sandbox = sandbox.serve(options);
        let ran = sandbox.expect(0, APPLY);
        assert!(
            ran.out.contains(&format!("({left} API calls)")),
            "{kind}: {}",
            ran.out
        );
        assert_eq!(live(&sandbox, EmulatorProfile::Current), whole(), "{kind}");
    }
}

/// A live policy with three rules, and a manifest that changes the host of one.
fn changed(specs: &[&str]) -> Sandbox {
    let sandbox = faulted(EmulatorProfile::Current, specs);
    sandbox.write("policies/p.yaml", policy("p", &three_rules()));
    sandbox.expect(0, APPLY);
    let rules = three_rules().replace("b.example.com", "new.example.com");
    sandbox.write("policies/p.yaml", policy("p", &rules));
    sandbox
}

#[test]
fn another_writer_between_plan_and_call_is_noticed() {
    // Another field of the rule changes before the write: the answer contains the old value.
    let sandbox = changed(&["change-rule@updateRule:1"]);
    let ran = sandbox.expect(7, APPLY);
    assert!(
        ran.out
            .contains("applied; it replaced a change by another client"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(
        ran.out
            .contains("expected: rule \"b\": allow connect:tcp b.example.com"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("found:    rule \"b\": deny connect:tcp b.example.com"),
        "{}",
        ran.out
    );
    sandbox.expect(0, APPLY);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);

    // So does another rule of the policy.
    let sandbox = changed(&["add-rule@updateRule:1"]);
    let ran = sandbox.expect(7, APPLY);
    assert!(ran.err.contains("read back"), "{}{}", ran.out, ran.err);

    // What is gone cannot be written.
    let sandbox = changed(&["delete-rule@updateRule:1"]);
    let ran = sandbox.expect(1, APPLY);
    assert!(
        ran.out.contains("failed: changed by another client"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("found:    nothing"), "{}", ran.out);
    sandbox.expect(0, APPLY);
    assert_eq!(live(&sandbox, EmulatorProfile::Current), whole());
}

#[test]
fn a_policy_that_another_writer_makes_first_is_adopted_if_it_is_the_same() {
    let sandbox = faulted(EmulatorProfile::Current, &["add-policy=p@createPolicy:1"]);
    sandbox.write("policies/p.yaml", policy("p", &three_rules()));
    let ran = sandbox.expect(0, APPLY);
    assert!(
        ran.out
            .contains("\n  3 applied · 1 adopted (made by another client) · 0 failed"),
        "{}",
        ran.out
    );
    assert_eq!(live(&sandbox, EmulatorProfile::Current), whole());

    // A policy with another scope belongs to another client: the changes are planned, shown and applied again.
    let sandbox = faulted(EmulatorProfile::Current, &["add-policy=p@createPolicy:1"]);
    let scope = format!("scope: {{teams: [{}]}}\n", crate::emulator::TEAM);
    sandbox.write("policies/p.yaml", policy("p", &(scope + &three_rules())));
    let ran = sandbox.expect(0, APPLY);
    assert!(
        ran.out.contains("conflict") && ran.out.contains("changed by another client"),
        "{}",
        ran.out
    );
    let (_, again) = ran
        .out
        .split_once("remaining changes are planned again")
        .unwrap();
    assert!(again.contains("~ policy \"p\""), "{again}");
    assert_eq!(live(&sandbox, EmulatorProfile::Current), whole());
    assert_eq!(
        writes(&sandbox)
            .iter()
            .filter(|write| write["operation"] == "createPolicy")
            .count(),
        1
    );
}

/// A reviewed plan is not replaced by one that was not reviewed.
#[test]
fn a_conflict_with_a_reviewed_plan_is_not_planned_again() {
    let overtaken = || {
        let sandbox = faulted(EmulatorProfile::Current, &["add-policy=p@createPolicy:1"]);
        let scope = format!("scope: {{teams: [{}]}}\n", crate::emulator::TEAM);
        sandbox.write("policies/p.yaml", policy("p", &(scope + &three_rules())));
        let planned: Value =
            serde_json::from_str(&sandbox.expect(0, &["plan", "--format", "json"]).out).unwrap();
        (sandbox, planned["digest"].as_str().unwrap().to_owned())
    };
    let (sandbox, _) = overtaken();
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let ran = sandbox.expect(1, &["apply", "plan.json", "--auto-approve"]);
    assert!(
        !ran.out.contains("planned again")
            && ran.out.contains("Next: polwarden apply (it plans again"),
        "{}",
        ran.out
    );
    let (sandbox, digest) = overtaken();
    let ran = sandbox.expect(1, &["apply", "--expect-plan", &digest, "--auto-approve"]);
    assert!(!ran.out.contains("planned again"), "{}", ran.out);
}

/// Overwritten changes are not hidden by a repeated plan: the exit code reports them.
#[test]
fn a_run_that_overwrote_something_is_not_planned_again() {
    let sandbox = changed(&["change-rule@updateRule:1", "add-policy=q@createPolicy:2"]);
    let spec = format!(
        "scope: {{teams: [{}]}}\nrules:\n{}",
        crate::emulator::TEAM,
        tcp("q", "allow", "q.example.com")
    );
    sandbox.write("policies/q.yaml", policy("q", &spec));
    let ran = sandbox.expect(7, APPLY);
    assert!(
        ran.out
            .contains("applied; it replaced a change by another client")
            && ran.out.contains("conflict"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("planned again"), "{}", ran.out);
    sandbox.expect(0, APPLY);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

/// A conflict that does not go away ends the run, and what was applied is not forgotten over it.
#[test]
fn conflicts_are_not_answered_for_ever() {
    let sandbox = faulted(EmulatorProfile::Current, &["before-409@createRule"]);
    sandbox.write("policies/p.yaml", policy("p", &three_rules()));
    let ran = sandbox.expect(7, APPLY);
    assert_eq!(ran.out.matches("planned again").count(), 2, "{}", ran.out);
    assert!(
        ran.err
            .contains("Calls that were applied before remain in effect"),
        "{}",
        ran.err
    );
    let count = |operation: &str| {
        writes(&sandbox)
            .iter()
            .filter(|write| write["operation"] == operation)
            .count()
    };
    assert_eq!((count("createPolicy"), count("createRule")), (1, 3));
}

#[test]
fn a_saved_plan_that_another_writer_overtakes_is_stale() {
    for change in [
        "change-rule=c",
        "rename-policy=p",
        "change-policy=p",
        "delete-policy=p",
        "add-rule=p/any",
    ] {
        // The first apply lists policies four times, and the plan once.
        let sandbox = changed(&[&format!("{change}@listPolicies:6")]);
        sandbox.expect(0, &["plan", "--out", "plan.json"]);
        let before = writes(&sandbox).len();
        sandbox.expect(6, &["apply", "plan.json", "--auto-approve"]);
        assert_eq!(
            writes(&sandbox).len(),
            before,
            "{change}: nothing is written"
        );
    }
}

#[test]
fn a_slow_server_is_waited_for() {
    let delay = Duration::from_secs(3);
    let faults = ["delay=3s@createPolicy", "delay=3s@createRule"];
    let sandbox = faulted(EmulatorProfile::Current, &faults);
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("a", "allow", "a.example.com")),
        ),
    );
    let started = Instant::now();
    let ran = sandbox.expect(0, APPLY);
    // The rule waits for its policy.
    assert!(started.elapsed() >= 2 * delay, "{:?}", started.elapsed());
    assert!(
        ran.out
            .contains("\n  2 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped\n")
            && !ran.out.contains("the live state shows that it was applied"),
        "{}",
        ran.out
    );
    let sent: Vec<(String, Value)> = writes(&sandbox)
        .iter()
        .map(|line| {
            let operation = line["operation"].as_str().unwrap().to_owned();
            (operation, line["status"].clone())
        })
        .collect();
    let once = ["createPolicy", "createRule"].map(|name| (name.to_owned(), json!(201)));
    assert_eq!(sent, once, "nothing is sent twice");
    let one_rule = vec![("p".to_owned(), vec!["a".to_owned()])];
    assert_eq!(live(&sandbox, EmulatorProfile::Current), one_rule);
}
