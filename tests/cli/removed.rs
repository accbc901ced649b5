//! Removed and renamed manifests, and what a change does to the configuration and the set of files.

use git2::{Repository, RepositoryInitOptions};
use serde_json::Value;

use super::drift::commit;
use super::sandbox::{Sandbox, policy, tcp};

const EMBEDDED: &str = "--endpoint=docker=embedded";

fn denies(name: &str, host: &str) -> String {
    policy(name, &format!("rules:\n{}", tcp("r", "deny", host)))
}

/// A repository with the policies `a` and `b`, which are live. The work tree is what a pull request
/// proposes.
fn repository(target: &str) -> Sandbox {
    let sandbox = Sandbox::new(target);
    sandbox.write("policies/a.yaml", denies("a", "a.example.com"));
    sandbox.write("policies/b.yaml", denies("b", "169.254.169.254"));
    let mut options = RepositoryInitOptions::new();
    let repository =
        Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap();
    commit(&repository);
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
    sandbox
}

fn plan(sandbox: &Sandbox, format: &str) -> String {
    let plan = ["plan", EMBEDDED, "--base", "main", "--format", format];
    sandbox.expect(0, &plan).out
}

/// The events of the plan of the work tree.
fn events(sandbox: &Sandbox) -> Vec<Value> {
    let json: Value = serde_json::from_str(&plan(sandbox, "json")).unwrap();
    json["events"].as_array().cloned().unwrap_or_default()
}

fn remove(sandbox: &Sandbox, path: &str) {
    std::fs::remove_file(sandbox.path(path)).unwrap();
}

#[test]
fn a_deleted_manifest_whose_policy_is_live_is_told() {
    let sandbox = repository("");
    assert_eq!(events(&sandbox), Vec::<Value>::new());
    remove(&sandbox, "policies/b.yaml");
    let text = plan(&sandbox, "human");
    let told = text
        .find("removed from git but still live: policy \"b\" (denies 169.254.169.254)")
        .unwrap();
    assert!(told < text.find("No changes").unwrap(), "{text}");
    assert!(
        text.contains("add `removed: [\"b\"]` to the target; to keep it, restore policies/b.yaml"),
        "{text}"
    );
    let found = events(&sandbox);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["target"], "production");
    assert_eq!(found[0]["source"]["file"], "polwarden.yaml");
    assert_eq!(found[0]["event"]["code"], "removed-still-live");
    assert_eq!(
        found[0]["event"]["declared"],
        serde_json::json!({"file": "policies/b.yaml", "line": 4})
    );
    for format in ["markdown", "html", "github", "gitlab", "sarif"] {
        let text = plan(&sandbox, format);
        assert!(text.contains("removed from git but still live"), "{text}");
        assert!(text.contains("removed: ["), "{format}: {text}");
    }
    for format in ["github", "gitlab", "sarif"] {
        assert!(
            plan(&sandbox, format).contains("plan-removed-still-live"),
            "{format}"
        );
    }
    // A policy that is listed as known is kept on purpose.
    let config = sandbox.read("polwarden.yaml");
    sandbox.write(
        "polwarden.yaml",
        config.clone() + "    unmanaged: {known: [b]}\n",
    );
    let codes: Vec<Value> = events(&sandbox)
        .iter()
        .map(|event| event["event"]["code"].clone())
        .collect();
    assert_eq!(codes, ["config-changed"]);
    // A policy that the plan deletes needs no event.
    sandbox.write("polwarden.yaml", config + "    unmanaged: prune\n");
    assert!(!plan(&sandbox, "human").contains("still live"));
}

