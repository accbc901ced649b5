//! Completions, the manual, what `-v` tells, and bars for what takes its time.

use std::process::Command;

use emulator::{DockerFault, DockerOptions};

use super::sandbox::{SECRET, Sandbox, policy, tcp};
#[cfg(unix)]
use super::terminal::on_terminal;
use crate::skip;

/// The search path with the binary of these tests.
pub(super) fn path_with_binary() -> String {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_polwarden"));
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", binary.parent().unwrap().display())
}

#[test]
fn every_shell_has_completions() {
    let sandbox = Sandbox::empty();
    for (shell, word) in [
        ("bash", "-F _clap_complete_polwarden polwarden"),
        ("zsh", "#compdef polwarden"),
        (
            "fish",
            "complete --keep-order --exclusive --command polwarden",
        ),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer"),
    ] {
        let script = sandbox.expect(0, &["completions", shell]).out;
        assert!(script.contains(word), "{shell}: {script}");
        // The script asks the binary, which knows everything else.
        assert!(script.contains("POLWARDEN_COMPLETE"), "{shell}: {script}");
    }
    for (line, known) in [
        (&["polwarden", "dri"][..], "drift"),
        (&["polwarden", "plan", "--fail"], "--fail-on-drift"),
        (&["polwarden", "import", "--on"], "--only"),
        (&["polwarden", "plan", "--deny"], "--deny-widening"),
        (&["polwarden", "compl"], "completions"),
    ] {
        let mut command = sandbox.command(&[]);
        let output = command
            .arg("--")
            .args(line)
            .env("POLWARDEN_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (line.len() - 1).to_string())
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .env("_CLAP_IFS", "\n")
            .output()
            .unwrap();
        let values = String::from_utf8(output.stdout).unwrap();
        assert!(
            values.lines().any(|value| value == known),
            "{known}: {values}"
        );
    }
    sandbox.expect(1, &["completions", "tcsh"]);
}

#[test]
fn bash_completes_commands_and_options() {
    if !skip::has("bash") {
        return;
    }
    let sandbox = Sandbox::empty();
    sandbox.write(
        "completions.bash",
        sandbox.expect(0, &["completions", "bash"]).out,
    );
    let complete = |words: &str, at: usize| {
        let script = format!(
            "set -eu; source ./completions.bash; COMP_WORDS=({words}); COMP_CWORD={at}; \
             COMP_TYPE=9; _clap_complete_polwarden polwarden \"${{COMP_WORDS[{at}]}}\" \"${{COMP_WORDS[{}]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            at - 1
        );
        let output = Command::new("bash")
            .args(["--norc", "-c", &script])
            .env("PATH", path_with_binary())
            .current_dir(sandbox.path(""))
            .output()
            .unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(complete("polwarden dri", 1), ["drift"]);
    assert_eq!(complete("polwarden plan --fail", 2), ["--fail-on-drift"]);
    assert_eq!(complete("polwarden plan --format sar", 3), ["sarif"]);
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let sandbox = Sandbox::empty();
    sandbox.expect(0, &["man", "--out", "pages/man1"]);
    let pages = sandbox.files();
    let names: Vec<String> = pages
        .keys()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    for name in [
        "polwarden.1",
        "polwarden-plan.1",
        "polwarden-import.1",
        "polwarden-emulate-docker.1",
    ] {
        assert!(
            names.iter().any(|known| known == name),
            "{name} is missing: {names:?}"
        );
    }
    assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
    let page = |name: &str| {
        let (_, text) = pages.iter().find(|(path, _)| path.ends_with(name)).unwrap();
        String::from_utf8(text.clone()).unwrap()
    };
    assert!(page("polwarden-plan.1").contains("DOCKER_HUB_SECRET"));
    assert!(page("polwarden-emulate-docker.1").contains("POLWARDEN_EMULATOR_SECRET"));
    assert!(!page("polwarden-version.1").contains("DOCKER_HUB_SECRET"));
    let groff = skip::has("groff");
    for (path, text) in &pages {
        let text = String::from_utf8(text.clone()).unwrap();
        assert!(
            text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"),
            "{path:?}"
        );
        let sections: Vec<&str> = text
            .split("\n.SH ")
            .filter_map(|section| section.split_once('\n'))
            .map(|(title, _)| title.trim_matches('"'))
            .collect();
        for section in [
            "EXAMPLES",
            "EXIT STATUS",
            "ENVIRONMENT",
            "FILES",
            "SEE ALSO",
        ] {
            assert!(sections.contains(&section), "{path:?}: no {section}");
        }
        let also = text.split_once("SEE ALSO\"\n").unwrap().1;
        let also = also.split_once("\n.SH").unwrap().0.replace("\\-", "-");
        let mut named = 0;
        for page in also.split("\\fI").skip(1) {
            let page = page.split_once("\\fR").unwrap().0;
            assert!(names.contains(&format!("{page}.1")), "{path:?}: {page}");
            named += 1;
        }
        assert!(named > 0, "{path:?}: {also}");
        // Groff reports invalid pages.
        if !groff {
            continue;
        }
        let output = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(sandbox.path("").join(path))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && !said.contains("error"),
            "{path:?}: {said}"
        );
    }
}

/// A service at which every reading of a policy takes its time.
fn slow() -> Sandbox {
    let fault: DockerFault = "delay=1300ms@getPolicy".parse().unwrap();
    let mut sandbox = Sandbox::new("").serve(DockerOptions {
        faults: vec![fault],
        ..DockerOptions::default()
    });
    sandbox.set("TERM", "xterm");
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    sandbox.expect(0, &["apply", "--auto-approve"]);
    sandbox
}

#[cfg(unix)]
#[test]
fn readings_of_more_than_a_second_show_a_bar_on_a_terminal() {
    let sandbox = slow();
    for command in [
        &["plan"][..],
        &["drift"],
        &["import"],
        &["import", "--only", "p"],
        &["explain", "--live", "tcp", "a.example.com:443"],
        &["rollback", "--auto-approve"],
        &["apply", "--auto-approve"],
    ] {
        let (_, shown) = on_terminal(sandbox.command(command), "");
        assert!(
            shown.contains("Reading the live state: 0 of 1 policy"),
            "{command:?}: {shown:?}"
        );
        let quiet = [command, &["--quiet"]].concat();
        if command.len() == 1 && command[0] == "plan" {
            assert!(
                !on_terminal(sandbox.command(&quiet), "")
                    .1
                    .contains("Reading the live state")
            );
            assert!(
                !sandbox.run(command).err.contains("Reading the live state"),
                "no terminal, no bar"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn calls_that_take_more_than_a_second_show_a_bar_and_others_do_not() {
    let fault: DockerFault = "delay=1300ms@createRule".parse().unwrap();
    let mut sandbox = Sandbox::new("").serve(DockerOptions {
        faults: vec![fault],
        ..DockerOptions::default()
    });
    sandbox.set("TERM", "xterm");
    let write = |rules: &[String]| {
        sandbox.write(
            "policies/p.yaml",
            policy("p", &format!("rules:\n{}", rules.concat())),
        )
    };
    write(&[tcp("r", "allow", "a.example.com")]);
    let (code, shown) = on_terminal(sandbox.command(&["apply", "--auto-approve"]), "");
    assert!(code == 0 && shown.contains("1/2 calls"), "{shown:?}");
    write(&[tcp("r", "allow", "b.example.com")]);
    let (code, shown) = on_terminal(sandbox.command(&["apply", "--auto-approve"]), "");
    assert!(
        code == 0 && !shown.contains("/1 call") && !shown.contains("Reading the live state"),
        "{shown:?}"
    );
}

#[test]
fn what_is_told_holds_no_secret() {
    let mut sandbox = Sandbox::new("").serve(DockerOptions::default());
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    assert_eq!(sandbox.expect(0, &["plan"]).err, "");
    let steps = sandbox.expect(0, &["-v", "plan"]).err;
    assert!(
        steps.contains("read what is live") && !steps.contains("answered"),
        "{steps}"
    );
    let told = sandbox.expect(0, &["apply", "--auto-approve", "-vv"]).err;
    for operation in [
        "signIn",
        "listPolicies",
        "createPolicy",
        "createRule",
        "getPolicy",
    ] {
        assert!(
            told.contains(&format!("operation=\"{operation}\"")),
            "{operation}: {told}"
        );
    }
    let line = told
        .lines()
        .find(|line| line.contains("createRule") && line.contains("answered"))
        .unwrap();
    for part in [
        "DEBUG",
        "method=\"POST\"",
        "path=\"/v2/orgs/my-org/governance/policies/",
        "status=201",
        "took=",
        "request_id=",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("request_id=\"none\""), "{line}");

    // A token that is given, and one that is got by signing in.
    let token = sandbox.wait(async {
        let body = serde_json::json!({"identifier": "me", "secret": SECRET});
        let url = format!("{}/v2/auth/token", sandbox.url());
        let answer = crate::emulator::client()
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    });
    // Every token begins like the one above.
    let (head, _) = token.split_once('.').unwrap();
    assert!(
        !told.contains(SECRET) && !told.contains("Bearer") && !told.contains(head),
        "{told}"
    );
    sandbox.environment.remove("DOCKER_HUB_SECRET");
    sandbox.environment.remove("DOCKER_HUB_IDENTIFIER");
    sandbox.set("POLWARDEN_DOCKER_TOKEN", &token);
    let ran = sandbox.expect(0, &["plan", "-vvv"]);
    assert!(
        ran.err.contains("answered") && !ran.err.contains(&token),
        "{}",
        ran.err
    );
    sandbox.expect(1, &["plan", "-v", "-q"]);
}
