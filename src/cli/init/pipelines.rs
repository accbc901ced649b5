//! The pipelines that `init` writes: the examples of this project, for the branch and the provider of a repository.

use std::path::Path;

use anyhow::bail;
use camino::Utf8PathBuf;
use clap::ValueEnum;

use crate::service::registry;
use manifest::config::Provider;

macro_rules! example {
    ($path:literal) => {
        include_str!(concat!("../../../examples/ci/", $path))
    };
}

const WORKFLOWS: [(&str, &str); 4] = [
    (
        "polwarden-check.yml",
        example!("github/polwarden-check.yml"),
    ),
    ("polwarden-plan.yml", example!("github/polwarden-plan.yml")),
    (
        "polwarden-apply.yml",
        example!("github/polwarden-apply.yml"),
    ),
    (
        "polwarden-drift.yml",
        example!("github/polwarden-drift.yml"),
    ),
];

const SCRIPTS: [(&str, &str); 6] = [
    ("install.sh", example!("shell/install.sh")),
    ("check.sh", example!("shell/check.sh")),
    ("plan.sh", example!("shell/plan.sh")),
    ("apply.sh", example!("shell/apply.sh")),
    ("drift.sh", example!("shell/drift.sh")),
    ("gitlab-note.sh", example!("shell/gitlab-note.sh")),
];

const GITLAB: &str = example!("gitlab/.gitlab-ci.yml");
const GITLAB_FILE: &str = ".gitlab-ci.yml";
const BITBUCKET: &str = example!("bitbucket/bitbucket-pipelines.yml");
const BITBUCKET_FILE: &str = "bitbucket-pipelines.yml";

/// A service that runs pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CiPlatform {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// Shell scripts for any other service.
    Shell,
    /// No pipeline.
    None,
}

impl CiPlatform {
    /// The value of the option.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Bitbucket => "bitbucket",
            Self::Shell => "shell",
            Self::None => "none",
        }
    }

    /// All values of the option.
    pub(super) fn names() -> String {
        let names = Self::value_variants()
            .iter()
            .map(|platform| platform.name());
        names.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut variants = Self::value_variants().iter().copied();
        variants.find(|platform| platform.name() == name)
    }
}

/// The pipeline of a repository.
#[derive(Debug, Default)]
pub(super) struct Pipeline {
    pub(super) files: Vec<(Utf8PathBuf, String)>,
    /// What a person does by hand, in sentences.
    pub(super) steps: Vec<String>,
}

/// The platform that hosts the repository: by the address of its remote, or else by the pipelines that it already has.
pub(super) fn detect() -> Option<CiPlatform> {
    let by_host = git::remote_host(Path::new(".")).and_then(|host| by_host(&host));
    by_host.or_else(|| {
        let top = git::top(Path::new("."))?;
        [
            (".github/workflows", CiPlatform::Github),
            (GITLAB_FILE, CiPlatform::Gitlab),
            (BITBUCKET_FILE, CiPlatform::Bitbucket),
        ]
        .into_iter()
        .find(|(path, _)| top.join(path).exists())
        .map(|(_, platform)| platform)
    })
}

/// Self-hosted services usually have their name in the host, such as `gitlab.corp.example.com`.
fn by_host(host: &str) -> Option<CiPlatform> {
    let host = host.to_ascii_lowercase();
    [
        CiPlatform::Github,
        CiPlatform::Gitlab,
        CiPlatform::Bitbucket,
    ]
    .into_iter()
    .find(|platform| host.split('.').any(|label| label == platform.name()))
}

/// The pipeline for a platform. Its files are relative to the current directory.
///
/// # Errors
/// The name of the branch or of the folder cannot be a part of a pipeline, or the platform needs the top of the
/// repository.
pub(super) fn pipeline(
    platform: CiPlatform,
    branch: &str,
    provider: Provider,
) -> anyhow::Result<Pipeline> {
    if platform == CiPlatform::None {
        return Ok(Pipeline::default());
    }
    // Names become parts of expressions and scripts.
    let is_safe = |text: &str| {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        !text.starts_with('-') && text.chars().all(is_safe)
    };
    if !is_safe(branch) {
        bail!("the branch `{branch}` cannot be written into a pipeline; use --ci none");
    }
    let folder = folder()?;
    if !is_safe(&folder) {
        bail!("the folder `{folder}` cannot be written into a pipeline; use --ci none");
    }
    if !folder.is_empty() && platform != CiPlatform::Github {
        bail!(
            "the pipeline of {} runs at the top of the repository; go there, or use --ci none",
            platform.name()
        );
    }
    let variables = |provider| {
        registry::starter(provider)
            .credentials
            .replace(" and ", ", ")
    };
    let with_variables =
        |text: &str| text.replace(&variables(registry::EXAMPLE_PROVIDER), &variables(provider));
    Ok(match platform {
        CiPlatform::None => Pipeline::default(),
        CiPlatform::Github => github(branch, &folder, provider),
        CiPlatform::Gitlab => {
            let text = with_variables(GITLAB);
            let include = "Add `include: [{local: ci/polwarden/gitlab-ci.yml}]` to .gitlab-ci.yml.";
            with_scripts(GITLAB_FILE, "gitlab-ci.yml", text, include)
        }
        CiPlatform::Bitbucket => {
            let text = with_variables(BITBUCKET)
                .replace("    main:\n", &format!("    {}:\n", yaml_text(branch)))
                .replace(
                    "--require-branch main",
                    &format!("--require-branch {branch}"),
                )
                .replace("for `main` only", &format!("for `{branch}` only"));
            let merge = "Copy the steps of ci/polwarden/bitbucket-pipelines.yml to bitbucket-pipelines.yml.";
            with_scripts(BITBUCKET_FILE, BITBUCKET_FILE, text, merge)
        }
        CiPlatform::Shell => Pipeline {
            files: scripts(),
            steps: vec![
                "Run the scripts in ci/polwarden in your pipeline; each says what it needs."
                    .to_owned(),
            ],
        },
    })
}

