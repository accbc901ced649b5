//! `polwarden plan`: what would have to be done.

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::connect::Connect;
use super::console::Console;
use super::exit::Exit;
use super::gates::GateOptions;
use super::planning::{self, Planned};
use super::steps::StepOptions;
use super::workspace::{At, Project, Selection};
use crate::plan::plan_digest;
use crate::render;

/// Show what would have to be done to make the server equal to the manifests. Nothing is written to the server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden plan
  polwarden plan --detailed-exitcode --out plan.json
  polwarden plan --allow-widening 'tcp **.example.com:443' --base origin/main
  polwarden plan examples/quickstart --endpoint docker=embedded")]
pub(super) struct Plan {
    /// The directory of `polwarden.yaml`; the same as -C DIR.
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    gates: GateOptions,
    #[command(flatten)]
    steps: StepOptions,
    #[command(flatten)]
    connect: Connect,
    /// Exit with 2 if changes are pending.
    #[arg(long)]
    detailed_exitcode: bool,
    /// How to show the plan on standard output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write the plan to this file too, for `polwarden apply FILE`.
    #[arg(long, value_name = "FILE")]
    out: Option<Utf8PathBuf>,
}

/// How to show a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Human,
    /// For machines (`schemas/plan.schema.json`).
    Json,
}

impl Plan {
    /// Runs the command.
    ///
    /// # Errors
    /// Anything that keeps the plan from being made, apart from invalid manifests.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> anyhow::Result<Exit> {
        if let Some(path) = &self.path {
            super::enter(path)?;
        }
        let project = match Project::open_at(&self.selection, &self.at, console)? {
            Ok(project) => project,
            Err(exit) => return Ok(exit),
        };
        let keeper = self.gates.keeper(&self.at, console)?;
        let mut plan = match planning::make(project, &self.connect, &keeper, console).await? {
            Ok(Planned { plan, session, workspace: _, live: _ }) => {
                session.close().await;
                plan
            }
            Err(exit) => return Ok(exit),
        };
        let digest = plan_digest(&plan)?;
        plan.digest = Some(digest.clone());
        if let Some(path) = &self.out {
            std::fs::write(path, render::plan::json(&plan)?)
                .with_context(|| format!("cannot write the plan to `{path}`"))?;
        }
        match self.format {
            Format::Human => {
                let page = render::plan::human(&plan, console.painter());
                console.print(&format!("{page}Digest: {digest}\n"))?;
            }
            Format::Json => console.print(&render::plan::json(&plan)?)?,
        }
        if plan.shut_gates().next().is_some() {
            return Ok(Exit::Failed);
        }
        if self.steps.refuse(&plan, console) {
            return Ok(Exit::Refused);
        }
        Ok(if self.detailed_exitcode && !plan.is_empty() { Exit::Pending } else { Exit::Done })
    }
}
