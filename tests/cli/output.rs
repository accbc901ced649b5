//! Standard output, standard error and colors.

use super::sandbox::{Sandbox, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

/// A repository with a warning and a pending change.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new("");
    let udp =
        "  - {name: u, decision: allow, actions: [\"connect:udp\"], resources: [a.example.com]}\n";
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{udp}{}", tcp("r", "allow", "b.example.com")),
        ),
    );
    sandbox
}

#[test]
fn json_stands_alone_on_standard_output() {
    let sandbox = sandbox();
    let ran = sandbox.expect(0, &["plan", EMBEDDED, "--format", "json"]);
    assert_eq!(ran.json()["formatVersion"], 3);
    assert!(
        ran.err.contains("udp-allowed"),
        "warnings go to standard error: {}",
        ran.err
    );
    let ran = sandbox.expect(0, &["validate", "--format", "json"]);
    assert_eq!(
        (ran.json()["warnings"].as_u64(), ran.err.as_str()),
        (Some(1), "")
    );
    let quiet = sandbox.expect(0, &["plan", EMBEDDED, "--format", "json", "--quiet"]);
    assert_eq!(quiet.err, "");

    sandbox.write("policies/broken.yaml", "kind: [\n");
    let ran = sandbox.expect(3, &["plan", EMBEDDED, "--format", "json", "--quiet"]);
    assert_eq!(ran.out, "", "no plan, no text");
    assert!(
        ran.err.contains("yaml-syntax"),
        "errors are printed anyway: {}",
        ran.err
    );
}

#[test]
fn colours_are_for_those_who_want_them() {
    let mut sandbox = sandbox();
    let colored = |sandbox: &Sandbox, arguments: &[&str]| {
        let ran = sandbox.run(arguments);
        (ran.out.contains('\u{1b}'), ran.err.contains('\u{1b}'))
    };
    for arguments in [&["plan", EMBEDDED][..], &["validate"]] {
        let with = |more: &[&'static str]| [arguments, more].concat();
        assert_eq!(
            colored(&sandbox, arguments),
            (false, false),
            "no color without a terminal"
        );
        assert_eq!(
            colored(&sandbox, &with(&["--color", "never"])),
            (false, false)
        );
        assert!(
            colored(&sandbox, &with(&["--color", "always"])).0,
            "{arguments:?}"
        );
        sandbox.set("NO_COLOR", "1");
        assert_eq!(colored(&sandbox, arguments), (false, false));
        assert!(
            colored(&sandbox, &with(&["--color", "always"])).0,
            "the argument is nearer than the variable"
        );
        sandbox.environment.remove("NO_COLOR");
    }
    let ran = sandbox.run(&["plan", EMBEDDED, "--color", "always", "--format", "json"]);
    assert!(!ran.out.contains('\u{1b}'), "JSON has no colors");
    serde_json::from_str::<serde_json::Value>(&ran.out).unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = sandbox();
    let mut child = sandbox
        .command(&["plan", EMBEDDED])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
