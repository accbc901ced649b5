//! Text from servers and files steers no terminal (invariant 10).

use emulator::{DockerOptions, DockerOrganizationSeed, DockerSeed, EmulatorProfile, PolicySeed};
use polwarden::plan::{Plan, plan_digest};
use serde_json::{Value, json};

use super::sandbox::{Ran, Sandbox, policy};

/// Texts that would steer a terminal, hide, or turn the reading direction: all that YAML and names refuse, and all
/// that they let through.
const STEERING: &[&str] = &[
    "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}31m\u{8}\u{8}\u{7f}",
    "a\u{202e}b\u{2066}c\u{200b}d\u{feff}\u{2028}e\u{61c}\u{e0041}",
];

fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[track_caller]
fn assert_tame(what: &str, ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        if let Some(found) = text.chars().find(|c| is_hostile(*c)) {
            panic!("{what}: {found:?} reached the terminal: {text:?}");
        }
    }
}

/// Whether the first character of a text that would steer is shown escaped.
fn is_shown(text: &str, ran: &Ran) -> bool {
    let first = u32::from(text.chars().find(|c| is_hostile(*c)).unwrap());
    [format!("\\u{{{first:x}}}"), format!("\\u{first:04x}")]
        .iter()
        .any(|escaped| ran.out.contains(escaped) || ran.err.contains(escaped))
}

/// Runs all commands that show the live state. Returns the number of commands that show the escaped text.
fn show_all(sandbox: &Sandbox, text: &str, what: &str) -> usize {
    let mut shown = 0;
    for arguments in [
        &["validate"][..],
        &["validate", "--format", "json"],
        &["plan"],
        &["plan", "--format", "json"],
        &["apply", "--auto-approve"],
        &["import"],
    ] {
        let ran = sandbox.run(arguments);
        assert_tame(&format!("{what} {arguments:?}"), &ran);
        shown += usize::from(is_shown(text, &ran));
    }
    shown
}

#[test]
fn text_of_the_server() {
    for text in STEERING {
        let value = |field: &str| json!({field: text});
        let rules = json!([
            {"name": format!("rule {text}"), "actions": ["connect:tcp"], "decision": "allow", "resources": [format!("a{text}.example.com")],
                format!("field{text}"): value("x")},
            {"name": "action", "actions": [format!("connect:{text}")], "decision": "allow", "resources": ["a.example.com"]},
        ]);
        let seed = json!({"organizations": [{"name": "my-org", "teams": [{"uuid": format!("u{text}"), "name": format!("t{text}")}],
        "policies": [
            {"name": format!("policy {text}"), "rules": rules, format!("unknown{text}"): 1, "scope": {"teams": [format!("t{text}")]}},
            {"name": "typed", "type": format!("type{text}")},
            {"name": "cedar", "cedar_v1": {"text": format!("permit(principal, action, resource); // {text}\n"), "schema_url": format!("https://s/{text}")}},
            {"name": "declared", "rules": rules},
        ]}]});
        let seed = DockerSeed::from_json(&seed.to_string()).unwrap();
        let sandbox =
            Sandbox::new("limits: {maxDeletes: 100%, maxUpdates: 100%}\n").serve(DockerOptions {
                seed: Some(seed),
                ..DockerOptions::default()
            });
        sandbox.write("policies/p.yaml", policy("declared", "rules: []\n"));
        sandbox.write(
            "policies/c.yaml",
            policy(
                "cedar",
                "cedar: {schemaUrl: 'https://s.example.com', text: 'permit(principal, action, resource);'}\n",
            ),
        );
        let shown = show_all(&sandbox, text, text);
        assert!(shown > 0, "{text:?}");
    }
}

#[test]
fn text_of_files() {
    for text in STEERING {
        let sandbox = Sandbox::new("").serve(DockerOptions::default());
        let escaped = serde_json::to_string(text).unwrap();
        for (number, manifest) in [
            policy(&format!("name {text}"), "rules: []\n"),
            policy("host", &format!("rules:\n  - {{name: {escaped}, decision: allow, actions: [\"connect:tcp\"], resources: [{escaped}]}}\n")),
            policy("key", &format!("{escaped}: 1\n")),
            policy("team", &format!("scope: {{teams: [{escaped}]}}\nrules: []\n")),
            policy("cedar", &format!("cedar: {{schemaUrl: x, text: {escaped}}}\n")),
            policy("file", &format!("cedar: {{schemaUrl: x, file: {escaped}}}\n")),
            format!("raw: {text}\n"),
        ]
        .into_iter()
        .enumerate()
        {
            sandbox.write("policies/p.yaml", manifest);
            let shown = show_all(&sandbox, text, &format!("{text:?} in manifest {number}"));
            assert!(shown > 0, "{text:?} in manifest {number}");
        }
        std::fs::remove_file(sandbox.path("policies/p.yaml")).unwrap();
        if !text.contains('/') {
            sandbox.write(&format!("policies/{text}.yaml"), "kind: x\n");
            let shown = show_all(&sandbox, text, &format!("{text:?} as a file"));
            assert!(shown > 0, "{text:?} as a file");
        }
        let config = sandbox.read("polwarden.yaml");
        for field in ["production", "my-org", "policies"] {
            sandbox.write("polwarden.yaml", config.replace(field, &escaped));
            let shown = show_all(&sandbox, text, &format!("{text:?} for {field}"));
            assert!(shown > 0, "{text:?} for {field}");
        }
    }
}

