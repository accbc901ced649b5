//! Whole stories through the library: manifests and a live organization in, calls out. The client always speaks
//! through the contract's recorder, so every story also checks it against the contract.

mod documents;
mod failures;
mod imports;
mod kinds;
mod packs;
mod policies;
mod reads;
mod saved;
mod teams;
mod three;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use emulator::{DockerOptions, EmulatorProfile, start};
use git::{Source, WorkTree};
use http::{ApiError, HttpClient, HttpOptions, RetryPolicy};
use manifest::config::{Config, Target};
use manifest::{Document, MAX_BYTES, parse_config};
use model::diag::{Code, SourceMap};
use polwarden::plan::{PlannedCall, SourceRef, TargetInfo, TargetPlan};
use polwarden::run::journal;
use polwarden::run::journal::{Journal, RunId, RunKind};
use polwarden::run::{CallReport, RunEvent, RunObserver, RunSettings, StopSignal, TargetRun, run};
use polwarden::service::docker::DockerTarget;
use polwarden::service::docker::check::{KnownTeams, PolicyInput, check, needs_server_teams};
use polwarden::service::docker::client::{
    DockerConnection, DockerCredentials, DockerReader, DockerWriter,
};
use polwarden::service::docker::plan::replay::verify;
use polwarden::service::docker::plan::{PolicyPlanRequest, plan_target, replay};
use polwarden::workspace::LoadedTarget;
use polwarden::workspace::load;
use serde_json::{Value, json};

use crate::cli::sandbox::{config, policy};
use crate::contract::Recorder;
use crate::emulator::{Service, TEAM, organization};

/// A repository, and a live organization behind the recorder.
struct Story {
    folder: tempfile::TempDir,
    service: Service,
    recorder: Recorder,
    connection: DockerConnection,
}

/// Why there is no plan.
#[derive(Debug)]
enum NoPlan {
    /// Errors in files.
    Findings(Vec<Code>),
    /// A failed read.
    Read(ApiError),
}

/// Ignores all events.
pub(crate) struct Silent;

