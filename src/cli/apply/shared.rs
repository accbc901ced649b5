//! What `apply` and `rollback` have in common: a plan is shown, guarded, approved, held to what is live, and run.

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::Args;

use super::execute::{EarlierRuns, Execution, Provenance, RunResult, VerifiedSigners};
use super::guards;
use super::lock::LockArgs;
use super::saved::{check_not_stale, match_targets};
use crate::cli::connect::{Connect, Session};
use crate::cli::console::Console;
use crate::cli::directory;
use crate::cli::error::{CommandError, CommandResult, FailureKind};
use crate::cli::planning;
use crate::cli::progress::WaitingFor;
use crate::cli::steps::{StepArgs, check_guarantees};
use crate::cli::team_names;
use crate::cli::workspace::Workspace;
use crate::plan::{Acknowledgement, Fingerprint, Plan, TargetPlan};
use crate::render;
use crate::render::apply_events::ApplyEvent;
use crate::render::text::plural;
use crate::run::journal;
use crate::run::journal::{FolderLock, RunKind};
use crate::run::service::Writes;
use manifest::config::Target;

/// How a plan is applied.
#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    #[command(flatten)]
    pub(crate) connect: Connect,
    #[command(flatten)]
    steps: StepArgs,
    /// Apply without asking for approval.
    ///
    /// Without a terminal, nothing is applied unless this option is given.
    #[arg(
        help_heading = "Approval and guards",
        short = 'y',
        long,
        visible_alias = "yes"
    )]
    auto_approve: bool,
    /// Acknowledge guards by their exact numbers; the plan prints the value.
    ///
    /// Guards: deletes, updates, prune, scope-widens, last-deny, protected, pack-removed, all-hosts, mcp, not-analyzed.
    /// `plan=MARK` limits the acknowledgement to one plan. With several targets, give one value for each.
    #[arg(
        help_heading = "Approval and guards",
        long,
        value_name = "[TARGET:]GUARD=NUMBER,..."
    )]
    ack: Vec<Acknowledgement>,
    /// File with acknowledgements of a review, one per line.
    ///
    /// A line is a value of --ack with `plan=`, or `polwarden-ack-MARK`, which accepts all guards of the plan with this
    /// mark. Acknowledgements of other plans are ignored.
    #[arg(help_heading = "Approval and guards", long, value_name = "FILE")]
    review_acks: Option<Utf8PathBuf>,
    /// Write the journal to this file, not to `.polwarden/journal/`.
    #[arg(help_heading = "Journal", long, value_name = "FILE")]
    pub(crate) journal: Option<Utf8PathBuf>,
    /// Write the audit record of this run to this file.
    ///
    /// The record is JSON: which commit made which call, and when the server applied it. `runs RUN --audit-record FILE`
    /// writes it at any later time.
    #[arg(help_heading = "Journal", long, value_name = "FILE")]
    pub(crate) audit_record: Option<Utf8PathBuf>,
    #[command(flatten)]
    lock: LockArgs,
}

/// A plan that may be applied.
pub(crate) struct ReadyPlan {
    kind: RunKind,
    plan: Plan,
    digest: Fingerprint,
    /// The service of each target with its live state, which was just read.
    services: Vec<Box<dyn Writes>>,
    signers: VerifiedSigners,
    /// Whether the plan was made before this run.
    is_saved: bool,
    /// What earlier runs of the same command leave; nothing before the first.
    earlier: Option<EarlierRuns>,
}

impl ReadyPlan {
    /// A plan that was made just now, from this live state of each of its targets.
    pub(crate) fn planned(
        kind: RunKind,
        plan: Plan,
        digest: Fingerprint,
        services: Vec<Box<dyn Writes>>,
    ) -> Self {
        Self {
            kind,
            plan,
            digest,
            services,
            signers: VerifiedSigners::default(),
            is_saved: false,
            earlier: None,
        }
    }

    /// A plan that was made before, with the live state of each of its targets.
    pub(super) fn saved(plan: Plan, digest: Fingerprint, services: Vec<Box<dyn Writes>>) -> Self {
        let kind = RunKind::Apply;
        Self {
            kind,
            plan,
            digest,
            services,
            signers: VerifiedSigners::default(),
            is_saved: true,
            earlier: None,
        }
    }

    /// A plan of what an earlier run of this command left, which the same person may ask to stop.
    pub(super) fn after_recovery(
        plan: Plan,
        digest: Fingerprint,
        services: Vec<Box<dyn Writes>>,
        earlier: EarlierRuns,
    ) -> Self {
        Self {
            kind: RunKind::Apply,
            plan,
            digest,
            services,
            signers: VerifiedSigners::default(),
            is_saved: false,
            earlier: Some(earlier),
        }
    }

    /// The same plan with the signers of its commit and of its file.
    pub(super) fn signed_by(self, signers: VerifiedSigners) -> Self {
        Self { signers, ..self }
    }

    pub(super) fn signers(&self) -> &VerifiedSigners {
        &self.signers
    }

    /// Whether the plan was made before this run.
    pub(super) fn is_saved(&self) -> bool {
        self.is_saved
    }

