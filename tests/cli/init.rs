//! `polwarden init`: new and existing organizations, questions and missing answers.

use emulator::{DockerOptions, DockerOrganizationSeed, DockerSeed, TeamSeed};
use serde_json::json;

use super::sandbox::{INIT, Sandbox, policy, tcp, unwrapped};

const EMBEDDED: &str = "--endpoint=docker=embedded";
const PLATFORM: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";

const EXISTING: [&str; 8] = [
    "init",
    "new",
    "--provider",
    "docker",
    "--organization",
    "acme",
    "--existing",
    "--ci",
];

/// A server with an organization that has policies and teams, made without polwarden.
fn acme() -> Sandbox {
    let seed = json!({"organizations": [{
        "name": "acme",
        "teams": [
            {"uuid": PLATFORM, "name": "platform: \"core\""},
            {"uuid": "5f0d4a52-3c1e-4a7b-9d26-8b1f7e0c9a34", "name": "twice"},
            {"uuid": "7b0d4a52-3c1e-4a7b-9d26-8b1f7e0c9a34", "name": "twice"}
        ],
        "policies": [
            {"name": "GitLab", "scope": {"teams": [PLATFORM]}, "rules": [
                {"name": "allow git", "actions": ["connect:tcp"], "resources": ["git.example.com:443"], "decision": "allow"}
            ]},
            {"name": "Paste sites", "rules": [
                {"name": "deny paste", "actions": ["connect:tcp"], "resources": ["**.paste.example.com"], "decision": "deny"}
            ]}
        ]
    }]});
    let seed = DockerSeed::from_json(&seed.to_string()).unwrap();
    Sandbox::empty().serve(DockerOptions {
        seed: Some(seed),
        ..DockerOptions::default()
    })
}

