//! `lock`, `import` and `call` at Pulumi Cloud, and the example with a pack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emulator::pulumi::{PulumiOptions, PulumiSeed, start};
use serde_json::Value;

use super::sandbox::{SECRET, Sandbox};

/// The example, in a folder of its own.
fn example() -> Sandbox {
    let sandbox = Sandbox::empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/pulumi");
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                // Files of local experiments are not part of the example.
                if inside != ".polwarden" {
                    open.push(path);
                }
            } else {
                sandbox.write(&inside, fs::read(&path).unwrap());
            }
        }
    }
    sandbox
}

/// A target at Pulumi Cloud, without manifests.
fn empty() -> Sandbox {
    let sandbox = Sandbox::empty();
    let target =
        "  - name: cloud\n    provider: pulumi\n    organization: my-org\n    paths: [policies]\n";
    sandbox.write(
        "polwarden.yaml",
        format!("apiVersion: polwarden/v1\nkind: Config\ntargets:\n{target}"),
    );
    sandbox
}

const EMBEDDED: [&str; 2] = ["--endpoint", "pulumi=embedded"];

fn call(sandbox: &Sandbox, code: i32, arguments: &[&str]) -> super::sandbox::Ran {
    sandbox.expect(code, &[&["call"], arguments, &EMBEDDED].concat())
}

#[test]
fn the_example_is_sound_and_locked() {
    let sandbox = example();
    sandbox.expect(0, &["validate", "--strict"]);
    sandbox.expect(0, &["fmt", "--check"]);
    sandbox.expect(0, &["lint", "--strict"]);
    let ran = sandbox.expect(0, &["lock", "--check"]);
    assert!(ran.err.contains("up to date"), "{}", ran.err);
}

/// Where `.ci/run` installs the policy SDKs.
fn sdks() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("ci-pulumi")
}

