//! `polwarden list`: the live policies of all targets.

use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::CommandResult;
use super::exit::Exit;
use super::format::DataFormat;
use super::planning;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, WorkingDirectory, Workspace};
use crate::plan::SourceRef;
use crate::render::listing;
use crate::service::diagnostics::is_error;
use crate::service::listing::ListRequest;
use crate::service::registry;
use anyhow::Context as _;

/// List the live policies and where they are declared.
///
/// Shows managed and unmanaged policies of each target. Nothing is written to the server.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden list
  polwarden list --target production
  polwarden list -o json")]
pub(super) struct ListArgs {
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    format: DataFormat,
}

impl ListArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The configuration or the live state of a target cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        self.directory.enter()?;
        let workspace = Workspace::open(&self.selection, &RevisionArgs::default())?;
        let targets = workspace.targets();
        let session = Session::open(&self.connect, &targets, console).await?;
        let begin = session.begin_reading();
        let listing = ListRequest {
            locate: &|place| SourceRef::locate(workspace.sources(), place),
            manifests_are_valid: !workspace.findings().iter().any(is_error),
            begin: &begin,
        };
        let mut listed = Vec::new();
        for target in &targets {
            let documents = workspace.documents(target);
            let objects = registry::list(session.connections(), target, &documents, listing).await;
            match objects.with_context(|| planning::label(target)) {
                Ok(objects) => listed.push(objects),
                Err(error) => {
                    session.close().await;
                    return Err(error.into());
                }
            }
        }
        session.close().await;
        if self.format.is_json() {
            console.print(&listing::json(listed)?)?;
        } else {
            for target in &listed {
                console.print(&listing::human(target, console.painter()))?;
            }
        }
        Ok(Exit::Done)
    }
}
