//! Input that must not be ignored silently: each case ends with the correct result or a diagnostic.

use emulator::{DockerOptions, DockerSeed};
use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature};
use serde_json::json;

use super::sandbox::{Sandbox, config, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

fn allow(name: &str, host: &str) -> String {
    policy(name, &format!("rules:\n{}", tcp("r", "allow", host)))
}

fn repository(sandbox: &Sandbox) -> Repository {
    let mut options = RepositoryInitOptions::new();
    Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap()
}

fn commit(repository: &Repository) {
    let mut index = repository.index().unwrap();
    index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).unwrap();
    let parent = repository.head().ok();
    let parent = parent.map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(Some("HEAD"), &author, &author, "x", &tree, &parents)
        .unwrap();
}

#[test]
fn a_file_without_a_manifest_is_an_error() {
    let commented: String = allow("a", "a.example.com")
        .lines()
        .map(|line| format!("# {line}\n"))
        .collect();
    let texts = [
        "",
        "\n\n",
        "\u{feff}",
        "\u{feff}# a comment\n",
        "# a comment",
        "---\n---\n",
        "---\n# a comment\n...\n",
        "null\n",
        "~\n",
        &commented,
    ];
    let sandbox = Sandbox::new("unmanaged: prune");
    sandbox.write("policies/b.yaml", allow("b", "b.example.com"));
    for text in texts {
        sandbox.write("policies/a.yaml", text);
        for command in [&["validate"][..], &["lint"], &["plan", EMBEDDED]] {
            let ran = sandbox.expect(3, command);
            assert!(
                ran.text().contains("no-manifests") && ran.text().contains("policies/a.yaml"),
                "{text:?}: {}",
                ran.text()
            );
        }
    }
    // A document that is commented out next to another one, but not an empty one.
    sandbox.write(
        "policies/a.yaml",
        format!("{}---\n{commented}", allow("c", "c.example.com")),
    );
    let ran = sandbox.expect(3, &["validate"]);
    assert!(ran.out.contains("policies/a.yaml:9"), "{}", ran.out);
    sandbox.write(
        "policies/a.yaml",
        format!(
            "# A header.\n---\n{}---\n# The end.\n",
            allow("c", "c.example.com")
        ),
    );
    sandbox.expect(0, &["validate", "--strict"]);
}

#[test]
fn extensions_are_read_in_any_letter_case() {
    let sandbox = Sandbox::new("");
    for (number, extension) in ["YML", "Yaml", "JSON", "yMl"].iter().enumerate() {
        let name = format!("p{number}");
        let text = if *extension == "JSON" {
            format!(
                r#"{{"apiVersion":"docker.com/governance/v1","kind":"Policy","metadata":{{"name":"{name}"}},"spec":{{"rules":[
                {{"name":"r","decision":"allow","actions":["connect:tcp"],"resources":["a.example.com"]}}]}}}}"#
            )
        } else {
            allow(&name, "a.example.com")
        };
        sandbox.write(&format!("policies/{name}.{extension}"), text);
    }
    sandbox.write("policies/Polwarden.Yaml", allow("p4", "a.example.com"));
    commit(&repository(&sandbox));
    for at in [&[][..], &["--at", "HEAD"], &["--staged"]] {
        let ran = sandbox.expect(0, &[&["plan", EMBEDDED], at].concat());
        for name in ["p0", "p1", "p2", "p3", "p4"] {
            assert!(
                ran.out.contains(&format!("policy \"{name}\"")),
                "{}",
                ran.out
            );
        }
    }
}

