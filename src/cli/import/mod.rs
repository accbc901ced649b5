//! `polwarden import`: manifests for live policies.

mod adopt;
mod documents;
mod packs;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::planning;
use super::tree::{PendingEdits, RevisionArgs};
use super::workspace::{OpenWorkspaceError, Project, TargetSelection, WorkingDirectory, Workspace};
use crate::render::plan::target_heading;
use crate::render::text::neutral;
use crate::service::docker::import as manifest;
use crate::service::imported::ImportedManifest;
use ::manifest::config::{Provider, Target};
use model::docker::{DockerLiveState, LivePolicy};

/// Write manifests for live policies, packs and groups that no manifest declares, one file each; or, with --only, some policies as
/// they are live, into the manifests that declare them. Chainloop has no list of its policies: there, --only names them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden import
  polwarden import --provider pulumi
  polwarden import --only 'AI services'        takes over what `drift` shows
  polwarden import --provider chainloop --only sbom-licenses
  polwarden import --target production --out policies/imported")]
pub(super) struct ImportArgs {
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
    /// Only the targets of this service: docker, pulumi or chainloop.
    #[arg(long, value_name = "SERVICE", value_parser = parse_provider)]
    provider: Option<Provider>,
    /// Only the live policy of this name, declared or not; may be given more than once. Where a manifest declares it,
    /// that is brought to what is live: unchanged rules, comments and the other documents of the file stay as they are.
    /// At Chainloop, policies and groups of this name, byte for byte.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    only: Vec<String>,
    /// The folder to write to; without it, the first folder of the target's `paths`.
    #[arg(long, value_name = "DIR")]
    out: Option<Utf8PathBuf>,
    /// Overwrite files that are in the way.
    #[arg(long)]
    force: bool,
}

fn parse_provider(text: &str) -> Result<Provider, String> {
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

/// A file that is about to be written.
struct ImportFile {
    path: Utf8PathBuf,
    /// What it declares: a policy, a pack or a group.
    kind: &'static str,
    policy: String,
    imported: ImportedManifest,
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
                ::manifest::config::FILE_NAME,
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
                error.context(planning::of(target)).print(console);
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
        let can = |target: &&&Target| target.provider() != Provider::Pulumi;
        let targets: Vec<&Target> = targets.iter().filter(can).copied().collect();
        if targets.is_empty() {
            return Err(CommandError::error(
                "--only takes over policies of Docker and documents of Chainloop. `polwarden drift` shows how packs and groups \
                 differ: bring their manifests to that by hand",
            ));
        }
        let documents = targets
            .iter()
            .filter(|target| target.provider() == Provider::Chainloop)
            .count();
        if documents != 0 && documents != targets.len() {
            return Err(CommandError::error(
                "--only names what is at one kind of service; choose it with --provider or --target",
            ));
        }
        let session = Session::open(&self.connect, &targets, console).await?;
        let ended = if documents == 0 {
            let adoption = adopt::Adoption {
                import: self,
                console,
            };
            adoption.adopt(workspace, &targets, &session).await
        } else {
            let documents = documents::DocumentImport {
                import: self,
                console,
            };
            let ended = documents.run(workspace, &targets, &session).await;
            ended.map_err(CommandError::from)
        };
        session.close().await;
        ended.map(|()| Exit::Done)
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
        match target.provider() {
            Provider::Docker => {}
            Provider::Pulumi => {
                return self.import_packs(workspace, target, session, console).await;
            }
            Provider::Chainloop => {
                let unnamed = format!(
                    "{}: nothing was imported: Chainloop has no list of policies; name them: polwarden import --provider chainloop --only NAME",
                    neutral(&target.name)
                );
                if self.provider.is_some() {
                    return Err(CommandError::plain(FailureKind::Error, unnamed));
                }
                // Among other targets it is no failure.
                console.warn(&unnamed);
                return Ok(());
            }
        }
        let live = session.policies(target).await?;
        print_heading(target, session, console)?;
        self.import(workspace, target, &live, console)
    }

    fn import(
        &self,
        workspace: &Workspace,
        target: &Target,
        live: &DockerLiveState,
        console: Console,
    ) -> CommandResult<()> {
        let declared = manifest::declared_policies(&workspace.documents(target));
        let (known, new): (Vec<_>, Vec<_>) = live
            .policies
            .iter()
            .partition(|policy| declared.contains(policy.name.as_str()));
        let folder = self.folder(target);
        let (files, refused) = files(&new, target, &folder);
        let refused: Vec<_> = refused
            .into_iter()
            .map(|(policy, why)| (format!("policy \"{policy}\""), why))
            .collect();
        self.write(target, &files, known.len(), &refused, console)
    }

    /// Writes files that are in nobody's way, and tells of all that is.
    fn write(
        &self,
        target: &Target,
        files: &[ImportFile],
        known: usize,
        refused: &[(String, String)],
        console: Console,
    ) -> CommandResult<()> {
        let folder = self.folder(target);
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
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create `{folder}`"))?;
        }
        for ImportFile {
            path,
            kind,
            policy,
            imported,
        } in files
        {
            std::fs::write(path, &imported.text)
                .with_context(|| format!("cannot write `{path}`"))?;
            console.print(&format!(
                "wrote {} ({kind} \"{}\")\n",
                neutral(path.as_str()),
                neutral(policy)
            ))?;
            for line in &imported.left_out {
                console.print(&format!(
                    "  left at the server as it is: {}\n",
                    neutral(line)
                ))?;
            }
        }
        console.print(&format!(
            "{}: {} imported, {} already declared, {} not imported.\n",
            neutral(&target.name),
            files.len(),
            known,
            refused.len()
        ))?;
        Ok(())
    }

    fn folder(&self, target: &Target) -> Utf8PathBuf {
        let is_file = |path: &&String| {
            let extension = Utf8Path::new(path).extension();
            matches!(extension, Some("yaml" | "yml" | "json"))
        };
        let configured = target.paths.iter().find(|path| !is_file(path));
        self.out
            .clone()
            .unwrap_or_else(|| configured.map_or_else(|| "policies".into(), Utf8PathBuf::from))
    }
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

/// The short names of a target's teams, by uuid.
fn aliases(target: &Target) -> BTreeMap<&str, &str> {
    target
        .teams()
        .iter()
        .map(|(alias, uuid)| (uuid.as_str(), alias.as_str()))
        .collect()
}

/// The files for some policies, with names that do not depend on the order in which the server lists them, and the
/// policies that no manifest can express.
fn files(
    policies: &[&LivePolicy],
    target: &Target,
    folder: &Utf8Path,
) -> (Vec<ImportFile>, Vec<(String, String)>) {
    let teams = aliases(target);
    let mut policies = policies.to_vec();
    policies.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let mut files = Vec::new();
    let mut refused = Vec::new();
    let mut taken = BTreeSet::new();
    for policy in policies {
        match manifest::policy(policy, &teams) {
            Err(error) => refused.push((policy.name.clone(), error.to_string())),
            Ok(imported) => {
                let stem = manifest::file_stem(&policy.name);
                let numbered = (2..).map(|number| format!("{stem}-{number}"));
                let free = std::iter::once(stem.clone())
                    .chain(numbered)
                    .find(|name| taken.insert(name.clone()));
                let path = folder.join(format!("{}.yaml", free.unwrap_or(stem)));
                files.push(ImportFile {
                    path,
                    kind: "policy",
                    policy: policy.name.clone(),
                    imported,
                });
            }
        }
    }
    (files, refused)
}