    pub(super) fn digest(&self) -> &Fingerprint {
        &self.digest
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl ApplyOptions {
    /// The options that a plan has too.
    pub(super) fn into_plan_options(self) -> (Connect, StepArgs) {
        (self.connect, self.steps)
    }

    /// Makes the paths relative to the working directory, which is that of the configuration.
    pub(crate) fn enter_paths(&mut self) {
        self.journal = self.journal.as_deref().map(directory::argument);
        self.audit_record = self.audit_record.as_deref().map(directory::argument);
    }

    /// Takes the lock of the journal folder. With a journal elsewhere, that is needed only if there are journals to
    /// recover; the file of its own is locked in any case.
    ///
    /// # Errors
    /// Another run has the lock, or the folder cannot be used.
    pub(crate) async fn lock(&self, console: Console) -> CommandResult<Option<FolderLock>> {
        if self.journal.is_some() && !journal::has_folder() {
            return Ok(None);
        }
        self.lock.acquire(console).await.map(Some)
    }

    /// Shows a plan, asks, and runs it.
    ///
    /// # Errors
    /// Anything that keeps it from being run: a gate, a guard, a missing approval, or live state that has changed.
    pub(crate) async fn run(
        &self,
        workspace: &Workspace,
        session: &Session,
        ready: ReadyPlan,
        lock: Option<&FolderLock>,
        console: Console,
    ) -> CommandResult<RunResult> {
        let targets = workspace.targets();
        let targets = targets.as_slice();
        let ReadyPlan {
            kind,
            plan,
            digest,
            mut services,
            signers,
            is_saved: _,
            earlier,
        } = ready;
        let pairs = match_targets(&plan, targets, session)?;
        let shown = team_names::plan_for_text(&plan, targets, session).await;
        let shown = shown.as_ref().unwrap_or(&plan);
        console.print(&render::plan::human(shown, None, console.layout()))?;
        let touched = plan.targets.iter().filter(|plan| !plan.calls.is_empty());
        console.emit(&ApplyEvent::Planned {
            digest: digest.clone(),
            calls: plan.targets.iter().map(|plan| plan.calls.len()).sum(),
            targets: touched.map(|plan| plan.target.clone()).collect(),
        });
        let acknowledged =
            guards::with_review(&pairs, &self.ack, self.review_acks.as_deref(), console)?;
        check_gates(&plan, &pairs, &acknowledged)?;
        if plan.is_empty() {
            return Ok(RunResult::without_calls());
        }
        self.check_safety(&plan, &pairs, &acknowledged, &services)?;
        match self.approval(console)? {
            Approval::NotRequired => {}
            // One that somebody looked at for a while may have been overtaken.
            Approval::Given => {
                let _waiting = WaitingFor::new(console, "Reading again what the plan changes:");
                self.read_touched(&pairs, &mut services).await?;
            }
        }
        check_not_stale(&pairs, &services)?;
        let provenance = Provenance {
            commit: plan.commit.clone(),
            tree: plan.tree.clone(),
            signers,
        };
        let sources = workspace.pack_trees();
        let execution = Execution {
            concurrency: self.connect.concurrency.get(),
            journal: self.journal.as_deref(),
            audit_record: self.audit_record.as_deref(),
            kind,
            digest,
            provenance,
            sources: &sources,
            console,
            lock,
            prefix: workspace.prefix(),
            earlier,
        };
        Ok(execution.run(&pairs, services).await?)
    }

    /// Holds a plan to its guarantees and to the guards, and reports all that is refused at once.
    fn check_safety(
        &self,
        plan: &Plan,
        pairs: &[(&TargetPlan, &Target)],
        acknowledged: &[Acknowledgement],
        services: &[Box<dyn Writes>],
    ) -> CommandResult<()> {
        let steps = check_guarantees(plan, services).and_then(|()| self.steps.check(plan));
        let guards = guards::check(pairs, acknowledged);
        match (steps, guards) {
            (Err(steps), Err(guards)) => Err(steps.followed_by(guards)),
            (steps, guards) => steps.and(guards),
        }
    }

    fn approval(&self, console: Console) -> CommandResult<Approval> {
        if self.auto_approve {
            return Ok(Approval::NotRequired);
        }
        console.emit(&ApplyEvent::Waiting {
            reason: "approval".to_owned(),
        });
        match console.confirm("Apply these changes? Only `yes` is accepted:")? {
            Some(true) => Ok(Approval::Given),
            Some(false) => Err(CommandError::declined("Nothing was applied.")),
            None => Err(CommandError::plain(
                FailureKind::Refused,
                "Nothing was applied: there is no terminal to ask on. To apply without being asked, add --auto-approve.",
            )),
        }
    }

    /// Reads again what plans touch.
    async fn read_touched(
        &self,
        pairs: &[(&TargetPlan, &Target)],
        services: &mut [Box<dyn Writes>],
    ) -> anyhow::Result<()> {
        for ((plan, target), service) in pairs.iter().zip(services) {
            service
                .read_touched(plan, self.connect.concurrency.get())
                .await
                .with_context(|| planning::label(target))?;
        }
        Ok(())
    }
}

enum Approval {
    /// `--auto-approve`.
    NotRequired,
    /// The user was asked, and agreed.
    Given,
}

fn check_gates(
    plan: &Plan,
    pairs: &[(&TargetPlan, &Target)],
    acknowledged: &[Acknowledgement],
) -> CommandResult<()> {
    let failed = plan
        .failed_gates()
        .filter(|gate| !gate.is_unbroken())
        .count();
    if failed == 0 {
        // The others only fail because of something that is not analyzed, which may be acknowledged.
        return guards::check_gates(pairs, acknowledged);
    }
    let gates = plural(failed, "access gate fails", "access gates fail");
    Err(CommandError::gate_failed(format!(
        "{gates}, as shown above. Nothing was applied."
    )))
}