fn build(sandbox: &Sandbox, program: &Path, arguments: &[&str]) {
    let done = Command::new(program)
        .args(arguments)
        .current_dir(sandbox.path("."))
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// The packs of the example run with the SDKs of npm and PyPI. No engine is needed to ask them for their
/// policies, and the scripts use loopback only.
#[cfg(unix)]
#[test]
fn the_packs_of_the_example_declare_what_its_manifests_say() {
    let modules = sdks().join("node_modules");
    let python = sdks().join("venv/bin/python");
    if !crate::skip::has("node") {
        return;
    }
    if !modules.join("@pulumi/policy").exists() || !python.exists() {
        crate::skip::needs("@pulumi/policy and pulumi-policy; .ci/run installs them");
        return;
    }
    let sandbox = example();
    let committed = sandbox.read("polwarden.lock");
    std::os::unix::fs::symlink(&modules, sandbox.path("packs/cost-guard/node_modules")).unwrap();
    let script = ["tools/pack-metadata.js", "packs/cost-guard"];
    build(&sandbox, Path::new("node"), &script);
    let script = ["tools/pack_metadata.py", "packs/tag-guard"];
    build(&sandbox, &python, &script);
    sandbox.expect(0, &["lock", "--from-pack"]);
    assert_eq!(sandbox.read("polwarden.lock"), committed);
    assert!(
        committed.contains("enforcementLevel: mandatory"),
        "{committed}"
    );
    sandbox.expect(0, &["validate", "--strict"]);

    // The engine would enforce what the pack declares.
    let manifest = sandbox.read("policies/tag-guard.yaml");
    sandbox.write(
        "policies/tag-guard.yaml",
        manifest.replace("enforcementLevel: mandatory", "enforcementLevel: advisory"),
    );
    let ran = sandbox.expect(3, &["validate"]);
    assert!(
        ran.out.contains("error[pack-policy-differs]")
            && ran.out.contains("policies/tag-guard.yaml:17:"),
        "{}",
        ran.out
    );
    sandbox.write("policies/tag-guard.yaml", manifest);

    // A source that was edited after the build.
    let source = sandbox.read("packs/tag-guard/__main__.py");
    sandbox.write("packs/tag-guard/__main__.py", source + "\n");
    let ran = sandbox.expect(3, &["lock", "--update", "--from-pack"]);
    assert!(
        ran.err.contains("error[pack-metadata-invalid]")
            && ran
                .err
                .contains("was written for another source: `__main__.py` differs"),
        "{}",
        ran.err
    );
}

/// The same comparison without SDKs, with metadata that a build could have written.
#[test]
fn metadata_of_a_pack_is_locked_and_compared() {
    let sandbox = example();
    let declared = |level: &str, schema: &str, name: &str| {
        let digest = |file: &str| {
            let bytes = fs::read(sandbox.path(&format!("packs/tag-guard/{file}"))).unwrap();
            format!("\"{file}\": \"{}\"", model::digest::FileDigest::of(&bytes))
        };
        let files = [
            ".gitignore",
            "PulumiPolicy.yaml",
            "__main__.py",
            "requirements.txt",
        ]
        .map(digest);
        let text = format!(
            "{{\"formatVersion\": 1, \"name\": \"{name}\", \"policies\": [{{\"name\": \"owner-tag\", \
             \"enforcementLevel\": \"{level}\", \"configSchema\": {{\"type\": \"object\", \"properties\": {{\"tag\": \
             {schema}}}}}}}], \"files\": {{{}}}}}\n",
            files.join(", ")
        );
        sandbox.write("packs/tag-guard/polwarden-metadata.json", text);
    };
    let own = r#"{"default": "owner", "minLength": 1.0, "type": "string"}"#;
    // Without policies in the lock file, the metadata counts as long as it is up to date.
    let lock = sandbox.read("polwarden.lock");
    fs::remove_file(sandbox.path("polwarden.lock")).unwrap();
    fs::remove_file(sandbox.path("policies/cost-guard.yaml")).unwrap();
    let groups = sandbox.read("policies/groups.yaml");
    let own_groups = groups.split("---\n").last().unwrap();
    sandbox.write("policies/groups.yaml", own_groups);
    sandbox.expect(0, &["lock"]);
    declared("mandatory", own, "tag-guard");
    sandbox.expect(0, &["validate", "--strict"]);
    for (level, schema, wanted) in [
        (
            "advisory",
            own,
            "the enforcement level of `owner-tag` is `mandatory` here, but `advisory` in the pack",
        ),
        (
            "mandatory",
            "{}",
            "the configSchema of `owner-tag` differs from the pack",
        ),
    ] {
        declared(level, schema, "tag-guard");
        let ran = sandbox.expect(3, &["validate"]);
        assert!(ran.out.contains(wanted), "{}", ran.out);
    }
    declared("mandatory", own, "other");
    let ran = sandbox.expect(3, &["lock", "--from-pack"]);
    assert!(
        ran.err
            .contains("is about the pack `other`, not `tag-guard`"),
        "{}",
        ran.err
    );
    declared("mandatory", own, "tag-guard");
    let ran = sandbox.expect(1, &["lock", "--from-pack", "--check"]);
    assert!(
        ran.err.contains("not locked the policies of tag-guard"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["lock", "--from-pack"]);
    let locked = sandbox.read("polwarden.lock");
    let policies = locked.split("policies:\n").nth(1).unwrap();
    assert!(lock.contains(policies.trim_end()), "{locked}\n{lock}");
    // A lock without the option keeps what was recorded.
    fs::remove_file(sandbox.path("packs/tag-guard/polwarden-metadata.json")).unwrap();
    sandbox.expect(0, &["lock", "--check"]);
    let ran = sandbox.expect(3, &["lock", "--from-pack"]);
    assert!(
        ran.err.contains("error[pack-metadata-invalid]"),
        "{}",
        ran.err
    );
}

#[test]
fn a_changed_source_is_noticed_until_it_has_another_tag() {
    let sandbox = example();
    let before = sandbox.read("polwarden.lock");
    let source = sandbox.read("packs/cost-guard/index.ts");
    sandbox.write("packs/cost-guard/index.ts", source.replace("nano", "pico"));
    // Ignored files are not part of the source.
    sandbox.write("packs/cost-guard/node_modules/x/index.js", "x");
    let ran = sandbox.expect(3, &["validate"]);
    assert!(
        ran.out.contains("error[tag-reused]") && ran.out.contains("`index.ts` differs"),
        "{}",
        ran.out
    );
    for arguments in [&["lock"][..], &["lock", "--check"]] {
        let ran = sandbox.expect(3, arguments);
        assert!(ran.err.contains("raise `versionTag`"), "{}", ran.err);
        assert_eq!(sandbox.read("polwarden.lock"), before);
    }
    let manifest = sandbox.read("policies/cost-guard.yaml");
    sandbox.write(
        "policies/cost-guard.yaml",
        manifest.replace("versionTag: 1.0.0", "versionTag: 1.1.0"),
    );
    let ran = sandbox.expect(1, &["lock", "--check"]);
    assert!(
        ran.err.contains("not locked cost-guard 1.1.0"),
        "{}",
        ran.err
    );
    sandbox.expect(0, &["lock"]);
    sandbox.expect(0, &["lock", "--check"]);
    sandbox.expect(0, &["validate", "--strict"]);
    let after = sandbox.read("polwarden.lock");
    let known: Vec<&str> = before
        .lines()
        .filter(|line| !after.contains(line))
        .collect();
    assert_eq!(known, Vec::<&str>::new(), "what was locked stays");
    assert!(after.contains("1.1.0:"), "{after}");
}

#[test]
fn a_version_that_was_never_published_can_be_locked_anew() {
    let sandbox = example();
    sandbox.write("packs/cost-guard/new.ts", "export {};\n");
    let ran = sandbox.expect(0, &["lock", "--update"]);
    assert!(
        ran.err.contains("locked again: cost-guard 1.0.0"),
        "{}",
        ran.err
    );
    assert!(sandbox.read("polwarden.lock").contains("new.ts: sha256:"));
    fs::remove_file(sandbox.path("policies/cost-guard.yaml")).unwrap();
    // A group that needs no pack.
    sandbox.write(
        "policies/groups.yaml",
        "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata: {name: g}\nspec: {entityType: stacks}\n",
    );
    let ran = sandbox.expect(0, &["lock", "--update"]);
    assert!(ran.err.contains("removed cost-guard"), "{}", ran.err);
    assert!(!sandbox.read("polwarden.lock").contains("cost-guard"));
}

#[test]
fn a_lock_that_cannot_be_read_is_an_error_where_it_is() {
    let sandbox = example();
    let lock = sandbox.read("polwarden.lock");
    sandbox.write(
        "polwarden.lock",
        lock.replacen("source: sha256:", "source: sha1:", 1),
    );
    let ran = sandbox.expect(3, &["validate"]);
    assert!(ran.out.contains("polwarden.lock:"), "{}", ran.out);
    sandbox.expect(3, &["lock"]);
}

#[test]
fn a_call_reads_freely_and_writes_with_a_yes() {
    let sandbox = empty();
    sandbox.write("policies/none.yaml", "");
    let ran = call(&sandbox, 0, &["ListPolicyGroups"]);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["policyGroups"].as_array().unwrap().len(), 2);
    assert!(
        !sandbox.path(".polwarden/journal").exists(),
        "a reading needs no journal"
    );

    let new = [
        "NewPolicyGroup",
        "--field",
        "name=prod",
        "-F",
        "entityType=stacks",
    ];
    let ran = call(&sandbox, 5, &new);
    assert!(ran.err.contains("Nothing was called"), "{}", ran.err);
    assert!(!sandbox.path(".polwarden/journal").exists());
    let ran = call(&sandbox, 0, &[&new[..], &["--auto-approve"]].concat());
    assert!(
        ran.err.contains("NewPolicyGroup at cloud: creates a group"),
        "{}",
        ran.err
    );
    sandbox.write("stack.json", r#"{"name": "prod", "routingProject": "web"}"#);
    let add = [
        "UpdatePolicyGroup",
        "-F",
        "policyGroup=prod",
        "-F",
        "addStack=@stack.json",
        "--auto-approve",
    ];
    call(&sandbox, 0, &add);
    let ran = call(&sandbox, 0, &["GetPolicyGroup", "-F", "policyGroup=prod"]);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["stacks"][0]["routingProject"], "web");
    // The service says no, and the journal knows it.
    call(
        &sandbox,
        1,
        &[
            "DeletePolicyGroup",
            "-F",
            "policyGroup=nobody",
            "--auto-approve",
        ],
    );
    let runs = sandbox.expect(0, &["runs"]).out;
    let lines: Vec<&str> = runs
        .lines()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    assert_eq!(
        lines,
        [
            "call of DeletePolicyGroup  cloud  0 applied · 0 adopted · 1 failed · 0 unknown · 0 skipped",
            "call of UpdatePolicyGroup  cloud  1 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped",
            "call of NewPolicyGroup  cloud  1 applied · 0 adopted · 0 failed · 0 unknown · 0 skipped",
        ]
    );
    let ran = sandbox.expect(0, &["runs", "last"]);
    assert!(ran.out.contains("policyGroup: \"nobody\""), "{}", ran.out);
    let ran = sandbox.expect(1, &["rollback", "--endpoint", "pulumi=embedded"]);
    assert!(ran.err.contains("single call"), "{}", ran.err);
}

#[test]
fn where_to_upload_is_told_to_nobody() {
    let sandbox = empty();
    sandbox.write("policies/none.yaml", "");
    let policy = r#"[{"name": "a", "displayName": "A", "description": "", "enforcementLevel": "advisory", "message": "m"}]"#;
    sandbox.write("policies.json", policy);
    let fields = [
        "-F",
        "name=p",
        "-F",
        "displayName=P",
        "-F",
        "versionTag=1.0.0",
        "-F",
        "policies=@policies.json",
    ];
    let ran = call(
        &sandbox,
        0,
        &[&["CreatePolicyPack", "--auto-approve"][..], &fields].concat(),
    );
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&answer["version"], &answer["uploadURI"]),
        (&1.into(), &"[withheld]".into())
    );
    assert!(
        !ran.out.contains("http") && !ran.err.contains("http"),
        "{} {}",
        ran.out,
        ran.err
    );
}

