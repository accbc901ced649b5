//! `polwarden show`: a saved plan or a run.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use super::apply::PlanFile;
use super::complete;
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult};
use super::exit::Exit;
use super::format::{OutputArgs, OutputFormat, PlanFormats};
use super::plan::{WrittenPlan, write_plan};
use super::runs;
use super::tree::SourceTree;
use crate::plan::Plan;
use crate::render;
use crate::render::annotations::{PackDiagnostics, RepositoryPrefix};
use crate::render::layout::Layout;
use crate::run::journal::RunId;

/// Show a saved plan or a run.
///
/// Writes it in every format of `plan`. No server is contacted.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden show plan.json
  polwarden show plan.json --format markdown
  polwarden show plan.json --output html=plan.html
  polwarden show last
  polwarden show 20261122T093000123Z-1a2b3c4d -o json")]
pub(super) struct ShowArgs {
    /// Saved plan, run ID, journal file or `last`.
    #[arg(value_name = "PLAN|RUN", add = ArgValueCompleter::new(complete::plans_and_runs))]
    what: Utf8PathBuf,
    #[command(flatten)]
    output: OutputArgs<PlanFormats>,
}

impl ShowArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The plan or run is missing, or it cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        self.output.sink().check()?;
        if is_run(&self.what) {
            return self.show_run(console);
        }
        let plan = PlanFile::read(&self.what, false)?.parse_with_events()?;
        directory::enter_project()?;
        // Without a repository, paths are relative to the configuration.
        let prefix = SourceTree::work_tree()
            .map_or_else(|_| RepositoryPrefix::new(""), |tree| tree.prefix());
        console.status("Saved plan; the live state may have changed since.");
        let diagnostics = PackDiagnostics::default();
        let written = WrittenPlan {
            plans: Some((&plan, &plan)),
            human: &human,
            diagnostics,
            prefix: &prefix,
        };
        write_plan(&self.output, &[], written, console)?;
        Ok(Exit::Done)
    }

    fn show_run(&self, console: Console) -> CommandResult {
        if self.output.has_files() {
            return Err(CommandError::error(
                "--output writes plans only; use `polwarden runs RUN --audit-record FILE` for a run",
            ));
        }
        let json = match self.output.format() {
            OutputFormat::Human => false,
            OutputFormat::Json => true,
            _ => {
                return Err(CommandError::error(
                    "unsupported format for a run: expected human or json",
                ));
            }
        };
        directory::enter_project()?;
        runs::show(self.what.as_str(), json, console)
    }
}

/// Whether an argument names a run: everything else is a plan.
fn is_run(what: &Utf8Path) -> bool {
    what == "last" || what.extension() == Some("jsonl") || what.as_str().parse::<RunId>().is_ok()
}

/// The plan, with its digest, for `apply --expect-plan`.
fn human(plan: &Plan, layout: Layout) -> String {
    let digest = plan.digest.as_ref();
    let digest = digest.map(|digest| format!("Digest: {digest}\n"));
    render::plan::human(plan, None, layout) + &digest.unwrap_or_default()
}
