//! What `apply` and `rollback` have in common: a plan is shown, guarded, approved, held to what is live, and run.

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::Args;

use super::execute::{Execution, Provenance};
use super::guards;
use super::saved::pair;
use crate::cli::connect::{Connect, Session};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::cli::steps::{StepOptions, break_promises};
use crate::cli::workspace::Workspace;
use crate::plan::{Acknowledged, Fingerprint, Plan, TargetPlan};
use crate::render;
use crate::render::text::neutral;
use crate::run::audit::AuditRecord;
use crate::run::journal::RunKind;
use crate::run::{Stop, check_unmoved, keep_touched, read_touched};
use access::NamedAudience;
use git::SignedBy;
use manifest::config::Target;
use model::Live;

/// How a plan is applied.
#[derive(Debug, Args)]
pub(crate) struct Applying {
    #[command(flatten)]
    pub(crate) connect: Connect,
    #[command(flatten)]
    steps: StepOptions,
    /// Do not ask. Without a terminal, nothing is applied without this.
    #[arg(long)]
    auto_approve: bool,
    /// Accept what a guard refuses, by its exact numbers: deletes, updates, prune, scope-widens, last-deny, protected, pack-removed;
    /// `plan` accepts it for one plan alone. A refusal prints the value. With several targets, one value each.
    #[arg(long, value_name = "[TARGET:]GUARD=NUMBER,...")]
    ack: Vec<Acknowledged>,
    /// Write the journal of this run to this file instead of one in `.polwarden/journal/`.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<Utf8PathBuf>,
    /// Write the audit record of this run to this file too, as JSON: which commit made which call, and when the server
    /// applied it. `runs RUN --audit-record FILE` writes it at any time.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_record: Option<Utf8PathBuf>,
}

/// A plan that may be applied.
pub(crate) struct Ready {
    kind: RunKind,
    plan: Plan,
    digest: Fingerprint,
    /// The whole live state of each target, which was just read.
    live: Vec<Live>,
    /// Who signed the commit, where that was asked for.
    signed_by: Option<SignedBy>,
    /// What a plan that was made before this run has to be shown with; nothing for one that was made just now.
    saved: Option<Vec<Further>>,
    /// What earlier runs of the same command leave; nothing before the first.
    earlier: Option<Earlier>,
}

/// What earlier runs of the same command leave.
pub(crate) struct Earlier {
    /// Whoever may ask to stop.
    pub(super) stop: Stop,
    /// Their audit records.
    pub(super) audit: Vec<AuditRecord>,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    /// Something was applied.
    pub(super) wrote: bool,
    /// Why it makes sense to plan again at once: another writer took a name. It holds what the next run goes on from.
    pub(super) conflict: Option<Earlier>,
}

impl Ended {
    /// Whether there was something to do, and none of it was done.
    pub(super) fn wrote_nothing(&self) -> bool {
        !self.wrote && self.exit != Exit::Done
    }

    /// As the end of a command that may have written in an earlier run already.
    #[must_use]
    pub(super) fn after(self, wrote: bool) -> Self {
        let Self {
            exit,
            wrote: wrote_too,
            conflict,
        } = self;
        let exit = if wrote && exit != Exit::Done {
            Exit::Partial
        } else {
            exit
        };
        Self {
            exit,
            wrote: wrote || wrote_too,
            conflict,
        }
    }
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        Self {
            exit,
            wrote: false,
            conflict: None,
        }
    }
}

/// The people that a target's plan looks at besides those in no team, in each team and in all.
pub(crate) type Further = Vec<NamedAudience>;

impl Ready {
    /// A plan that was made just now, from this live state of each of its targets.
    pub(crate) fn planned(kind: RunKind, plan: Plan, digest: Fingerprint, live: Vec<Live>) -> Self {
        Self {
            kind,
            plan,
            digest,
            live,
            signed_by: None,
            saved: None,
            earlier: None,
        }
    }

    /// A plan that was made before, with the live state of each of its targets and the further people that they name.
    pub(super) fn saved(plan: Plan, digest: Fingerprint, again: Vec<(Live, Further)>) -> Self {
        let (live, further) = again.into_iter().unzip();
        let kind = RunKind::Apply;
        Self {
            kind,
            plan,
            digest,
            live,
            signed_by: None,
            saved: Some(further),
            earlier: None,
        }
    }

    /// A plan of what an earlier run of this command left, which the same person may ask to stop.
    pub(super) fn following(
        plan: Plan,
        digest: Fingerprint,
        live: Vec<Live>,
        earlier: Earlier,
    ) -> Self {
        Self {
            kind: RunKind::Apply,
            plan,
            digest,
            live,
            signed_by: None,
            saved: None,
            earlier: Some(earlier),
        }
    }

    /// The same, of a commit that somebody signed.
    pub(super) fn signed_by(self, signed_by: Option<SignedBy>) -> Self {
        Self { signed_by, ..self }
    }

    /// Who signed the commit, where that was asked for.
    pub(super) fn signer(&self) -> Option<&SignedBy> {
        self.signed_by.as_ref()
    }

    /// Whether the plan was made before this run.
    pub(super) fn is_saved(&self) -> bool {
        self.saved.is_some()
    }

    pub(super) fn digest(&self) -> &Fingerprint {
        &self.digest
    }
}