#[test]
fn wrong_calls_are_told_what_is_right() {
    let sandbox = empty();
    sandbox.write("policies/none.yaml", "");
    for (arguments, wanted) in [
        (&["GetPolicyGrup"][..], "did you mean `GetPolicyGroup`?"),
        (&["xyz"], "`polwarden call --list` shows all"),
        (
            &["GetPolicyGroup"],
            "needs the field `policyGroup`: add `--field policyGroup=…`",
        ),
        (
            &["GetPolicyGroup", "-F", "policygroup=a"],
            "did you mean `policyGroup`?",
        ),
        (
            &[
                "GetPolicyGroup",
                "-F",
                "policyGroup=a",
                "-F",
                "policyGroup=b",
            ],
            "duplicate field",
        ),
        (
            &["GetPolicyGroup", "-F", "policyGroup=../a"],
            "without characters that are special in URLs",
        ),
        (&["GetPolicyGroup", "-F", "policyGroup"], "has no value"),
        (
            &["NewPolicyGroup", "-F", "name=a", "-F", "entityType=planets"],
            "one of stacks, accounts",
        ),
        (
            &[
                "UpdatePolicyGroup",
                "-F",
                "policyGroup=a",
                "-F",
                "addStack={",
            ],
            "must be JSON",
        ),
        (
            &[
                "UpdatePolicyGroup",
                "-F",
                "policyGroup=a",
                "-F",
                "addStack=@none.json",
            ],
            "cannot read `none.json`",
        ),
        (&["ListPolicyGroups", "-F", "a=b"], "it has none"),
        (&["listPolicies"], "unknown operation `listPolicies`"),
    ] {
        let ran = call(&sandbox, 1, arguments);
        assert!(ran.err.contains(wanted), "{arguments:?}: {}", ran.err);
    }
    let list = sandbox.expect(0, &["call", "--list"]).out;
    for name in [
        "docker",
        "pulumi",
        "listPolicies  (reads)",
        "ListPolicyPacks_post  (reads)",
        "CreatePolicyPack  (writes)",
    ] {
        assert!(list.contains(name), "{name}: {list}");
    }
}

