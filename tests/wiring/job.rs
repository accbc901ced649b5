//! A job that uses the action: its steps are run as a runner runs them, with what it gives them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::expression::{fill, value};
use super::project;
use super::service::TOKEN;

/// A step of `action.yml`.
struct Step {
    id: Option<String>,
    condition: Option<String>,
    does: Does,
}

enum Does {
    Run {
        script: String,
        environment: BTreeMap<String, String>,
    },
    Use {
        action: String,
        with: BTreeMap<String, String>,
    },
}

/// What a job is started with.
pub(super) struct Job {
    folder: tempfile::TempDir,
    inputs: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    work_tree: PathBuf,
}

/// How a job ended.
pub(super) struct Ended {
    pub(super) failed: bool,
    pub(super) log: String,
    pub(super) summary: String,
    /// The outputs of all steps, as `step.name`.
    pub(super) outputs: BTreeMap<String, String>,
    /// The other actions that it used, with their inputs.
    pub(super) used: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ended {
    pub(super) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// A file of the run.
    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(Path::new(self.output("run.folder")).join(name)).unwrap_or_default()
    }
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(project(path)).unwrap()).unwrap()
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn steps(action: &Value) -> Vec<Step> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let step = |step: &Value| Step {
        id: text(&step["id"]),
        condition: text(&step["if"]),
        does: match (text(&step["run"]), text(&step["uses"])) {
            (Some(script), None) => Does::Run {
                script,
                environment: texts(&step["env"]),
            },
            (None, Some(action)) => Does::Use {
                action,
                with: texts(&step["with"]),
            },
            other => panic!("a step that runs or uses something, not {other:?}"),
        },
    };
    action["runs"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(step)
        .collect()
}

impl Job {
    /// A job with a work tree, whose `inputs` come from the workflow.
    pub(super) fn new(work_tree: &Path, inputs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("temp")).unwrap();
        let inputs = inputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut job = Self {
            folder,
            inputs,
            environment: BTreeMap::new(),
            work_tree: work_tree.to_owned(),
        };
        job.set("PATH", &std::env::var("PATH").unwrap());
        job.set(
            "HOME",
            job.folder.path().to_str().unwrap().to_owned().as_str(),
        );
        job.set(
            "RUNNER_TEMP",
            job.temp().to_str().unwrap().to_owned().as_str(),
        );
        job.set("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR"));
        job.set("GITHUB_REPOSITORY", "my-org/policies");
        job.set("GITHUB_SERVER_URL", "https://github.com");
        job.set("GITHUB_RUN_ID", "42");
        job.set("GITHUB_SHA", "0123456789012345678901234567890123456789");
        job
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn input(&mut self, name: &str, value: &str) {
        self.inputs.insert(name.to_owned(), value.to_owned());
    }

    /// Where the runner keeps what the job writes.
    pub(super) fn temp(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    fn name(&self, declared: &Value, ended: &Ended, name: &str) -> String {
        if let Some(input) = name.strip_prefix("inputs.") {
            let declared = &declared[input];
            assert!(
                declared.is_object(),
                "action.yml uses {name} and does not declare it"
            );
            let default = declared["default"].as_str().unwrap_or_default();
            let default = if default.contains("${{") {
                TOKEN
            } else {
                default
            };
            return self
                .inputs
                .get(input)
                .map_or_else(|| default.to_owned(), Clone::clone);
        }
        if let Some((step, output)) = name
            .strip_prefix("steps.")
            .and_then(|rest| rest.split_once(".outputs."))
        {
            return ended
                .outputs
                .get(&format!("{step}.{output}"))
                .cloned()
                .unwrap_or_default();
        }
        match name {
            "github.repository" => self.environment["GITHUB_REPOSITORY"].clone(),
            "github.action_repository" => "example/polwarden".to_owned(),
            "github.sha" => self.environment["GITHUB_SHA"].clone(),
            "github.ref" => "refs/heads/main".to_owned(),
            _ => panic!("action.yml uses {name}, which a runner does not know"),
        }
    }

    /// Runs all steps, as a runner does: a step without a condition is left out after a failure.
    pub(super) fn run(&self) -> Ended {
        let action = yaml("action.yml");
        let summary = self.folder.path().join("summary");
        std::fs::write(&summary, "").unwrap();
        let mut ended = Ended {
            failed: false,
            log: String::new(),
            summary: String::new(),
            outputs: BTreeMap::new(),
            used: BTreeMap::new(),
        };
        for input in self.inputs.keys() {
            assert!(
                action["inputs"][input].is_object(),
                "action.yml knows no input {input}"
            );
        }
        for step in steps(&action) {
            self.step(step, &action["inputs"], &mut ended);
        }
        ended.summary = std::fs::read_to_string(&summary).unwrap();
        ended
    }

    fn step(&self, step: Step, declared: &Value, ended: &mut Ended) {
        let Step {
            id,
            condition,
            does,
        } = step;
        let condition = condition.unwrap_or_default();
        let inner = condition
            .trim()
            .trim_start_matches("${{")
            .trim_end_matches("}}")
            .to_owned();
        let status_is_asked = inner.contains("cancelled()") || inner.contains("always()");
        if ended.failed && !status_is_asked {
            return;
        }
        if !inner.is_empty() && value(&inner, &|name| self.name(declared, ended, name)).is_empty() {
            return;
        }
        let filled =
            |texts: &BTreeMap<String, String>, ended: &Ended| -> BTreeMap<String, String> {
                let fill = |text: &String| fill(text, &|name| self.name(declared, ended, name));
                texts
                    .iter()
                    .map(|(name, text)| (name.clone(), fill(text)))
                    .collect()
            };
        match does {
            Does::Use { action, with } => {
                let with = filled(&with, ended);
                let action = action.split('@').next().unwrap().to_owned();
                ended.used.insert(action, with);
            }
            Does::Run {
                script,
                environment,
            } => {
                let environment = filled(&environment, ended);
                self.script(
                    id.as_deref().unwrap_or("last"),
                    &script,
                    &environment,
                    ended,
                );
            }
        }
    }

    fn script(
        &self,
        id: &str,
        script: &str,
        environment: &BTreeMap<String, String>,
        ended: &mut Ended,
    ) {
        let outputs = self.folder.path().join("outputs");
        std::fs::write(&outputs, "").unwrap();
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .stdin(Stdio::null());
        command
            .current_dir(&self.work_tree)
            .env_clear()
            .envs(&self.environment)
            .envs(environment);
        command
            .env("GITHUB_OUTPUT", &outputs)
            .env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary"));
        let output = command.output().unwrap();
        ended.failed |= !output.status.success();
        ended.log.push_str(&String::from_utf8_lossy(&output.stdout));
        ended.log.push_str(&String::from_utf8_lossy(&output.stderr));
        for line in std::fs::read_to_string(&outputs).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            ended
                .outputs
                .insert(format!("{id}.{name}"), value.to_owned());
        }
        ended.outputs.insert(
            format!("{id}.status"),
            output.status.code().unwrap_or(-1).to_string(),
        );
    }
}