#[test]
fn removed_deletes_exactly_the_listed_policies() {
    let sandbox = repository("");
    let config = sandbox.read("polwarden.yaml");
    sandbox.write("polwarden.yaml", config.clone() + "    removed: [b]\n");
    // A policy cannot be declared and deleted.
    let ran = sandbox.expect(3, &["validate"]);
    assert!(ran.out.contains("removed-declared"), "{}", ran.out);
    let alias =
        denies("c", "c.example.com").replace("  name: \"c\"\n", "  name: c\n  aliases: [b]\n");
    sandbox.write("policies/b.yaml", alias);
    sandbox.expect(3, &["validate"]);
    // `a` is unmanaged as well, and stays.
    remove(&sandbox, "policies/b.yaml");
    remove(&sandbox, "policies/a.yaml");
    sandbox.write("policies/c.yaml", denies("c", "c.example.com"));
    let text = plan(&sandbox, "human");
    assert!(text.contains("- policy \"b\""), "{text}");
    assert!(!text.contains("- policy \"a\""), "{text}");
    let ran = sandbox.expect(5, &["apply", EMBEDDED, "--auto-approve"]);
    assert!(ran.err.contains("prune=1"), "{}", ran.err);
    let apply = ["apply", EMBEDDED, "--auto-approve", "--ack"];
    sandbox.expect(5, &[&apply[..], &["prune=2"]].concat());
    sandbox.expect(0, &[&apply[..], &["prune=1,last-deny=1"]].concat());
    let json: Value = serde_json::from_str(&plan(&sandbox, "json")).unwrap();
    let unmanaged = json["targets"][0]["unmanaged"].as_array().unwrap();
    assert_eq!((unmanaged.len(), &unmanaged[0]["name"]), (1, &"a".into()));
    // Once the policy is deleted, the entry is a warning with its line.
    let found = events(&sandbox);
    let gone = found
        .iter()
        .find(|event| event["event"]["code"] == "removed-not-live")
        .unwrap();
    assert_eq!(gone["source"]["file"], "polwarden.yaml");
    let github = plan(&sandbox, "github");
    assert!(
        github.contains("::warning") && github.contains("`removed` lists \"b\""),
        "{github}"
    );
    // The lists contradict each other.
    sandbox.write(
        "polwarden.yaml",
        config.clone() + "    removed: [b]\n    unmanaged: {known: [b]}\n",
    );
    sandbox.expect(3, &["validate"]);
    sandbox.write("polwarden.yaml", config + "    removed: [b, b]\n");
    let ran = sandbox.expect(0, &["validate"]);
    assert!(ran.out.contains("duplicate-value"), "{}", ran.out);
}

#[test]
fn a_probable_rename_is_told_with_the_alias_to_add() {
    let sandbox = repository("");
    remove(&sandbox, "policies/b.yaml");
    sandbox.write("policies/m.yaml", denies("metadata", "169.254.169.254"));
    let text = plan(&sandbox, "human");
    assert!(
        text.contains(
            "probable rename: new policy \"metadata\" has the same rules as live policy \"b\""
        ),
        "{text}"
    );
    assert!(
        text.contains("add `aliases: [\"b\"]` to `metadata`"),
        "{text}"
    );
    assert!(!text.contains("still live"), "{text}");
    let found = events(&sandbox);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["source"]["file"], "policies/m.yaml");
    // No base is needed for this.
    let alone = sandbox.expect(0, &["plan", EMBEDDED]).out;
    assert!(alone.contains("probable rename"), "{alone}");
    // With the alias, it is a rename.
    let text = sandbox.read("policies/m.yaml");
    sandbox.write(
        "policies/m.yaml",
        text.replace("spec:", "  aliases: [b]\nspec:"),
    );
    assert_eq!(events(&sandbox), Vec::<Value>::new());
}

#[test]
fn events_do_not_change_the_digest_and_are_not_trusted_in_files() {
    let sandbox = repository("");
    remove(&sandbox, "policies/b.yaml");
    sandbox.write("policies/c.yaml", denies("c", "c.example.com"));
    let with_base: Value = serde_json::from_str(&plan(&sandbox, "json")).unwrap();
    let alone = sandbox
        .expect(0, &["plan", EMBEDDED, "--format", "json"])
        .json();
    assert_eq!(with_base["digest"], alone["digest"]);
    let out = ["plan", EMBEDDED, "--base", "main", "--out", "plan.json"];
    sandbox.expect(0, &out);
    let forged = sandbox
        .read("plan.json")
        .replace("169.254.169.254", "something harmless");
    sandbox.write("plan.json", forged);
    let apply = ["apply", "plan.json", EMBEDDED, "--auto-approve"];
    let ran = sandbox.expect(0, &apply);
    assert!(!ran.out.contains("something harmless"), "{}", ran.out);
}