#[test]
fn missing_answers_are_errors_that_name_the_options() {
    let sandbox = Sandbox::empty();
    let ran = sandbox.expect(1, &["init"]);
    for option in [
        "--provider NAME",
        "--organization NAME",
        "--new or --existing",
        "--ci",
    ] {
        assert!(
            ran.err.contains(&format!("missing {option}")),
            "{}",
            ran.err
        );
    }
    assert!(sandbox.files().is_empty());
    let ran = sandbox.expect(
        1,
        &["init", "--provider", "docker", "--new", "--ci", "none"],
    );
    assert!(
        ran.err.contains("missing --organization NAME"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("--provider NAME"), "{}", ran.err);
    for organization in ["", "a/b", "two words"] {
        let arguments = [
            &["init"],
            &INIT[..2],
            &["--organization", organization],
            &INIT[4..],
        ];
        sandbox.expect(1, &arguments.concat());
    }
    assert!(sandbox.files().is_empty());
}

#[cfg(unix)]
#[test]
fn on_a_terminal_missing_answers_are_asked_for() {
    use super::terminal::converse;
    let sandbox = Sandbox::empty();
    let dialog = [
        ("Provider (docker, pulumi, chainloop) [docker]:", "gitlab"),
        ("Provider (docker, pulumi, chainloop) [docker]:", ""),
        ("Organization at the service:", "acme"),
        ("(yes or no)", "no"),
        (
            "Pipeline (github, gitlab, bitbucket, shell, none) [none]:",
            "gitlab",
        ),
    ];
    let (code, shown) = converse(sandbox.command(&["init"]), &dialog);
    assert_eq!(code, 0, "{shown}");
    let config = sandbox.read("polwarden.yaml");
    assert!(config.contains("organization: acme\n"), "{config}");
    assert!(sandbox.path(".gitlab-ci.yml").exists());
    assert!(sandbox.path("ci/polwarden/plan.sh").exists());
}

#[test]
fn an_existing_organization_is_imported_and_its_plan_is_empty() {
    let sandbox = acme();
    let arguments = [&EXISTING[..], &["github"]].concat();
    let ran = sandbox.expect(0, &arguments);
    assert!(
        ran.out.contains("No changes. Live: 2 policies"),
        "{}",
        ran.out
    );
    assert_eq!(sandbox.writes(), 0);
    let config = sandbox.read("new/polwarden.yaml");
    let config: serde_yaml::Value = serde_yaml::from_str(&config).unwrap();
    let teams = config["targets"][0]["teams"].as_mapping().unwrap();
    // A name that two teams have is ambiguous.
    assert_eq!(teams.len(), 1);
    assert_eq!(teams["platform: \"core\""], PLATFORM);
    assert_eq!(config["apply"]["branch"], "main");
    let written: serde_yaml::Value =
        serde_yaml::from_str(&sandbox.read("new/policies/gitlab.yaml")).unwrap();
    assert_eq!(written["spec"]["scope"]["teams"][0], "platform: \"core\"");
    assert!(
        sandbox
            .path("new/.github/workflows/polwarden-plan.yml")
            .exists()
    );
    assert!(!sandbox.path("new/policies/package-managers.yaml").exists());
    assert!(!sandbox.path("new/policies/README.md").exists());
    let mut schemas: Vec<_> = std::fs::read_dir(sandbox.path("new/schemas"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    schemas.sort_unstable();
    assert_eq!(
        schemas,
        [
            "config.schema.json",
            "docker-policy.schema.json",
            "policy-test.schema.json",
            "polwarden.schema.json",
            "resource-list.schema.json"
        ]
    );
    sandbox.expect(0, &["validate", "new", "--strict"]);
    // Nothing is written a second time.
    let files = sandbox.files();
    let ran = sandbox.expect(1, &arguments);
    assert!(ran.err.contains("`polwarden.yaml` exists"), "{}", ran.err);
    assert_eq!(sandbox.files(), files);
}

#[test]
fn an_organization_that_cannot_be_imported_leaves_no_files() {
    let organization = DockerOrganizationSeed {
        name: "acme".to_owned(),
        teams: vec![TeamSeed {
            uuid: PLATFORM.to_owned(),
            name: "platform".to_owned(),
        }],
        policies: Vec::new(),
    };
    let sandbox = Sandbox::empty().serve(DockerOptions {
        organizations: vec![organization],
        ..DockerOptions::default()
    });
    let ran = sandbox.expect(1, &[&EXISTING[..], &["none"]].concat());
    assert!(ran.err.contains("Use --new"), "{}", ran.err);
    let mut arguments = [&EXISTING[..], &["none"]].concat();
    arguments[3] = "chainloop";
    let ran = sandbox.expect(1, &arguments);
    assert!(ran.err.contains("--existing cannot be used"), "{}", ran.err);
    assert!(sandbox.files().is_empty(), "{:?}", sandbox.files().keys());
}

#[test]
fn a_policy_that_cannot_be_imported_is_an_error_after_the_others() {
    let seed = json!({"organizations": [{"name": "acme", "policies": [
        {"name": "known", "rules": []},
        {"name": "tomorrow", "type": "rego_v1", "rego_v1": {"text": "package x"}}
    ]}]});
    let seed = DockerSeed::from_json(&seed.to_string()).unwrap();
    let sandbox = Sandbox::empty().serve(DockerOptions {
        seed: Some(seed),
        ..DockerOptions::default()
    });
    let ran = sandbox.expect(1, &[&EXISTING[..], &["none"]].concat());
    assert!(
        ran.err.contains("not imported: policy \"tomorrow\""),
        "{}",
        ran.err
    );
    assert!(sandbox.path("new/policies/known.yaml").exists());
}

#[test]
fn without_the_sample_everything_works_with_a_policy_of_ones_own() {
    let sandbox = Sandbox::empty();
    sandbox.init(".");
    std::fs::remove_file(sandbox.path("policies/package-managers.yaml")).unwrap();
    // The folder stays, and the only error says that it contains nothing yet.
    let ran = sandbox.expect(3, &["validate"]);
    assert_eq!(ran.out.matches("error[").count(), 1, "{}", ran.out);
    assert!(ran.out.contains("error[no-manifests]"), "{}", ran.out);
    let own = format!("rules:\n{}", tcp("r", "allow", "own.example.com"));
    sandbox.write("policies/own.yaml", policy("own", &own));
    sandbox.expect(0, &["validate", "--strict"]);
    sandbox.expect(0, &["lint"]);
    // The pipelines that `init` writes pass without a policy test.
    sandbox.expect(1, &["test"]);
    sandbox.expect(0, &["test", "--allow-no-tests"]);
    sandbox.expect(0, &["apply", EMBEDDED, "--auto-approve"]);
}

#[test]
fn packs_are_imported_and_their_sources_are_asked_for() {
    const PULUMI: [&str; 6] = [
        "--provider",
        "pulumi",
        "--organization",
        "my-org",
        "--ci",
        "none",
    ];
    const AT: &str = "--endpoint=pulumi=embedded";
    let sandbox = Sandbox::empty();
    sandbox.expect(0, &[&["init", "--new"], &PULUMI[..]].concat());
    sandbox.expect(0, &["apply", AT, "--auto-approve"]);
    let start_again = || {
        for folder in ["policies", "schemas"] {
            std::fs::remove_dir_all(sandbox.path(folder)).unwrap();
        }
        std::fs::remove_file(sandbox.path("polwarden.yaml")).unwrap();
        sandbox.run(&[&["init", "--existing", AT], &PULUMI[..]].concat())
    };
    let ran = start_again();
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("No changes. Live: 1 pack"), "{}", ran.out);
    assert!(
        ran.out
            .contains("polwarden plan --endpoint pulumi=embedded"),
        "{}",
        ran.out
    );
    // The service does not give back the source of a pack.
    std::fs::remove_dir_all(sandbox.path("packs")).unwrap();
    let ran = start_again();
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("error[pack-source-invalid]"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("The files are written."), "{}", ran.err);
}

#[test]
fn samples_of_every_provider_are_valid_and_can_be_planned() {
    for provider in ["pulumi", "chainloop"] {
        let sandbox = Sandbox::empty();
        let arguments = ["init", "--organization", "my-org", "--new", "--ci", "shell"];
        sandbox.expect(0, &[&arguments[..], &["--provider", provider]].concat());
        sandbox.expect(0, &["validate"]);
        let endpoint = format!("--endpoint={provider}=embedded");
        let ran = sandbox.expect(0, &["plan", &endpoint]);
        let sample = if provider == "pulumi" {
            "tag-guard"
        } else {
            "commit-known"
        };
        assert!(
            ran.out.contains(&format!("\"{sample}\"")),
            "{provider}: {}",
            ran.out
        );
        let other = if provider == "pulumi" {
            "chainloop"
        } else {
            "pulumi"
        };
        for path in sandbox.files().keys() {
            let path = path.to_str().unwrap();
            assert!(!path.contains(other) && !path.contains("docker"), "{path}");
        }
    }
}

#[test]
fn the_platform_is_detected_and_its_file_is_not_overwritten() {
    let sandbox = Sandbox::empty();
    let repository = git2::Repository::init(sandbox.path(".")).unwrap();
    let url = "https://oauth2:secret-token@gitlab.example.com/o/r.git";
    repository.remote("origin", url).unwrap();
    sandbox.write(".gitlab-ci.yml", "include: []\n");
    let ran = sandbox.expect(0, &[&["init"], &INIT[..5]].concat());
    assert_eq!(sandbox.read(".gitlab-ci.yml"), "include: []\n");
    assert!(sandbox.path("ci/polwarden/gitlab-ci.yml").exists());
    assert!(
        ran.out
            .contains("include: [{local: ci/polwarden/gitlab-ci.yml}]"),
        "{}",
        ran.out
    );
    for (path, bytes) in sandbox.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            path.starts_with(".git") || !text.contains("secret-token"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn in_a_folder_of_a_repository_workflows_are_written_to_its_top() {
    let sandbox = Sandbox::empty();
    git2::Repository::init(sandbox.path(".")).unwrap();
    let arguments = [&["init", "a/b"], &INIT[..5], &["--ci", "github"]].concat();
    sandbox.expect(0, &arguments);
    let text = sandbox.read(".github/workflows/polwarden-plan.yml");
    assert!(text.contains("directory: a/b\n"), "{text}");
    assert!(sandbox.path("a/b/polwarden.yaml").exists());
    let arguments = [&["init", "c"], &INIT[..5], &["--ci", "gitlab"]].concat();
    let ran = sandbox.expect(1, &arguments);
    assert!(ran.err.contains("--ci none"), "{}", ran.err);
}

#[test]
fn misplaced_manifests_are_reported() {
    let sandbox = Sandbox::new("");
    let rules = format!("rules:\n{}", tcp("r", "allow", "a.example.com"));
    sandbox.write("policies/GOOD.YAML", policy("good", &rules));
    sandbox.write("polices/a.yaml", policy("a", &rules));
    sandbox.write(
        "other.json",
        serde_json::to_string(&json!({"kind": "Other", "apiVersion": "v1"})).unwrap(),
    );
    sandbox.write("deep/er/b.yml", policy("b", &rules));
    sandbox.write("own/polwarden.yaml", "kind: Config\n");
    sandbox.write("own/policies/c.yaml", policy("c", &rules));
    // A note is not an error: the files may belong to something else.
    let ran = sandbox.expect(0, &["validate", "--strict"]);
    let text = unwrapped(&ran.out);
    assert_eq!(
        text.matches("note[manifest-outside-paths]").count(),
        2,
        "{}",
        ran.out
    );
    assert!(
        text.contains("`polices/a.yaml` contains a manifest, but no target reads it"),
        "{text}"
    );
    assert!(text.contains("did you mean `policies`?"), "{text}");
    assert!(text.contains("`deep/er/b.yml`"), "{text}");
    assert!(text.contains("1 manifest file"), "{text}");
    // Other files may be uncommitted: they were only looked at.
    let ran = sandbox.expect(0, &["plan", EMBEDDED]);
    assert!(!ran.out.contains("polices"), "{}", ran.out);
}

#[test]
fn schemas_of_one_provider_can_be_written_and_checked() {
    let sandbox = Sandbox::empty();
    sandbox.init(".");
    let of_docker = ["schema", "--provider", "docker"];
    sandbox.expect(0, &[&of_docker[..], &["--check"]].concat());
    std::fs::remove_file(sandbox.path("schemas/docker-policy.schema.json")).unwrap();
    sandbox.expect(1, &[&of_docker[..], &["--check"]].concat());
    sandbox.expect(0, &of_docker);
    sandbox.expect(0, &[&of_docker[..], &["--check"]].concat());
    assert_eq!(
        std::fs::read_dir(sandbox.path("schemas")).unwrap().count(),
        5
    );
}
