//! Suggestions: each one, applied to the file, removes its diagnostic.

use serde_json::Value;

use super::sandbox::{Sandbox, config};

const TEAM: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";

/// A policy with these lines below `rules:`.
fn rules(lines: &str) -> String {
    format!(
        "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: p\nspec:\n  rules:\n{lines}"
    )
}

/// A network rule with these lines after `resources:`.
fn resources(lines: &str) -> String {
    rules(&format!(
        "    - name: r\n      decision: allow\n      actions: [\"connect:tcp\"]\n      resources:{lines}"
    ))
}

fn http(target: &str) -> String {
    rules(&format!(
        "    - name: r\n      decision: allow\n      actions: [\"request:get\"]\n      httpResources:\n        - {target}\n"
    ))
}

fn list(kind: &str, entries: &str) -> String {
    format!(
        "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata:\n  name: l\nspec:\n  {kind}: {entries}\n"
    )
}

fn diagnostics(sandbox: &Sandbox) -> Vec<Value> {
    let report = sandbox.run(&["validate", "--format", "json"]).json();
    report["diagnostics"].as_array().unwrap().clone()
}

/// The byte offset of a line and column, both counted from 1.
fn offset(text: &str, line: &Value, column: &Value) -> usize {
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let start: usize = text
        .split_inclusive('\n')
        .take(number(line) - 1)
        .map(str::len)
        .sum();
    let columns = text[start..].char_indices().nth(number(column) - 1);
    columns.map_or(text.len(), |(at, _)| start + at)
}

/// Applies a suggestion and returns the new text.
fn apply(text: &str, suggestion: &Value) -> String {
    let place = &suggestion["place"];
    let start = offset(text, &place["line"], &place["column"]);
    let end = offset(text, &place["endLine"], &place["endColumn"]);
    let replacement = suggestion["replacement"].as_str().unwrap();
    format!("{}{replacement}{}", &text[..start], &text[end..])
}

/// Whether a help line proposes a text, so that it must have a suggestion.
fn proposes_text(help: &str) -> bool {
    [
        "did you mean `",
        "write `",
        "quote it: ",
        "as a list: [",
        "write each host as a separate entry: ",
    ]
    .iter()
    .any(|start| help.starts_with(start))
}

#[test]
fn every_suggestion_removes_its_diagnostic() {
    let good = resources(" [a.example.com]\n");
    let cases = [
        // Keys and values that are similar to known ones.
        good.replace("decision", "decison"),
        good.replace("kind: Policy", "kind: Polcy"),
        good.replace("docker.com/governance/v1", "docker.com/governence/v1"),
        good.replace("allow", "alow"),
        good.replace("allow", "\"Allow\""),
        good.replace("connect:tcp", "conect:tcp"),
        // Numbers and booleans instead of strings, in the syntax of the file.
        good.replace("name: p", "name: 443.0"),
        good.replace("name: p", "name: 1e1"),
        good.replace("name: p", "name: 0x1F # a comment"),
        good.replace("name: p", "name: 007"),
        good.replace("name: p", "name: True"),
        good.replace("name: r", "name: 12345678901234567890123"),
        // A string instead of a list.
        resources(" a.example.com\n"),
        resources(" a.example.com, b.example.com:443\n"),
        resources(" >\n        a.example.com:443\n        b.example.com:443\n"),
        resources(" |\n        a.example.com:443\n        **.b.example.com\n"),
        resources(" \"a.example.com:443;b.example.com:443\"\n"),
        list("paths", "/data/a b"),
        list("paths", "\"/data/a,/data/b\""),
        // Several hosts in one entry.
        resources("\n        - a.example.com:443 b.example.com:443\n        - c.example.com\n"),
        resources("\n        - 'a.example.com, b.example.com'\n"),
        resources(" [c.example.com, \"a.example.com\\nb.example.com\"]\n"),
        resources("\n        - >\n          a.example.com:443\n          b.example.com:443\n"),
        list("hosts", "[\"a.example.com;10.0.0.0/8\"]"),
        // Strings that begin like YAML indicators.
        resources("\n        - *.example.com\n"),
        good.replace("name: p", "name: @p"),
        good.replace("name: p", "name: `p`"),
        // Patterns with one valid form.
        resources(" [\"https://a.example.com\"]\n"),
        resources("\n        - https://a.example.com:8443/x\n"),
        resources(" [a.example.com.]\n"),
        resources(" [\"a.example.com:https\"]\n"),
        resources(" [\"a.example.com:0443\"]\n"),
        resources(" [bücher.example.com]\n"),
        resources(" [\"10.0.0.1/8\"]\n"),
        resources(" [\" a.example.com\"]\n"),
        resources(" [A.example.com]\n"),
        resources(" [a.example.com, \"*.a.example.com\"]\n"),
        list("paths", "[/data/, /a//b]"),
        http("{host: https://a.example.com, path: /x}"),
        http("{host: a.example.com, path: x}"),
        http("{host: a.example.com, port: \"443\", path: /x}"),
        http("{host: a.example.com, port: 4_43, path: /x}"),
        // Names.
        good.replace("name: p", "name: \"p \""),
        good.replace("spec:", "spec:\n  scope: {teams: [opps]}"),
        good.replace("spec:", "spec:\n  scope: {teams: [\"opps\"]}"),
    ];
    let sandbox = Sandbox::new(&format!("teams: {{ops: {TEAM}}}"));
    sandbox.write("policies/p.yaml", &good);
    assert_eq!(diagnostics(&sandbox), Vec::<Value>::new());
    let mut applied = 0;
    for text in cases {
        sandbox.write("policies/p.yaml", &text);
        let found = diagnostics(&sandbox);
        assert!(!found.is_empty(), "no diagnostic: {text}");
        let mut some = false;
        for finding in &found {
            let help = finding["help"].as_str().unwrap_or_default();
            let suggestion = &finding["suggestion"];
            if suggestion.is_null() {
                assert!(!proposes_text(help), "no suggestion: {finding:#}\n{text}");
                continue;
            }
            some = true;
            applied += 1;
            let fixed = apply(&text, suggestion);
            sandbox.write("policies/p.yaml", &fixed);
            let left = diagnostics(&sandbox);
            assert!(
                left.iter()
                    .all(|other| other["message"] != finding["message"]),
                "still there: {finding:#}\n{fixed}"
            );
            let before: Vec<&Value> = found.iter().map(|finding| &finding["code"]).collect();
            for other in left {
                assert!(
                    before.contains(&&other["code"]) || other["severity"] == "warning",
                    "the suggestion {suggestion:#} causes {other:#}\n{fixed}"
                );
            }
            let guess = suggestion["guess"].as_bool().unwrap();
            assert_eq!(
                guess,
                help.contains("did you mean") || help.contains("for all names")
            );
        }
        assert!(some, "no suggestion at all: {found:#?}\n{text}");
    }
    assert!(applied >= 40, "{applied}");
}

