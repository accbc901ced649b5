//! `polwarden apply`: make the server equal to the manifests, or run a saved plan.

pub(super) mod audit;
mod execute;
mod guards;
pub(super) mod interrupt;
pub(super) mod journals;
pub(super) mod lock;
mod requirements;
mod saved;
mod shared;

pub(super) use saved::PlanFile;
pub(super) use shared::{ApplyOptions, ReadyPlan};

use camino::Utf8PathBuf;
use clap::Args;

use super::connect::Session;
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::format::{APPLY, OutputFormat};
use super::gates::{GateArgs, GateSources};
use super::plan::PlanArgs;
use super::planning::{self, Planned};
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection, Workspace};
use crate::plan::{Fingerprint, Plan, plan_digest};
use crate::render;
use crate::render::apply_events::ApplyEvent;
use crate::render::text::neutral;
use crate::run::journal::{FolderLock, RunKind};
use execute::{RunResult, VerifiedSigners};
use git::{RevisionPath, SignedBy};
use requirements::{AppliedRevision, RequirementArgs};

/// How often what a conflict with another writer left is planned again.
const CONFLICTS: usize = 2;

/// Where a plan made again comes to nothing, "nothing was applied" is said of that plan alone.
const WRITTEN_BEFORE: &str =
    "What was applied before it stays. Run `polwarden plan` to see where it stands.";

/// Apply the manifests to the server (asks for approval).
///
/// Shows the plan, asks for approval, makes the calls and reads the result back. Given a plan that `plan --out` wrote,
/// makes the calls of that plan only. Every call is written to a journal first. Exits with 4 if an access gate fails, with 5 if a
/// guard refuses, with 6 if the plan is stale and with 7 if only some calls were applied.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden apply
  polwarden apply -y
  polwarden apply --dry-run
  polwarden apply -y --format json > events.jsonl
  polwarden apply plan.json
  polwarden apply plan.json --verify --base HEAD~1 --auto-approve
  polwarden apply --at origin/main --require-branch main --require-signed --auto-approve
  polwarden apply --ack deletes=14,prune=2,plan=0f3a6c2b9d1e4587
  polwarden apply examples/quickstart --endpoint docker=embedded")]
pub(super) struct ApplyArgs {
    /// Directory to work in (same as -C DIR), or a saved plan.
    #[arg(value_name = "DIR|PLAN")]
    path: Option<Utf8PathBuf>,
    /// Show the plan and apply nothing.
    ///
    /// Output and exit codes are those of `plan`. Requirements for the commit are not checked.
    #[arg(long, conflicts_with_all = ["expect_plan", "audit_record", "journal"])]
    dry_run: bool,
    #[command(flatten)]
    selection: TargetSelection,
    /// Output format.
    ///
    /// `json` writes events, one JSON object per line, and the text for people to standard error. `github` adds
    /// annotations for a failed apply.
    #[arg(help_heading = "Output", short = 'o', long, value_name = "FORMAT", value_parser = OutputFormat::value_parser(APPLY), default_value = "human")]
    format: OutputFormat,
    /// Read the manifests of this revision, not of the work tree.
    ///
    /// A branch, a tag, HEAD~1 or a commit. REV:FOLDER reads another folder of it. The journal stays in this directory.
    #[arg(help_heading = "Input", long, value_name = "REV")]
    at: Option<RevisionPath>,
    #[command(flatten)]
    gates: GateArgs,
    #[command(flatten)]
    applying: ApplyOptions,
    /// Apply only the plan with this digest, as `plan` shows it.
    ///
    /// It does not replace the approval.
    #[arg(help_heading = "Approval and guards", long, value_name = "DIGEST")]
    expect_plan: Option<Fingerprint>,
    #[command(flatten)]
    requirements: RequirementArgs,
}

