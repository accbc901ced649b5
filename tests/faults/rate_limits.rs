//! A server that accepts only a few requests per second, or asks for a long pause.

use std::num::NonZeroU32;

use emulator::DockerOptions;

use crate::cli::sandbox::{Sandbox, policy, tcp};

fn manifests(sandbox: &Sandbox, policies: usize) {
    for number in 0..policies {
        let host = format!("h{number}.example.com");
        let rules = format!("rules:\n{}", tcp("r", "allow", &host));
        let text = policy(&format!("p{number}"), &rules);
        sandbox.write(&format!("policies/p{number}.yaml"), text);
    }
}

#[test]
fn an_apply_follows_the_rate_of_the_server_and_no_call_fails() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.jsonl");
    let sandbox = Sandbox::new("").serve(DockerOptions {
        requests_per_second: NonZeroU32::new(20),
        request_log: Some(log.clone()),
        ..DockerOptions::default()
    });
    manifests(&sandbox, 40);

    let ran = sandbox.expect(0, &["apply", "--auto-approve"]);

    assert!(ran.out.contains("80 applied"), "{}\n{}", ran.out, ran.err);
    let requests = std::fs::read_to_string(log).unwrap();
    let refused = requests
        .lines()
        .filter(|line| line.contains("\"status\":429"))
        .count();
    let sent = requests.lines().count();
    assert!(
        refused > 0 && refused < sent / 3,
        "{refused} of {sent} refused"
    );
}

#[test]
fn a_pause_beyond_the_limit_ends_the_run_and_says_how_to_go_on() {
    let faulty = |at: &str| {
        Sandbox::new("").serve(DockerOptions {
            faults: vec![format!("before-429=1000s@{at}").parse().unwrap()],
            ..DockerOptions::default()
        })
    };
    let nothing = faulty("write:1");
    manifests(&nothing, 3);
    let ran = nothing.expect(1, &["apply", "--auto-approve", "--concurrency", "1"]);
    let text = format!("{}{}", ran.out, ran.err);
    assert!(text.contains("--max-wait"), "{text}");
    assert!(text.contains("1 failed"), "{text}");
    assert!(text.contains("5 skipped"), "{text}");

    let partly = faulty("write:3");
    manifests(&partly, 3);
    let ran = partly.expect(7, &["apply", "--auto-approve", "--concurrency", "1"]);
    let text = format!("{}{}", ran.out, ran.err);
    assert!(text.contains("2 applied"), "{text}");
    assert!(text.contains("polwarden apply"), "{text}");

    let reading = faulty("read:1");
    manifests(&reading, 3);
    let ran = reading.expect(1, &["plan"]);
    assert!(
        ran.err
            .contains("the rate limit is used up, and the server asks to wait"),
        "{}",
        ran.err
    );
}

#[test]
fn a_longer_wait_is_allowed_and_announced() {
    let sandbox = Sandbox::new("").serve(DockerOptions {
        faults: vec!["before-429=6s@read:1".parse().unwrap()],
        ..DockerOptions::default()
    });
    manifests(&sandbox, 1);
    let ran = sandbox.expect(1, &["plan", "--max-wait", "5s"]);
    assert!(ran.err.contains("wait 6 s more"), "{}", ran.err);

    let sandbox = Sandbox::new("").serve(DockerOptions {
        faults: vec!["before-429=6s@read:1".parse().unwrap()],
        ..DockerOptions::default()
    });
    manifests(&sandbox, 1);
    let ran = sandbox.expect(0, &["plan", "--max-wait", "7s"]);
    assert!(
        ran.err
            .contains("Waiting 6 s: the rate limit of 127.0.0.1:"),
        "{}",
        ran.err
    );
}
