//! Commands and options that users of similar tools expect.

use std::process::Command;

use emulator::DockerOptions;

use super::sandbox::{SECRET, Sandbox, policy, tcp, unwrapped};
use crate::emulator::faults::faults;
use crate::skip;

const EMBEDDED: &str = "--endpoint=docker=embedded";
const TEAM: &str = "teams: {security: d290f1ee-6c54-4b01-90e6-d701748f0851}\n";

fn rules(host: &str) -> String {
    format!("rules:\n{}", tcp("r", "allow", host))
}

/// Two policies that are live and declared, and one that is only live.
fn world() -> Sandbox {
    let mut sandbox = Sandbox::new(TEAM);
    sandbox.set("POLWARDEN_DOCKER_ENDPOINT", "embedded");
    for name in ["a", "b", "stray"] {
        let host = format!("{name}.example.com");
        let file = format!("policies/{name}.yaml");
        sandbox.write(&file, policy(&format!("policy {name}"), &rules(&host)));
    }
    sandbox.expect(0, &["apply", "-y"]);
    std::fs::remove_file(sandbox.path("policies/stray.yaml")).unwrap();
    sandbox
}

#[test]
fn live_policies_are_listed_with_their_manifests_and_exported() {
    let sandbox = world();
    let list = sandbox.expect(0, &["list"]).out;
    assert!(list.contains("policies/a.yaml:"), "{list}");
    let stray = list.lines().find(|line| line.contains("policy stray"));
    assert!(stray.unwrap().ends_with("unmanaged"), "{list}");
    let json = sandbox.expect(0, &["list", "-o", "json"]).json();
    assert_eq!(json["formatVersion"], 1);
    let objects = json["targets"][0]["objects"].as_array().unwrap();
    let statuses: Vec<_> = objects.iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["declared", "declared", "unmanaged"]);

    let manifest = sandbox.expect(0, &["export", "policy stray"]).out;
    sandbox.write("policies/stray.yaml", manifest);
    sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    let ran = sandbox.expect(1, &["export", "nothing"]);
    assert!(ran.out.is_empty(), "{}", ran.out);
    assert!(
        ran.err.contains("unknown live policy `nothing`"),
        "{}",
        ran.err
    );

    // The policies of an invalid manifest are unknown.
    sandbox.write("policies/a.yaml", "kind: Polcy\n");
    let json = sandbox.expect(0, &["list", "-o", "json"]).json();
    assert_eq!(json["targets"][0]["objects"][0]["status"], "unknown");
}

#[test]
fn saved_plans_and_runs_are_shown_in_other_formats() {
    let sandbox = world();
    sandbox.write(
        "policies/a.yaml",
        policy("policy a", &rules("new.example.com")),
    );
    let plan = sandbox.expect(0, &["plan", "--out", "plan.json"]).out;
    // Only `plan` names the file that it wrote and the next command.
    let is_shown = |line: &&str| {
        !["Next: ", "Plan file: "]
            .iter()
            .any(|own| line.starts_with(own))
    };
    let shown = sandbox.expect(0, &["show", "plan.json"]).out;
    let both = [&plan, &shown].map(|text| text.lines().filter(is_shown).collect::<Vec<_>>());
    assert_eq!(unwrapped(&both[0].join(" ")), unwrapped(&both[1].join(" ")));
    for format in ["markdown", "github", "gitlab", "sarif", "html"] {
        let planned = sandbox.expect(0, &["plan", "-o", format]).out;
        let shown = sandbox.expect(0, &["show", "plan.json", "-o", format]).out;
        assert_eq!(shown, planned, "{format}");
    }
    // JUnit names the manifests too, which a saved plan does not contain.
    let junit = sandbox.expect(0, &["show", "plan.json", "-o", "junit"]).out;
    assert!(junit.contains("plan-access-opens"), "{junit}");
    let run = sandbox.expect(0, &["show", "last"]).out;
    assert_eq!(run, sandbox.expect(0, &["runs", "last"]).out);
    let edited = sandbox
        .read("plan.json")
        .replace("new.example.com", "evil.example.com");
    sandbox.write("edited.json", edited);
    let ran = sandbox.expect(1, &["show", "edited.json"]);
    assert!(
        ran.err.contains("was changed after it was saved"),
        "{}",
        ran.err
    );
    assert!(
        sandbox
            .expect(1, &["show", "last", "-o", "html"])
            .err
            .contains("human or json")
    );
}