#[test]
fn dockers_operations_can_be_called_too() {
    let sandbox = Sandbox::new("").serve(emulator::DockerOptions::default());
    sandbox.write("policies/none.yaml", "");
    let new = [
        "call",
        "createPolicy",
        "--field",
        "name=a\u{202e}b",
        "--auto-approve",
    ];
    let ran = sandbox.expect(0, &new);
    assert!(
        !ran.out.contains('\u{202e}') && ran.out.contains("\\u202e"),
        "{}",
        ran.out
    );
    let id = serde_json::from_str::<Value>(&ran.out).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let policy = format!("policy={id}");
    let rule = [
        "-F",
        "name=r",
        "-F",
        "decision=allow",
        "-F",
        "actions=connect:tcp",
        "-F",
        "resources=a.example.com,b.example.com",
    ];
    sandbox.expect(
        0,
        &[
            &["call", "createRule", "--auto-approve", "-F", &policy][..],
            &rule,
        ]
        .concat(),
    );
    let ran = sandbox.expect(0, &["call", "getPolicy", "-F", &policy]);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        answer["allowlist_v0"]["rules"][0]["resources"][1], "b.example.com",
        "{}",
        ran.out
    );
    assert!(!ran.out.contains(SECRET));
}

#[test]
fn live_packs_and_groups_become_manifests() {
    let mut sandbox = empty();
    let seed = r#"{"organizations": [{"name": "my-org", "stacks": [{"name": "prod", "routingProject": "web"}],
        "policyPacks": [{"name": "guard", "versions": [{"versionTag": "1.0.0", "displayName": "Guard", "policies": [
            {"name": "size", "displayName": "Size", "description": "d", "enforcementLevel": "mandatory", "message": "m",
             "severity": "high", "tags": ["b", "a"],
             "configSchema": {"type": "object", "properties": {"largest": {"type": "integer"}}, "required": ["largest"]}}]}]},
          {"name": "strange", "versions": [{"versionTag": "1", "policies": [
            {"name": "x", "displayName": "X", "description": "", "enforcementLevel": "paranoid", "message": ""}]}]}],
        "policyGroups": [{"name": "prod", "stacks": [{"name": "prod", "routingProject": "web"}],
          "policyPacks": [{"name": "guard", "versionTag": "1.0.0", "config": {"size": {"largest": 4}}}]}]}]}"#;
    let options = PulumiOptions {
        seed: Some(PulumiSeed::from_json(seed).unwrap()),
        ..PulumiOptions::default()
    };
    let running = sandbox.wait(start(options)).unwrap();
    sandbox.set("POLWARDEN_PULUMI_ENDPOINT", &running.url());
    let ran = sandbox.expect(1, &["import"]);
    assert!(ran.err.contains("PULUMI_ACCESS_TOKEN"), "{}", ran.err);
    sandbox.set("PULUMI_ACCESS_TOKEN", SECRET);
    let ran = sandbox.expect(1, &["import"]);
    assert!(
        ran.err.contains("not imported: pack \"strange\""),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("not imported: the source"), "{}", ran.out);
    insta::assert_snapshot!(format!(
        "{}---\n{}",
        sandbox.read("policies/pack-guard.yaml"),
        sandbox.read("policies/group-prod.yaml")
    ));
    sandbox.write("packs/guard/PulumiPolicy.yaml", "runtime: nodejs\n");
    sandbox.write("packs/guard/package.json", "{}\n");
    sandbox.write("packs/guard/index.js", "");
    sandbox.expect(0, &["lock"]);
    sandbox.expect(0, &["validate", "--strict"]);
    sandbox.expect(0, &["fmt", "--check"]);
    // Declared objects are not written again.
    let ran = sandbox.expect(1, &["import", "--provider", "pulumi"]);
    assert!(
        ran.out.contains("0 imported, 4 already declared"),
        "{}",
        ran.out
    );
    let ran = sandbox.expect(1, &["import", "--provider", "docker"]);
    assert!(
        ran.err.contains("has no target of the provider docker"),
        "{}",
        ran.err
    );
    sandbox.wait(running.shutdown());
}

