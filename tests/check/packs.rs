//! Policy packs and policy groups: manifests and sources in files, with their expected diagnostics.

use std::fs;

use git::WorkTree;
use manifest::lock::{LockFile, TargetLock, VersionLock};
use manifest::{parse_config, parse_lock};
use model::diag::{Code, Place, SourceMap};
use model::pulumi::{EnforcementLevel, PolicySelector};
use polwarden::render::diagnostics::{DiagnosticAmount, human};
use polwarden::service::pulumi::check::{CheckedPacks, PackInput, check_packs};
use polwarden::workspace::load;
use tempfile::TempDir;

use super::check_wording;

const CONFIG: &str = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - name: cloud\n    provider: pulumi\n    organization: o\n    paths: [policies]\n";
const PROJECT: &str = "runtime:\n  name: nodejs\n  options: {}\n";

/// A pack `guard` with the policies `size`, which can be configured, and `plain`, which cannot.
const PACK: &str = "apiVersion: pulumi.com/v1
kind: PolicyPack
metadata:
  name: guard
spec:
  displayName: Guard
  versionTag: 1.0.0
  source: ../packs/guard
  policies:
    - name: size
      description: d
      enforcementLevel: mandatory
      message: m
      configSchema:
        properties:
          largest:
            type: integer
            maximum: 64
          unit:
            type: string
            default: GB
        required: [largest, unit]
    - name: plain
      description: d
      enforcementLevel: advisory
      message: m
      tags: [b, a, b]
";

const GROUP: &str = "apiVersion: pulumi.com/v1
kind: PolicyGroup
metadata:
  name: prod
spec:
  stacks:
    - name: prod
      routingProject: web
  policyPacks:
    - name: guard
      config:
        size:
          largest: 16
        all:
          enforcementLevel: advisory
";

struct World {
    folder: TempDir,
}

struct Seen {
    checked: CheckedPacks,
    sources: SourceMap,
}

impl World {
    fn new(pack: &str, group: &str) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        world.write("polwarden.yaml", CONFIG);
        world.write("policies/pack.yaml", PACK);
        world.write("policies/group.yaml", GROUP);
        world.write("packs/guard/PulumiPolicy.yaml", PROJECT);
        world.write("packs/guard/package.json", "{\"main\": \"index.ts\"}\n");
        world.write("packs/guard/index.ts", "export {};\n");
        world.lock();
        world.write("policies/pack.yaml", pack);
        world.write("policies/group.yaml", group);
        world
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Locks what the source is now, under the tag 1.0.0.
    fn lock(&self) {
        let checked = self.check_with(Some(&LockFile::default())).checked;
        let mut target = TargetLock::default();
        for pack in &checked.packs {
            let version = VersionLock {
                source: pack.source.digest.clone(),
                files: pack.source.files.clone(),
                policies: None,
            };
            target
                .policy_packs
                .entry(pack.name().clone())
                .or_default()
                .insert(pack.tag().clone(), version);
        }
        let lock = LockFile {
            targets: [("cloud".to_owned(), target)].into(),
            ..LockFile::default()
        };
        self.write("polwarden.lock", &lock.text().unwrap());
    }

    fn check(&self) -> Seen {
        self.check_with(None)
    }

    fn check_with(&self, lock: Option<&LockFile>) -> Seen {
        let mut sources = SourceMap::default();
        let text = fs::read_to_string(self.folder.path().join("polwarden.yaml")).unwrap();
        let file = sources.add("polwarden.yaml", text.as_str());
        let (config, document) = parse_config(file, &text).unwrap();
        let loaded = load(
            &WorkTree::open(self.folder.path()).unwrap(),
            &config,
            document,
            &mut sources,
        );
        assert!(
            loaded.diagnostics.is_empty(),
            "{}",
            human(&sources, &loaded.diagnostics, DiagnosticAmount::All, false)
        );
        let target = &loaded.targets[0];
        let documents: Vec<_> = target.documents.iter().map(AsRef::as_ref).collect();
        let sources_of_packs = &target.pack_sources;
        let lock = lock.unwrap_or(&loaded.lock);
        let input = PackInput {
            target: &config.targets[0],
            documents: &documents,
            sources: sources_of_packs,
            lock,
            invalid: Default::default(),
        };
        Seen {
            checked: check_packs(&input),
            sources,
        }
    }
}