#[test]
fn no_quotes_are_proposed_where_they_do_not_help() {
    let sandbox = Sandbox::new("");
    let good = resources(" [a.example.com]\n");
    for text in [
        resources(" [443]\n"),
        resources(" [1.5]\n"),
        good.replace("allow", "1"),
        good.replace("allow", "true"),
        good.replace("\"connect:tcp\"", "1"),
        http("{host: a.example.com, path: 1}"),
    ] {
        sandbox.write("policies/p.yaml", &text);
        let found = diagnostics(&sandbox);
        assert!(!found.is_empty(), "{text}");
        for finding in found {
            let help = finding["help"].as_str().unwrap_or_default();
            assert!(!help.contains("quote"), "{finding:#}");
        }
    }
}

#[test]
fn quotes_keep_the_text_of_the_file() {
    let sandbox = Sandbox::new("");
    for (written, quoted) in [
        ("443.0", "\"443.0\""),
        ("1e1", "\"1e1\""),
        ("0o17", "\"0o17\""),
        ("0x1F", "\"0x1F\""),
        ("+3", "\"+3\""),
        ("007", "\"007\""),
        ("1.50", "\"1.50\""),
        ("TRUE", "\"TRUE\""),
    ] {
        let text = resources(" [a.example.com]\n").replace("name: p", &format!("name: {written}"));
        sandbox.write("policies/p.yaml", &text);
        let found = diagnostics(&sandbox);
        assert_eq!(found[0]["suggestion"]["replacement"], quoted);
        assert_eq!(found[0]["help"], format!("quote it: {quoted}"));
    }
    for key in ["1e1", "0x1F", "true", "~"] {
        let text = resources(" [a.example.com]\n").replace(
            "decision: allow",
            &format!("decision: allow\n      {key}: x"),
        );
        sandbox.write("policies/p.yaml", &text);
        let found = diagnostics(&sandbox);
        assert_eq!(found[0]["suggestion"]["replacement"], format!("\"{key}\""));
    }
    // Quoting the alias would make it another text.
    let text = resources(" [a.example.com]\n")
        .replace("name: p", "name: *n")
        .replace("metadata:", "metadata:\n  aliases: [&n 1e1]");
    sandbox.write("policies/p.yaml", &text);
    let found = diagnostics(&sandbox);
    let at_alias = found.iter().find(|finding| {
        finding["message"]
            .as_str()
            .unwrap()
            .contains("metadata.name")
    });
    assert!(at_alias.unwrap()["suggestion"].is_null(), "{found:#?}");
}

