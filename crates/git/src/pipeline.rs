//! The CI pipeline, from its environment variables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pipeline that a command runs in, from its variables. Variables are not trusted, so it is only displayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pipeline {
    /// The service that runs it.
    pub service: PipelineService,
    /// The branch or tag of the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The user who started the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// A service that runs pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PipelineService {
    /// GitHub Actions, or a compatible service.
    Github,
    /// GitLab.
    Gitlab,
    /// Bitbucket.
    Bitbucket,
    /// Azure Pipelines.
    Azure,
    /// Another service.
    Other,
}

impl PipelineService {
    /// Display name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
            Self::Bitbucket => "Bitbucket",
            Self::Azure => "Azure",
            Self::Other => "CI",
        }
    }
}

/// The variables of a service: its marker, and those of the branch and the actor.
struct PipelineVariables {
    service: PipelineService,
    runs: &'static str,
    branch: &'static [&'static str],
    actor: &'static str,
}

const WORDS: [PipelineVariables; 4] = [
    PipelineVariables {
        service: PipelineService::Github,
        runs: "GITHUB_ACTIONS",
        branch: &["GITHUB_HEAD_REF", "GITHUB_REF_NAME"],
        actor: "GITHUB_ACTOR",
    },
    PipelineVariables {
        service: PipelineService::Gitlab,
        runs: "GITLAB_CI",
        branch: &["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"],
        actor: "GITLAB_USER_LOGIN",
    },
    PipelineVariables {
        service: PipelineService::Bitbucket,
        runs: "BITBUCKET_BUILD_NUMBER",
        branch: &["BITBUCKET_BRANCH", "BITBUCKET_TAG"],
        actor: "BITBUCKET_STEP_TRIGGERER_UUID",
    },
    PipelineVariables {
        service: PipelineService::Azure,
        runs: "TF_BUILD",
        branch: &["SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCHNAME"],
        actor: "BUILD_REQUESTEDFOR",
    },
];

/// Markers of other services.
const OTHERS: [&str; 5] = [
    "CI",
    "BUILDKITE",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "CODEBUILD_BUILD_ID",
];

impl Pipeline {
    /// Detects the pipeline from environment variables. `CI=false` disables the detection.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let value = |name: &str| {
            variable(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let says = |name: &str| value(name).is_some_and(|text| !is_false(&text));
        if value("CI").is_some_and(|text| is_false(&text)) {
            return None;
        }
        for PipelineVariables {
            service,
            runs,
            branch,
            actor,
        } in WORDS
        {
            if says(runs) {
                let branch = branch.iter().find_map(|name| value(name));
                let branch =
                    branch.map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
                return Some(Self {
                    service,
                    branch,
                    actor: value(actor),
                });
            }
        }
        let other = Self {
            service: PipelineService::Other,
            branch: None,
            actor: None,
        };
        OTHERS.iter().any(|name| says(name)).then_some(other)
    }
}

/// Maximum size of a file of TeamCity parameters.
const MAX_PARAMETERS: usize = 1 << 20;

/// The value of an environment variable, or of a parameter of a TeamCity build, whose name begins
/// with `teamcity.`. Bytes that are not UTF-8 are replaced: such a variable is set, so it must not be
/// ignored.
pub fn ci_variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    value.or_else(|| {
        if !name.starts_with("teamcity.") {
            return None;
        }
        // TeamCity writes the parameters of a build to two files; the second is named in the first.
        let build = parameters(&std::env::var_os("TEAMCITY_BUILD_PROPERTIES_FILE")?)?;
        parameter(&build, name).or_else(|| {
            let file = parameter(&build, "teamcity.configuration.properties.file")?;
            parameter(&parameters(file.as_ref())?, name)
        })
    })
}

fn parameters(file: &std::ffi::OsStr) -> Option<String> {
    let path = std::path::Path::new(file);
    let metadata = std::fs::metadata(path).ok().filter(|it| it.is_file())?;
    let bytes = crate::read::read_bounded(path, &metadata, MAX_PARAMETERS).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a key in the text of a Java properties file, in the form that TeamCity writes.
fn parameter(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let value = line.trim_start().strip_prefix(key)?.trim_start();
        let value = value.strip_prefix(['=', ':'])?.trim_start();
        let mut characters = value.chars();
        let mut unescaped = String::new();
        while let Some(character) = characters.next() {
            unescaped.extend(match character {
                '\\' => characters.next(),
                other => Some(other),
            });
        }
        Some(unescaped)
    })
}

fn is_false(text: &str) -> bool {
    ["false", "0", "no", "off"]
        .iter()
        .any(|no| text.eq_ignore_ascii_case(no))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        variables: &[(&str, &str)],
    ) -> Option<(PipelineService, Option<String>, Option<String>)> {
        let found = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, text)| (*text).to_owned())
        };
        Pipeline::from_variables(found).map(
            |Pipeline {
                 service,
                 branch,
                 actor,
             }| (service, branch, actor),
        )
    }

    #[test]
    fn each_service_is_known_by_its_variables() {
        let told = |service, branch: &str, actor: &str| {
            Some((service, Some(branch.to_owned()), Some(actor.to_owned())))
        };
        let github = [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_ACTOR", "ann"),
        ];
        assert_eq!(read(&github), told(PipelineService::Github, "main", "ann"));
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_REF_NAME", "main"),
            ("GITLAB_USER_LOGIN", "ann"),
        ];
        assert_eq!(read(&gitlab), told(PipelineService::Gitlab, "main", "ann"));
        let azure = [
            ("TF_BUILD", "True"),
            ("SYSTEM_PULLREQUEST_SOURCEBRANCH", "refs/heads/fix"),
            ("BUILD_SOURCEBRANCHNAME", "merge"),
            ("BUILD_REQUESTEDFOR", "Ann"),
        ];
        assert_eq!(read(&azure), told(PipelineService::Azure, "fix", "Ann"));
        assert_eq!(read(&[("BITBUCKET_BUILD_NUMBER", "0")]), None);
        assert_eq!(
            read(&[("BITBUCKET_BUILD_NUMBER", "7")]),
            Some((PipelineService::Bitbucket, None, None))
        );
        for name in OTHERS {
            assert_eq!(
                read(&[(name, "true")]),
                Some((PipelineService::Other, None, None)),
                "{name}"
            );
        }
    }

    #[test]
    fn parameters_of_teamcity_are_read_from_its_files() {
        let text = "#comment\nteamcity.build.id=7\nteamcity.configuration.properties.file=C\\:\\\\a\\\\b\n\
                    teamcity.pullRequest.target.branch = release\n";
        let read = |key| parameter(text, key);
        assert_eq!(
            read("teamcity.configuration.properties.file").as_deref(),
            Some("C:\\a\\b")
        );
        assert_eq!(
            read("teamcity.pullRequest.target.branch").as_deref(),
            Some("release")
        );
        assert_eq!(read("teamcity.build"), None);
    }

    #[test]
    fn outside_of_a_pipeline_nothing_is_told() {
        for variables in [
            &[][..],
            &[("CI", "")],
            &[("CI", "false")],
            &[("GITHUB_ACTIONS", "false")],
            &[("CI", "False"), ("GITHUB_ACTIONS", "true")],
            &[("GITHUB_REF_NAME", "main"), ("GITHUB_ACTOR", "ann")],
        ] {
            assert_eq!(read(variables), None, "{variables:?}");
        }
    }
}
