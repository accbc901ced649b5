//! What a pull request from a stranger cannot do (docs/explanation/security.md): its files are data, and nothing else.
#![cfg(unix)]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use emulator::DockerOptions;

use super::sandbox::{SECRET, Sandbox, config, policy, tcp};

/// All commands that a pipeline runs on a change.
const COMMANDS: &[&[&str]] = &[
    &["validate", "--strict"],
    &["lint", "--all-warnings"],
    &["test"],
    &["plan", "--format", "json"],
    &[
        "plan",
        "--format",
        "markdown",
        "--output",
        "sarif=out.sarif",
        "--output",
        "html=out.html",
        "--out",
        "out.json",
    ],
    &["fmt", "--diff"],
    &["explain", "tcp", "a.example.com:443"],
    &["apply", "--auto-approve"],
];

/// Texts in which other tools would find something to look up, to run, or to put in.
fn lures(url: &str) -> Vec<String> {
    [
        "${DOCKER_HUB_SECRET}",
        "$DOCKER_HUB_SECRET",
        "{{ env.DOCKER_HUB_SECRET }}",
        "%DOCKER_HUB_SECRET%",
        "$(git status)",
        "`git status`",
        "!include /etc/passwd",
        "file:///etc/passwd",
        "%s%n",
        "../../../etc/passwd",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        url.to_owned(),
        url.replace("https:", "http:"),
        url.replace("https:", "ssh:"),
        format!("${{{url}}}"),
        format!("git+{url}/x.git"),
    ])
    .collect()
}

/// A change that holds a text wherever one may stand.
fn change(sandbox: &Sandbox, lure: &str) {
    let quoted = serde_json::to_string(lure).unwrap();
    let modeline = format!("# yaml-language-server: $schema={lure}\n# $ref: {lure}\n");
    let rule = format!("rules:\n{}", tcp(&quoted, "allow", "a.example.com"));
    sandbox.write(
        "policies/rule.yaml",
        format!("{modeline}{}", policy(&format!("rule {lure}"), &rule)),
    );
    let schema = if lure.starts_with("https://") {
        lure
    } else {
        "https://schemas.docker.com/policy/cedar/v1/mcp/v0"
    };
    let text =
        serde_json::to_string(&format!("permit(principal, action, resource); // {lure}")).unwrap();
    let cedar = format!("cedar: {{schemaUrl: '{schema}', text: {text}}}\n");
    sandbox.write("policies/cedar.yaml", policy("cedar", &cedar));
    let test = "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n  cases:\n";
    sandbox.write(
        "policies/test.yaml",
        format!("{test}    - {{name: {quoted}, allow: ['tcp a.example.com:443']}}\n"),
    );
    sandbox.write("polwarden.yaml", format!("{modeline}{}", config("")));
}

fn served() -> Sandbox {
    Sandbox::new("").serve(DockerOptions::default())
}

#[test]
fn reaches_no_other_host() {
    let sandbox = served();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    // The name, as a schema is not looked for at an address.
    let port = listener.local_addr().unwrap().port();
    for lure in lures(&format!("https://localhost:{port}")) {
        change(&sandbox, &lure);
        for command in COMMANDS {
            // The change is looked at to its end.
            sandbox.expect(0, command);
        }
        assert!(listener.accept().is_err(), "{lure} was asked for");
    }
}

#[test]
fn shows_no_secret_and_no_file_of_the_machine() {
    let sandbox = served();
    for lure in lures("https://evil.example.com") {
        change(&sandbox, &lure);
        for command in COMMANDS {
            let ran = sandbox.expect(0, command);
            for text in [&ran.out, &ran.err] {
                assert!(
                    !text.contains(SECRET) && !text.contains("root:x:0:0"),
                    "{lure} {command:?}: {text}"
                );
            }
        }
        for (path, bytes) in sandbox.files() {
            assert!(
                !String::from_utf8_lossy(&bytes).contains(SECRET),
                "{lure}: {} holds the secret",
                path.display()
            );
        }
    }
}

