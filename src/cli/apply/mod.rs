//! `polwarden apply`: make the server equal to the manifests, or run a saved plan.

mod execute;
mod guards;
mod interrupt;
pub(super) mod journals;
mod saved;
mod shared;

pub(super) use shared::{Applying, Further, Ready};

use camino::Utf8PathBuf;
use clap::Args;

use super::connect::Session;
use super::console::Console;
use super::exit::Exit;
use super::gates::{GateKeeper, GateOptions};
use super::planning::{self, Planned};
use super::saved::hold_again;
use super::workspace::{At, Project, Selection, Workspace};
use crate::apply::journal::RunKind;
use crate::plan::{Fingerprint, plan_digest};
use shared::Ended;

/// How often what a conflict with another writer left is planned again.
const CONFLICTS: usize = 2;

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
    applying: Applying,
    /// Apply only if the plan is the one with this digest, as `plan` showed it. It is no approval.
    #[arg(long, value_name = "DIGEST")]
    expect_plan: Option<Fingerprint>,
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
        let mut plan_file = None;
        if let Some(path) = &self.path {
            if path.is_dir() {
                super::enter(path)?;
            } else {
                plan_file = Some(saved::load(path)?);
            }
        }
        let project = match Project::open(&self.selection, console)? {
            Ok(project) => project,
            Err(exit) => return Ok(exit),
        };
        journals::settle(&self.applying, &project.targets(), console).await?;
        let keeper = self.gates.keeper(&At::default(), console)?;
        let (workspace, session, ready) = match plan_file {
            Some(mut plan) => {
                let session = Session::open(&self.applying.connect, &project.targets(), console).await?;
                let workspace = project.load();
                saved::pair(&plan, &workspace.targets(), &session)?;
                let digest = plan_digest(&plan)?;
                let again = hold_again(&mut plan, &workspace, &session, &keeper).await?;
                (workspace, session, Ready::saved(plan, digest, again))
            }
            None => match planning::make(project, &self.applying.connect, &keeper, console).await? {
                Ok(Planned { workspace, session, plan, live }) => {
                    let digest = plan_digest(&plan)?;
                    (workspace, session, Ready::planned(RunKind::Apply, plan, digest, live))
                }
                Err(exit) => return Ok(exit),
            },
        };
        let result = match self.is_expected(ready.digest(), console) {
            true => self.run_ready(&workspace, &session, &keeper, ready, console).await,
            false => Ok(Exit::Stale),
        };
        session.close().await;
        result
    }

    /// Runs a plan. What a conflict with another writer left is planned again from what is there then, and goes the
    /// same way: it is shown, guarded and asked about. A plan that was looked at before is not replaced by another.
    async fn run_ready(
        &self,
        workspace: &Workspace,
        session: &Session,
        keeper: &GateKeeper,
        ready: Ready,
        console: Console,
    ) -> anyhow::Result<Exit> {
        let targets = workspace.targets();
        let reviewed = ready.is_saved() || self.expect_plan.is_some();
        let mut ended = self.applying.run(&targets, session, ready, console).await?;
        for _ in 0..CONFLICTS {
            let Ended { exit, wrote, conflict: Some(stop) } = ended else { break };
            if reviewed {
                return Ok(exit);
            }
            console.print("\nAnother writer was there meanwhile: what is left is planned again.\n\n")?;
            let next = match planning::again(workspace, session, keeper, console).await {
                Ok(Ok((plan, live))) => {
                    let digest = plan_digest(&plan)?;
                    let following = Ready::following(plan, digest, live, stop);
                    self.applying.run(&targets, session, following, console).await
                }
                Ok(Err(exit)) => Ok(exit.into()),
                Err(error) => Err(error),
            };
            ended = match next {
                Ok(next) => next.after(wrote),
                // What was written before must not be forgotten over it.
                Err(error) if wrote => {
                    console.warn(&super::render_error(&error, console));
                    Exit::Partial.into()
                }
                Err(error) => return Err(error),
            };
        }
        Ok(ended.exit)
    }

    fn is_expected(&self, digest: &Fingerprint, console: Console) -> bool {
        let Some(expected) = &self.expect_plan else { return true };
        if digest == expected {
            return true;
        }
        let head = console.error_painter().bad("another plan");
        console.warn(&format!("{head}: this one has the digest {digest}, and {expected} was expected."));
        console.warn("Nothing was applied. Look at the plan again with `polwarden plan`.");
        false
    }
}