impl ApplyArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// Anything that keeps the plan from being made or run, apart from what has an exit code of its own.
    pub(super) fn run(self, console: Console) -> CommandResult {
        let format = self.format;
        let runtime = super::runtime()?;
        if self.dry_run {
            return runtime.block_on(self.dry_run(console));
        }
        let console = match format {
            OutputFormat::Json => console.with_events(),
            OutputFormat::Github => console.with_annotations(),
            _ => console,
        };
        console.emit(&ApplyEvent::started());
        let result = runtime.block_on(self.run_async(console));
        let (exit, message) = match &result {
            Ok(exit) => (*exit, None),
            Err(error) => (error.kind().into(), Some(error.text())),
        };
        if let Some(message) = message.as_ref().filter(|_| console.has_annotations()) {
            console.announce(&render::github::failure("apply", message));
        }
        console.emit(&ApplyEvent::Ended {
            exit_code: exit.code(),
            message,
        });
        result
    }

    /// Shows the plan, as `plan` does.
    async fn dry_run(self, console: Console) -> CommandResult {
        let at = self.at.clone().map(RevisionArgs::revision);
        let at = at.unwrap_or_default();
        let Some(path) = self.path.clone().filter(|path| !path.is_dir()) else {
            let Self {
                path,
                selection,
                gates,
                applying,
                format,
                ..
            } = self;
            let (connect, steps) = applying.into_plan_options();
            return PlanArgs::for_dry_run(path, selection, at, gates, steps, connect, format)
                .run_async(console)
                .await;
        };
        let plan = PlanFile::read(&path, false)?.parse()?;
        directory::enter_project()?;
        let project = Project::open(&self.selection, &at)?;
        let gate_sources = self.gates.gate_sources(&at, console)?;
        let prepared = self.prepare(project, Some(plan), &gate_sources, console);
        let (_, session, ready) = prepared.await?;
        session.close().await;
        console.print(&render::plan::human(ready.plan(), None, console.layout()))?;
        Ok(if ready.plan().failed_gates().next().is_some() {
            Exit::Failed
        } else {
            Exit::Done
        })
    }

    async fn run_async(mut self, console: Console) -> CommandResult {
        let mut plan_file = None;
        if let Some(path) = &self.path {
            if path.is_dir() {
                directory::change(path)?;
            } else {
                let verify = self.requirements.verifies_plan();
                plan_file = Some(PlanFile::read(path, verify)?);
            }
        }
        directory::enter_project()?;
        self.applying.enter_paths();
        let at = self.at.clone().map(RevisionArgs::revision);
        let at = at.unwrap_or_default();
        let head = self.at.clone().unwrap_or_else(RevisionPath::head);
        let project = Project::open(&self.selection, &at)?;
        let applied = AppliedRevision {
            is_named: self.at.is_some(),
            base: self
                .gates
                .named_base()
                .map(|base| base.clone().or_folder_of(&head)),
            at: head,
            prefix: project.prefix(),
            branch: project.config().apply.branch.as_deref(),
        };
        let mut signers = VerifiedSigners {
            commit: self.requirements.check_commit(&applied)?,
            plan: None,
        };
        let plan_file = match plan_file {
            Some(file) => {
                let signed = self.requirements.check_plan_signature(&file, &applied)?;
                if let Some(SignedBy { signer, key, .. }) = &signed {
                    console.status(&format!(
                        "The plan is signed by {} with the SSH key {key}.",
                        neutral(signer)
                    ));
                }
                signers.plan = signed;
                Some(file.parse()?)
            }
            None if self.requirements.verifies_plan() => {
                return Err(CommandError::error(
                    "--verify requires a saved plan: polwarden apply PLAN --verify",
                ));
            }
            None => None,
        };
        let lock = self.applying.lock(console).await?;
        journals::recover_journals(&self.applying, &project.targets(), console).await?;
        let gate_sources = self.gates.gate_sources(&at, console)?;
        let (workspace, session, ready) = self
            .prepare(project, plan_file, &gate_sources, console)
            .await?;
        let ready = ready.signed_by(signers);
        let result = match self.check_expected(ready.digest()) {
            Ok(()) => {
                self.run_ready(
                    &workspace,
                    &session,
                    &gate_sources,
                    ready,
                    lock.as_ref(),
                    console,
                )
                .await
            }
            Err(error) => Err(error),
        };
        session.close().await;
        result
    }

    /// The plan that is to be applied: the one of the file, or a new one. What it was made from is asked for.
    async fn prepare(
        &self,
        project: Project,
        plan_file: Option<Plan>,
        gate_sources: &GateSources,
        console: Console,
    ) -> CommandResult<(Workspace, Session, ReadyPlan)> {
        let connect = &self.applying.connect;
        let Some(plan) = plan_file else {
            let Planned {
                workspace,
                session,
                plan,
                services,
            } = match planning::plan_all(project, connect, gate_sources, Session::writes, console)
                .await
            {
                Ok(planned) => planned,
                Err(error) => return Err(self.refused_packs(error)),
            };
            let requirements = &self.requirements;
            if let Err(refused) = requirements.check_files(plan.commit.as_ref(), &workspace) {
                session.close().await;
                return Err(refused);
            }
            let digest = plan_digest(&plan)?;
            let ready = ReadyPlan::planned(RunKind::Apply, plan, digest, services);
            return Ok((workspace, session, ready));
        };
        // Where the plan comes from is settled before a server is asked.
        let session = Session::open(connect, &project.targets(), console).await?;
        let workspace = project.load();
        if let Err(refused) = self.check_saved(&plan, &workspace) {
            session.close().await;
            return Err(refused);
        }
        saved::match_targets(&plan, &workspace.targets(), &session)?;
        let digest = plan_digest(&plan)?;
        let again = saved::recheck(plan, &workspace, &session, gate_sources, console).await;
        match again {
            Ok((plan, services)) => {
                Ok((workspace, session, ReadyPlan::saved(plan, digest, services)))
            }
            Err(error) => {
                session.close().await;
                Err(error)
            }
        }
    }

    /// A pack that is not what was locked makes its manifest invalid. Where only committed bytes may be
    /// applied, such a pack is refused instead.
    fn refused_packs(&self, error: CommandError) -> CommandError {
        if error.kind() != FailureKind::Invalid || self.at.is_some() {
            return error;
        }
        let Ok(workspace) = Workspace::open(&self.selection, &RevisionArgs::default()) else {
            return error;
        };
        if !workspace.has_changed_pack() {
            return error;
        }
        let commit = workspace.commit().ok().flatten();
        match self.requirements.check_files(commit.as_ref(), &workspace) {
            Ok(()) => error,
            Err(refused) => refused,
        }
    }

    fn check_saved(&self, plan: &Plan, workspace: &Workspace) -> CommandResult<()> {
        let Self { requirements, .. } = self;
        let commit = workspace.commit().ok().flatten();
        let made = plan.commit.as_ref().filter(|commit| commit.dirty);
        requirements.check_files(made.or(commit.as_ref()), workspace)?;
        requirements.check_plan(plan, commit.as_ref(), &workspace.tree_digest())
    }

    /// Runs a plan. What a conflict with another writer left is planned again from what is there then, and goes the
    /// same way: it is shown, guarded and asked about. A plan that was looked at before is not replaced by another.
    async fn run_ready(
        &self,
        workspace: &Workspace,
        session: &Session,
        gate_sources: &GateSources,
        ready: ReadyPlan,
        lock: Option<&FolderLock>,
        console: Console,
    ) -> CommandResult {
        let reviewed = ready.is_saved() || self.expect_plan.is_some();
        let signers = ready.signers().clone();
        let mut ended = self
            .applying
            .run(workspace, session, ready, lock, console)
            .await?;
        for _ in 0..CONFLICTS {
            let RunResult {
                exit,
                wrote,
                conflict: Some(earlier),
            } = ended
            else {
                break;
            };
            if reviewed {
                return Ok(exit);
            }
            console.announce(
                "\nAnother writer was there meanwhile: what is left is planned again.\n\n",
            );
            let next = async {
                let (plan, services) = planning::plan_again(
                    workspace,
                    session,
                    gate_sources,
                    Session::writes,
                    console,
                )
                .await?;
                let digest = plan_digest(&plan)?;
                let following = ReadyPlan::after_recovery(plan, digest, services, earlier)
                    .signed_by(signers.clone());
                self.applying
                    .run(workspace, session, following, lock, console)
                    .await
            };
            let next = match next.await {
                Ok(next) => next,
                // The exit code must tell that calls were applied before this failure.
                Err(error) if wrote => return Err(error.after_writes(WRITTEN_BEFORE)),
                Err(error) => return Err(error),
            };
            if wrote && next.nothing_applied() {
                console.warn(WRITTEN_BEFORE);
            }
            ended = next.after(wrote);
        }
        Ok(ended.exit)
    }

    fn check_expected(&self, digest: &Fingerprint) -> CommandResult<()> {
        let Some(expected) = self.expect_plan.as_ref().filter(|plan| *plan != digest) else {
            return Ok(());
        };
        Err(CommandError::another_plan(format!(
            "this one has the digest {digest}, and {expected} was expected."
        ))
        .hint("Nothing was applied. Look at the plan again with `polwarden plan`."))
    }
}
