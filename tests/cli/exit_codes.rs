//! Every exit code of this version, whatever the format.

use super::sandbox::{Sandbox, config, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

fn many(count: usize, host: &str) -> String {
    let rules: String = (0..count)
        .map(|number| tcp(&format!("r{number}"), "allow", &format!("h{number}.{host}")))
        .collect();
    format!("rules:\n{rules}")
}

/// A repository whose policy has ten rules live.
fn applied() -> Sandbox {
    let sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", policy("p", &many(10, "example.com")));
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox
}

const PLAN: &[&str] = &["plan", EMBEDDED];
const APPLY: &[&str] = &["apply", EMBEDDED, "--auto-approve"];

/// A command, its arguments, and its error message. With the embedded service, plans and applies end with 0 if what is
/// wrong is accepted.
const WRONG: &[(&[&str], &[&str], &str)] = &[
    (&[], &[], "Usage: polwarden"),
    (&[], &["wrong"], "unrecognized subcommand 'wrong'"),
    (&[], &["--wrong"], "unexpected argument '--wrong'"),
    (PLAN, &["--format", "xml"], "invalid value 'xml'"),
    (PLAN, &["--concurrency", "0"], "invalid value '0'"),
    (PLAN, &["--concurrency", "-1"], "unexpected argument '-1'"),
    (PLAN, &["--endpoint", "docker"], "expected PROVIDER=URL"),
    (
        PLAN,
        &["--endpoint", "docker=http://hub.example.com"],
        "plain http to `hub.example.com`",
    ),
    (PLAN, &["--target", "absent"], "no target `absent`"),
    (PLAN, &["a", "b"], "unexpected argument 'b'"),
    (APPLY, &["--ack", "deletes"], "`deletes` is not of the form"),
    (
        APPLY,
        &["--ack", "deletes=1,deletes=2"],
        "duplicate guard `deletes`",
    ),
    (APPLY, &["--ack", "removals=1"], "unknown guard `removals`"),
    (
        APPLY,
        &["--ack", "deletes=many"],
        "`deletes=many` is not of the form",
    ),
    (
        APPLY,
        &["--ack", "deletes=1,plan=abc"],
        "`deletes=1,plan=abc` is not of the form",
    ),
    (
        APPLY,
        &["--ack", ":deletes=1"],
        "`:deletes=1` is not of the form",
    ),
    (
        APPLY,
        &["absent.json"],
        "cannot read the plan `absent.json`",
    ),
    (PLAN, &["absent"], "cannot work in `absent`"),
    (
        &[],
        &["-C", "absent", "validate"],
        "cannot work in `absent`",
    ),
    (&[], &["emulate"], "Usage: polwarden emulate"),
    (
        &["emulate", "docker"],
        &["--listen", "0.0.0.0:0"],
        "serves loopback only",
    ),
    (
        &["emulate", "docker"],
        &["--profile", "future"],
        "`future` is not a profile",
    ),
    (
        &["emulate", "docker"],
        &["--seed-file", "absent.json"],
        "cannot read the seed file",
    ),
    (
        &[],
        &["schema", "--check", "--out", "absent"],
        "missing: absent/",
    ),
    (
        &[],
        &["--color", "sometimes", "validate"],
        "invalid value 'sometimes'",
    ),
];

#[test]
fn wrong_arguments_are_1() {
    let sandbox = applied();
    sandbox.expect(0, PLAN);
    sandbox.expect(0, APPLY);
    for (command, wrong, message) in WRONG {
        let ran = sandbox.expect(1, &[*command, *wrong].concat());
        assert!(
            ran.err.contains(message) && ran.out.is_empty(),
            "{wrong:?}: {} {}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn the_table() {
    let sandbox = applied();
    for format in ["human", "json"] {
        sandbox.expect(
            0,
            &["plan", EMBEDDED, "--detailed-exitcode", "--format", format],
        );
        sandbox.expect(0, &["validate", "--format", format]);
    }
    sandbox.write(
        "policies/more.yaml",
        policy("more", &many(1, "example.org")),
    );
    for format in ["human", "json"] {
        sandbox.expect(0, &["plan", EMBEDDED, "--format", format]);
        sandbox.expect(
            2,
            &["plan", EMBEDDED, "--detailed-exitcode", "--format", format],
        );
    }
    sandbox.expect(5, &["apply", EMBEDDED]);
    for asked in [
        &["--require-clean"][..],
        &["--require-branch", "main"],
        &["--require-signed"],
    ] {
        // There is no repository here.
        sandbox.expect(5, &[&["apply", EMBEDDED, "--auto-approve"], asked].concat());
    }
    sandbox.expect(0, &["plan", EMBEDDED, "--out", "plan.json"]);
    sandbox.expect(
        6,
        &[
            "apply",
            "plan.json",
            EMBEDDED,
            "--auto-approve",
            "--require-same-commit",
        ],
    );

    sandbox.write("policies/more.yaml", "kind: Wrong\n");
    for arguments in [
        &["validate"][..],
        &["validate", "--format", "json"],
        &["plan", EMBEDDED],
        &["plan", EMBEDDED, "--format", "json"],
        &["apply", EMBEDDED, "--auto-approve"],
        &["import", EMBEDDED],
    ] {
        sandbox.expect(3, arguments);
    }
    sandbox.write("polwarden.yaml", "kind: Config\n");
    for command in ["validate", "plan", "apply", "import"] {
        sandbox.expect(3, &[command]);
    }
    std::fs::remove_file(sandbox.path("polwarden.yaml")).unwrap();
    for command in ["validate", "plan", "apply", "import"] {
        let ran = sandbox.expect(1, &[command]);
        assert!(ran.err.contains("polwarden init"), "{}", ran.err);
    }
}

#[test]
fn a_guard_is_5_and_names_the_way_past_it() {
    let sandbox = applied();
    sandbox.write("policies/p.yaml", policy("p", &many(6, "example.com")));
    let ran = sandbox.expect(5, &["apply", EMBEDDED, "--auto-approve"]);
    assert!(
        ran.err
            .contains("deletes 4 of 10 live rules; the limit is 30%"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("--ack deletes=4"), "{}", ran.err);
    assert!(
        ran.out.contains("(4 API calls)"),
        "the whole plan is shown: {}",
        ran.out
    );
    sandbox.expect(
        5,
        &["apply", EMBEDDED, "--auto-approve", "--ack", "deletes=5"],
    );
    sandbox.expect(2, &["plan", EMBEDDED, "--detailed-exitcode"]);
    sandbox.expect(5, &["apply", EMBEDDED, "--ack", "deletes=4"]);
    sandbox.expect(
        0,
        &["apply", EMBEDDED, "--auto-approve", "--ack", "deletes=4"],
    );
}

#[test]
fn limits_are_numbers_or_percentages() {
    for (limit, count, code) in [
        ("40%", 4, 0),
        ("30%", 4, 5),
        ("4", 4, 0),
        ("3", 4, 5),
        ("0", 1, 5),
        ("0%", 1, 5),
    ] {
        let sandbox = applied();
        sandbox.write(
            "polwarden.yaml",
            config(&format!("limits: {{maxDeletes: {limit}}}\n")),
        );
        sandbox.write(
            "policies/p.yaml",
            policy("p", &many(10 - count, "example.com")),
        );
        let ran = sandbox.run(&["apply", EMBEDDED, "--auto-approve"]);
        assert_eq!(ran.code, code, "{limit} {count}: {}", ran.err);
    }
}

#[test]
fn without_credentials_nothing_is_asked() {
    let mut sandbox = applied();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", &endpoint);
    for command in ["plan", "apply", "import"] {
        let ran = sandbox.expect(1, &[command]);
        assert!(ran.err.contains("DOCKER_HUB_IDENTIFIER"), "{}", ran.err);
        assert!(listener.accept().is_err(), "{command} asked the service");
    }
    sandbox.expect(0, &["validate"]);
}

#[test]
fn invalid_manifests_are_told_before_anything_that_keeps_the_server_from_being_asked() {
    let mut sandbox = applied();
    sandbox.write("policies/more.yaml", "kind: Wrong\n");
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", "http://127.0.0.1:1");
    for arguments in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ran = sandbox.expect(3, arguments);
        assert!(
            ran.err.contains("policies/more.yaml:1") && !ran.err.contains("DOCKER_HUB"),
            "{}",
            ran.err
        );
    }
    // Nothing listens there: the readings that began are given up.
    sandbox.set("POLWARDEN_DOCKER_TOKEN", "token");
    for arguments in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ran = sandbox.expect(3, arguments);
        assert!(
            ran.err.contains("policies/more.yaml:1") && !ran.err.contains("127.0.0.1"),
            "{}",
            ran.err
        );
    }
}