#[test]
fn files_and_folders_limit_what_validate_reports() {
    let sandbox = world();
    // A list in another file is still read.
    let list = "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {name: hosts}\nspec: {hosts: [l.example.com]}\n";
    sandbox.write("policies/lists/hosts.yaml", list);
    let used = "rules:\n  - {name: r, decision: allow, actions: [\"connect:tcp\"], resourcesFrom: [hosts]}\n";
    sandbox.write("policies/a.yaml", policy("policy a", used));
    sandbox.write("policies/b.yaml", "kind: Polcy\n");
    sandbox.expect(3, &["validate"]);
    let ran = sandbox.expect(0, &["validate", "policies/a.yaml"]);
    assert!(ran.out.contains("1 manifest file: valid"), "{}", ran.out);
    assert!(
        ran.err.contains("Not shown: 1 error in other files"),
        "{}",
        ran.err
    );
    let ran = sandbox.expect(3, &["validate", "policies/a.yaml", "policies/b.yaml"]);
    assert!(ran.out.contains("missing-field"), "{}", ran.out);
    let ran = sandbox.expect(0, &["validate", "policies/lists", "policies/a.yaml"]);
    assert!(ran.out.contains("2 manifest files"), "{}", ran.out);
    let ran = sandbox.expect(1, &["validate", "policies/missing.yaml"]);
    assert!(
        ran.err.contains("no manifest in `policies/missing.yaml`"),
        "{}",
        ran.err
    );
    let ran = sandbox.expect(1, &["validate", "../outside.yaml"]);
    assert!(
        ran.err.contains("is not below the directory"),
        "{}",
        ran.err
    );
}

#[test]
fn a_plan_of_some_policies_is_partial_and_claims_nothing_about_others() {
    let sandbox = world();
    sandbox.write(
        "polwarden.yaml",
        super::sandbox::config(&format!("{TEAM}unmanaged: prune\n")),
    );
    for name in ["a", "b"] {
        let host = format!("new-{name}.example.com");
        let file = format!("policies/{name}.yaml");
        sandbox.write(&file, policy(&format!("policy {name}"), &rules(&host)));
    }
    let whole = sandbox.expect(0, &["plan"]).out;
    assert!(
        whole.contains("policy stray") && whole.contains("new-b"),
        "{whole}"
    );
    let ran = sandbox.expect(0, &["plan", "--policy", "policy a"]);
    assert!(ran.out.contains("Partial plan"), "{}", ran.out);
    for other in ["policy b", "stray", "prune", "Digest"] {
        assert!(!ran.out.contains(other), "{other}: {}", ran.out);
    }
    let plan = sandbox
        .expect(0, &["plan", "--policy", "policy a", "-o", "json"])
        .json();
    assert_eq!(plan["only"], serde_json::json!(["policy a"]));
    assert_eq!(plan["targets"][0]["unmanaged"], serde_json::json!([]));
    assert_eq!(plan["targets"][0]["calls"].as_array().unwrap().len(), 1);
    let ran = sandbox.expect(1, &["plan", "--policy", "policy aa"]);
    assert!(ran.err.contains("did you mean `policy a`?"), "{}", ran.err);
    sandbox.expect(1, &["plan", "--policy", "policy a", "--out", "plan.json"]);
    let args = ["plan", "--policy", "policy a", "--output", "json=plan.json"];
    sandbox.expect(0, &args);
    let ran = sandbox.expect(1, &["apply", "plan.json", "-y"]);
    assert!(ran.err.contains("no digest"), "{}", ran.err);
}

#[test]
fn short_forms_and_aliases_do_the_same() {
    let sandbox = world();
    sandbox.write(
        "policies/a.yaml",
        policy("policy a", &rules("new.example.com")),
    );
    let plan = sandbox.expect(0, &["plan"]).out;
    assert_eq!(sandbox.expect(0, &["diff"]).out, plan);
    let runs = || sandbox.expect(0, &["runs"]).out.lines().count();
    let before = runs();
    assert_eq!(sandbox.expect(0, &["apply", "--dry-run"]).out, plan);
    sandbox.expect(0, &["plan", "--out", "plan.json"]);
    let shown = sandbox.expect(0, &["apply", "plan.json", "--dry-run"]).out;
    assert!(shown.contains("new.example.com"), "{shown}");
    assert_eq!(runs(), before, "a dry run writes no journal");
    let version = sandbox.expect(0, &["version"]).out;
    assert_eq!(version, sandbox.expect(0, &["--version"]).out);
    sandbox.expect(0, &["apply", "--yes"]);
}