/// Names that are displayed alike are compared with live packs and groups too.
#[test]
fn a_live_group_that_looks_like_a_declared_one_is_reported() {
    let sandbox = empty();
    let group = |name: &str| {
        format!(
            "apiVersion: pulumi.com/v1\nkind: PolicyGroup\nmetadata:\n  name: {name}\nspec:\n  policyPacks: []\n"
        )
    };
    sandbox.write("policies/g.yaml", group("tier-1"));
    sandbox.expect(0, &[&["apply", "--auto-approve"][..], &EMBEDDED].concat());
    sandbox.write("policies/g.yaml", group("tier-l"));
    let ran = sandbox.expect(0, &[&["plan"][..], &EMBEDDED].concat());
    let said = super::sandbox::unwrapped(&ran.out);
    assert!(
        said.contains("group \"tier-l\" can be confused with live group \"tier-1\""),
        "{said}"
    );
}

/// Gates are about requests: a plan says that they do not cover levels of enforcement.
#[test]
fn gates_say_that_levels_belong_to_the_running_pack() {
    let sandbox = example();
    let plan = [&["plan", "--deny-widening"][..], &EMBEDDED].concat();
    let said = super::sandbox::unwrapped(&sandbox.expect(0, &plan).out);
    let note = "gates are about requests and do not cover enforcement (levels as manifests declare them; engines \
                enforce what the running pack declares)";
    assert!(said.contains(note), "{said}");
    let said = sandbox.expect(0, &[&["plan"][..], &EMBEDDED].concat()).out;
    assert!(!said.contains("gates are about"), "{said}");
    let github = [&["plan", "--format", "github"][..], &EMBEDDED].concat();
    let said = sandbox.expect(0, &github).out;
    for line in said.lines().filter(|line| {
        line.contains("enforcement loosens") || line.contains("enforcement tightens")
    }) {
        assert!(
            line.contains("engines enforce what the running pack declares"),
            "{line}"
        );
    }
}