#[test]
fn a_manifest_with_a_name_that_is_not_read_is_a_warning() {
    let names = [
        "a.yaml.bak",
        "a.yaml~",
        "a.yml.disabled",
        "a.yam",
        "a",
        "a.txt",
        ".a.yaml",
        "polwarden.yaml",
    ];
    for name in names {
        let sandbox = Sandbox::new("");
        sandbox.write("policies/b.yaml", allow("b", "b.example.com"));
        sandbox.write("policies/notes.txt", "apiVersion and kind are fields.\n");
        sandbox.expect(0, &["validate", "--strict"]);
        sandbox.write(&format!("policies/{name}"), allow("a", "a.example.com"));
        let ran = sandbox.expect(0, &["validate"]);
        assert!(
            ran.out.contains("warning[manifest-skipped]")
                && ran.out.contains(&format!("policies/{name}")),
            "{name}: {}",
            ran.out
        );
        sandbox.expect(3, &["validate", "--strict"]);
        commit(&repository(&sandbox));
        let ran = sandbox.expect(0, &["validate", "--at", "HEAD"]);
        assert!(ran.out.contains("manifest-skipped"), "{name}: {}", ran.out);
    }
}

#[test]
fn an_alias_to_another_document_is_an_error() {
    let list = |name: &str, hosts: &str| {
        format!(
            "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {{name: {name}}}\nspec:\n  hosts: {hosts}\n"
        )
    };
    let sandbox = Sandbox::new("");
    let first = list("l1", "&h [a.example.com]");
    for second in [
        format!("---\n{}", list("l2", "*h")),
        format!("...\n---\n{}", list("l2", "*h")),
        format!("---\n{}", list("l2", "[*h]")),
        format!(
            "---\n{}---\n{}",
            list("l2", "[b.example.com]"),
            list("l3", "*h")
        ),
    ] {
        sandbox.write("policies/lists.yaml", format!("{first}{second}"));
        let ran = sandbox.expect(3, &["validate"]);
        assert!(
            ran.out
                .contains("the anchor of this alias is in an earlier document"),
            "{}",
            ran.out
        );
    }
    // The same name may be used again.
    sandbox.write(
        "policies/lists.yaml",
        format!(
            "{first}---\n{}",
            list("l2", "&h [b.example.com]\n  paths: [/a]\n# *h")
        ),
    );
    let ran = sandbox.run(&["validate"]);
    assert!(!ran.out.contains("alias"), "{}", ran.out);
}

#[test]
fn an_imported_policy_is_written_where_it_is_read() {
    let names = [
        "Polwarden",
        "polwarden",
        "  ",
        "CON",
        "com1",
        ".hidden",
        "p",
    ];
    let policies: Vec<_> = names
        .iter()
        .filter(|name| !name.trim().is_empty())
        .map(|name| {
            json!({"name": name, "rules": [{"name": "a", "actions": ["connect:tcp"],
                "resources": ["a.example.com"], "decision": "allow"}]})
        })
        .collect();
    let seed = json!({"organizations": [{"name": "my-org", "policies": policies}]});
    let sandbox = Sandbox::new("").serve(DockerOptions {
        seed: Some(DockerSeed::from_json(&seed.to_string()).unwrap()),
        ..DockerOptions::default()
    });
    for folder in ["elsewhere", "policies/.hidden"] {
        let ran = sandbox.expect(0, &["import", "--out", folder]);
        assert!(ran.err.contains("these files are not read"), "{}", ran.err);
    }
    std::fs::remove_dir_all(sandbox.path("policies/.hidden")).unwrap();
    let ran = sandbox.expect(0, &["import"]);
    assert!(!ran.err.contains("not read"), "{}", ran.err);
    let ran = sandbox.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(!ran.out.contains("Unmanaged"), "{}", ran.out);
}

