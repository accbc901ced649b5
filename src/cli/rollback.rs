//! `polwarden rollback`: what a run touched, as it was before.

use anyhow::{Context as _, bail};
use camino::Utf8Path;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::apply::{ApplyOptions, ReadyPlan, journals};
use super::complete;
use super::connect::Session;
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult};
use super::gates::{GateArgs, GateSources};
use super::planning;
use super::runs;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection, Workspace};
use crate::plan::{FORMAT_VERSION, Plan, SourceRef, TargetPlan, plan_digest};
use crate::render;
use crate::render::text::neutral;
use crate::run::journal::{FolderLock, RunHistory, RunKind, TargetHistory};
use crate::run::service::{PlanError, ReadFor, Reads, UndoPlan, UndoRequest};
use manifest::config::Target;
use model::diag::{DocumentId, SourceMap};

/// Undo a previous run.
///
/// Makes a new plan that restores the policies of the run to their previous state, shows it and asks for approval. All guards and
/// gates of `apply` apply. Revert the commit too; otherwise, the next apply makes the change again.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden rollback --list
  polwarden rollback
  polwarden rollback 20261122T093000123Z-1a2b3c4d --auto-approve")]
pub(super) struct RollbackArgs {
    /// Run ID or journal file (default: last run).
    #[arg(value_name = "RUN", add = ArgValueCandidates::new(complete::runs))]
    run: Option<String>,
    /// List the runs that have a journal here, and undo none.
    #[arg(long)]
    list: bool,
    /// Undo changes that another client made since the run, too.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    gates: GateArgs,
    #[command(flatten)]
    applying: ApplyOptions,
}

/// What is undone, and by what means.
struct RollbackContext<'a> {
    history: &'a RunHistory,
    path: &'a Utf8Path,
    workspace: &'a Workspace,
    gate_sources: &'a GateSources,
    session: &'a Session,
}

impl RollbackArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no such run, or anything that keeps the plan from being made or run.
    pub(super) fn run(mut self, console: Console) -> CommandResult {
        directory::enter_project()?;
        if self.list {
            return runs::list(false, console);
        }
        self.applying.enter_paths();
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        let project = Project::open(&self.selection, &RevisionArgs::default())?;
        let path = runs::file(self.run.as_deref())?;
        let lock = self.applying.lock(console).await?;
        journals::recover_journals(&self.applying, &project.targets(), console).await?;
        let history = RunHistory::read(&path)?;
        if history.is_unfinished() {
            return Err(CommandError::error(format!(
                "the run {} did not end in good order and could not be settled; run `polwarden apply` first",
                history.run.run
            )));
        }
        if let RunKind::Call(call) = &history.run.kind {
            return Err(CommandError::error(format!(
                "the run {} is a single call of {}, which is not undone by itself; make the call that undoes it",
                history.run.run,
                neutral(&call.operation)
            )));
        }
        let gate_sources = self.gates.gate_sources(&RevisionArgs::default(), console)?;
        let workspace = project.load();
        let session = Session::open(&self.applying.connect, &workspace.targets(), console).await?;
        let of = RollbackContext {
            history: &history,
            path: &path,
            workspace: &workspace,
            gate_sources: &gate_sources,
            session: &session,
        };
        let result = self.undo(&of, lock.as_ref(), console).await;
        session.close().await;
        result
    }

    async fn undo(
        &self,
        of: &RollbackContext<'_>,
        lock: Option<&FolderLock>,
        console: Console,
    ) -> CommandResult {
        let RollbackContext {
            history,
            path: _,
            workspace,
            gate_sources: _,
            session,
        } = of;
        let targets = workspace.targets();
        let mut plan = Plan {
            origins: None,
            events: Vec::new(),
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: None,
            tree: None,
            digest: None,
            only: Vec::new(),
            targets: Vec::new(),
        };
        let mut services = Vec::new();
        for (name, touched) in &history.targets {
            let Some(target) = targets.iter().find(|target| target.name == *name) else {
                console.warn(&format!(
                    "Target `{}` of that run is not chosen here; it stays as it is.",
                    neutral(name)
                ));
                continue;
            };
            if !history.run.targets.contains(&session.info(target)?) {
                return Err(CommandError::error(format!(
                    "target `{name}` is another organization, profile or endpoint than in that run"
                )));
            }
            let begin = session.begin_reading();
            let mut service = session.writes(target)?;
            let read = async {
                service.read(&begin).await?;
                service.read_more(ReadFor::Undo(touched), &begin).await
            };
            read.await.with_context(|| planning::label(target))?;
            plan.targets
                .push(self.undo_target(of, target, touched, &*service, console)?);
            services.push(service);
        }
        let kind = RunKind::Rollback(history.run.run.clone());
        let digest = plan_digest(&plan)?;
        let ended = self
            .applying
            .run(
                workspace,
                session,
                ReadyPlan::planned(kind, plan, digest, services),
                lock,
                console,
            )
            .await?;
        Ok(ended.exit)
    }

    fn undo_target(
        &self,
        of: &RollbackContext<'_>,
        target: &Target,
        touched: &TargetHistory,
        service: &dyn Reads,
        console: Console,
    ) -> anyhow::Result<TargetPlan> {
        let RollbackContext {
            history: _,
            path,
            workspace,
            gate_sources,
            session: _,
        } = of;
        // The journal stands in for the manifests: it says what is wanted.
        let document = DocumentId {
            file: SourceMap::default().add(path.as_str(), ""),
            index: 0,
        };
        let UndoPlan {
            plan,
            held,
            created_again,
        } = service.undo(&UndoRequest {
            history: touched,
            target,
            document,
            overwrite: self.overwrite,
            gates: &gate_sources.gates(workspace, target),
            locate: &|_| SourceRef {
                file: path.to_string(),
                line: 1,
            },
        })?;
        for held in &held {
            console.warn(&render::rollback::held(held));
        }
        for name in &created_again {
            console.warn(&format!(
                "Policy \"{}\" is made again; the server gives it and its rules new ids.",
                neutral(name)
            ));
        }
        match plan {
            Ok(plan) => Ok(plan),
            Err(PlanError::Manifests(findings)) => {
                let first = findings
                    .first()
                    .map(|finding| finding.message.clone())
                    .unwrap_or_default();
                bail!("target `{}` cannot be put back: {first}", target.name)
            }
            Err(error @ (PlanError::Replay(_) | PlanError::Service(_))) => Err(error.into()),
        }
    }
}