impl Seen {
    /// `code file:path`, followed by the related places.
    fn show(&self) -> Vec<String> {
        let place = |place: &Place| match place {
            Place::Node { document, path, .. } => {
                let name = self.sources.file(document.file).name();
                format!(
                    "{}:{path}",
                    name.trim_start_matches("policies/")
                        .trim_end_matches(".yaml")
                )
            }
            Place::File(_) | Place::Bytes { .. } | Place::Text { .. } => {
                panic!("expected a node")
            }
        };
        let findings = self.checked.diagnostics.iter();
        findings
            .map(|it| {
                let places: Vec<_> = it.labels.iter().map(|label| place(&label.place)).collect();
                format!("{} {}", it.code, places.join(" "))
            })
            .collect()
    }
}

/// What is found where a text of the pack is another one.
fn with_pack(old: &str, new: &str) -> Vec<String> {
    assert!(PACK.contains(old), "{old}");
    let seen = World::new(&PACK.replacen(old, new, 1), GROUP).check();
    check_wording(&seen.checked.diagnostics);
    seen.show()
}

/// What is found where a text of the group is another one.
fn with_group(old: &str, new: &str) -> Vec<String> {
    assert!(GROUP.contains(old), "{old}");
    let seen = World::new(PACK, &GROUP.replacen(old, new, 1)).check();
    check_wording(&seen.checked.diagnostics);
    seen.show()
}

#[test]
fn a_sound_repository_gives_what_is_desired() {
    let seen = World::new(PACK, GROUP).check();
    assert_eq!(seen.show(), Vec::<String>::new());
    let [pack] = seen.checked.packs.as_slice() else {
        panic!("{:?}", seen.checked)
    };
    assert_eq!(
        (pack.name().as_str(), pack.tag().as_str()),
        ("guard", "1.0.0")
    );
    assert_eq!(pack.version.runtime.as_deref(), Some("nodejs"));
    assert_eq!(pack.source.path, "packs/guard");
    assert_eq!(
        pack.source.files.keys().collect::<Vec<_>>(),
        ["PulumiPolicy.yaml", "index.ts", "package.json"]
    );
    assert_eq!(
        pack.locked.values().next().unwrap().digest,
        pack.source.digest
    );
    assert_eq!(pack.version.policies[1].tags, ["a", "b"]);
    assert_eq!(pack.version.policies[1].display_name, "plain");
    let wire = serde_json::to_value(&pack.version.policies[0]).unwrap();
    assert_eq!(wire["configSchema"]["type"], "object");
    let [group] = seen.checked.groups.as_slice() else {
        panic!("{:?}", seen.checked)
    };
    let [enforced] = group.policy_packs.as_deref().unwrap() else {
        panic!("{group:?}")
    };
    assert_eq!(enforced.tag.as_str(), "1.0.0");
    let all = &enforced.config.as_ref().unwrap().0[&PolicySelector::All];
    assert_eq!(all["enforcementLevel"], EnforcementLevel::Advisory.as_str());
}

#[test]
fn names_and_tags_are_those_that_the_service_takes() {
    for (old, new, expected) in [
        (
            "versionTag: 1.0.0",
            "versionTag: 1.0.0+build",
            "pulumi-name-invalid pack:spec.versionTag",
        ),
        (
            "versionTag: 1.0.0",
            "versionTag: latest",
            "pulumi-name-invalid pack:spec.versionTag",
        ),
        (
            "name: size",
            "name: all",
            "pulumi-name-invalid pack:spec.policies[0].name",
        ),
        (
            "name: plain",
            "name: a b",
            "pulumi-name-invalid pack:spec.policies[1].name",
        ),
        (
            "name: plain",
            "name: size",
            "pack-policy-taken pack:spec.policies[1].name pack:spec.policies[0].name",
        ),
    ] {
        assert!(
            with_pack(old, new).contains(&expected.to_owned()),
            "{new}: {:?}",
            with_pack(old, new)
        );
    }
    let long = format!(
        "versionTag: {}\n  versionTagSuffix: source-digest",
        "v".repeat(90)
    );
    assert_eq!(
        with_pack("versionTag: 1.0.0", &long),
        ["pulumi-name-invalid pack:spec.versionTag"]
    );
    for (old, new, expected) in [
        (
            "  name: prod\nspec",
            "  name: metadata\nspec",
            "pulumi-name-invalid group:metadata.name",
        ),
        (
            "  name: prod\nspec",
            "  name: prod\n  aliases: [prod]\nspec",
            "alias-taken group:metadata.aliases[0] group:metadata.name",
        ),
        (
            "        size:",
            "        a b:",
            "pulumi-name-invalid group:spec.policyPacks[0].config.a b",
        ),
    ] {
        assert_eq!(with_group(old, new)[0], expected, "{new}");
    }
}

