//! A folder, an environment and, where a test wants one, a service: what the binary is run in.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use emulator::{DockerOptions, RunningEmulator, start};
use polwarden::plan::{Plan, plan_digest};
use serde_json::Value;
use tokio::runtime::Runtime;

/// The credential of all runs. It must appear in no output and in no file.
pub(crate) const SECRET: &str = "hunter2-correct-horse";

/// The answers of `init` for a new organization without a pipeline.
pub(crate) const INIT: &[&str] = &[
    "--provider",
    "docker",
    "--organization",
    "my-org",
    "--new",
    "--ci",
    "none",
];

/// A directory with what the binary needs, and nothing of the environment of the tests.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    pub(crate) environment: BTreeMap<String, String>,
    runtime: Runtime,
    running: Option<RunningEmulator>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            environment: BTreeMap::new(),
            runtime,
            running: None,
        }
    }

    /// A folder with a configuration of one target, `production`, that manages `my-org`; manifests stand in
    /// `policies`. `more` are further lines of the target, without indentation.
    pub(crate) fn new(more: &str) -> Self {
        let sandbox = Self::empty();
        sandbox.write("polwarden.yaml", config(more));
        sandbox
    }

    /// Starts a service, and points the environment at it with credentials.
    pub(crate) fn serve(mut self, options: DockerOptions) -> Self {
        let running = self.runtime.block_on(start(options)).unwrap();
        self.sign_in_at(&running.url());
        self.running = Some(running);
        self
    }

    /// Points the environment at a service, with credentials.
    pub(crate) fn sign_in_at(&mut self, url: &str) {
        self.set("POLWARDEN_DOCKER_ENDPOINT", url);
        self.set("DOCKER_HUB_IDENTIFIER", "me");
        self.set("DOCKER_HUB_SECRET", SECRET);
    }

    /// Where the service of this sandbox is.
    pub(crate) fn url(&self) -> String {
        self.running.as_ref().unwrap().url()
    }

    /// The number of writes that have arrived at the service of this sandbox.
    pub(crate) fn writes(&self) -> u64 {
        self.running.as_ref().unwrap().writes()
    }

    /// Waits for something that a test does itself.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// The binary with this sandbox's environment, in its folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polwarden"));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .envs(&self.environment);
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Runs the binary; its exit code must be this one.
    pub(crate) fn expect(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran
    }

    /// Writes a new repository for the organization `my-org` into a folder.
    pub(crate) fn init(&self, folder: &str) -> Ran {
        self.expect(0, &[&["init", folder], INIT].concat())
    }

    /// Everything below the folder: each file with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut open = vec![self.folder.path().to_owned()];
        let mut found = BTreeMap::new();
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    found.insert(
                        path.strip_prefix(self.folder.path()).unwrap().to_owned(),
                        fs::read(&path).unwrap(),
                    );
                }
            }
        }
        found
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// All that was written, for a snapshot.
    pub(crate) fn text(&self) -> String {
        format!(
            "exit code: {}\n--- standard output\n{}--- standard error\n{}",
            self.code, self.out, self.err
        )
    }
}

/// Text for people without the line ends at which it was wrapped.
pub(crate) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A configuration of one target with further lines.
pub(crate) fn config(more: &str) -> String {
    let mut text = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n".to_owned();
    text.push_str(&target("production", "my-org", "policies", more));
    text
}

/// One target of a configuration.
pub(crate) fn target(name: &str, organization: &str, path: &str, more: &str) -> String {
    let mut text = format!(
        "  - name: {name}\n    provider: docker\n    organization: {organization}\n    paths: [{path}]\n"
    );
    for line in more.lines() {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A manifest of a policy: `spec` are the lines below `spec:`, without indentation.
pub(crate) fn policy(name: &str, spec: &str) -> String {
    policy_with(name, "", spec)
}

/// Changes the plan in `plan.json`, and writes it to `forged.json` with a matching digest.
pub(crate) fn forge_plan(sandbox: &Sandbox, change: impl FnOnce(&mut Plan)) {
    let mut plan: Plan = serde_json::from_str(&sandbox.read("plan.json")).unwrap();
    change(&mut plan);
    plan.digest = Some(plan_digest(&plan).unwrap());
    sandbox.write("forged.json", serde_json::to_string(&plan).unwrap());
}

/// A manifest of a policy with further lines below `metadata:`.
pub(crate) fn policy_with(name: &str, metadata: &str, spec: &str) -> String {
    let indented = |text: &str| {
        text.lines()
            .map(|line| format!("  {line}\n"))
            .collect::<String>()
    };
    let name = serde_json::to_string(name).unwrap();
    format!(
        "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: {name}\n{}spec:\n{}",
        indented(metadata),
        indented(spec)
    )
}

/// A rule that allows or denies TCP to hosts, as a part of a spec.
pub(crate) fn tcp(name: &str, decision: &str, hosts: &str) -> String {
    format!(
        "  - {{name: {name}, decision: {decision}, actions: [\"connect:tcp\"], resources: [{hosts}]}}\n"
    )
}