/// What the plan of a pull request says about a change of the configuration or of the files.
#[test]
fn changes_of_the_configuration_and_of_the_files_are_told() {
    let base = "limits: {maxDeletes: 0, maxUpdates: 0}\nteams: {ops: 0b0c6b3e-8a52-4c5e-9f0e-2f6d1c1b7a11}\n\
                access: {never: [{request: tcp paste.example.com}]}\n";
    let test = "apiVersion: polwarden/v1\nkind: PolicyTest\nmetadata: {name: Guard}\nspec:\n  cases:\n    \
                - {name: never paste, deny: [\"tcp a.example.com:443\"]}\n    - {name: other, deny: [\"tcp x.example.com:443\"]}\n";
    let sandbox = Sandbox::new(base);
    let config = sandbox
        .read("polwarden.yaml")
        .replace("[policies]", "[policies, tests]")
        + "apply: {branch: main}\n";
    sandbox.write("polwarden.yaml", &config);
    let protected = denies("a", "a.example.com").replace("spec:", "  protect: true\nspec:");
    sandbox.write("policies/a.yaml", &protected);
    sandbox.write("policies/b.yaml", denies("b", "b.example.com"));
    sandbox.write("tests/t.yaml", test);
    sandbox.write("tests/o.yaml", test.replace("Guard", "Other"));
    let mut options = RepositoryInitOptions::new();
    let repository =
        Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap();
    commit(&repository);
    sandbox.expect(
        0,
        &["apply", EMBEDDED, "--auto-approve", "--allow-any-branch"],
    );

    let told = |edit: &dyn Fn(), expected: &[&str]| {
        edit();
        let text = plan(&sandbox, "markdown");
        for expected in expected {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        sandbox.write("polwarden.yaml", &config);
        sandbox.write("policies/a.yaml", &protected);
        sandbox.write("policies/b.yaml", denies("b", "b.example.com"));
        sandbox.write("tests/t.yaml", test);
        assert!(!plan(&sandbox, "markdown").contains("Review first"));
    };
    let replaced = |from: &str, to: &str| {
        assert!(config.contains(from), "{from}\n{config}");
        sandbox.write("polwarden.yaml", config.replace(from, to));
    };
    let cases: &[(&str, &str, &str)] = &[
        (
            "organization: my-org",
            "organization: other",
            "organization changed: my-org → other",
        ),
        (
            "maxDeletes: 0",
            "maxDeletes: 100",
            "limits.maxDeletes changed: 0 → 100",
        ),
        (
            "maxUpdates: 0",
            "maxUpdates: 100%",
            "limits.maxUpdates changed: 0 → 100%",
        ),
        ("{ops:", "{dev:", "teams.dev changed: not set → 0b0c6b3e"),
        (
            "paste.example.com",
            "p.example.com",
            "access.never changed: removed tcp paste.example.com; added tcp p.example.com",
        ),
        (
            "branch: main",
            "branch: dev",
            "apply.branch changed: main → dev",
        ),
        (
            "    limits:",
            "    unmanaged: prune\n    limits:",
            "unmanaged changed: report → prune",
        ),
        (
            "    limits:",
            "    profile: seed\n    limits:",
            "profile changed: current → seed",
        ),
        (
            "[policies, tests]",
            "[policies]",
            "paths changed: removed tests",
        ),
        (
            "name: production",
            "name: main",
            "targets changed: removed production; added main",
        ),
    ];
    for (from, to, expected) in cases {
        told(&|| replaced(from, to), &[expected]);
    }
    told(
        &|| sandbox.write("policies/a.yaml", denies("a", "a.example.com")),
        &["policy \"a\" is no longer protected"],
    );
    told(
        &|| remove(&sandbox, "tests/t.yaml"),
        &["policy test \"Guard\" is deleted (base revision: tests/t.yaml:3)"],
    );
    told(
        &|| sandbox.write("tests/t.yaml", test.replace("never paste", "changed")),
        &["case \"never paste\" of policy test \"Guard\" is deleted"],
    );
    for hidden in [
        "policies/.b.yaml",
        "policies/b.yaml.disabled",
        "policies/.old/b.yaml",
        "policies/.old/2025/b.yaml",
    ] {
        told(
            &|| {
                sandbox.write(hidden, denies("b", "b.example.com"));
                remove(&sandbox, "policies/b.yaml");
                replaced("    limits:", "    unmanaged: ignore\n    limits:");
            },
            &[
                &format!("manifest policies/b.yaml is no longer read: it is now called {hidden}"),
                "removed from git but still live: policy \"b\"",
            ],
        );
        remove(&sandbox, hidden);
    }
}

#[test]
fn a_second_configuration_below_a_path_is_a_warning() {
    let sandbox = repository("");
    sandbox.write("policies/polwarden.yaml", sandbox.read("polwarden.yaml"));
    let ran = sandbox.expect(0, &["validate"]);
    assert!(
        ran.out.contains("config-nested") && ran.out.contains("policies/polwarden.yaml"),
        "{}",
        ran.out
    );
    sandbox.expect(3, &["validate", "--strict"]);
    let ran = sandbox.expect(0, &["plan", EMBEDDED]);
    assert!(ran.err.contains("config-nested"), "{}", ran.err);
    // The configuration itself is none, even if its folder is a path.
    let here = Sandbox::new("");
    let config = here.read("polwarden.yaml").replace("[policies]", "[.]");
    here.write("polwarden.yaml", config);
    here.write("a.yaml", denies("a", "a.example.com"));
    let ran = here.expect(0, &["validate"]);
    assert!(!ran.out.contains("config-nested"), "{}", ran.out);
}