#[test]
fn what_identifies_something_is_there_once() {
    let twice = format!("{PACK}---\n{PACK}");
    assert_eq!(
        World::new(&twice, GROUP).check().show(),
        ["pack-name-taken pack:metadata.name pack:metadata.name"]
    );
    let twice = format!("{GROUP}---\n{GROUP}");
    assert_eq!(
        World::new(PACK, &twice).check().show(),
        ["group-name-taken group:metadata.name group:metadata.name"]
    );
    assert_eq!(
        with_group("  policyPacks:\n", "  policyPacks:\n    - name: guard\n"),
        ["group-pack-taken group:spec.policyPacks[1].name group:spec.policyPacks[0].name"]
    );
    assert_eq!(
        with_group(
            "  policyPacks:",
            "    - name: prod\n      routingProject: web\n  policyPacks:"
        ),
        ["duplicate-value group:spec.stacks[1] group:spec.stacks[0]"]
    );
}

#[test]
fn configurations_fit_the_schemas_of_the_pack() {
    let schema = "pack:spec.policies[0].configSchema";
    for (old, new, expected) in [
        (
            "largest: 16",
            "largest: 65",
            format!("config-invalid group:spec.policyPacks[0].config.size.largest {schema}"),
        ),
        (
            "largest: 16",
            "largest: '16'",
            format!("config-invalid group:spec.policyPacks[0].config.size.largest {schema}"),
        ),
        (
            "          largest: 16",
            "          enforcementLevel: advisory",
            format!("config-invalid group:spec.policyPacks[0].config.size {schema}"),
        ),
        (
            "largest: 16",
            "largest: 16\n          larges: 1",
            "config-unknown group:spec.policyPacks[0].config.size.larges".to_owned(),
        ),
        (
            "largest: 16",
            "largest: 16\n          enforcementLevel: strict",
            "config-invalid group:spec.policyPacks[0].config.size.enforcementLevel".to_owned(),
        ),
        (
            "        size:",
            "        sise:",
            "unknown-pack-policy group:spec.policyPacks[0].config.sise".to_owned(),
        ),
        (
            "          enforcementLevel: advisory",
            "          largest: 1",
            "config-invalid group:spec.policyPacks[0].config.all.largest".to_owned(),
        ),
        (
            "        size:\n          largest: 16",
            "        plain:\n          any: 1",
            "config-unknown group:spec.policyPacks[0].config.plain.any".to_owned(),
        ),
    ] {
        assert_eq!(with_group(old, new), [expected], "{new}");
    }
    // Of another version, the schema is not known here.
    assert_eq!(
        with_group(
            "- name: guard\n",
            "- name: guard\n      versionTag: 0.9.0\n"
        )
        .len(),
        0
    );
    assert_eq!(
        with_group(
            "- name: guard\n      config:\n        size:\n          largest: 16",
            "- name: guard\n      versionTag: 0.9.0\n      config:\n        gone:\n          any: 16"
        )
        .len(),
        0
    );
}

#[test]
fn config_schemas_are_json_schemas() {
    for (old, new, expected) in [
        (
            "type: integer",
            "type: whole",
            "config-schema-invalid pack:spec.policies[0].configSchema.properties.largest.type",
        ),
        (
            "maximum: 64",
            "maximum: much",
            "config-schema-invalid pack:spec.policies[0].configSchema.properties.largest.maximum",
        ),
        (
            "required: [largest",
            "required: [larges",
            "config-schema-invalid pack:spec.policies[0].configSchema.required[0]",
        ),
        (
            "          unit:",
            "          enforcementLevel:",
            "config-schema-invalid pack:spec.policies[0].configSchema.properties.enforcementLevel",
        ),
    ] {
        assert!(
            with_pack(old, new).contains(&expected.to_owned()),
            "{new}: {:?}",
            with_pack(old, new)
        );
    }
}

