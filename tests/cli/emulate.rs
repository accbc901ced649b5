//! `emulate` as a process of its own.

use std::fs::read_to_string;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::assert_stable;
use super::sandbox::{Ran, SECRET, Sandbox};
use crate::emulator::client;

/// A process that does not outlive its test.
struct Process(Option<Child>);

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Process {
    fn start(sandbox: &Sandbox, service: &str, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(&["emulate", service, "--port-file", "port"]);
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }

    /// Waits until it ends.
    fn end(mut self) -> Ran {
        Ran::of(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

fn url(sandbox: &Sandbox) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !sandbox.path("port").exists() {
        assert!(Instant::now() < deadline, "the service does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    format!("http://127.0.0.1:{}", sandbox.read("port").trim())
}

#[test]
fn faults_strike_and_a_crash_ends_the_command_with_1() {
    let sandbox = Sandbox::empty();
    let arguments = [
        "--request-log",
        "log",
        "--fault",
        "after-500@write:1",
        "--fault",
        "crash@createPolicy:3",
    ];
    let process = Process::start(&sandbox, "docker", &arguments);
    let url = url(&sandbox);
    let statuses = sandbox.wait(async {
        let credentials = json!({"identifier": "me", "secret": SECRET});
        let answer = client()
            .post(format!("{url}/v2/auth/token"))
            .json(&credentials)
            .send()
            .await
            .unwrap();
        let token: Value = answer.json().await.unwrap();
        let mut statuses = Vec::new();
        for name in ["a", "a", "b"] {
            let request = client().request(
                Method::POST,
                format!("{url}/v2/orgs/my-org/governance/policies"),
            );
            let request = request
                .bearer_auth(token["access_token"].as_str().unwrap())
                .json(&json!({"name": name}));
            statuses.push(
                request
                    .send()
                    .await
                    .map(|answer| answer.status().as_u16())
                    .ok(),
            );
        }
        statuses
    });
    assert_eq!(
        statuses,
        [Some(500), Some(409), None],
        "the first was done all the same"
    );
    assert_stable!("emulate_crash", process.end().text());
    let log = read_to_string(sandbox.path("log")).unwrap();
    let faults = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["faults"].clone());
    let wanted = [
        json!([]),
        json!(["after-500@write:1"]),
        json!([]),
        json!(["before-crash@createPolicy:3"]),
    ];
    assert_eq!(faults.collect::<Vec<_>>(), wanted);
    assert!(!log.contains(SECRET));
}

#[test]
fn a_wrong_fault_is_told_before_anything_is_served() {
    let sandbox = Sandbox::empty();
    for (name, spec) in [
        ("kind", "rest-before@write:1"),
        ("status", "before-200"),
        ("selector", "before-500@createrule:1"),
        ("number", "before-500@write:0"),
        ("name", "change-rule=\"open@write:1"),
    ] {
        let ran = sandbox.expect(
            1,
            &["emulate", "docker", "--port-file", "port", "--fault", spec],
        );
        assert_stable!(format!("emulate_fault_{name}"), ran.text());
        assert!(!sandbox.path("port").exists());
    }
}

#[test]
fn the_second_service_takes_a_seed_a_token_and_faults_of_its_own() {
    let mut sandbox = Sandbox::empty();
    sandbox.write(
        "seed.json",
        r#"{"organizations": [{"name": "acme", "stacks": [{"name": "s", "routingProject": "p"}]}]}"#,
    );
    sandbox.set("POLWARDEN_EMULATOR_TOKEN", SECRET);
    let arguments = [
        &[
            "--seed-file",
            "seed.json",
            "--state",
            "state/pulumi.sqlite",
            "--request-log",
            "log",
            "--warning",
            "soon",
        ][..],
        &["--fault", "crash@NewPolicyGroup:2"],
    ];
    let process = Process::start(&sandbox, "pulumi", &arguments.concat());
    let url = url(&sandbox);
    let (warned, statuses) = sandbox.wait(async {
        let groups = format!("{url}/api/orgs/acme/policygroups");
        let list = client()
            .get(&groups)
            .header("authorization", format!("token {SECRET}"))
            .send()
            .await
            .unwrap();
        let warned = list.headers()["x-pulumi-warning"].clone();
        let mut statuses = vec![Some(list.status().as_u16())];
        for (token, name) in [("wrong", "a"), (SECRET, "a")] {
            let request = client()
                .post(&groups)
                .header("authorization", format!("token {token}"));
            let request = request.json(&json!({"name": name, "entityType": "stacks"}));
            statuses.push(
                request
                    .send()
                    .await
                    .map(|answer| answer.status().as_u16())
                    .ok(),
            );
        }
        (warned, statuses)
    });
    assert_eq!(
        (warned.to_str().unwrap(), statuses),
        ("soon", vec![Some(200), Some(401), None])
    );
    let ended = process.end();
    assert!(
        ended
            .text()
            .contains("the emulator has crashed, as a --fault asked for"),
        "{}",
        ended.text()
    );
    assert!(sandbox.path("state/pulumi.sqlite").exists());
    assert!(
        !read_to_string(sandbox.path("log"))
            .unwrap()
            .contains(SECRET)
    );

    sandbox.write(
        "seed.json",
        r#"{"organizations": [{"name": "acme", "packs": []}]}"#,
    );
    for (arguments, wanted) in [
        (["--seed-file", "seed.json"], "unknown field `packs`"),
        (
            ["--fault", "add-policy@write:1"],
            "add-, switch-, configure- or remove-pack",
        ),
        (["--state", "/dev/null/x"], "cannot create"),
    ] {
        let ran = sandbox.expect(1, &[&["emulate", "pulumi"][..], &arguments].concat());
        assert!(ran.text().contains(wanted), "{}", ran.text());
    }
}
