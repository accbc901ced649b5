//! `polwarden apply`: make the server equal to the manifests, or run a saved plan.

mod guards;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::exit::Exit;
use super::gates::GateOptions;
use super::planning::{self, Planned};
use super::progress::CallProgress;
use super::saved;
use super::steps::{self, StepOptions};
use super::workspace::{At, Project, Selection, Workspace};
use crate::apply::{Report, check_unmoved, read_touched, run};
use crate::manifest::config::Target;
use crate::model::docker::{LiveState, Operation};
use crate::plan::{self, Acknowledged, FORMAT_VERSION, Plan, TargetPlan};
use crate::render;
use crate::render::text::neutral;

/// Make the server equal to the manifests, after showing the plan and asking.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden apply
  polwarden apply --auto-approve
  polwarden apply plan.json
  polwarden apply --ack deletes=14,prune=2,plan=0f3a6c2b9d1e4587
  polwarden apply examples/quickstart --endpoint docker=embedded")]
pub(super) struct Apply {
    /// The directory of `polwarden.yaml` (the same as -C DIR), or a plan that `plan --out` wrote.
    #[arg(value_name = "DIR|PLAN")]
    path: Option<Utf8PathBuf>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    gates: GateOptions,
    #[command(flatten)]
    steps: StepOptions,
    #[command(flatten)]
    connect: Connect,
    /// Do not ask. Without a terminal, nothing is applied without this.
    #[arg(long)]
    auto_approve: bool,
    /// Accept what a guard refuses, by its exact numbers: deletes, updates, prune, scope-widens, last-deny, protected;
    /// `plan` accepts it for one plan alone. A refusal prints the value. With several targets, one value each.
    #[arg(long, value_name = "[TARGET:]GUARD=NUMBER,...")]
    ack: Vec<Acknowledged>,
}

/// A plan that may be applied, with the live state of each of its targets, which was just read.
struct Ready {
    plan: Plan,
    live: Vec<LiveState>,
    /// Whether the plan was made before this run.
    saved: bool,
}