#[test]
fn doctor_names_cause_and_remedy() {
    let sandbox = world();
    let out = sandbox.expect(0, &["doctor"]).out;
    assert!(out.contains("unknown  write permission"), "{out}");
    let json = sandbox.expect(0, &["doctor", "-o", "json"]).json();
    assert_eq!(
        (&json["formatVersion"], &json["passed"]),
        (&1.into(), &true.into())
    );

    // A server without the team: the configuration is wrong.
    let mut served = Sandbox::new(TEAM).serve(DockerOptions::default());
    let status = |sandbox: &Sandbox, code: i32, check: &str| {
        let json = sandbox.expect(code, &["doctor", "-o", "json"]).json();
        let checks = json["checks"].as_array().unwrap().clone();
        let found = checks.iter().find(|it| it["check"] == check).unwrap();
        found.clone()
    };
    served.write("policies/a.yaml", policy("a", &rules("a.example.com")));
    let writes = served.writes();
    let found = status(&served, 1, "teams");
    assert_eq!(found["status"], "failed", "{found}");
    assert!(
        found["cause"].is_string() && found["remedy"].is_string(),
        "{found}"
    );
    assert_eq!(served.writes(), writes);
    served.set("DOCKER_HUB_SECRET", "");
    let found = status(&served, 1, "account");
    assert_eq!(found["status"], "failed", "{found}");
    assert!(
        found["cause"]
            .as_str()
            .unwrap()
            .contains("DOCKER_HUB_SECRET"),
        "{found}"
    );
    served.set("DOCKER_HUB_SECRET", SECRET);
    served.set("POLWARDEN_DOCKER_ENDPOINT", "http://127.0.0.1:1");
    let found = status(&served, 1, "server");
    assert_eq!(found["status"], "failed", "{found}");
    let forbidden = Sandbox::new("").serve(DockerOptions {
        faults: faults(&["before-403@listPolicies"]),
        ..DockerOptions::default()
    });
    forbidden.write("policies/a.yaml", policy("a", &rules("a.example.com")));
    let found = status(&forbidden, 1, "read");
    assert_eq!(found["status"], "failed", "{found}");
    assert!(
        found["remedy"].as_str().unwrap().contains("account"),
        "{found}"
    );
    let empty = Sandbox::empty();
    let found = status(&empty, 1, "configuration");
    assert_eq!(found["status"], "failed", "{found}");
}

