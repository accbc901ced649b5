//! `polwarden import`: manifests for live policies.

use std::path::Path;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind, OpenWorkspaceError};
use super::exit::Exit;
use super::fmt::replace;
use super::planning;
use super::reporter::DiagnosticReporter;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection, WorkingDirectory, Workspace};
use crate::render::plan::target_heading;
use crate::render::text::{neutral, plural};
use crate::service::import::{
    ImportFile, ImportFiles, NamedImport, NamedImportError, PendingImport, TargetImport,
};
use crate::service::registry;
use crate::workspace::PendingEdits;
use git::{Source as _, WorkTree};
use manifest::config::{Provider, Target};

/// Write manifests for live policies, packs and groups.
///
/// Writes one file for each live policy, pack and group that no manifest declares. With --only, updates the manifests that
/// declare these policies from the server. Chainloop cannot list its policies; name them with --only.
#[derive(Debug, Args)]
#[command(after_long_help = registry::IMPORT_EXAMPLES)]
pub(super) struct ImportArgs {
    /// Directory to write to (default: first entry of the target's `paths`).
    #[arg(long, value_name = "DIR")]
    out: Option<Utf8PathBuf>,
    /// Overwrite existing files.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
    /// Select the targets of a service: docker, pulumi or chainloop.
    #[arg(help_heading = "Input", long, value_name = "SERVICE", value_parser = parse_provider)]
    provider: Option<Provider>,
    /// Import this live policy, declared or not (repeatable).
    ///
    /// If a manifest declares it, the manifest is updated from the server: unchanged rules, comments and other documents
    /// of the file stay the same. For Chainloop, imports the policies and groups with this name, byte for byte.
    #[arg(help_heading = "Input", long, value_name = "NAME", allow_hyphen_values = true, add = ArgValueCandidates::new(complete::policies))]
    only: Vec<String>,
}

