//! Properties of all workflows and pipelines, checked without a runner.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::project;

const GITHUB: &str = "examples/ci/github";

fn text(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap()
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All workflows, and the action.
fn all() -> Vec<String> {
    let mut found = vec!["action.yml".to_owned()];
    for folder in [GITHUB, ".github/workflows"] {
        let names = std::fs::read_dir(project(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        found.extend(names.map(|name| format!("{folder}/{}", name.to_str().unwrap())));
    }
    assert!(found.len() >= 7, "{found:?}");
    found
}

/// The steps of a workflow or an action.
fn steps(file: &Value) -> Vec<&Value> {
    let jobs = file["jobs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, job)| &job["steps"]);
    jobs.chain([&file["runs"]["steps"]])
        .filter_map(Value::as_array)
        .flatten()
        .collect()
}

fn jobs(path: &str) -> Vec<(String, Value)> {
    let file = yaml(path);
    file["jobs"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, job)| (name.clone(), job.clone()))
        .collect()
}

#[test]
fn no_expression_is_pasted_into_a_shell() {
    for path in all() {
        let file = yaml(&path);
        let steps = steps(&file);
        assert!(!steps.is_empty(), "{path}");
        for step in steps {
            let run = step["run"].as_str().unwrap_or_default();
            assert!(!run.contains("${{"), "{path}: {run}");
        }
    }
}

#[test]
fn other_actions_are_pinned_by_commit_and_say_which_version_that_is() {
    let mut seen = 0;
    for path in all() {
        for line in text(&path)
            .lines()
            .filter(|line| line.trim_start_matches([' ', '-']).starts_with("uses:"))
        {
            seen += 1;
            let (_, pin) = line
                .split_once('@')
                .unwrap_or_else(|| panic!("{path}: {line}"));
            let (commit, version) = pin
                .split_once(" # v")
                .unwrap_or_else(|| panic!("{path}: no version: {line}"));
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(
                is_commit && version.starts_with(|c: char| c.is_ascii_digit()),
                "{path}: {line}"
            );
        }
    }
    assert!(seen > 0);
}

#[test]
fn images_are_pinned_by_digest() {
    let mut seen = 0;
    for path in [
        "Dockerfile",
        "examples/ci/gitlab/.gitlab-ci.yml",
        "examples/ci/bitbucket/bitbucket-pipelines.yml",
    ] {
        let text = text(path);
        let images = text.lines().filter_map(|line| {
            let line = line.trim();
            let image = line
                .strip_prefix("image: ")
                .or_else(|| line.strip_prefix("FROM "))?;
            image.split(' ').next()
        });
        for image in images.filter(|image| *image != "scratch") {
            seen += 1;
            let (_, digest) = image
                .split_once("@sha256:")
                .unwrap_or_else(|| panic!("{path}: {image} has no digest"));
            let is_digest = digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_digest, "{path}: {image}");
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn archives_are_attested_where_they_are_built_and_nowhere_else() {
    let path = ".github/workflows/release.yml";
    for (name, job) in jobs(path) {
        let attests = steps(&serde_json::json!({"jobs": {"job": job}}))
            .iter()
            .any(|step| {
                let action = step["uses"].as_str().unwrap_or_default();
                action.starts_with("actions/attest-build-provenance@")
            });
        let signs = job["permissions"]["id-token"] == "write";
        let builds = name == "build" || name == "sbom";
        assert_eq!((attests, signs), (builds, builds), "{name}");
    }
    let publish = yaml(path)["jobs"]["publish"].clone();
    let scripts: Vec<&str> = publish["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["run"].as_str())
        .collect();
    let verified = scripts.iter().position(|run| run.contains("verify.sh"));
    let released = scripts
        .iter()
        .position(|run| run.contains("gh release create"));
    assert!(
        verified.is_some() && verified < released,
        "the provenance is verified before the release: {scripts:?}"
    );
}

#[test]
fn a_pull_request_is_planned_again_when_its_base_changes() {
    let file = yaml(&format!("{GITHUB}/polwarden-plan.yml"));
    let types = file["on"]["pull_request_target"]["types"].clone();
    assert_eq!(
        types,
        serde_json::json!(["opened", "synchronize", "reopened", "edited"])
    );
}

#[test]
fn permissions_are_given_job_by_job() {
    let writing = BTreeSet::from([
        (
            format!("{GITHUB}/polwarden-plan.yml"),
            "pull-requests".to_owned(),
        ),
        (
            ".github/workflows/release.yml".to_owned(),
            "contents".to_owned(),
        ),
        (
            ".github/workflows/release.yml".to_owned(),
            "id-token".to_owned(),
        ),
        (
            ".github/workflows/release.yml".to_owned(),
            "attestations".to_owned(),
        ),
    ]);
    let mut found = BTreeSet::new();
    for path in all().into_iter().filter(|path| path != "action.yml") {
        assert_eq!(yaml(&path)["permissions"], serde_json::json!({}), "{path}");
        for (name, job) in jobs(&path) {
            let permissions = job["permissions"]
                .as_object()
                .unwrap_or_else(|| panic!("{path}: {name}"));
            let writes = permissions.iter().filter(|(_, access)| *access == "write");
            found.extend(writes.map(|(scope, _)| (path.clone(), scope.clone())));
            assert!(
                job["timeout-minutes"].is_u64(),
                "{path}: {name} may run for hours"
            );
        }
    }
    assert_eq!(found, writing);
}

#[test]
fn the_job_that_strangers_start_has_no_credential() {
    let path = format!("{GITHUB}/polwarden-check.yml");
    let file = yaml(&path);
    assert!(
        file["on"].as_object().unwrap().keys().eq(["pull_request"]),
        "{}",
        file["on"]
    );
    let text = text(&path);
    for word in ["secrets", "environment", "docker-", "write", "id-token"] {
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect();
        assert!(!lines.concat().contains(word), "{path} contains {word}");
    }
    assert_eq!(steps(&file)[0]["with"]["persist-credentials"], false);
}

#[test]
fn the_job_that_plans_a_pull_request_never_has_its_files() {
    let path = format!("{GITHUB}/polwarden-plan.yml");
    let file = yaml(&path);
    assert!(
        file["on"]
            .as_object()
            .unwrap()
            .keys()
            .eq(["pull_request_target"])
    );
    let steps = steps(&file);
    let [step] = steps.as_slice() else {
        panic!("one step")
    };
    assert!(
        step["uses"]
            .as_str()
            .unwrap()
            .starts_with("example/polwarden@")
    );
    let with = &step["with"];
    assert_eq!(with["head"], "${{ github.event.pull_request.head.sha }}");
    assert!(with["directory"].is_null() && with["args"].is_null() && with["binary"].is_null());
    let environment = file["jobs"]["plan"]["environment"].as_str().unwrap();
    let own =
        "github.event.pull_request.head.repo.full_name == github.repository && 'polwarden-plan'";
    assert!(
        environment.contains(own) && environment.contains("|| 'polwarden-plan-fork'"),
        "{environment}"
    );
}

#[test]
fn the_credential_that_writes_is_in_one_job_that_is_approved_and_alone() {
    let mut holders = Vec::new();
    for path in all() {
        if path == "action.yml" {
            continue;
        }
        for (name, job) in jobs(&path) {
            let text = job.to_string();
            let reads = text.contains("POLWARDEN_READ_SECRET");
            assert!(!reads || text.contains("polwarden-plan"), "{path}: {name}");
            if text.contains("POLWARDEN_WRITE_SECRET") {
                assert!(!reads, "{path}: {name} has both");
                assert_eq!(job["environment"], "polwarden-apply");
                assert_eq!(job["concurrency"]["cancel-in-progress"], false);
                let with = &job["steps"][1]["with"];
                assert_eq!(
                    with["expect-plan"],
                    "${{ needs.plan.outputs.digest || 'none' }}"
                );
                holders.push(format!("{path}: {name}"));
            }
        }
    }
    assert_eq!(holders, [format!("{GITHUB}/polwarden-apply.yml: apply")]);
}

#[test]
fn pipelines_keep_credentials_apart_and_run_only_scripts_that_are_here() {
    let gitlab = yaml("examples/ci/gitlab/.gitlab-ci.yml");
    let environment = |job: &str| gitlab[job]["environment"]["name"].as_str();
    assert_eq!(environment("check"), None);
    assert_eq!(environment("plan the change"), Some("polwarden-plan"));
    assert_eq!(environment("drift"), Some("polwarden-plan"));
    assert_eq!(environment("apply"), Some("polwarden-apply"));
    assert_eq!(gitlab["apply"]["rules"][0]["when"], "manual");
    assert_eq!(gitlab["apply"]["resource_group"], "polwarden-apply");
    let fork = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID";
    assert!(
        gitlab["plan the change"]["rules"][0]["if"]
            .as_str()
            .unwrap()
            .contains(fork)
    );

    let bitbucket = yaml("examples/ci/bitbucket/bitbucket-pipelines.yml");
    let request = &bitbucket["pipelines"]["pull-requests"]["**"];
    assert_eq!(request[0]["step"]["deployment"], Value::Null);
    assert_eq!(request[1]["step"]["deployment"], "polwarden-plan");
    let apply = &bitbucket["pipelines"]["branches"]["main"][2]["step"];
    assert_eq!(
        (&apply["deployment"], &apply["trigger"]),
        (&"polwarden-apply".into(), &"manual".into())
    );

    for path in [
        "examples/ci/gitlab/.gitlab-ci.yml",
        "examples/ci/bitbucket/bitbucket-pipelines.yml",
    ] {
        let text = text(path);
        let scripts: BTreeSet<&str> = text
            .match_indices("ci/polwarden/")
            .map(|(at, prefix)| {
                text[at + prefix.len()..]
                    .split([' ', '\n', ')', '"'])
                    .next()
                    .unwrap()
            })
            .collect();
        assert!(scripts.len() >= 5, "{path}: {scripts:?}");
        for script in scripts {
            assert!(
                project("examples/ci/shell").join(script).is_file(),
                "{path} runs {script}"
            );
        }
    }
}

#[test]
fn the_action_declares_what_it_uses_and_uses_what_it_declares() {
    let action = text("action.yml");
    let file = yaml("action.yml");
    for input in file["inputs"].as_object().unwrap().keys() {
        assert!(
            action.contains(&format!("inputs.{input}")),
            "nobody reads the input {input}"
        );
    }
    let ids: BTreeSet<&str> = steps(&file)
        .iter()
        .filter_map(|step| step["id"].as_str())
        .collect();
    for (at, prefix) in action.match_indices("steps.") {
        let rest = &action[at + prefix.len()..];
        let (id, rest) = rest.split_once(".outputs.").unwrap();
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '-')
            .collect();
        assert!(ids.contains(id), "no step {id}");
        let script = text(&format!(".github/scripts/{id}.sh"));
        assert!(
            script.contains(&format!("echo \"{name}=")),
            "{id} writes no {name}"
        );
    }
}

#[test]
fn versions_are_the_same_wherever_they_are_written() {
    let cargo = text("Cargo.toml");
    let line = |start: &str| {
        cargo
            .lines()
            .find_map(|line| line.strip_prefix(start))
            .unwrap()
            .trim_matches('"')
    };
    let version = line("version = ");
    let rust = line("rust-version = ");
    assert!(text("Dockerfile").contains(&format!("/rust:{rust}-alpine@sha256:")));
    for path in [".github/workflows/release.yml", ".github/workflows/ci.yml"] {
        let text = text(path);
        let installs = text.matches("rustup toolchain install").count();
        assert!(
            installs > 0
                && text.matches(&format!("toolchain install {rust}.0")).count() == installs,
            "{path}"
        );
    }
    for path in all().into_iter().filter(|path| path.starts_with(GITHUB)) {
        let text = text(&path);
        let pins = text.matches("uses: example/polwarden@").count();
        assert!(
            pins > 0 && text.matches(&format!(" # v{version}")).count() == pins,
            "{path}"
        );
    }
}

#[test]
fn the_image_has_no_shell_and_no_root() {
    let text = text("Dockerfile");
    let (_, last) = text.rsplit_once("\nFROM ").unwrap();
    assert!(
        last.starts_with("scratch\n")
            && last.contains("\nUSER 65532:65532\n")
            && !last.contains("RUN"),
        "{last}"
    );
    let ignored: Vec<PathBuf> = std::fs::read_to_string(project(".dockerignore"))
        .unwrap()
        .lines()
        .map(PathBuf::from)
        .collect();
    assert!(
        ignored.contains(&"/target".into()) && ignored.contains(&"/.git".into()),
        "{ignored:?}"
    );
}