/// The text of a saved plan may come from anywhere.
#[test]
fn text_of_a_plan() {
    let sandbox = Sandbox::new("").serve(DockerOptions::default());
    sandbox.write("policies/p.yaml", policy("victim", "rules: []\n"));
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let plan: Value = serde_json::from_str(&sandbox.read("plan.json")).unwrap();
    for text in STEERING {
        let mut shown = 0;
        for pointer in [
            "/targets/0/changes/0/name",
            "/targets/0/calls/0/name",
            "/targets/0/target/name",
            "/targets/0/target/organization",
        ] {
            let mut plan = plan.clone();
            *plan.pointer_mut(pointer).unwrap() = json!(text);
            // Its digest fits, as if it had been saved like this.
            if let Ok(typed) = serde_json::from_value::<Plan>(plan.clone()) {
                plan["digest"] = json!(plan_digest(&typed).unwrap());
            }
            sandbox.write("hostile.json", plan.to_string());
            for more in [&[][..], &["--auto-approve"]] {
                let ran = sandbox.run(&[&["apply", "hostile.json"], more].concat());
                assert_tame(pointer, &ran);
                shown += usize::from(is_shown(text, &ran));
            }
        }
        assert!(shown > 0, "{text:?}");
        sandbox.write("hostile.json", text);
        assert_tame("no plan", &sandbox.run(&["apply", "hostile.json"]));
    }
}

/// What `plan --format json` escapes comes back unchanged.
#[test]
fn a_plan_with_steering_text_is_applied_as_it_was_meant() {
    let policies = vec![PolicySeed {
        name: "a\u{202e}b".to_owned(),
        ..PolicySeed::default()
    }];
    let seed = DockerOrganizationSeed {
        name: "my-org".to_owned(),
        teams: Vec::new(),
        policies,
    };
    let options = DockerOptions {
        profile: EmulatorProfile::Current,
        organizations: vec![seed],
        ..DockerOptions::default()
    };
    let sandbox = Sandbox::new("unmanaged: prune\n").serve(options);
    sandbox.write("policies/p.yaml", policy("other", "rules: []\n"));
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let plan: Value = serde_json::from_str(&sandbox.read("plan.json")).unwrap();
    assert_eq!(plan["targets"][0]["unmanaged"][0]["name"], "a\u{202e}b");
    sandbox.expect(
        0,
        &["apply", "plan.json", "--auto-approve", "--ack", "prune=1"],
    );
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
}

/// Opening a pipe waits for a writer. A change can contain none, but a workspace that jobs share can.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_does_not_make_a_run_wait() {
    let sandbox = Sandbox::new("");
    sandbox.write(
        "policies/p.yaml",
        super::sandbox::policy(
            "p",
            &format!(
                "rules:\n{}",
                super::sandbox::tcp("r", "allow", "a.example.com")
            ),
        ),
    );
    let embedded = "--endpoint=docker=embedded";
    sandbox.expect(0, &["plan", embedded, "--out", "plan.json"]);
    let pipe = |name: &str| {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let path = sandbox.path(name);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    pipe("plan.json.sig");
    pipe("other.json");
    pipe("key");
    let verified = ["apply", embedded, "--auto-approve", "--verify", "plan.json"];
    let cases: [&[&str]; 4] = [
        &verified,
        &["apply", embedded, "--auto-approve", "other.json"],
        &["show", "other.json"],
        &["plan", embedded, "--out", "new.json", "--sign", "key"],
    ];
    for arguments in cases {
        let ran = sandbox.run(arguments);
        assert_ne!(ran.code, 0, "{arguments:?}: {}", ran.out);
        assert!(
            ran.err.contains("it is not a regular file"),
            "{arguments:?}: {}",
            ran.err
        );
    }
}