#[test]
fn runs_no_program() {
    let mut sandbox = served();
    let trap = "#!/bin/sh\necho \"$0 $*\" >>\"$TRAP\"\n";
    for name in [
        "git",
        "sh",
        "bash",
        "ssh",
        "gpg",
        "gpg2",
        "ssh-keygen",
        "less",
        "pager",
        "vi",
        "curl",
        "python3",
        "env",
        "trap",
    ] {
        let path = format!("bin/{name}");
        sandbox.write(&path, trap);
        std::fs::set_permissions(sandbox.path(&path), std::fs::Permissions::from_mode(0o755))
            .unwrap();
    }
    let bin = sandbox.path("bin");
    let log = sandbox.path("trapped");
    for name in ["PATH", "GIT_EXEC_PATH"] {
        sandbox.set(name, bin.to_str().unwrap());
    }
    let tool = bin.join("trap").to_str().unwrap().to_owned();
    for name in [
        "PAGER",
        "GIT_PAGER",
        "EDITOR",
        "GIT_SSH",
        "GIT_ASKPASS",
        "GIT_EXTERNAL_DIFF",
    ] {
        sandbox.set(name, &tool);
    }
    sandbox.set("TRAP", log.to_str().unwrap());
    // A program that is run leaves a trace.
    let ran = std::process::Command::new(bin.join("git"))
        .env("TRAP", &log)
        .status()
        .unwrap();
    assert!(ran.success() && log.exists());
    std::fs::remove_file(&log).unwrap();
    // What git itself would run for such files.
    let repository = git2::Repository::init(sandbox.path(".")).unwrap();
    let mut settings = repository.config().unwrap();
    for key in [
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
        "core.fsmonitor",
    ] {
        settings.set_str(key, &tool).unwrap();
    }
    sandbox.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    for hook in [
        "post-checkout",
        "pre-commit",
        "post-index-change",
        "reference-transaction",
    ] {
        let path = format!(".git/hooks/{hook}");
        sandbox.write(&path, trap);
        std::fs::set_permissions(sandbox.path(&path), std::fs::Permissions::from_mode(0o755))
            .unwrap();
    }
    for lure in lures("https://evil.example.com/x") {
        change(&sandbox, &lure);
        for command in COMMANDS {
            sandbox.expect(0, command);
        }
    }
    let mut index = repository.index().unwrap();
    index
        .add_all(
            ["policies", "polwarden.yaml", ".gitattributes"],
            git2::IndexAddOption::DEFAULT,
            None,
        )
        .unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).unwrap();
    repository
        .commit(Some("HEAD"), &author, &author, "x", &tree, &[])
        .unwrap();
    sandbox.expect(0, &["plan", "--at", "HEAD", "--base", "HEAD"]);
    sandbox.expect(0, &["validate", "--staged"]);
    assert!(
        !log.exists(),
        "{}",
        std::fs::read_to_string(log).unwrap_or_default()
    );
}

/// Files that cost a careless reader minutes or gigabytes.
fn heavy() -> Vec<(&'static str, String)> {
    let head = "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata: {name: heavy}\n";
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (one, next) in ('a'..'k').zip('b'..'l') {
        laughs.push_str(&format!(
            "{next}: &{next} [*{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}]\n"
        ));
    }
    let crossing: String = (0..40)
        .map(|n| {
            let decision = if n % 2 == 0 { "allow" } else { "deny" };
            tcp(
                &format!("r{n}"),
                decision,
                &format!("\"*a{n}.**.b*{n}.example.com\", \"**.c{n}*.*d.example.com\""),
            )
        })
        .collect();
    vec![
        ("aliases", format!("{head}{laughs}spec: {{rules: *k}}\n")),
        ("deep", format!("{head}spec: {}\n", "{a: [".repeat(100_000))),
        (
            "long",
            format!("{head}spec: {{rules: [{}]}}\n", "{}, ".repeat(200_000)),
        ),
        ("large", "x".repeat(64 << 20)),
        ("documents", format!("{head}---\n").repeat(10_000)),
        (
            "crossing",
            format!(
                "{head}spec:\n  rules:\n{}",
                crossing.replace("  - ", "    - ")
            ),
        ),
        (
            "test",
            format!(
                "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {{name: t}}\nspec:\n  cases:\n    - name: c\n      allow: ['tcp {{a}}.{{b}}.{{c}}.{{d}}.example.com:443']\n      matrix:\n{}",
                "abcd"
                    .chars()
                    .map(|c| format!(
                        "        {c}: [{}]\n",
                        (0..200)
                            .map(|n| format!("'{n}'"))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ))
                    .collect::<String>()
            ),
        ),
    ]
}

#[test]
fn ends_soon_in_little_memory() {
    const KIBIBYTES: u64 = 3 << 20;
    for (name, text) in heavy() {
        let sandbox = served();
        sandbox.write("policies/heavy.yaml", text);
        for command in ["lint", "test", "plan"] {
            let limited = format!("ulimit -v {KIBIBYTES}; exec \"$0\" {command}");
            let mut shell = std::process::Command::new("/bin/sh");
            shell
                .args(["-c", &limited, env!("CARGO_BIN_EXE_polwarden")])
                .env_clear()
                .env("HOME", sandbox.path("."));
            let started = Instant::now();
            let output = shell
                .envs(&sandbox.environment)
                .current_dir(sandbox.path("."))
                .output()
                .unwrap();
            let code = output.status.code();
            let took = started.elapsed();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(
                matches!(code, Some(0 | 1 | 3 | 4)) && !told.contains("panicked"),
                "{name} {command}: {code:?} {told}"
            );
            assert!(took < Duration::from_secs(60), "{name} {command}: {took:?}");
            assert!(
                output.stdout.len() + output.stderr.len() < 4 << 20,
                "{name} {command}: a flood of output"
            );
        }
    }
}
