//! What `apply` and `rollback` have in common: a plan is shown, guarded, approved, held to what is live, and run.

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::Args;

use super::guards;
use super::saved::pair;
use crate::apply::journal::RunKind;
use crate::apply::{check_unmoved, keep_touched, read_touched};
use crate::cli::connect::{Connect, Session};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::manifest::config::Target;
use crate::model::docker::LiveState;
use crate::plan::{self, Acknowledged, Fingerprint, Plan, TargetPlan};
use crate::render;
use crate::render::text::neutral;

/// How a plan is applied.
#[derive(Debug, Args)]
pub(in crate::cli) struct Applying {
    #[command(flatten)]
    pub(in crate::cli) connect: Connect,
    /// Do not ask. Without a terminal, nothing is applied without this.
    #[arg(long)]
    auto_approve: bool,
    /// Accept what a guard refuses, by its exact numbers: deletes, updates, prune, scope-widens, last-deny, protected;
    /// `plan` accepts it for one plan alone. A refusal prints the value. With several targets, one value each.
    #[arg(long, value_name = "[TARGET:]GUARD=NUMBER,...")]
    ack: Vec<Acknowledged>,
    /// Write the journal of this run to this file instead of one in `.polwarden/journal/`.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) journal: Option<Utf8PathBuf>,
}

/// A plan that may be applied.
pub(in crate::cli) struct Ready {
    kind: RunKind,
    plan: Plan,
    digest: Fingerprint,
    /// The whole live state of each target, if it was read just now.
    live: Option<Vec<LiveState>>,
    /// Whether the plan was made before this run.
    saved: bool,
}

impl Ready {
    /// A plan that was made just now, from this live state of each of its targets.
    pub(in crate::cli) fn planned(kind: RunKind, plan: Plan, digest: Fingerprint, live: Vec<LiveState>) -> Self {
        Self { kind, plan, digest, live: Some(live), saved: false }
    }

    /// A plan that was made before, with the live state if it was read already.
    pub(super) fn saved(plan: Plan, digest: Fingerprint, live: Option<Vec<LiveState>>) -> Self {
        Self { kind: RunKind::Apply, plan, digest, live, saved: true }
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
    pub(in crate::cli) async fn run(
        &self,
        targets: &[&Target],
        session: &Session,
        ready: Ready,
        console: Console,
    ) -> anyhow::Result<Exit> {
        let Ready { kind, plan, digest, live, saved } = ready;
        let (plan, live) = match live {
            Some(live) if !saved => (plan, live),
            // What a file says is not shown: what its calls do to what is live is worked out again.
            live => match self.recompute(plan, live, targets, session, console).await? {
                Some(both) => both,
                None => return Ok(Exit::Stale),
            },
        };
        let pairs = pair(&plan, targets, session)?;
        console.print(&render::plan::human(&plan, console.painter()))?;
        let shut = plan.shut_gates().count();
        if shut > 0 {
            let gates = if shut == 1 { "gate does" } else { "gates do" };
            let refused = console.error_painter().bad("refused");
            console.warn(&format!("{refused}: {shut} access {gates} not hold, as shown above. Nothing was applied."));
            return Ok(Exit::Failed);
        }
        if plan.is_empty() {
            return Ok(Exit::Done);
        }
        if guards::refuse(&pairs, &self.ack, console)? {
            return Ok(Exit::Refused);
        }
        let asked = match self.approval(console)? {
            Approval::Given { asked } => asked,
            Approval::Withheld(exit) => return Ok(exit),
        };
        // One that somebody looked at for a while may have been overtaken.
        let before = if asked {
            self.read_all(&pairs, session).await?
        } else {
            live.into_iter().zip(&pairs).map(|(live, (plan, _))| keep_touched(live, plan)).collect()
        };
        if !fits(&pairs, &before, console) {
            return Ok(Exit::Stale);
        }
        let commit = plan.commit.clone();
        let execution = super::execute::Execution { applying: self, kind, digest, commit, session, console };
        execution.run(&pairs, before).await
    }

    /// A saved plan as its calls and the live state make it, with that state; nothing if it no longer fits.
    async fn recompute(
        &self,
        mut plan: Plan,
        live: Option<Vec<LiveState>>,
        targets: &[&Target],
        session: &Session,
        console: Console,
    ) -> anyhow::Result<Option<(Plan, Vec<LiveState>)>> {
        let mut recomputed = Vec::new();
        let states = {
            let pairs = pair(&plan, targets, session)?;
            let states = match live {
                Some(live) => live,
                None => read_whole(&pairs, session).await?,
            };
            let touched: Vec<LiveState> =
                states.iter().zip(&pairs).map(|(live, (plan, _))| keep_touched(live.clone(), plan)).collect();
            if !fits(&pairs, &touched, console) {
                return Ok(None);
            }
            for ((plan, target), live) in pairs.iter().zip(&states) {
                let plan = plan::recomputed(plan, live, &target.teams);
                recomputed.push(plan.context("the calls of the plan do not fit what is live")?);
            }
            states
        };
        plan.targets = recomputed;
        Ok(Some((plan, states)))
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

    async fn read_all(&self, pairs: &[(&TargetPlan, &Target)], session: &Session) -> anyhow::Result<Vec<LiveState>> {
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
    ) -> anyhow::Result<LiveState> {
        let reader = session.reader(target)?;
        let live = read_touched(plan, &reader, self.connect.concurrency.get()).await;
        live.with_context(|| format!("target `{}`", target.name))
    }
}

async fn read_whole(pairs: &[(&TargetPlan, &Target)], session: &Session) -> anyhow::Result<Vec<LiveState>> {
    let mut states = Vec::new();
    for (_, target) in pairs {
        let live = session.reader(target)?.live_state().await;
        states.push(live.with_context(|| format!("target `{}`", target.name))?);
    }
    Ok(states)
}

enum Approval {
    Given { asked: bool },
    Withheld(Exit),
}

/// Whether what plans touch is as it was when they were made; what is not is told.
fn fits(pairs: &[(&TargetPlan, &Target)], before: &[LiveState], console: Console) -> bool {
    let mut fits = true;
    for ((plan, _), live) in pairs.iter().zip(before) {
        for stale in check_unmoved(plan, live) {
            fits = false;
            let stale = stale.to_string();
            console.warn(&format!("{}: {}", console.error_painter().bad("stale plan"), neutral(&stale)));
        }
    }
    if !fits {
        console.warn("Nothing was applied. Make a new plan and look at it again.");
    }
    fits
}
