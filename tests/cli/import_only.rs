//! `import --only`: adopts changes of another client into the manifests.

use super::sandbox::{Sandbox, config, policy, target, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";
/// The header of the live state.
const HEADING: &str = "production (my-org @ embedded (local emulator)) · profile current\n";
const TEAM: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";

/// Two policies and a list in one file, with comments.
const FILE: &str = r#"# yaml-language-server: $schema=../schemas/polwarden.schema.json
# The first policy.
apiVersion: docker.com/governance/v1
kind: Policy
metadata:
  name: first   # its name
  protect: true
spec:
  rules:
    # Stays as it is.
    - name: kept
      decision: allow
      actions: ["connect:tcp"]   # quoted
      resourcesFrom: [hosts]
    # Changes.
    - name: changed
      decision: allow
      actions: [connect:tcp]
      resources: [b.example.com]
    # Goes.
    - name: gone
      decision: deny
      actions: [connect:tcp]
      resources: [c.example.com]
---
# The second policy.
apiVersion: docker.com/governance/v1
kind: Policy
metadata: {name: second}
spec: {rules: [{name: r, decision: allow, actions: ["connect:tcp"], resources: [d.example.com]}]}
---
apiVersion: polwarden/v1
kind: ResourceList
metadata: {name: hosts}
spec: {hosts: [a.example.com]}
"#;

/// A repository whose manifests are applied; then other manifests are applied, and ours are restored.
fn drifted(ours: &[(&str, &str)], theirs: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("polwarden.yaml", config(&format!("teams: {{ops: {TEAM}}}")));
    let write = |files: &[(&str, &str)]| {
        files
            .iter()
            .for_each(|(path, text)| sandbox.write(path, text))
    };
    write(ours);
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    write(theirs);
    let ack = ["--ack", "deletes=1,updates=2"];
    let ran = sandbox.run(&[&["apply", EMBEDDED, "--auto-approve"], &ack[..]].concat());
    assert!(matches!(ran.code, 0), "{} {}", ran.out, ran.err);
    for (path, _) in theirs {
        std::fs::remove_file(sandbox.path(path)).unwrap();
    }
    write(ours);
    sandbox
}

/// After it, neither `plan` nor `drift` knows of a difference.
fn nothing_is_left(sandbox: &Sandbox) {
    sandbox.expect(0, &["plan", EMBEDDED, "--detailed-exitcode"]);
    sandbox.expect(0, &["drift", EMBEDDED]);
}

fn import(sandbox: &Sandbox, code: i32, names: &[&str]) -> (String, String) {
    let only = names.iter().flat_map(|name| ["--only", name]);
    let arguments: Vec<&str> = ["import", EMBEDDED].into_iter().chain(only).collect();
    let ran = sandbox.expect(code, &arguments);
    (ran.out, ran.err)
}

#[test]
fn only_the_rules_that_differ_are_written() {
    let theirs = FILE
        .replace("resources: [b.example.com]", "resources: [b.example.com, e.example.com]")
        .replace("    # Goes.\n    - name: gone\n      decision: deny\n      actions: [connect:tcp]\n      resources: [c.example.com]\n",
            "    - {name: new, decision: deny, actions: [connect:udp], resources: [f.example.com]}\n");
    let sandbox = drifted(
        &[("policies/f.yaml", FILE)],
        &[("policies/f.yaml", &theirs)],
    );
    sandbox.expect(8, &["drift", EMBEDDED]);
    let (out, _) = import(&sandbox, 0, &["first"]);
    assert_eq!(
        out,
        format!("{HEADING}updated policies/f.yaml (policy \"first\")\n")
    );
    nothing_is_left(&sandbox);
    let now = sandbox.read("policies/f.yaml");
    insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("import_only", now);
    });
    let second = FILE.split_once("---\n").unwrap().1;
    assert!(
        now.ends_with(second),
        "the other documents stay byte for byte: {now}"
    );
    // Once more: there is nothing to write.
    let (out, _) = import(&sandbox, 0, &["first"]);
    assert!(
        out.contains("policies/f.yaml:6 matches the live state"),
        "{out}"
    );
    assert_eq!(sandbox.read("policies/f.yaml"), now);
}

#[test]
fn a_document_in_another_style_is_replaced_alone() {
    let theirs = FILE.replace("d.example.com", "g.example.com").replace(
        "metadata: {name: second}\nspec: {",
        &format!("metadata: {{name: second}}\nspec: {{scope: {{teams: [{TEAM}]}}, "),
    );
    let sandbox = drifted(
        &[("policies/f.yaml", FILE)],
        &[("policies/f.yaml", &theirs)],
    );
    import(&sandbox, 0, &["second"]);
    nothing_is_left(&sandbox);
    let now = sandbox.read("policies/f.yaml");
    let (first, rest) = FILE.split_once("# The second policy.\n").unwrap();
    assert!(
        now.starts_with(first) && now.contains("# The second policy.\n"),
        "{now}"
    );
    assert!(now.ends_with(rest.split_once("---\n").unwrap().1), "{now}");
    assert!(
        now.contains("teams: [ops]") || now.contains("- ops"),
        "the short name of the team: {now}"
    );
}