/// The current directory relative to the top of the repository, with `/`. Empty at the top and without a repository.
fn folder() -> anyhow::Result<String> {
    let here = std::env::current_dir()?;
    let here = here.canonicalize().unwrap_or(here);
    let Some(top) = git::top(&here) else {
        return Ok(String::new());
    };
    let inside = here.strip_prefix(&top).unwrap_or(Path::new(""));
    let names = inside.iter().map(|name| name.to_string_lossy());
    Ok(names.collect::<Vec<_>>().join("/"))
}

fn github(branch: &str, folder: &str, provider: Provider) -> Pipeline {
    let starter = registry::starter(provider);
    let example = registry::starter(registry::EXAMPLE_PROVIDER);
    let up = "../".repeat(folder.split('/').filter(|name| !name.is_empty()).count());
    let files = WORKFLOWS.map(|(name, text)| {
        let mut text = text
            .replace(
                "branches: [main]",
                &format!("branches: [{}]", yaml_text(branch)),
            )
            .replace("refs/heads/main", &format!("refs/heads/{branch}"))
            .replace(
                "require-branch: main",
                &format!("require-branch: {}", yaml_text(branch)),
            );
        for account in ["READ", "WRITE"] {
            let of = |lines: &str| lines.replace("{ACCOUNT}", account);
            text = text.replace(
                &of(example.workflow_credentials),
                &of(starter.workflow_credentials),
            );
        }
        if !folder.is_empty() {
            let with = "        with:\n          command:";
            text = text.replace(
                with,
                &format!(
                    "        with:\n          directory: {}\n          command:",
                    yaml_text(folder)
                ),
            );
        }
        (format!("{up}.github/workflows/{name}").into(), text)
    });
    Pipeline {
        files: files.into(),
        steps: vec![
            "Put the commit of a polwarden release into .github/workflows/polwarden-*.yml, and create the\n\
             environments that their first lines name."
                .to_owned(),
        ],
    }
}

/// The scripts and the file of a pipeline. If the repository has a pipeline, the file is written next to the scripts.
fn with_scripts(usual: &str, beside: &str, text: String, merge: &str) -> Pipeline {
    let mut files = scripts();
    let mut steps = Vec::new();
    if Path::new(usual).symlink_metadata().is_ok() {
        files.push((format!("ci/polwarden/{beside}").into(), text));
        steps.push(merge.to_owned());
    } else {
        files.push((usual.into(), text));
    }
    steps.push(format!(
        "Set the variables that the first lines of the pipeline ({beside}) name."
    ));
    Pipeline { files, steps }
}

fn scripts() -> Vec<(Utf8PathBuf, String)> {
    let scripts = SCRIPTS.into_iter();
    scripts
        .map(|(name, text)| (format!("ci/polwarden/{name}").into(), text.to_owned()))
        .collect()
}

/// A text as YAML. Only letters and few other characters need no quotes; YAML reads a JSON string as the same text.
pub(super) fn yaml_text(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '_' | '/');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_letter)
        && !WORDS.contains(&&*text.to_ascii_lowercase());
    if is_plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_known_by_the_host_of_the_remote() {
        assert_eq!(by_host("github.com"), Some(CiPlatform::Github));
        assert_eq!(by_host("gitlab.corp.example.com"), Some(CiPlatform::Gitlab));
        assert_eq!(by_host("bitbucket.org"), Some(CiPlatform::Bitbucket));
        assert_eq!(by_host("git.example.com"), None);
        assert_eq!(by_host("notgithub.example.com"), None);
    }

    #[test]
    fn workflows_contain_the_branch_the_folder_and_the_credentials_of_the_provider() {
        let Pipeline { files, .. } = github("release/1.0", "org/policies", Provider::Pulumi);
        assert_eq!(files.len(), WORKFLOWS.len());
        for (path, text) in files {
            assert!(path.starts_with("../../.github/workflows"), "{path}");
            let value: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
            assert!(value["jobs"].is_mapping(), "{path}");
            assert!(
                !text.contains("main]") && !text.contains("docker-"),
                "{text}"
            );
            let uses = text.matches("uses: example/polwarden@").count();
            let folders = text.matches("directory: org/policies").count();
            assert_eq!(uses, folders, "{path}");
            if path.as_str().ends_with("polwarden-apply.yml") {
                assert!(text.contains(r#"branches: ["release/1.0"]"#), "{text}");
                assert!(
                    text.contains("github.ref == 'refs/heads/release/1.0'"),
                    "{text}"
                );
                assert!(text.contains(r#"require-branch: "release/1.0""#), "{text}");
                assert!(
                    text.contains("PULUMI_ACCESS_TOKEN: ${{ secrets.POLWARDEN_WRITE_TOKEN }}"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn names_that_could_be_code_are_refused() {
        for branch in ["a'b", "-x", "a$(b)", "a b"] {
            assert!(pipeline(CiPlatform::Gitlab, branch, registry::EXAMPLE_PROVIDER).is_err());
        }
    }
}