/// Schemas come from a pull request: they are looked up nowhere, and end.
#[test]
fn hostile_config_schemas_are_findings() {
    let size = "type: integer\n            maximum: 64";
    for schema in [
        "allOf: [{$ref: 'https://schemas.example.com/a.json'}]",
        "$ref: 'file:///etc/passwd'",
        "$ref: '#/properties/largest'",
        "anyOf: [{$ref: '#/properties/largest'}, {$ref: '#/properties/largest'}]",
    ] {
        let found = with_pack(size, schema);
        assert!(
            found[0].starts_with("config-schema-invalid pack:spec.policies[0].configSchema"),
            "{schema}: {found:?}"
        );
    }
    // One that takes a matcher without a bound for ever.
    let pack = PACK.replacen(size, "type: string\n            pattern: ^(a+)+$", 1);
    let group = GROUP.replacen("largest: 16", &format!("largest: {}b", "a".repeat(60)), 1);
    assert!(World::new(&pack, &group).check().show()[0].starts_with("config-invalid group:"));
}

#[test]
fn packs_that_nobody_declares_need_a_version() {
    assert_eq!(
        with_group("- name: guard\n", "- name: gard\n"),
        ["missing-field group:spec.policyPacks[0].name"]
    );
    assert_eq!(
        with_group("- name: guard\n", "- name: gard\n      versionTag: 1.0.0\n"),
        ["unknown-pack group:spec.policyPacks[0].name"]
    );
    assert_eq!(
        with_group("spec:\n", "spec:\n  entityType: accounts\n"),
        ["invalid-value group:spec.stacks"]
    );
}

#[test]
fn accounts_belong_to_groups_of_accounts() {
    let accounts = |text: &str| {
        let stacks = "  stacks:\n    - name: prod\n      routingProject: web\n";
        with_group(stacks, text)
    };
    assert_eq!(
        accounts("  accounts: [aws]\n"),
        ["invalid-value group:spec.accounts"]
    );
    assert_eq!(
        accounts("  entityType: accounts\n  accounts: [aws, aws]\n"),
        ["duplicate-value group:spec.accounts[1] group:spec.accounts[0]"]
    );
    assert_eq!(
        accounts("  entityType: accounts\n  accounts: [aws]\n  agentPoolId: \"\"\n"),
        Vec::<String>::new()
    );
    assert_eq!(
        with_group(
            "- name: guard\n",
            "- name: guard\n      environments: [a, b, a]\n"
        ),
        [
            "duplicate-value group:spec.policyPacks[0].environments[2] group:spec.policyPacks[0].environments[0]"
        ]
    );
}

#[test]
fn sources_are_there_and_inside_and_whole() {
    for (source, expected) in [
        ("../packs/gard", true),
        ("../packs", true),
        ("../../elsewhere", true),
        ("/etc", true),
        ("../packs/guard/index.ts", true),
        ("../packs/guard/", false),
    ] {
        let found = with_pack("source: ../packs/guard", &format!("source: {source}"));
        let wanted: &[&str] = if expected {
            &["pack-source-invalid pack:spec.source"]
        } else {
            &[]
        };
        assert_eq!(found, wanted, "{source}");
    }
    assert_eq!(
        with_pack("  source:", "  runtime: python\n  source:"),
        ["pack-runtime-differs pack:spec.runtime"]
    );
    assert_eq!(
        with_pack("  source:", "  runtime: nodejs\n  source:"),
        Vec::<String>::new()
    );
    for project in [
        "",
        "runtime: [\n",
        "name: x\n",
        "runtime: {options: {}}\n",
        "runtime: ''\n",
    ] {
        let world = World::new(PACK, GROUP);
        world.write("packs/guard/PulumiPolicy.yaml", project);
        let shown = world.check().show();
        assert_eq!(
            shown[0], "pack-source-invalid pack:spec.source",
            "{project}: {shown:?}"
        );
    }
}