#[test]
fn every_form_of_a_manifest_is_written() {
    let json = r#"{"apiVersion": "docker.com/governance/v1", "kind": "Policy", "metadata": {"name": "j"},
  "spec": {"rules": [{"name": "r", "decision": "allow", "actions": ["connect:tcp"], "resources": ["a.example.com"]}]}}"#;
    let windows = policy(
        "w",
        &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
    )
    .replace('\n', "\r\n");
    let cedar = policy(
        "c",
        "cedar: {schemaUrl: 'https://s.example.com', file: c.cedar}\n",
    );
    let text = "permit(principal, action, resource);\n";
    let ours = [
        ("policies/j.json", json),
        ("policies/w.yaml", &windows),
        ("policies/c.yaml", &cedar),
        ("policies/c.cedar", text),
    ];
    let other = |text: &str| text.replace("a.example.com", "b.example.com");
    let json_there = other(json);
    let windows_there = other(&windows);
    let text_there = "// more\nforbid(principal, action, resource);\n";
    let theirs = [
        ("policies/j.json", json_there.as_str()),
        ("policies/w.yaml", &windows_there),
        ("policies/c.cedar", text_there),
    ];
    let sandbox = drifted(&ours, &theirs);
    import(&sandbox, 0, &["j", "w", "c"]);
    nothing_is_left(&sandbox);
    assert_eq!(sandbox.read("policies/c.cedar"), text_there);
    assert_eq!(sandbox.read("policies/c.yaml"), cedar);
    let json: serde_json::Value = serde_json::from_str(&sandbox.read("policies/j.json")).unwrap();
    assert_eq!(json["spec"]["rules"][0]["resources"][0], "b.example.com");
    let now = sandbox.read("policies/w.yaml");
    assert_eq!(
        now.matches('\n').count(),
        now.matches("\r\n").count(),
        "{now:?}"
    );
}

#[test]
fn what_nothing_declares_gets_a_file() {
    let stranger = policy(
        "-x's \"policy\"",
        &format!("rules:\n{}", tcp("s", "allow", "s.example.com")),
    );
    let mine = policy(
        "p",
        &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
    );
    let sandbox = drifted(
        &[("policies/p.yaml", &mine)],
        &[("policies/s.yaml", &stranger)],
    );
    let (out, _) = import(&sandbox, 0, &["-x's \"policy\""]);
    let wrote = format!("{HEADING}wrote policies/x-s-policy.yaml");
    assert!(out.starts_with(&wrote), "{out}");
    nothing_is_left(&sandbox);
    std::fs::remove_file(sandbox.path("policies/x-s-policy.yaml")).unwrap();
    sandbox.write(
        "policies/x-s-policy.yaml",
        mine.replace("name: \"p\"", "name: other"),
    );
    let (_, err) = import(&sandbox, 1, &["-x's \"policy\""]);
    assert!(
        err.contains("`policies/x-s-policy.yaml` exists") && err.contains("Nothing was written"),
        "{err}"
    );
}

#[test]
fn what_cannot_be_written_safely_is_refused_and_nothing_is_written() {
    let rule = tcp("r", "allow", "a.example.com");
    let ours = policy("p", &format!("rules:\n{rule}"));
    let theirs = policy(
        "p",
        &format!("rules:\n{}", tcp("r", "allow", "b.example.com")),
    );
    let sandbox = drifted(
        &[("policies/p.yaml", &ours)],
        &[("policies/p.yaml", &theirs)],
    );
    let before = sandbox.read("policies/p.yaml");
    let refused = |names: &[&str], message: &str| {
        let (_, err) = import(&sandbox, 1, names);
        assert!(err.contains(message), "{err}");
        assert_eq!(sandbox.read("policies/p.yaml"), before);
    };
    refused(&["q"], "unknown live policy `q`");
    refused(&["p", "P "], "unknown live policy");
    // Of two targets, one would be changed unseen.
    let both = config("") + &target("other", "other-org", "policies", "");
    sandbox.write("polwarden.yaml", both);
    let ran = sandbox.expect(
        1,
        &["import", EMBEDDED, "--target", "production", "--only", "p"],
    );
    assert!(
        ran.err.contains("is read for target `other` too"),
        "{}",
        ran.err
    );
    assert_eq!(sandbox.read("policies/p.yaml"), before);
    // The declared policies are uncertain if manifests have errors.
    sandbox.write("polwarden.yaml", config(""));
    sandbox.write("policies/w.yaml", "kind: Wrong\n");
    import(&sandbox, 3, &["p"]);
    assert_eq!(sandbox.read("policies/p.yaml"), before);
}

/// The command that `drift` names does what it says.
#[test]
fn drift_names_the_command() {
    let ours = policy(
        "it's p",
        &format!("rules:\n{}", tcp("r", "allow", "a.example.com")),
    );
    let theirs = policy(
        "it's p",
        &format!("rules:\n{}", tcp("r", "allow", "b.example.com")),
    );
    let sandbox = drifted(
        &[("policies/p.yaml", &ours)],
        &[("policies/p.yaml", &theirs)],
    );
    let ran = sandbox.expect(8, &["drift", EMBEDDED]);
    assert!(
        ran.out
            .contains("polwarden import --target production --only 'it'\\''s p'\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("polwarden apply --target production\n"),
        "{}",
        ran.out
    );
    let json = sandbox
        .expect(8, &["drift", EMBEDDED, "--format", "json"])
        .json();
    let words = |name: &str| -> Vec<String> {
        let words = json["targets"][0][name].as_array().unwrap();
        words
            .iter()
            .skip(1)
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let run = |mut words: Vec<String>, more: &[&str]| {
        words.push(EMBEDDED.to_owned());
        words.extend(more.iter().map(|word| (*word).to_owned()));
        sandbox.expect(0, &words.iter().map(String::as_str).collect::<Vec<_>>());
    };
    run(words("adopt"), &[]);
    nothing_is_left(&sandbox);
    assert!(sandbox.read("policies/p.yaml").contains("b.example.com"));
    sandbox.write("policies/p.yaml", &ours);
    run(words("undo"), &["--auto-approve"]);
    nothing_is_left(&sandbox);
}
