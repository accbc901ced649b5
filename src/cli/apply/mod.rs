//! `polwarden apply`: make the server equal to the manifests, or run a saved plan.

pub(super) mod audit;
mod branches;
mod execute;
mod guards;
mod interrupt;
pub(super) mod journals;
mod requirements;
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
use super::tree::At;
use super::workspace::{Project, Selection, Workspace};
use crate::plan::{Fingerprint, Plan, plan_digest};
use crate::run::journal::RunKind;
use git::SignedBy;
use requirements::{Applied, Requirements};
use shared::Ended;

/// How often what a conflict with another writer left is planned again.
const CONFLICTS: usize = 2;

/// Where a plan made again comes to nothing, "nothing was applied" is said of that plan alone.
const WRITTEN_BEFORE: &str =
    "What was applied before it stays. Run `polwarden plan` to see where it stands.";

/// Make the server equal to the manifests, after showing the plan and asking.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden apply
  polwarden apply --auto-approve
  polwarden apply plan.json
  polwarden apply --at origin/main --require-branch main --require-signed --auto-approve
  polwarden apply --ack deletes=14,prune=2,plan=0f3a6c2b9d1e4587
  polwarden apply examples/quickstart --endpoint docker=embedded")]
pub(super) struct Apply {
    /// The directory of `polwarden.yaml` (the same as -C DIR), or a plan that `plan --out` wrote.
    #[arg(value_name = "DIR|PLAN")]
    path: Option<Utf8PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Read the configuration and the manifests of this revision instead of the work tree: a branch, a tag, HEAD~1 or a
    /// commit. REV:FOLDER reads another folder of it. The journal stays in this directory.
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    #[command(flatten)]
    gates: GateOptions,
    #[command(flatten)]
    applying: Applying,
    /// Apply only if the plan is the one with this digest, as `plan` showed it. It is no approval.
    #[arg(long, value_name = "DIGEST")]
    expect_plan: Option<Fingerprint>,
    #[command(flatten)]
    requirements: Requirements,
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
        let at = self.at.as_deref().map(At::revision).unwrap_or_default();
        let project = match Project::open_at(&self.selection, &at, console)? {
            Ok(project) => project,
            Err(exit) => return Ok(exit),
        };
        let applied = Applied {
            at: self.at.as_deref(),
            base: self.gates.named_base(),
            prefix: project.prefix(),
            branch: project.config().apply.branch.as_deref(),
        };
        let signed_by = match self.requirements.check_commit(&applied, console)? {
            Ok(signed_by) => signed_by,
            Err(exit) => return Ok(exit),
        };
        journals::settle(&self.applying, &project.targets(), console).await?;
        let keeper = self.gates.keeper(&at, console)?;
        let (workspace, session, ready) =
            match self.prepare(project, plan_file, &keeper, console).await? {
                Ok(prepared) => prepared,
                Err(exit) => return Ok(exit),
            };
        let result = match self.is_expected(ready.digest(), console) {
            true => {
                self.run_ready(
                    &workspace,
                    &session,
                    &keeper,
                    ready.signed_by(signed_by),
                    console,
                )
                .await
            }
            false => Ok(Exit::Stale),
        };
        session.close().await;
        result
    }

    /// The plan that is to be applied: the one of the file, or a new one. What it was made from is as is asked for.
    async fn prepare(
        &self,
        project: Project,
        plan_file: Option<Plan>,
        keeper: &GateKeeper,
        console: Console,
    ) -> anyhow::Result<Result<(Workspace, Session, Ready), Exit>> {
        let connect = &self.applying.connect;
        let Some(mut plan) = plan_file else {
            return Ok(
                match planning::make(project, connect, keeper, console).await? {
                    Ok(Planned {
                        workspace,
                        session,
                        plan,
                        live,
                    }) => {
                        if self
                            .requirements
                            .refuse_files(plan.commit.as_ref(), console)
                        {
                            session.close().await;
                            return Ok(Err(Exit::Refused));
                        }
                        let digest = plan_digest(&plan)?;
                        Ok((
                            workspace,
                            session,
                            Ready::planned(RunKind::Apply, plan, digest, live),
                        ))
                    }
                    Err(exit) => Err(exit),
                },
            );
        };
        // Where the plan comes from is settled before a server is asked.
        let session = Session::open(connect, &project.targets(), console).await?;
        let workspace = project.load();
        if let Some(exit) = self.refuse_saved(&plan, &workspace, console) {
            session.close().await;
            return Ok(Err(exit));
        }
        saved::pair(&plan, &workspace.targets(), &session)?;
        let digest = plan_digest(&plan)?;
        let again = hold_again(&mut plan, &workspace, &session, keeper).await?;
        Ok(Ok((workspace, session, Ready::saved(plan, digest, again))))
    }

    fn refuse_saved(&self, plan: &Plan, workspace: &Workspace, console: Console) -> Option<Exit> {
        let Self { requirements, .. } = self;
        let commit = workspace.commit();
        let made = plan.commit.as_ref().filter(|commit| commit.dirty);
        if requirements.refuse_files(made.or(commit.as_ref()), console) {
            return Some(Exit::Refused);
        }
        let stale =
            requirements.refuse_plan(plan, commit.as_ref(), &workspace.tree_digest(), console);
        stale.then_some(Exit::Stale)
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
        let reviewed = ready.is_saved() || self.expect_plan.is_some();
        let signed_by: Option<SignedBy> = ready.signer().cloned();
        let mut ended = self
            .applying
            .run(workspace, session, ready, console)
            .await?;
        for _ in 0..CONFLICTS {
            let Ended {
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
            console.print(
                "\nAnother writer was there meanwhile: what is left is planned again.\n\n",
            )?;
            let next = match planning::again(workspace, session, keeper, console).await {
                Ok(Ok((plan, live))) => {
                    let digest = plan_digest(&plan)?;
                    let following =
                        Ready::following(plan, digest, live, earlier).signed_by(signed_by.clone());
                    self.applying
                        .run(workspace, session, following, console)
                        .await
                }
                Ok(Err(exit)) => Ok(exit.into()),
                Err(error) => Err(error),
            };
            ended = match next {
                Ok(next) => {
                    if wrote && next.wrote_nothing() {
                        console.warn(WRITTEN_BEFORE);
                    }
                    next.after(wrote)
                }
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
        let Some(expected) = &self.expect_plan else {
            return true;
        };
        if digest == expected {
            return true;
        }
        let head = console.error_painter().bad("another plan");
        console.warn(&format!(
            "{head}: this one has the digest {digest}, and {expected} was expected."
        ));
        console.warn("Nothing was applied. Look at the plan again with `polwarden plan`.");
        false
    }
}