#[test]
fn a_nodejs_pack_without_a_package_is_a_warning() {
    let world = World::new(PACK, GROUP);
    fs::remove_file(world.folder.path().join("packs/guard/package.json")).unwrap();
    let seen = world.check();
    let shown = seen.show();
    // The lock file has the source with its package.
    let expected = [
        "pack-package-missing pack:spec.source",
        "tag-reused pack:spec.versionTag",
    ];
    assert_eq!(shown, expected);
}

/// The messages of the diagnostics for a pack with these files.
fn with_source(files: &[(&str, &str)]) -> Vec<String> {
    let world = World::new(PACK, GROUP);
    for name in ["index.ts", "package.json"] {
        fs::remove_file(world.folder.path().join("packs/guard").join(name)).unwrap();
    }
    for (name, text) in files {
        world.write(&format!("packs/guard/{name}"), text);
    }
    let seen = world.check();
    let found = seen.checked.diagnostics.iter();
    let found = found.filter(|found| found.code == Code::PackSourceInvalid);
    let shown = seen.show();
    let shown = shown
        .iter()
        .find(|line| line.starts_with("pack-source-invalid"));
    if let Some(shown) = shown {
        assert_eq!(shown, "pack-source-invalid pack:spec.source");
        assert!(seen.checked.packs.is_empty());
    }
    found.map(|found| found.message.clone()).collect()
}