#[test]
fn whole_numbers_are_accepted_in_every_form() {
    let sandbox = Sandbox::new("");
    for port in [
        "443.0", "4.43e2", "443", "0x1BB", "0o673", "443.", "+443", "44300e-2",
    ] {
        sandbox.write(
            "policies/p.yaml",
            http(&format!("{{host: a.example.com, port: {port}, path: /x}}")),
        );
        assert_eq!(diagnostics(&sandbox), Vec::<Value>::new(), "{port}");
    }
    for port in [
        "443.5",
        "0.0",
        "65536.0",
        "-1.0",
        "1e30",
        "-443",
        "1e400",
        "99999999999999999999",
    ] {
        sandbox.write(
            "policies/p.yaml",
            http(&format!("{{host: a.example.com, port: {port}, path: /x}}")),
        );
        let found = diagnostics(&sandbox);
        assert_eq!(found.len(), 1, "{port}: {found:#?}");
        assert_eq!(found[0]["labels"][0]["line"], 11, "{port}: {found:#?}");
        let message = found[0]["message"].as_str().unwrap();
        assert!(
            !message.contains("u16") && !message.contains("floating point"),
            "{message}"
        );
    }
    sandbox.write("policies/p.yaml", resources(" [a.example.com]\n"));
    for (limit, valid) in [
        ("1e1", true),
        ("10.0", true),
        ("0xA", true),
        ("1e30", false),
        ("4294967296", false),
        ("-1", false),
        ("0.5", false),
    ] {
        sandbox.write(
            "polwarden.yaml",
            config(&format!("limits: {{maxDeletes: {limit}}}")),
        );
        let ran = sandbox.run(&["validate"]);
        assert_eq!(ran.code == 0, valid, "{limit}: {}", ran.text());
        assert!(!ran.text().contains("untagged"), "{}", ran.text());
        assert!(
            valid || ran.text().contains("polwarden.yaml:8"),
            "{}",
            ran.text()
        );
    }
}

#[test]
fn a_request_with_an_invalid_port_or_a_password_is_explained() {
    let sandbox = Sandbox::new("");
    sandbox.write("policies/p.yaml", resources(" [a.example.com]\n"));
    for port in ["0", "65536", "-1", "99999999999999999999"] {
        let object = format!("a.example.com:{port}");
        let ran = sandbox.expect(1, &["explain", "tcp", &object]);
        assert!(
            ran.err.contains("must be between 1 and 65535"),
            "{}",
            ran.err
        );
    }
    let ran = sandbox.expect(1, &["explain", "tcp", "a.example.com:500-400"]);
    assert!(ran.err.contains("invalid port `500-400`"), "{}", ran.err);
    for words in [
        &["get", "https://ann:hunter2@a.example.com/x"][..],
        &["get", "https://ann:hunter2@a.example.com:0/x"],
        &["get", "https://ann:hunter2*@a.example.com/x"],
        &["tcp", "ann:hunter2@a.example.com:443"],
        &["https://ann:hunter2@a.example.com/x"],
        &["get", "a", "https://ann:hunter2@a.example.com/x"],
    ] {
        let ran = sandbox.expect(1, &[&["explain"], words].concat());
        assert!(!ran.text().contains("hunter2"), "{}", ran.text());
    }
    sandbox.expect(0, &["explain", "get", "HTTPS://a.example.com/x"]);
}

/// "write at least N" and "write at most N": what is written then is accepted.
#[test]
fn the_limits_that_advice_names_are_accepted() {
    let policy = |value: &str| http(&format!("{{host: a.example.com, path: /, port: {value}}}"));
    let listed = |value: &str| {
        list(
            "httpResources",
            &format!("[{{host: a.example.com, path: /, port: {value}}}]"),
        )
    };
    let configured = |field: &str, value: &str| config(&format!("{field}: {value}\n"));
    let deletes = |value: &str| configured("limits", &format!("{{maxDeletes: {value}}}"));
    let updates = |value: &str| configured("limits", &format!("{{maxUpdates: {value}}}"));
    let packs = |value: &str| {
        let pulumi = config("").replace("provider: docker", "provider: pulumi");
        format!("{pulumi}    keepVersions: {value}\n")
    };
    type File<'f> = (&'f str, &'f dyn Fn(&str) -> String);
    let files: [(File<'_>, &[&str]); 5] = [
        (("policies/p.yaml", &policy), &["-1", "65536"]),
        (("policies/l.yaml", &listed), &["-1", "65536"]),
        (("polwarden.yaml", &deletes), &["-1"]),
        (("polwarden.yaml", &updates), &["-1"]),
        (("polwarden.yaml", &packs), &["-1", "0"]),
    ];
    for ((file, text), wrong) in files {
        for value in wrong {
            let sandbox = Sandbox::new("");
            sandbox.write(file, text(value));
            let found = diagnostics(&sandbox);
            let help = found.iter().filter_map(|it| it["help"].as_str());
            let mut limits = help.filter_map(|help| {
                let rest = help.strip_prefix("write at ")?;
                Some(rest.split_once(' ')?.1.to_owned())
            });
            let limit = limits
                .next()
                .unwrap_or_else(|| panic!("{file} {value}: {found:#?}"));
            sandbox.write(file, text(&limit));
            let errors: Vec<Value> = diagnostics(&sandbox)
                .into_iter()
                // There is no folder with policies.
                .filter(|it| it["severity"] == "error" && it["code"] != "target-path-invalid")
                .collect();
            assert!(errors.is_empty(), "{file} {value} to {limit}: {errors:#?}");
        }
    }
}