#[test]
fn pipelines_of_all_services_name_the_base() {
    let mut sandbox = Sandbox::empty();
    sandbox.write(
        "polwarden.yaml",
        format!(
            "{}access:\n  never: [\"tcp **.paste.example.com\"]\n",
            config("")
        ),
    );
    sandbox.write("policies/a.yaml", allow("a", "a.example.com"));
    let repository = repository(&sandbox);
    commit(&repository);
    let head = repository.head().unwrap().peel_to_commit().unwrap();
    repository.branch("change", &head, true).unwrap();
    repository.set_head("refs/heads/change").unwrap();
    sandbox.write("polwarden.yaml", config(""));
    sandbox.write("policies/a.yaml", allow("a", "x.paste.example.com"));
    commit(&repository);
    let plan: &[&str] = &["plan", EMBEDDED];
    sandbox.expect(0, plan);
    let properties = sandbox.path("build.properties");
    let settings = sandbox.path("config.properties");
    let escaped = settings.to_str().unwrap().replace(':', "\\:");
    sandbox.write(
        "build.properties",
        format!("teamcity.configuration.properties.file={escaped}\n"),
    );
    sandbox.write(
        "config.properties",
        "teamcity.pullRequest.number=7\nteamcity.pullRequest.target.branch=main\n",
    );
    let properties = format!(
        "TEAMCITY_VERSION=1 TEAMCITY_BUILD_PROPERTIES_FILE={}",
        properties.display()
    );
    let held = [
        "GITHUB_ACTIONS=true GITHUB_BASE_REF=main",
        "BUILDKITE=true BUILDKITE_PULL_REQUEST=7 BUILDKITE_PULL_REQUEST_BASE_BRANCH=main",
        "JENKINS_URL=x CHANGE_ID=7 CHANGE_TARGET=main",
        "JENKINS_URL=x ghprbPullId=7 ghprbTargetBranch=main",
        "TEAMCITY_VERSION=1 teamcity.pullRequest.target.branch=main",
        "TEAMCITY_VERSION=1 TEAMCITY_PULLREQUEST_TARGET_BRANCH=refs/heads/main",
        &properties,
        "CODEBUILD_BUILD_ID=1 CODEBUILD_WEBHOOK_EVENT=PULL_REQUEST_UPDATED CODEBUILD_WEBHOOK_BASE_REF=refs/heads/main",
        "DRONE=true DRONE_PULL_REQUEST=7 DRONE_TARGET_BRANCH=main",
        "DRONE=true DRONE_BUILD_EVENT=pull_request DRONE_COMMIT_BRANCH=main",
        "TRAVIS_PULL_REQUEST=7 TRAVIS_BRANCH=main",
    ];
    let unknown = [
        "BUILDKITE=true BUILDKITE_PULL_REQUEST=7 BUILDKITE_PULL_REQUEST_BASE_BRANCH=",
        "JENKINS_URL=x CHANGE_ID=7",
        "TEAMCITY_VERSION=1 teamcity.build.branch=pull/7",
        "CODEBUILD_BUILD_ID=1 CODEBUILD_SOURCE_VERSION=pr/7",
        "DRONE=true DRONE_PULL_REQUEST=7",
        "GITHUB_ACTIONS=true GITHUB_BASE_REF=absent",
    ];
    let none = [
        "BUILDKITE=true BUILDKITE_PULL_REQUEST=false BUILDKITE_PULL_REQUEST_BASE_BRANCH=",
        "DRONE=true DRONE_BUILD_EVENT=push DRONE_TARGET_BRANCH=main",
        "TRAVIS_PULL_REQUEST=false TRAVIS_BRANCH=main",
        "CODEBUILD_BUILD_ID=1 CODEBUILD_WEBHOOK_EVENT=PUSH CODEBUILD_SOURCE_VERSION=abc",
        "JENKINS_URL=x BRANCH_NAME=main",
    ];
    for (code, all) in [(4, &held[..]), (1, &unknown[..]), (0, &none[..])] {
        for variables in all {
            sandbox.environment = variables
                .split(' ')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            sandbox.set("CI", "true");
            let ran = sandbox.run(plan);
            assert_eq!(ran.code, code, "{variables}: {}", ran.text());
            if code == 1 {
                assert!(ran.err.contains("--base"), "{variables}: {}", ran.err);
            }
        }
    }
}

