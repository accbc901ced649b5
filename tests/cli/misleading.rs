//! Text that readers may take for another text: invisible characters, mixed scripts, names that are
//! displayed the same, and hosts in Punycode.

use emulator::{DockerOptions, DockerSeed};
use serde_json::json;

use super::sandbox::{Ran, Sandbox, config, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

/// The formats of `validate`.
const FORMATS: [&str; 6] = ["human", "json", "github", "gitlab", "sarif", "junit"];

fn allow(name: &str, host: &str) -> String {
    policy(name, &format!("rules:\n{}", tcp("r", "allow", host)))
}

fn validate(sandbox: &Sandbox, code: i32) -> Ran {
    sandbox.expect(code, &["validate"])
}

#[test]
fn invisible_characters_are_errors_in_every_text() {
    let team = "d290f1ee-6c54-4b01-90e6-d701748f0851";
    let list = "---\napiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {name: hosts}\nspec: {hosts: [a.example.com]}\n";
    let test = "---\napiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n  cases:\n    - \
                {name: c, matrix: {host: [a.example.com]}, allow: [\"tcp {host}:443\"]}\n";
    let policies = format!(
        "{}{list}{test}",
        policy(
            "web",
            &format!(
                "scope: {{teams: [platform]}}\nrules:\n{}",
                tcp("r", "allow", "b.example.com")
            )
        )
    );
    let more = format!(
        "teams: {{platform: {team}}}\nunmanaged: {{known: [legacy]}}\nremoved: [old]\naccess:\n  never:\n    - {{request: \"tcp c.example.com:443\", reason: because}}\n  audiences:\n    - {{name: people, teams: [platform]}}"
    );
    let sandbox = Sandbox::empty();
    sandbox.write("polwarden.yaml", config(&more));
    sandbox.write("policies/a.yaml", &policies);
    validate(&sandbox, 0);
    // Each text of the files, with an invisible character.
    let quoted = |text: &str, word: &str| {
        let hidden = format!("\"{}\\u200B{}\"", &word[..1], &word[1..]);
        text.replacen(word, &hidden, 1)
    };
    for word in [
        "legacy",
        "old",
        "because",
        "people",
        "platform",
        "production",
        "my-org",
        "policies",
    ] {
        sandbox.write("polwarden.yaml", quoted(&config(&more), word));
        let ran = validate(&sandbox, 3);
        assert!(!ran.text().contains('\u{200b}'), "{word}");
        assert!(
            ran.text().contains("200b") || ran.text().contains("U+200B"),
            "{word}: {}",
            ran.text()
        );
    }
    sandbox.write("polwarden.yaml", config(&more));
    for word in ["platform", "hosts}", "t}", "c,", "a.example.com]}, allow"] {
        let text = match word {
            "hosts}" => policies.replace("name: hosts}", "name: \"h\\u200Bosts\"}"),
            "t}" => policies.replace("name: t}", "name: \"t\\u200B\"}"),
            "c," => policies.replace("name: c,", "name: \"c\\u200B\","),
            "a.example.com]}, allow" => policies.replace(
                "[a.example.com]}, allow",
                "[\"a\\u200B.example.com\"]}, allow",
            ),
            word => quoted(&policies, word),
        };
        assert_ne!(text, policies, "{word}");
        sandbox.write("policies/a.yaml", text);
        let ran = validate(&sandbox, 3);
        assert!(!ran.text().contains('\u{200b}'), "{word}");
    }
    // Comments that reorder text, and Cedar files.
    sandbox.write("policies/a.yaml", format!("# a \u{202e}b\n{policies}"));
    let ran = validate(&sandbox, 3);
    assert!(
        ran.text().contains("U+202E (right-to-left override)"),
        "{}",
        ran.text()
    );
    sandbox.write(
        "policies/a.yaml",
        format!("# Emoji are text: ⚠️ 👩‍💻\n{policies}"),
    );
    validate(&sandbox, 0);
    sandbox.write(
        "policies/cedar.yaml",
        policy("mcp", "cedar:\n  file: ../mcp.cedar\n  schemaUrl: https://schemas.docker.com/policy/cedar/v1/mcp/v0"),
    );
    sandbox.write(
        "mcp.cedar",
        "permit(principal, action, resource); // \u{2066}x\n",
    );
    let ran = validate(&sandbox, 3);
    assert!(
        ran.text()
            .contains("the Cedar file contains the invisible character U+2066"),
        "{}",
        ran.text()
    );
}

#[test]
fn names_in_one_script_are_no_warnings() {
    let sandbox = Sandbox::new("teams: {платформа: d290f1ee-6c54-4b01-90e6-d701748f0851}");
    for (file, name) in [
        ("a", "Доступ к сети"),
        ("b", "パッケージ登録所"),
        ("c", "Πρόσβαση"),
        ("d", "ТЕСТ"),
        ("e", "软件仓库"),
        ("f", "Zugriff für Köln"),
        ("g", "GitHubへのアクセス"),
        ("h", "नेटवर्क"),
    ] {
        let host = format!("{file}.example.com");
        sandbox.write(&format!("policies/{file}.yaml"), allow(name, &host));
    }
    let scoped = "scope: {teams: [платформа]}\nrules:\n";
    sandbox.write(
        "policies/i.yaml",
        policy(
            "сеть",
            &format!("{scoped}{}", tcp("правило", "allow", "xn--e1afmkfd.com")),
        ),
    );
    let ran = sandbox.expect(0, &["validate", "--strict"]);
    assert!(!ran.text().contains("warning"), "{}", ran.text());
    let ran = sandbox.expect(0, &["plan", EMBEDDED]);
    for shown in [
        "Доступ к сети",
        "ТЕСТ",
        "xn--e1afmkfd.com (Unicode: пример.com)",
    ] {
        assert!(ran.out.contains(shown), "{shown}: {}", ran.out);
    }
}

#[test]
fn names_that_mislead_are_warnings_and_escaped_in_every_output() {
    let sandbox = Sandbox::new("");
    sandbox.write(
        "policies/a.yaml",
        allow("p\u{430}yments", "xn--pypal-4ve.com"),
    );
    for format in FORMATS {
        let ran = sandbox.expect(0, &["validate", "--format", format]);
        let text = ran.text();
        assert!(text.contains("mixed-scripts"), "{format}: {text}");
        assert!(text.contains("u{430}yments"), "{format}: {text}");
        assert!(text.contains("xn--pypal-4ve.com"), "{format}: {text}");
        assert!(!text.contains('\u{430}'), "{format}: {text}");
    }
    for format in [
        "human", "markdown", "html", "github", "sarif", "junit", "gitlab",
    ] {
        let ran = sandbox.expect(0, &["plan", EMBEDDED, "--format", format]);
        assert!(!ran.text().contains('\u{430}'), "{format}: {}", ran.text());
        assert!(ran.text().contains("u{430}"), "{format}: {}", ran.text());
    }
    let ran = sandbox.expect(3, &["validate", "--strict"]);
    assert!(
        ran.text().contains("mixes Latin and Cyrillic letters"),
        "{}",
        ran.text()
    );
}

#[test]
fn names_that_are_displayed_alike_are_warnings() {
    for (one, other, message) in [
        ("caf\u{e9}", "cafe\u{301}", "only in Unicode normalization"),
        ("tier-1", "tier-l", "can be confused with"),
        ("\u{441}\u{43e}\u{440}", "cop", "can be confused with"),
    ] {
        let sandbox = Sandbox::new("");
        sandbox.write("policies/a.yaml", allow(one, "a.example.com"));
        sandbox.write("policies/b.yaml", allow(other, "b.example.com"));
        let ran = validate(&sandbox, 0);
        assert!(
            ran.text().contains("confusable-name") && ran.text().contains(message),
            "{one}: {}",
            ran.text()
        );
        // Rules of one policy, lists, hosts and aliases.
        let sandbox = Sandbox::new("");
        let rules = tcp(one, "allow", "a.example.com") + &tcp(other, "allow", "b.example.com");
        sandbox.write("policies/a.yaml", policy("a", &format!("rules:\n{rules}")));
        let ran = validate(&sandbox, 0);
        assert!(
            ran.text().contains("the rule name"),
            "{one}: {}",
            ran.text()
        );
        let list = |name: &str, host: &str| {
            format!(
                "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {{name: \"{name}\"}}\nspec: {{hosts: [{host}]}}\n"
            )
        };
        sandbox.write("policies/b.yaml", list(one, "a.example.com"));
        sandbox.write("policies/c.yaml", list(other, "paypal.com"));
        sandbox.write("policies/d.yaml", allow("d", "paypa1.com"));
        let ran = validate(&sandbox, 0);
        assert!(
            ran.text().contains("the list name"),
            "{one}: {}",
            ran.text()
        );
        assert!(ran.text().contains("the host `paypa"), "{}", ran.text());
    }
    let team = "d290f1ee-6c54-4b01-90e6-d701748f0851";
    let other = "d290f1ee-6c54-4b01-90e6-d701748f0852";
    let sandbox = Sandbox::new(&format!("teams: {{platf0rm: {team}, platfOrm: {other}}}"));
    sandbox.write("policies/a.yaml", allow("a", "a.example.com"));
    let ran = validate(&sandbox, 0);
    assert!(ran.text().contains("the team alias"), "{}", ran.text());
}

#[test]
fn live_policies_that_are_displayed_like_declared_ones_are_reported() {
    let policy = json!({"name": "p\u{430}yments", "rules": [{"name": "r", "decision": "allow",
        "actions": ["connect:tcp"], "resources": ["c.example.com"]}]});
    let seed = json!({"organizations": [{"name": "my-org", "policies": [policy]}]});
    let sandbox = Sandbox::new("").serve(DockerOptions {
        seed: Some(DockerSeed::from_json(&seed.to_string()).unwrap()),
        ..DockerOptions::default()
    });
    sandbox.write("policies/a.yaml", allow("payments", "a.example.com"));
    let ran = sandbox.expect(0, &["plan"]);
    let message = "policy \"payments\" can be confused with live policy \"p\\u{430}yments\"";
    assert!(ran.out.contains(message), "{}", ran.out);
}

/// Requests of gates and policy tests are read by people, too.
#[test]
fn requests_of_gates_and_tests_with_mixed_scripts_are_warned_about() {
    let sandbox = Sandbox::new("");
    let configured = sandbox
        .read("polwarden.yaml")
        .replace("paths: [policies]", "paths: [policies, tests]");
    sandbox.write(
        "polwarden.yaml",
        format!("{configured}access:\n  never: [tcp xn--pypal-4ve.com]\n"),
    );
    sandbox.write(
        "policies/p.yaml",
        policy(
            "p",
            &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
        ),
    );
    sandbox.write(
        "tests/t.yaml",
        "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata:\n  name: t\nspec:\n  cases:\n    - name: c\n      deny: [tcp xn--pypal-4ve.com:443]\n",
    );
    let found = sandbox.expect(0, &["validate", "--format", "json"]).json();
    let found = found["diagnostics"].as_array().unwrap().iter();
    let files: Vec<&str> = found
        .filter(|it| it["code"] == "mixed-scripts")
        .map(|it| it["labels"][0]["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["polwarden.yaml", "tests/t.yaml"]);
}