#[test]
fn a_pack_whose_entry_point_is_not_in_the_archive_is_refused() {
    let python = ("PulumiPolicy.yaml", "runtime: python\n");
    let refused: &[(&[(&str, &str)], &str)] = &[
        (
            &[
                ("package.json", r#"{"main": "bin/index.js"}"#),
                ("index.ts", ""),
            ],
            "`main` of `package.json` is `bin/index.js`",
        ),
        (
            &[
                ("package.json", r#"{"files": ["PulumiPolicy.yaml", "bin"]}"#),
                ("index.js", ""),
                ("bin/.npmrc", ""),
            ],
            "`files` of `package.json` is `bin`",
        ),
        // `exports` does not make npm include a file that `files` does not list.
        (
            &[
                (
                    "package.json",
                    r#"{"exports": {".": {"types": "./t.d.ts", "require": "./bin/a.js"}}, "files": ["PulumiPolicy.yaml", "lib"]}"#,
                ),
                ("bin/a.js", ""),
                ("lib/b.js", ""),
            ],
            "`exports` of `package.json` is `./bin/a.js`",
        ),
        (
            &[("package.json", r#"{"exports": "./a.js"}"#)],
            "`exports` of `package.json` is `./a.js`",
        ),
        (
            &[("package.json", "{}"), ("policy.js", "")],
            "`package.json` has no `main`, and the archive contains no `index.js` or `index.ts`",
        ),
        (
            &[
                ("PulumiPolicy.yaml", "runtime: nodejs\nmain: src/\n"),
                ("package.json", "{}"),
                ("index.js", ""),
            ],
            "`main` of `PulumiPolicy.yaml` is `src/`",
        ),
        (
            &[python, ("policy.py", "")],
            "`__main__.py` is not in the archive",
        ),
        (
            &[python, ("__main__.py", ""), (".gitignore", "__main__.py\n")],
            "`__main__.py` is not in the archive",
        ),
        (
            &[
                ("PulumiPolicy.yaml", "runtime: python\nmain: app\n"),
                ("__main__.py", ""),
            ],
            "`main` of `PulumiPolicy.yaml` is `app`",
        ),
    ];
    for (files, wanted) in refused {
        let found = with_source(files);
        assert!(
            found.len() == 1 && found[0].contains(wanted),
            "{files:?}: {found:?}"
        );
    }
    let accepted: &[&[(&str, &str)]] = &[
        // A warning: what its entry point is, is not known.
        &[("index.js", "")],
        &[
            (
                "package.json",
                r#"{"main": "bin/index.js", "files": ["bin", "PulumiPolicy.yaml"]}"#,
            ),
            ("bin/index.js", ""),
            (".gitignore", "/bin/\n"),
        ],
        &[
            ("package.json", r#"{"main": "./lib"}"#),
            ("lib/index.js", ""),
        ],
        &[("package.json", r#"{"main": "policy"}"#), ("policy.ts", "")],
        &[
            ("package.json", r#"{"exports": {"require": "./a.cjs"}}"#),
            ("a.cjs", ""),
        ],
        &[("package.json", "{}"), ("index.ts", "")],
        &[python, ("__main__.py", "")],
        &[
            ("PulumiPolicy.yaml", "runtime: python\nmain: .\n"),
            (
                "pyproject.toml",
                "[project]\nname = \"guard\"\n[build-system]\nbuild-backend = \"x\"\n",
            ),
        ],
        &[("PulumiPolicy.yaml", "runtime: opa\n"), ("a.rego", "")],
    ];
    for files in accepted {
        assert_eq!(with_source(files), Vec::<String>::new(), "{files:?}");
    }
}

#[test]
fn a_changed_source_needs_another_tag() {
    let world = World::new(PACK, GROUP);
    world.write("packs/guard/index.ts", "export const a = 1;\n");
    let seen = world.check();
    assert_eq!(seen.show(), ["tag-reused pack:spec.versionTag"]);
    assert!(seen.checked.packs.is_empty());
    insta::assert_snapshot!(human(
        &seen.sources,
        &seen.checked.diagnostics,
        DiagnosticAmount::All,
        false
    ));
    world.write("policies/pack.yaml", &PACK.replace("1.0.0", "1.0.1"));
    assert_eq!(world.check().show(), ["pack-unlocked pack:spec.versionTag"]);
    let suffixed = PACK.replace(
        "versionTag: 1.0.0",
        "versionTag: 1.0.1\n  versionTagSuffix: source-digest",
    );
    world.write("policies/pack.yaml", &suffixed);
    let seen = world.check();
    assert_eq!(seen.show(), Vec::<String>::new());
    let [pack] = seen.checked.packs.as_slice() else {
        panic!("{:?}", seen.checked)
    };
    assert_eq!(
        pack.tag().as_str(),
        format!("1.0.1-{}", pack.source.digest.short())
    );
    // The group follows.
    assert_eq!(
        seen.checked.groups[0].policy_packs.as_ref().unwrap()[0].tag,
        *pack.tag()
    );
}

#[test]
fn kinds_stand_in_targets_of_their_service() {
    let world = World::new(PACK, GROUP);
    world.write(
        "policies/list.yaml",
        "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata: {name: a}\nspec: {hosts: [a.example.com]}\n",
    );
    assert_eq!(world.check().show(), ["kind-misplaced list:kind"]);
    let world = World::new(PACK, GROUP);
    world.write("polwarden.yaml", &CONFIG.replace("pulumi", "docker"));
    let shown = world.check().show();
    assert!(
        shown.contains(&"kind-misplaced pack:kind".to_owned())
            && shown.contains(&"kind-misplaced group:kind".to_owned())
    );
    assert!(world.check().checked.packs.is_empty());
}

#[test]
fn a_lock_is_written_as_it_is_read() {
    let world = World::new(&PACK.replace("1.0.0", "'1.0'"), GROUP);
    world.lock();
    let text = fs::read_to_string(world.folder.path().join("polwarden.lock")).unwrap();
    assert!(text.contains("'1.0':"), "{text}");
    let lock = parse_lock(
        SourceMap::default().add("polwarden.lock", text.as_str()),
        &text,
    )
    .unwrap();
    assert_eq!(lock.text().unwrap(), text);
    assert_eq!(world.check().show(), Vec::<String>::new());
    for (wrong, code) in [
        (text.replace("sha256:", "md5:"), "invalid-value"),
        (text.replace("source:", "sources:"), "unknown-field"),
        ("kind: Config\n".to_owned(), "missing-field"),
        (format!("{text}---\n{text}"), "invalid-value"),
    ] {
        let findings = parse_lock(
            SourceMap::default().add("polwarden.lock", wrong.as_str()),
            &wrong,
        )
        .unwrap_err();
        assert_eq!(findings[0].code.as_str(), code, "{wrong}");
    }
    assert_eq!(
        parse_lock(SourceMap::default().add("polwarden.lock", ""), ""),
        Ok(LockFile::default())
    );
}
