//! `polwarden rollback`: what a run touched, as it was before.

use anyhow::{Context as _, bail};
use camino::Utf8Path;
use clap::Args;

use super::apply::{Applying, Ready, journals};
use super::connect::Session;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::format::Format;
use super::gates::{GateKeeper, GateOptions};
use super::planning;
use super::runs;
use super::tree::At;
use super::workspace::{Project, Selection, Workspace};
use crate::plan::{FORMAT_VERSION, Plan, SourceRef, TargetPlan, plan_digest};
use crate::render;
use crate::render::text::neutral;
use crate::run::journal::{History, RunKind, TargetHistory};
use crate::run::service::{PlanError, ReadFor, Reads, UndoPlan, UndoRequest};
use manifest::config::Target;
use model::diag::{DocumentId, SourceMap};

/// Put what a run touched back to what it was before, by a new plan that is shown and asked about.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden rollback --list
  polwarden rollback
  polwarden rollback 20261122T093000123Z-1a2b3c4d --auto-approve")]
pub(super) struct Rollback {
    /// The run, or the file of its journal; the last run if it is left out.
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Show the runs that have a journal here, as `polwarden runs` does, and do nothing.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    gates: GateOptions,
    #[command(flatten)]
    applying: Applying,
    /// Put back what another writer has changed since, too.
    #[arg(long)]
    overwrite: bool,
}

/// What is undone, and by what means.
struct Of<'a> {
    history: &'a History,
    path: &'a Utf8Path,
    workspace: &'a Workspace,
    keeper: &'a GateKeeper,
    session: &'a Session,
}

impl Rollback {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no such run, or anything that keeps the plan from being made or run.
    pub(super) fn run(self, console: Console) -> CommandResult {
        if self.list {
            return runs::list(Format::Human, console);
        }
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        let project = Project::open(&self.selection, &At::default())?;
        let path = runs::file(self.run.as_deref())?;
        journals::settle(&self.applying, &project.targets(), console).await?;
        let history = History::read(&path)?;
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
        let keeper = self.gates.keeper(&At::default(), console)?;
        let workspace = project.load();
        let session = Session::open(&self.applying.connect, &workspace.targets(), console).await?;
        let of = Of {
            history: &history,
            path: &path,
            workspace: &workspace,
            keeper: &keeper,
            session: &session,
        };
        let result = self.undo(&of, console).await;
        session.close().await;
        result
    }

    async fn undo(&self, of: &Of<'_>, console: Console) -> CommandResult {
        let Of {
            history,
            path: _,
            workspace,
            keeper: _,
            session,
        } = of;
        let targets = workspace.targets();
        let mut plan = Plan {
            origins: None,
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: None,
            tree: None,
            digest: None,
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
            read.await.with_context(|| planning::of(target))?;
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
                Ready::planned(kind, plan, digest, services),
                console,
            )
            .await?;
        Ok(ended.exit)
    }

    fn undo_target(
        &self,
        of: &Of<'_>,
        target: &Target,
        touched: &TargetHistory,
        service: &dyn Reads,
        console: Console,
    ) -> anyhow::Result<TargetPlan> {
        let Of {
            history: _,
            path,
            workspace,
            keeper,
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
            gates: &keeper.gates(workspace, target),
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