pub(super) fn parse_provider(text: &str) -> Result<Provider, String> {
    let known = Provider::ALL
        .iter()
        .copied()
        .find(|provider| provider.as_str() == text);
    known.ok_or_else(|| {
        format!(
            "this version knows {}",
            Provider::ALL
                .iter()
                .map(|provider| provider.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )
    })
}

impl ImportArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The live state cannot be read, or a file cannot be written.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        self.directory.enter()?;
        let workspace = Workspace::open_for_import(&self.selection, console)?;
        let mut targets = workspace.targets();
        targets.retain(|target| {
            self.provider
                .is_none_or(|provider| target.provider() == provider)
        });
        if let Some(provider) = self.provider.filter(|_| targets.is_empty()) {
            return Err(CommandError::error(format!(
                "{} has no target of the provider {}",
                manifest::config::FILE_NAME,
                provider.as_str()
            )));
        }
        if !self.only.is_empty() {
            return self.import_named(&workspace, &targets, console).await;
        }
        if self.out.is_some() && targets.len() > 1 {
            return Err(CommandError::error(
                "--out holds the policies of one target; choose it with --target",
            ));
        }
        let session = Session::open(&self.connect, &targets, console).await?;
        let mut failed = Vec::new();
        for target in &targets {
            let imported = self
                .import_target(&workspace, target, &session, console)
                .await;
            // The failure of one target does not keep the others from being imported.
            if let Err(error) = imported {
                failed.push(CommandError::reported(error.kind()));
                error.context(planning::label(target)).print(console);
            }
        }
        session.close().await;
        CommandError::join(failed)?;
        Ok(Exit::Done)
    }

    /// Takes over what `--only` names.
    async fn import_named(
        &self,
        workspace: &Workspace,
        targets: &[&Target],
        console: Console,
    ) -> CommandResult {
        let targets = registry::named_import_targets(targets).map_err(CommandError::error)?;
        let session = Session::open(&self.connect, &targets, console).await?;
        let import = NamedImport {
            names: &self.only,
            folder: &|target| self.folder(target),
            force: self.force,
            manifests: workspace.manifests(),
            reread: &|edits| Ok(self.read_edited(edits)?.into_manifests()),
        };
        let begin = session.begin_reading();
        let imported =
            registry::import_named(session.connections(), &targets, import, &begin).await;
        let written = match imported {
            Ok(pending) => write_pending(pending, console),
            Err(NamedImportError::Invalid {
                sources,
                diagnostics,
            }) => {
                DiagnosticReporter::for_diagnostics(console).report(&sources, diagnostics);
                Err(CommandError::reported(FailureKind::Invalid))
            }
            Err(error) => Err(CommandError::of_kind(FailureKind::Error, error)),
        };
        session.close().await;
        written.map(|()| Exit::Done)
    }

    /// The manifests as they would be with some files written.
    fn read_edited(&self, edits: &PendingEdits) -> anyhow::Result<Workspace> {
        match Project::open(&self.selection, &RevisionArgs::default()) {
            Ok(project) => Ok(project.load_edited(edits)),
            Err(OpenWorkspaceError::Invalid(_)) => {
                bail!("the configuration has changed since it was read; run the command again")
            }
            Err(OpenWorkspaceError::Unreadable(error)) => Err(error),
        }
    }

    async fn import_target(
        &self,
        workspace: &Workspace,
        target: &Target,
        session: &Session,
        console: Console,
    ) -> CommandResult<()> {
        let folder = self.folder(target);
        let documents = workspace.documents(target);
        let begin = session.begin_reading();
        let connections = session.connections();
        let imported =
            registry::import_undeclared(connections, target, &documents, &folder, &begin).await?;
        match imported {
            TargetImport::Listed(files) => {
                print_heading(target, session, console)?;
                self.write(target, &files, &folder, console)
            }
            TargetImport::NotListed(why) => {
                let unnamed = format!("{}: {why}", neutral(&target.name));
                if self.provider.is_some() {
                    return Err(CommandError::plain(FailureKind::Error, unnamed));
                }
                // Among other targets it is no failure.
                console.warn(&unnamed);
                Ok(())
            }
        }
    }

    /// Writes files that are in nobody's way, and tells of all that is.
    fn write(
        &self,
        target: &Target,
        imported: &ImportFiles<'_>,
        folder: &Utf8Path,
        console: Console,
    ) -> CommandResult<()> {
        let ImportFiles {
            files,
            refused,
            already_declared,
            ..
        } = imported;
        for (what, why) in refused {
            console.warn(&format!(
                "not imported: {}: {}",
                neutral(what),
                neutral(why)
            ));
        }
        if !self.force {
            check_free(files)?;
        }
        if !files.is_empty() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{folder}`"))?;
        }
        for ImportFile {
            path,
            kind,
            name,
            imported,
        } in files
        {
            std::fs::write(path, &imported.text)
                .with_context(|| format!("cannot write `{path}`"))?;
            console.print(&format!(
                "wrote {} ({kind} \"{}\")\n",
                neutral(path.as_str()),
                neutral(name)
            ))?;
            for line in &imported.left_out {
                console.print(&format!(
                    "  left at the server as it is: {}\n",
                    neutral(line)
                ))?;
            }
        }
        if !files.is_empty() && !is_read(target, folder) {
            console.warn(&format!(
                "`{}` is not below the `paths` of target `{}`, so these files are not read; add it to `paths`",
                neutral(folder.as_str()),
                neutral(&target.name)
            ));
        }
        console.print(&format!(
            "{}: {} imported, {} already declared, {} not imported.\n",
            neutral(&target.name),
            files.len(),
            already_declared,
            refused.len()
        ))?;
        if refused.is_empty() {
            return Ok(());
        }
        // A repository with a part of the policies must not look complete.
        Err(CommandError::error(format!(
            "{} not imported; see the warnings above",
            plural(refused.len(), "object was", "objects were")
        )))
    }

    fn folder(&self, target: &Target) -> Utf8PathBuf {
        let is_file = |path: &&String| git::is_manifest(Utf8Path::new(path));
        let configured = target.paths.iter().find(|path| !is_file(path));
        self.out
            .as_deref()
            .map(directory::argument)
            .unwrap_or_else(|| configured.map_or_else(|| "policies".into(), Utf8PathBuf::from))
    }
}

/// Whether files in a folder are manifests of a target: it is a part of its paths and not hidden.
fn is_read(target: &Target, folder: &Utf8Path) -> bool {
    let Some(folder) = git::normalize(folder) else {
        return false;
    };
    target.paths.iter().any(|path| {
        let inner = git::normalize(Utf8Path::new(path))
            .and_then(|path| folder.strip_prefix(&path).ok().map(Utf8Path::to_owned));
        inner.is_some_and(|inner| {
            let names = inner.components().map(|name| name.as_str());
            names.into_iter().all(|name| !name.starts_with('.'))
        })
    })
}

/// Names the live state that manifests are written for.
fn print_heading(target: &Target, session: &Session, console: Console) -> anyhow::Result<()> {
    let heading = target_heading(&session.info(target)?);
    Ok(console.print(&format!("{heading}\n"))?)
}

/// Refuses to overwrite files.
fn check_free(files: &[ImportFile]) -> CommandResult<()> {
    let in_the_way = files.iter().filter(|file| file.path.exists()).map(|file| {
        let path = neutral(file.path.as_str());
        CommandError::plain(FailureKind::Error, format!("`{path}` exists"))
    });
    CommandError::join(in_the_way.collect()).map_err(|error| {
        error.hint("Nothing was written. Move these files away, choose another folder with --out, or add --force to overwrite them.")
    })
}

/// Writes all files: those that are there in one step each, unless they changed meanwhile.
fn write_pending(pending: PendingImport, console: Console) -> CommandResult<()> {
    let PendingImport { edits, lines } = pending;
    let tree = WorkTree::open(Path::new("."))?;
    for (path, text) in &edits {
        let written = match tree.read(path, manifest::MAX_BYTES) {
            Ok(before) => replace(&tree, path, &before, text),
            Err(_) => create(path, text),
        };
        written.with_context(|| format!("cannot write `{path}`"))?;
    }
    for line in lines {
        console.print(&format!("{line}\n"))?;
    }
    Ok(())
}

fn create(path: &Utf8Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, text)?)
}