#[test]
fn the_configuration_is_shown_with_sources_and_without_secrets() {
    let mut sandbox = Sandbox::new(TEAM);
    sandbox.set("DOCKER_HUB_SECRET", SECRET);
    sandbox.set(
        "HTTPS_PROXY",
        &format!("http://me:{SECRET}@proxy.example.com"),
    );
    let out = sandbox.expect(0, &["config", "view"]).out;
    for line in [
        "targets[0].name = production",
        "# polwarden.yaml:",
        "services.docker.endpoint = https://hub.docker.com",
        "services.docker.credentials.DOCKER_HUB_SECRET = (set)",
        "environment variable DOCKER_HUB_SECRET",
        "environment.HTTPS_PROXY = (set)",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert!(!out.contains(SECRET), "{out}");
    let args = ["config", "view", EMBEDDED, "-o", "json"];
    let json = sandbox.expect(0, &args).json();
    let settings = json["settings"].as_array().unwrap();
    let find = |key: &str| settings.iter().find(|it| it["key"] == key).unwrap();
    assert_eq!(
        find("services.docker.endpoint")["source"]["option"],
        "--endpoint"
    );
    assert_eq!(
        find("targets[0].limits.maxDeletes")["source"]["kind"],
        "default"
    );
    assert_eq!(
        find("targets[0].organization")["source"]["file"],
        "polwarden.yaml"
    );
}

#[test]
fn every_code_is_explained() {
    let sandbox = world();
    for (code, part) in [
        ("duplicate-key", "Wrong:"),
        ("plan-gap", "Fix:"),
        ("scope-widens", "--ack scope-widens=1"),
        ("never", "(gate)"),
        ("5", "(exit code)"),
        ("exit-8", "Drift."),
    ] {
        let out = sandbox.expect(0, &["explain", code]).out;
        assert!(
            out.contains(part) && out.contains("Reason:"),
            "{code}: {out}"
        );
    }
    let json = sandbox
        .expect(0, &["explain", "duplicate-key", "-o", "json"])
        .json();
    assert_eq!(json["kind"], "diagnostic");
    let ran = sandbox.expect(1, &["explain", "duplicate-kye"]);
    assert!(
        ran.err.contains("did you mean `duplicate-key`?"),
        "{}",
        ran.err
    );
    sandbox.write("policies/a.yaml", "name: a\nname: b\n");
    let out = sandbox.expect(3, &["validate"]).out;
    assert_eq!(out.matches("run: polwarden explain ").count(), 1, "{out}");
}

#[test]
fn explain_reads_what_users_paste() {
    let sandbox = world();
    for args in [
        &["explain", "https://a.example.com/x"][..],
        &["explain", "a.example.com"],
        &["explain", "connect:tcp", "a.example.com"],
        &["explain", "request:get", "https://a.example.com/x"],
    ] {
        let out = sandbox.expect(0, args).out;
        assert!(out.contains("allow"), "{args:?}: {out}");
    }
    let ran = sandbox.expect(0, &["explain", "a.example.com"]);
    assert!(ran.err.contains("Assumed port 443."), "{}", ran.err);
    let home = sandbox.path("src").to_str().unwrap().to_owned();
    let ran = sandbox.expect(0, &["explain", "read", &home]);
    assert!(
        ran.err.contains("the shell may have expanded `~`"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("'~/src'"), "{}", ran.err);
    let ran = sandbox.expect(0, &["explain", "read", "~/src"]);
    assert!(!ran.err.contains("expanded"), "{}", ran.err);
}

/// Completes the last word of a line in a shell, with the script that the binary prints.
fn completed(sandbox: &Sandbox, shell: &str, line: &str) -> Vec<String> {
    let script = sandbox.expect(0, &["completions", shell]).out;
    sandbox.write("completion", script);
    let words: Vec<&str> = line.split(' ').collect();
    let last = words.len() - 1;
    let driver = match shell {
        "bash" => format!(
            "source ./completion; COMP_WORDS=({}{}); COMP_CWORD={last}; COMP_TYPE=9; \
             _clap_complete_polwarden polwarden '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words[..last].join(" "),
            format_args!(" '{}'", words[last]),
            words[last],
            words[last - 1],
        ),
        "fish" => format!("source ./completion; complete --do-complete '{line}'"),
        // The widget needs a line editor, so the function is called with a stub that prints the values.
        _ => format!(
            "autoload -U compinit; compinit -u -D; _describe() {{ local name=$@[-1]; print -l -- ${{(P)name}} }}; \
             compdef() {{ }}; source ./completion; words=({line}); \
             [[ '{line}' == *' ' ]] && words+=(''); CURRENT=$#words; _clap_dynamic_completer_polwarden"
        ),
    };
    let mut command = Command::new(shell);
    if shell == "bash" {
        command.arg("--norc");
    } else {
        command.arg(if shell == "zsh" { "-f" } else { "--no-config" });
    }
    let output = command
        .args(["-c", &driver])
        .env_clear()
        .env("HOME", sandbox.path(""))
        .env("PATH", super::comfort::path_with_binary())
        .envs(&sandbox.environment)
        .current_dir(sandbox.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let values = text.split(['\n', '\u{b}']).map(|line| {
        let line = line.split(['\t']).next().unwrap_or_default();
        line.trim().to_owned()
    });
    values.filter(|line| !line.is_empty()).collect()
}

#[test]
fn shells_complete_values_from_local_files() {
    for shell in ["bash", "zsh", "fish"] {
        if !skip::has(shell) {
            continue;
        }
        let mut sandbox = world();
        // A completion that asks a server would fail and complete nothing.
        sandbox.set("POLWARDEN_DOCKER_ENDPOINT", "http://127.0.0.1:1");
        let complete = |line: &str| completed(&sandbox, shell, line);
        let has = |line: &str, start: &str| {
            let found = complete(line);
            assert!(
                found.iter().any(|value| value.starts_with(start)),
                "{shell}: {line}: {found:?}"
            );
        };
        has("polwarden plan --target ", "production");
        has("polwarden plan --policy pol", "policy");
        has("polwarden runs ", "last");
        has("polwarden runs 2", "2");
        has("polwarden explain duplicate-k", "duplicate-key");
        has("polwarden explain --team sec", "security");
        has("polwarden plan --format sar", "sarif");
        has("polwarden dri", "drift");
    }
}