impl Applying {
    /// Shows a plan, asks, and runs it.
    ///
    /// # Errors
    /// Anything that keeps it from being run, apart from what has an exit code of its own.
    pub(crate) async fn run(
        &self,
        workspace: &Workspace,
        session: &Session,
        ready: Ready,
        console: Console,
    ) -> anyhow::Result<Ended> {
        let targets = workspace.targets();
        let targets = targets.as_slice();
        let Ready {
            kind,
            plan,
            digest,
            live,
            signed_by,
            saved,
            earlier,
        } = ready;
        let plan = match saved {
            None => plan,
            // What a file says is not shown: what its calls do to what is live is worked out again.
            Some(further) => match recompute(plan, &live, &further, targets, session, console)? {
                Some(plan) => plan,
                None => return Ok(Exit::Stale.into()),
            },
        };
        let pairs = pair(&plan, targets, session)?;
        console.print(&render::plan::human(&plan, console.painter()))?;
        let shut = plan.shut_gates().count();
        if shut > 0 {
            let gates = if shut == 1 { "gate does" } else { "gates do" };
            let refused = console.error_painter().bad("refused");
            console.warn(&format!(
                "{refused}: {shut} access {gates} not hold, as shown above. Nothing was applied."
            ));
            return Ok(Exit::Failed.into());
        }
        if plan.is_empty() {
            return Ok(Exit::Done.into());
        }
        let refused = break_promises(&plan, &live, console) || self.steps.refuse(&plan, console);
        if guards::refuse(&pairs, &self.ack, console)? || refused {
            return Ok(Exit::Refused.into());
        }
        let asked = match self.approval(console)? {
            Approval::Given { asked } => asked,
            Approval::Withheld(exit) => return Ok(exit.into()),
        };
        // One that somebody looked at for a while may have been overtaken.
        let before = if asked {
            self.read_all(&pairs, session).await?
        } else {
            touched(&pairs, &live)
        };
        if !fits(&pairs, &before, console) {
            return Ok(Exit::Stale.into());
        }
        let provenance = Provenance {
            commit: plan.commit.clone(),
            tree: plan.tree.clone(),
            signed_by,
        };
        let archives = workspace.archives();
        let archives = &archives;
        let execution = Execution {
            applying: self,
            kind,
            digest,
            provenance,
            session,
            archives,
            console,
            earlier,
        };
        execution.run(&pairs, before).await
    }

    fn approval(&self, console: Console) -> anyhow::Result<Approval> {
        if self.auto_approve {
            return Ok(Approval::Given { asked: false });
        }
        match console.confirm("Apply these changes? Only `yes` is accepted:")? {
            Some(true) => Ok(Approval::Given { asked: true }),
            Some(false) => {
                console.say("Nothing was applied.");
                Ok(Approval::Withheld(Exit::Error))
            }
            None => {
                console.warn("Nothing was applied: there is no terminal to ask on. To apply without being asked, add --auto-approve.");
                Ok(Approval::Withheld(Exit::Refused))
            }
        }
    }

    async fn read_all(
        &self,
        pairs: &[(&TargetPlan, &Target)],
        session: &Session,
    ) -> anyhow::Result<Vec<Live>> {
        let mut before = Vec::new();
        for (plan, target) in pairs {
            before.push(self.read(plan, target, session).await?);
        }
        Ok(before)
    }

    /// The live policies that a plan touches.
    pub(super) async fn read(
        &self,
        plan: &TargetPlan,
        target: &Target,
        session: &Session,
    ) -> anyhow::Result<Live> {
        let reader = session.reader(target)?;
        let live = read_touched(plan, &reader, self.connect.concurrency.get()).await;
        live.with_context(|| planning::of(target))
    }
}

enum Approval {
    Given { asked: bool },
    Withheld(Exit),
}

/// Whether what plans touch is as it was when they were made; what is not is told.
fn fits(pairs: &[(&TargetPlan, &Target)], before: &[Live], console: Console) -> bool {
    let mut fits = true;
    for ((plan, _), live) in pairs.iter().zip(before) {
        for stale in check_unmoved(plan, live) {
            fits = false;
            let stale = stale.to_string();
            console.warn(&format!(
                "{}: {}",
                console.error_painter().bad("stale plan"),
                neutral(&stale)
            ));
        }
    }
    if !fits {
        console.warn("Nothing was applied. Make a new plan and look at it again.");
    }
    fits
}

/// A saved plan as its calls and the live state make it; nothing if it no longer fits.
fn recompute(
    mut plan: Plan,
    live: &[Live],
    further: &[Further],
    targets: &[&Target],
    session: &Session,
    console: Console,
) -> anyhow::Result<Option<Plan>> {
    let mut recomputed = Vec::new();
    let pairs = pair(&plan, targets, session)?;
    // What a plan was made for comes first: nothing is worth saying about calls that no longer fit.
    if !fits(&pairs, &touched(&pairs, live), console) {
        return Ok(None);
    }
    for (((plan, target), live), further) in pairs.iter().zip(live).zip(further) {
        let plan = match live {
            Live::Docker(live) => crate::service::docker::plan::recompute::recomputed(
                plan,
                live,
                further,
                target.teams(),
            ),
            Live::Pulumi(live) => crate::service::pulumi::plan::recomputed_packs(plan, live),
            Live::Chainloop(live) => {
                crate::service::chainloop::plan::recomputed_documents(plan, live)
            }
        };
        recomputed.push(plan.context("the calls of the plan do not fit what is live")?);
    }
    plan.targets = recomputed;
    Ok(Some(plan))
}

/// Of each target's live state, what its plan touches.
fn touched(pairs: &[(&TargetPlan, &Target)], live: &[Live]) -> Vec<Live> {
    live.iter()
        .zip(pairs)
        .map(|(live, (plan, _))| keep_touched(live.clone(), plan))
        .collect()
}