impl Apply {
    /// Runs the command.
    ///
    /// # Errors
    /// Anything that keeps the plan from being made or run, apart from what has an exit code of its own.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> anyhow::Result<Exit> {
        let mut saved = None;
        if let Some(path) = &self.path {
            if path.is_dir() {
                super::enter(path)?;
            } else {
                saved = Some(load_plan(path)?);
            }
        }
        let project = match Project::open(&self.selection, console)? {
            Ok(project) => project,
            Err(exit) => return Ok(exit),
        };
        let keeper = self.gates.keeper(&At::default(), console)?;
        let (workspace, session, ready) = match saved {
            Some(mut plan) => {
                let session = Session::open(&self.connect, &project.targets()).await?;
                let workspace = project.load();
                pair(&plan, &workspace, &session)?;
                let live = saved::hold_again(&mut plan, &workspace, &session, &keeper).await?;
                (workspace, session, Ready { plan, live, saved: true })
            }
            None => match planning::make(project, &self.connect, &keeper, console).await? {
                Ok(Planned { workspace, session, plan, live }) => {
                    (workspace, session, Ready { plan, live, saved: false })
                }
                Err(exit) => return Ok(exit),
            },
        };
        let result = self.run_in(&workspace, &session, ready, console).await;
        session.close().await;
        result
    }

    async fn run_in(
        &self,
        workspace: &Workspace,
        session: &Session,
        ready: Ready,
        console: Console,
    ) -> anyhow::Result<Exit> {
        console.print(&render::plan::human(&ready.plan, console.painter()))?;
        let pairs = pair(&ready.plan, workspace, session)?;
        // What a saved plan was made for comes first: gates say nothing about calls that no longer fit.
        let touched: Vec<_> =
            ready.live.iter().zip(&pairs).map(|(live, (plan, _))| keep_touched(live.clone(), plan)).collect();
        if ready.saved && !self.fits(&pairs, &touched, console) {
            return Ok(Exit::Stale);
        }
        let shut = ready.plan.shut_gates().count();
        if shut > 0 {
            let (refused, gates) =
                (console.error_painter().bad("refused"), if shut == 1 { "gate does" } else { "gates do" });
            console.warn(&format!("{refused}: {shut} access {gates} not hold, as shown above. Nothing was applied."));
            return Ok(Exit::Failed);
        }
        if ready.plan.is_empty() {
            return Ok(Exit::Done);
        }
        let refused =
            steps::break_promises(&ready.plan, &ready.live, console) || self.steps.refuse(&ready.plan, console);
        if guards::refuse(&pairs, &self.ack, console)? || refused {
            return Ok(Exit::Refused);
        }
        let asked = match self.approval(console)? {
            Approval::Given { asked } => asked,
            Approval::Withheld(exit) => return Ok(exit),
        };
        // A saved plan, and one that somebody looked at for a while, may have been overtaken.
        let before = if asked { self.read_all(&pairs, session).await? } else { touched };
        if !self.fits(&pairs, &before, console) {
            return Ok(Exit::Stale);
        }
        self.execute(&pairs, before, session, console).await
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

    /// The touched policies of each target.
    async fn read_all(&self, pairs: &[(&TargetPlan, &Target)], session: &Session) -> anyhow::Result<Vec<LiveState>> {
        let mut touched = Vec::new();
        for (plan, target) in pairs {
            touched.push(self.read(plan, target, session).await?);
        }
        Ok(touched)
    }

    /// Whether a plan still fits what it touches; what does not is told.
    fn fits(&self, pairs: &[(&TargetPlan, &Target)], before: &[LiveState], console: Console) -> bool {
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

    async fn read(&self, plan: &TargetPlan, target: &Target, session: &Session) -> anyhow::Result<LiveState> {
        let reader = session.reader(target)?;
        let live = read_touched(plan, &reader, self.connect.concurrency.get()).await;
        live.with_context(|| format!("target `{}`", target.name))
    }

    async fn execute(
        &self,
        pairs: &[(&TargetPlan, &Target)],
        before: Vec<LiveState>,
        session: &Session,
        console: Console,
    ) -> anyhow::Result<Exit> {
        let (mut applied, mut missing, mut verified, mut uncertain) = (0, 0, true, false);
        for ((plan, target), before) in pairs.iter().zip(before) {
            if plan.calls.is_empty() {
                continue;
            }
            if missing > 0 {
                // What one organization allows does not depend on another; still, a person should look first.
                missing += plan.calls.len();
                continue;
            }
            console.print(&format!("\nApplying to {}:\n", neutral(&target.name)))?;
            let progress = CallProgress::new(console, plan.calls.len());
            let report = run(plan, &session.writer(target)?, self.connect.concurrency.get(), &progress).await;
            progress.finish();
            applied += report.applied();
            missing += report.missing();
            uncertain |= report.is_uncertain();
            verified &= match self.verify(plan, target, &before, &report, session, console).await {
                Ok(verified) => verified,
                Err(error) => {
                    // What was done must still be told.
                    console.warn(&super::render_error(&error, console));
                    false
                }
            };
        }
        console.print(&format!("\n{}\n", closing(applied, missing, verified)))?;
        Ok(match (applied, missing) {
            (_, 0) if verified => Exit::Done,
            (0, _) if !uncertain => Exit::Error,
            (_, _) => Exit::Partial,
        })
    }

    /// Reads back what was written, and says what is not as it should be.
    async fn verify(
        &self,
        plan: &TargetPlan,
        target: &Target,
        before: &LiveState,
        report: &Report,
        session: &Session,
        console: Console,
    ) -> anyhow::Result<bool> {
        if report.is_uncertain() {
            console.warn("The server did not say what became of a call; run `polwarden plan` to see where it stands.");
            return Ok(false);
        }
        let applied: Vec<_> = report.applied_calls(&plan.calls).into_iter().cloned().collect();
        let expected = plan::replay(before, &applied).context("the applied calls make no state")?;
        let actual = self.read(plan, target, session).await.context("what was written could not be read back")?;
        let mismatches = plan::verify(&expected, &actual);
        for mismatch in &mismatches {
            let text = mismatch.to_string();
            console.warn(&format!("{}: {}", console.error_painter().bad("read back"), neutral(&text)));
        }
        Ok(mismatches.is_empty())
    }
}

enum Approval {
    Given { asked: bool },
    Withheld(Exit),
}

fn closing(applied: usize, missing: usize, verified: bool) -> String {
    match (missing, verified) {
        (0, true) => format!("Applied {applied} calls and read them back. Machines follow within five minutes."),
        (0, false) => format!(
            "Applied {applied} calls; that the server holds what they wrote is not confirmed. Run `polwarden plan` to \
             see where it stands."
        ),
        (_, _) => {
            format!("Applied {applied} calls; {missing} were not applied. Run `polwarden apply` again to finish.")
        }
    }
}

/// Of a whole organization, what [`read_touched`] would have read.
fn keep_touched(mut live: LiveState, plan: &TargetPlan) -> LiveState {
    let created = |name: &str| {
        plan.calls.iter().any(|call| match &call.send {
            Operation::CreatePolicy { policy } => policy.name.as_str() == name,
            Operation::UpdatePolicy { patch, .. } => patch.name.as_ref().is_some_and(|new| new.as_str() == name),
            Operation::DeletePolicy { .. }
            | Operation::CreateRule { .. }
            | Operation::UpdateRule { .. }
            | Operation::DeleteRule { .. } => false,
        })
    };
    live.policies
        .retain(|policy| plan.before.iter().any(|before| before.id == policy.id) || created(policy.name.as_str()));
    live
}

fn load_plan(path: &camino::Utf8Path) -> anyhow::Result<Plan> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the plan `{path}`"))?;
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
    }
    let Version { format_version } =
        serde_json::from_str(&text).with_context(|| format!("`{path}` is not a plan that `plan --out` wrote"))?;
    if format_version != FORMAT_VERSION {
        bail!(
            "`{path}` has plan format {format_version}; this version reads format {FORMAT_VERSION}. Make the plan again."
        );
    }
    serde_json::from_str(&text).with_context(|| format!("`{path}` is not a plan that `plan --out` wrote"))
}

/// Each target's plan with the target's configuration, which must not have moved since the plan was made.
fn pair<'a>(
    plan: &'a Plan,
    workspace: &'a Workspace,
    session: &Session,
) -> anyhow::Result<Vec<(&'a TargetPlan, &'a Target)>> {
    let targets = workspace.targets();
    let mut pairs = Vec::new();
    for target_plan in &plan.targets {
        let name = &target_plan.target.name;
        let Some(target) = targets.iter().find(|target| target.name == *name) else {
            bail!("the plan is for target `{name}`, which is not one of the chosen targets");
        };
        if session.info(target)? != target_plan.target {
            bail!(
                "target `{name}` is another organization, profile or endpoint than the plan was made for; make the plan again"
            );
        }
        pairs.push((target_plan, *target));
    }
    Ok(pairs)
}