impl RunObserver for Silent {
    fn event(&self, _event: RunEvent<'_>) {}
}

/// A new journal in a folder.
pub(crate) async fn journal_in(folder: &std::path::Path, targets: &[&TargetInfo]) -> Journal {
    let time = jiff::Timestamp::now();
    let run = RunId::new(time);
    let path = camino::Utf8PathBuf::from_path_buf(folder.join(format!("{run}.jsonl"))).unwrap();
    let head = journal::RunStart {
        format_version: journal::FORMAT_VERSION,
        tool_version: "0".to_owned(),
        run,
        time,
        kind: RunKind::Apply,
        targets: targets.iter().copied().cloned().collect(),
        plan: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
        commit: None,
        tree: None,
        signed_by: None,
        plan_signed_by: None,
    };
    journal::create(head, Some(&path)).await.unwrap()
}

/// Quick retries, so that tests do not wait.
fn quick() -> HttpOptions {
    let retry = RetryPolicy {
        faults: 1,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    HttpOptions {
        retry,
        ..HttpOptions::default()
    }
}

impl Story {
    /// A story at an organization `my-org` with one team.
    async fn new(profile: EmulatorProfile) -> Self {
        Self::with(DockerOptions {
            profile,
            organizations: vec![organization("my-org")],
            ..DockerOptions::default()
        })
        .await
    }

    async fn with(options: DockerOptions) -> Self {
        let profile = options.profile;
        let running = start(options).await.unwrap();
        let recorder = Recorder::start(profile.as_str(), &running.url()).await;
        let base = running.url();
        let service = Service::at(running, profile, base).await;
        let credentials = DockerCredentials::SignIn {
            identifier: "me".to_owned(),
            secret: "s".into(),
        };
        let endpoint = recorder.url().parse().unwrap();
        let connection =
            DockerConnection::new(&HttpClient::new(quick()), &endpoint, credentials).unwrap();
        let story = Self {
            folder: tempfile::tempdir().unwrap(),
            service,
            recorder,
            connection,
        };
        story.config("");
        story
    }

    /// From now on the client speaks to this address; the recorder should stand behind it.
    fn speak_through(&mut self, url: &str) {
        let credentials = DockerCredentials::SignIn {
            identifier: "me".to_owned(),
            secret: "s".into(),
        };
        self.connection = DockerConnection::new(
            &HttpClient::new(quick()),
            &url.parse().unwrap(),
            credentials,
        )
        .unwrap();
    }

    /// Configures the one target, with further lines.
    fn config(&self, more: &str) {
        self.write(
            "polwarden.yaml",
            &config(&format!("profile: {}\n{more}", self.service.profile)),
        );
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The only manifest: a policy with this spec.
    fn policy(&self, name: &str, spec: &str) {
        self.write("policies/policy.yaml", &policy(name, spec));
    }

    fn reader(&self, target: &Target) -> DockerReader {
        DockerReader::new(
            &self.connection,
            &target.organization.parse().unwrap(),
            target.profile().unwrap(),
        )
    }

    fn writer(&self, plan: &TargetPlan) -> DockerWriter {
        DockerWriter::new(
            &self.connection,
            &plan.target.organization.parse().unwrap(),
            plan.target.profile.unwrap(),
        )
    }

    /// Plans the one target.
    async fn try_plan(&self) -> Result<TargetPlan, NoPlan> {
        let mut plans = self.try_plans().await?;
        assert_eq!(plans.len(), 1);
        Ok(plans.remove(0))
    }

    async fn plan(&self) -> TargetPlan {
        self.try_plan().await.unwrap()
    }

    /// Plans every target of the configuration.
    async fn try_plans(&self) -> Result<Vec<TargetPlan>, NoPlan> {
        let tree = WorkTree::open(self.folder.path()).unwrap();
        let text: Arc<str> = tree.read("polwarden.yaml".into(), MAX_BYTES).unwrap();
        let mut sources = SourceMap::default();
        let file = sources.add("polwarden.yaml", Arc::clone(&text));
        let (config, document): (Config, _) = parse_config(file, &text).unwrap();
        let loaded = load(&tree, &config, document, &mut sources);
        let mut plans = Vec::new();
        let mut findings = loaded.diagnostics;
        for (target, manifests) in config.targets.iter().zip(&loaded.targets) {
            match self.plan_target(target, manifests, &sources).await? {
                Ok(plan) => plans.push(plan),
                Err(found) => findings.extend(found),
            }
        }
        if findings
            .iter()
            .any(|finding| finding.severity() == model::diag::Severity::Error)
        {
            return Err(NoPlan::Findings(
                findings.iter().map(|finding| finding.code).collect(),
            ));
        }
        Ok(plans)
    }

    async fn plan_target(
        &self,
        target: &Target,
        manifests: &LoadedTarget,
        sources: &SourceMap,
    ) -> Result<Result<TargetPlan, Vec<model::diag::Diagnostic>>, NoPlan> {
        let documents: Vec<&Document> = manifests.documents.iter().map(Arc::as_ref).collect();
        let reader = self.reader(target);
        let teams = if needs_server_teams(target, &documents) {
            KnownTeams::Known(reader.teams().await.map_err(NoPlan::Read)?)
        } else {
            KnownTeams::Offline
        };
        let input = PolicyInput {
            target,
            documents: &documents,
            cedar_files: &manifests.cedar_files,
            teams: &teams,
            invalid: Default::default(),
        };
        let checked = check(&input);
        if checked
            .diagnostics
            .iter()
            .any(|finding| finding.severity() == model::diag::Severity::Error)
        {
            return Ok(Err(checked.diagnostics));
        }
        let live = reader.live_state().await.map_err(NoPlan::Read)?;
        let info = TargetInfo {
            name: target.name.clone(),
            provider: target.provider(),
            organization: target.organization.clone(),
            profile: target.profile(),
            endpoint: self.recorder.url(),
        };
        let locate = |place: &model::diag::Place| SourceRef {
            file: sources.file(place.file()).name().to_owned(),
            line: sources.resolve(place).line,
        };
        let desired = &checked.policies;
        let unmanaged = target.unmanaged.clone();
        Ok(Ok(plan_target(&PolicyPlanRequest {
            target: info,
            desired,
            live: &live,
            unmanaged,
            teams: &BTreeMap::new(),
            locate: &locate,
        })))
    }

    /// Makes all calls of a plan. All must succeed, and the live state afterwards must match the plan.
    async fn apply(&self, plan: &TargetPlan) -> CallReport {
        let reader = DockerReader::new(
            &self.connection,
            &plan.target.organization.parse().unwrap(),
            plan.target.profile.unwrap(),
        );
        let before = reader.live_state().await.unwrap();
        let journal = self.journal(plan).await;
        let stop = StopSignal::default();
        let settings = RunSettings {
            at_once: 4,
            ..RunSettings::default()
        };
        let info = plan.target.clone();
        let mut service = DockerTarget::new(info, BTreeMap::new(), reader.clone())
            .with_live(before.clone())
            .with_writer(self.writer(plan));
        let report = run(TargetRun {
            plan,
            service: &mut service,
            sources: &[],
            commit: None,
            journal: &journal,
            stop: &stop,
            progress: &Silent,
            settings,
        });
        let report = report.await.unwrap();
        assert_eq!(report.counts().missing(), 0, "{report:#?}");
        let expected = replay(&before, &plan.calls).unwrap();
        let mismatches = verify(&expected, &reader.live_state().await.unwrap());
        assert!(mismatches.is_empty(), "{mismatches:?}");
        report
    }

    /// A journal in this story's folder.
    async fn journal(&self, plan: &TargetPlan) -> Journal {
        journal_in(self.folder.path(), &[&plan.target]).await
    }

    /// Plans, applies, and plans again: nothing may be left to do, and the contract was kept all the way.
    async fn converge(&self) -> TargetPlan {
        let plan = self.plan().await;
        self.apply(&plan).await;
        let again = self.plan().await;
        assert_eq!((&again.calls, &again.changes), (&Vec::new(), &Vec::new()));
        self.assert_contract();
        plan
    }

    fn assert_contract(&self) {
        assert_eq!(self.recorder.violations(), Vec::<String>::new());
    }

    /// The bodies of all requests of an operation so far, with their media types.
    fn sent(&self, operation: &str) -> Vec<(String, Value)> {
        let exchanges = self.recorder.exchanges().into_iter();
        exchanges
            .filter(|exchange| exchange.operation == operation)
            .map(|exchange| (exchange.media_type, exchange.body))
            .collect()
    }

    /// The operations so far that were not reads, in the order of their answers.
    fn writes(&self) -> Vec<String> {
        let reads = ["listPolicies", "getPolicy", "listGroups", "signIn"];
        let operations = self
            .recorder
            .exchanges()
            .into_iter()
            .map(|exchange| exchange.operation);
        operations
            .filter(|operation| !reads.contains(&operation.as_str()))
            .collect()
    }

    /// A live policy by its name, as returned by the server.
    async fn live(&self, name: &str) -> Option<Value> {
        let (_, list) = self.service.policies(reqwest::Method::GET, "", None).await;
        let list = if list.is_array() {
            list
        } else {
            list["data"].clone()
        };
        let found = list
            .as_array()
            .unwrap()
            .iter()
            .find(|policy| policy["name"] == name)?
            .clone();
        Some(self.service.get(found["id"].as_str().unwrap()).await)
    }

    /// Creates a live policy that no manifest made, with rules; answers its id.
    async fn given(&self, name: &str, rules: &[Value]) -> String {
        let id = self.service.policy(name).await;
        for rule in rules {
            self.service.rule(&id, rule.clone()).await;
        }
        id
    }
}

/// The names of a plan's calls: `createRule`.
fn operations(plan: &TargetPlan) -> Vec<String> {
    plan.calls.iter().map(operation).collect()
}

fn operation(call: &PlannedCall) -> String {
    json!(call)["send"]["docker"]["operation"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A scope of the test organization's team.
fn team_scope() -> Value {
    json!({"teams": [TEAM]})
}