#[test]
fn paths_in_junit_begin_at_the_top_of_the_repository() {
    let sandbox = Sandbox::empty();
    sandbox.write("gov/polwarden.yaml", config(""));
    sandbox.write("gov/policies/a.yaml", allow("a", "\"a.example.com:0\""));
    sandbox.write(
        "gov/policies/t.yaml",
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n  cases:\n    - {name: c, deny: [\"tcp b.example.com:443\"]}\n",
    );
    commit(&repository(&sandbox));
    let command: &[&str] = &["-C", "gov", "--format", "junit"];
    let file = "file=\"gov/policies/a.yaml\"";
    for (code, name) in [(3, "validate"), (3, "plan"), (3, "drift")] {
        let connect: &[&str] = if name == "validate" { &[] } else { &[EMBEDDED] };
        let ran = sandbox.expect(code, &[&[name], command, connect].concat());
        assert!(ran.out.contains(file), "{name}: {}", ran.out);
    }
    sandbox.write("gov/policies/a.yaml", allow("a", "a.example.com"));
    let ran = sandbox.expect(0, &[&["test"], command].concat());
    assert!(
        ran.out.contains("file=\"gov/policies/t.yaml\""),
        "{}",
        ran.out
    );
}

#[test]
fn configuration_of_git_in_variables_counts() {
    let mut sandbox = Sandbox::new("");
    sandbox.write("policies/a.yaml", allow("a", "a.example.com"));
    commit(&repository(&sandbox));
    // A checkout with `core.autocrlf` has CR LF.
    let text = sandbox.read("policies/a.yaml").replace('\n', "\r\n");
    sandbox.write("policies/a.yaml", text);
    let is_dirty = |sandbox: &Sandbox| {
        let ran = sandbox.expect(0, &["plan", EMBEDDED, "--format", "json"]);
        let plan: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        plan["commit"]["dirty"].as_bool().unwrap_or(false)
    };
    assert!(is_dirty(&sandbox));
    for parameters in ["'core.autocrlf'='input'", "'core.autocrlf=input'"] {
        sandbox.set("GIT_CONFIG_PARAMETERS", parameters);
        assert!(!is_dirty(&sandbox), "{parameters}");
    }
    sandbox.set("GIT_CONFIG_PARAMETERS", "core.autocrlf=input");
    assert!(is_dirty(&sandbox));
    sandbox.environment.remove("GIT_CONFIG_PARAMETERS");
    sandbox.set("GIT_CONFIG_COUNT", "1");
    sandbox.set("GIT_CONFIG_KEY_0", "core.autocrlf");
    sandbox.set("GIT_CONFIG_VALUE_0", "input");
    assert!(!is_dirty(&sandbox));
}

#[test]
fn invisible_characters_are_errors_with_their_names() {
    let sandbox = Sandbox::new("");
    for (character, name) in [
        ("\0", "U+0000 (null)"),
        ("\u{7}", "U+0007 (bell)"),
        ("\u{1b}", "U+001B (escape)"),
    ] {
        for text in [
            allow("a", "a.example.com").replace("Policy", &format!("Policy # x{character}")),
            allow("a", "a.example.com").replace("\"a\"", &format!("a{character}b")),
            allow("a", &format!("\"a{character}.example.com\"")),
        ] {
            sandbox.write("policies/a.yaml", text);
            let ran = sandbox.expect(3, &["validate"]);
            assert!(ran.out.contains(name), "{name}: {}", ran.out);
        }
    }
    for text in [
        allow("a", "a.example.com").replace('\n', "\r"),
        format!("# A comment.\r{}", allow("a", "a.example.com")),
    ] {
        sandbox.write("policies/a.yaml", text);
        let ran = sandbox.expect(3, &["validate"]);
        assert!(ran.out.contains("a carriage return"), "{}", ran.out);
    }
    sandbox.write(
        "policies/a.yaml",
        allow("a", "a.example.com").replace('\n', "\r\n"),
    );
    sandbox.expect(0, &["validate", "--strict"]);
    for (escape, name) in [
        ("\\x01", "U+0001"),
        ("\\t", "U+0009 (tab)"),
        ("\\x7f", "U+007F (delete)"),
        ("\\u0085", "U+0085 (next line)"),
        ("\\u00AD", "U+00AD (soft hyphen)"),
        ("\\u200B", "U+200B (zero width space)"),
        ("\\u202E", "U+202E (right-to-left override)"),
        ("\\u2060", "U+2060 (word joiner)"),
        ("\\u3164", "U+3164"),
        ("\\uFE0F", "U+FE0F (variation selector)"),
        ("\\U000E0041", "U+E0041"),
    ] {
        let name_of_policy =
            allow("a", "a.example.com").replace("\"a\"", &format!("\"a{escape}b\""));
        let host = allow("a", &format!("\"a{escape}b.example.com\""));
        let path = allow("a", &format!("\"/a{escape}b\"")).replace("connect:tcp", "read");
        for text in [name_of_policy, path, host] {
            sandbox.write("policies/a.yaml", text);
            let ran = sandbox.expect(3, &["validate"]);
            assert!(ran.out.contains(name), "{name}: {}", ran.out);
        }
    }
}

#[test]
fn variables_of_the_network_that_cannot_be_used_are_named() {
    let mut sandbox = Sandbox::new("");
    sandbox.write("policies/a.yaml", allow("a", "a.example.com"));
    sandbox.set("DOCKER_HUB_IDENTIFIER", "me");
    sandbox.set("DOCKER_HUB_SECRET", "s");
    let proxies = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    let bad_proxies = ["http://ann:hun#ter2@127.0.0.1:1", "http://127.0.0.1 :1"];
    let mut cases: Vec<(&str, &str)> = Vec::new();
    for name in proxies {
        cases.extend(bad_proxies.map(|value| (name, value)));
    }
    cases.push(("NO_PROXY", "a.example.com b.example.com"));
    cases.push(("no_proxy", "10.0.0.0/64"));
    if cfg!(target_os = "linux") {
        cases.push(("SSL_CERT_FILE", "absent.pem"));
        cases.push(("SSL_CERT_FILE", "polwarden.yaml"));
    }
    for (name, value) in cases {
        let environment = sandbox.environment.clone();
        sandbox.set(name, value);
        let ran = sandbox.expect(1, &["plan"]);
        assert!(ran.err.contains(name), "{name}={value}: {}", ran.err);
        assert!(!ran.err.contains("hun"), "{}", ran.err);
        // Loopback endpoints need neither.
        sandbox.expect(0, &["plan", EMBEDDED]);
        sandbox.environment = environment;
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_that_are_not_utf8_do_not_matter_unless_they_are_manifests() {
        let sandbox = Sandbox::new("");
        sandbox.write("policies/a.yaml", allow("a", "a.example.com"));
        let path = |name: &[u8]| sandbox.path("policies").join(OsStr::from_bytes(name));
        if fs::write(path(b"r\xe9sum\xe9.pdf"), "x").is_err() {
            // This file system has no such names.
            return;
        }
        fs::create_dir(path(b"images-\xe9")).unwrap();
        fs::write(path(b"images-\xe9").join("a.png"), "x").unwrap();
        fs::write(path(b".\xff.yaml"), "x: [").unwrap();
        symlink("nowhere", path(b"link-\xff")).unwrap();
        commit(&repository(&sandbox));
        let all: [&[&str]; 6] = [
            &["validate", "--strict"],
            &["validate", "--strict", "--at", "HEAD"],
            &["validate", "--strict", "--staged"],
            &["plan", EMBEDDED],
            &["fmt", "--check"],
            &["apply", EMBEDDED, "--auto-approve"],
        ];
        for command in all {
            sandbox.expect(0, command);
        }
        let manifest = allow("b", "b.example.com");
        let folder = path(b"more-\xe9");
        for name in [path(b"\xff.yaml"), folder.join("b.yaml")] {
            fs::create_dir_all(name.parent().unwrap()).unwrap();
            fs::write(&name, &manifest).unwrap();
            let repository = Repository::open(sandbox.path(".")).unwrap();
            commit(&repository);
            for command in &all[..3] {
                let ran = sandbox.expect(3, command);
                assert!(ran.out.contains("the name is not UTF-8"), "{}", ran.out);
            }
            fs::remove_file(&name).unwrap();
            let mut index = repository.index().unwrap();
            index.update_all(["*"], None).unwrap();
            index.write().unwrap();
        }
    }
}
