//! `polwarden export`: the manifest of one live policy.

use anyhow::Context as _;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::planning;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection};
use crate::render::text::neutral;
use crate::service::listing::ExportedObject;
use crate::service::registry;

/// Print the manifest of a live policy.
///
/// `import --only NAME` writes the same manifest to a file.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden export 'AI services'
  polwarden export 'AI services' --target production > policies/ai-services.yaml")]
pub(super) struct ExportArgs {
    /// Name of the policy, pack or group, as `polwarden list` shows it.
    #[arg(value_name = "NAME", allow_hyphen_values = true, add = ArgValueCandidates::new(complete::policies))]
    name: String,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
}

impl ExportArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The policy is unknown, several targets have one, or it cannot be written as a manifest.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        directory::enter_project()?;
        let project = Project::open(&self.selection, &RevisionArgs::default())?;
        let targets = project.targets();
        let session = Session::open(&self.connect, &targets, console).await?;
        let begin = session.begin_reading();
        let mut found = Vec::new();
        let mut failure = None;
        for target in &targets {
            let read = registry::export(session.connections(), target, &self.name, &begin).await;
            match read.with_context(|| planning::label(target)) {
                Ok(objects) if objects.is_empty() => {}
                Ok(objects) => found.push((target.name.as_str(), objects)),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        session.close().await;
        if let Some(error) = failure {
            return Err(error.into());
        }
        let name = neutral(&self.name);
        let objects = match found.as_slice() {
            [] => {
                return Err(CommandError::error(format!("unknown live policy `{name}`"))
                    .hint("help: `polwarden list` shows the names of all live policies"));
            }
            [(_, objects)] => objects,
            several => {
                let names: Vec<&str> = several.iter().map(|(target, _)| *target).collect();
                return Err(CommandError::error(format!(
                    "several targets have a live policy `{name}`; choose one with --target: {}",
                    names.join(", ")
                )));
            }
        };
        print(objects, console)
    }
}

/// Prints all manifests, or nothing if one of them cannot be written.
fn print(objects: &[ExportedObject], console: Console) -> CommandResult {
    let mut texts = Vec::new();
    for ExportedObject { kind, manifest } in objects {
        match manifest {
            Ok(manifest) => texts.push(manifest.text.as_str()),
            Err(error) => {
                let text = format!("the {kind} cannot be written as a manifest: {error}");
                return Err(CommandError::plain(
                    FailureKind::Error,
                    neutral(&text).into_owned(),
                ));
            }
        }
    }
    console.print(&texts.join("---\n"))?;
    for manifest in objects.iter().flat_map(|object| &object.manifest) {
        for line in &manifest.left_out {
            console.status(&format!("Not in the manifest: {}", neutral(line)));
        }
    }
    Ok(Exit::Done)
}
