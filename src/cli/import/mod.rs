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
use super::exit::Exit;
use super::workspace::{Selection, WorkingDirectory, Workspace};
use crate::manifest::config::{Provider, Target};
use crate::model::docker::{LivePolicy, LiveState};
use crate::render::manifest::{self, Imported};
use crate::render::text::neutral;

/// Write manifests for live policies, packs and groups that no manifest declares, one file each; or, with --only, some policies as
/// they are live, into the manifests that declare them. Chainloop has no list of its policies: there, --only names them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden import
  polwarden import --provider pulumi
  polwarden import --only 'AI services'        takes over what `drift` shows
  polwarden import --provider chainloop --only sbom-licenses
  polwarden import --target production --out policies/imported")]
pub(super) struct Import {
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    connect: Connect,
    /// Only the targets of this service: docker, pulumi or chainloop.
    #[arg(long, value_name = "SERVICE", value_parser = service)]
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

fn service(text: &str) -> Result<Provider, String> {
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
struct File {
    path: Utf8PathBuf,
    /// What it declares: a policy, a pack or a group.
    kind: &'static str,
    policy: String,
    imported: Imported,
}

impl Import {
    /// Runs the command.
    ///
    /// # Errors
    /// The live state cannot be read, or a file cannot be written.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> anyhow::Result<Exit> {
        self.directory.enter()?;
        let workspace = match Workspace::open_for_import(&self.selection, console)? {
            Ok(workspace) => workspace,
            Err(exit) => return Ok(exit),
        };
        let mut targets = workspace.targets();
        targets.retain(|target| {
            self.provider
                .is_none_or(|provider| target.provider() == provider)
        });
        if let Some(provider) = self.provider.filter(|_| targets.is_empty()) {
            bail!(
                "{} has no target of the provider {}",
                crate::manifest::config::FILE_NAME,
                provider.as_str()
            );
        }
        if !self.only.is_empty() {
            return self.import_named(&workspace, &targets, console).await;
        }
        if self.out.is_some() && targets.len() > 1 {
            bail!("--out holds the policies of one target; choose it with --target");
        }
        let session = Session::open(&self.connect, &targets, console).await?;
        let mut exit = Exit::Done;
        for target in &targets {
            let imported = self
                .import_target(&workspace, target, &session, console)
                .await;
            let imported = imported.with_context(|| format!("target `{}`", target.name));
            let ended = imported.unwrap_or_else(|error| {
                // The failure of one target does not keep the others from being imported.
                console.warn(&super::render_error(&error, console));
                Exit::Error
            });
            if ended != Exit::Done {
                exit = ended;
            }
        }
        session.close().await;
        Ok(exit)
    }

    /// Takes over what `--only` names.
    async fn import_named(
        &self,
        workspace: &Workspace,
        targets: &[&Target],
        console: Console,
    ) -> anyhow::Result<Exit> {
        let can = |target: &&&Target| target.provider() != Provider::Pulumi;
        let targets: Vec<&Target> = targets.iter().filter(can).copied().collect();
        if targets.is_empty() {
            bail!(
                "--only takes over policies of Docker and documents of Chainloop. `polwarden drift` shows how packs and groups \
                 differ: bring their manifests to that by hand"
            );
        }
        let documents = targets
            .iter()
            .filter(|target| target.provider() == Provider::Chainloop)
            .count();
        if documents != 0 && documents != targets.len() {
            bail!(
                "--only names what is at one kind of service; choose it with --provider or --target"
            );
        }
        let session = Session::open(&self.connect, &targets, console).await?;
        let ended = if documents == 0 {
            adopt::Adoption {
                import: self,
                console,
            }
            .adopt(workspace, &targets, &session)
            .await
        } else {
            documents::Documents {
                import: self,
                console,
            }
            .run(workspace, &targets, &session)
            .await
        };
        session.close().await;
        ended
    }

    async fn import_target(
        &self,
        workspace: &Workspace,
        target: &Target,
        session: &Session,
        console: Console,
    ) -> anyhow::Result<Exit> {
        match target.provider() {
            Provider::Docker => {}
            Provider::Pulumi => {
                return self.import_packs(workspace, target, session, console).await;
            }
            Provider::Chainloop => {
                console.warn(&format!(
                    "{}: nothing was imported: Chainloop has no list of policies; name them: polwarden import --provider chainloop --only NAME",
                    neutral(&target.name)
                ));
                // Among other targets it is no failure.
                return Ok(if self.provider.is_some() {
                    Exit::Error
                } else {
                    Exit::Done
                });
            }
        }
        let live = session.docker_live(target).await?;
        self.import(workspace, target, &live, console)
    }

    fn import(
        &self,
        workspace: &Workspace,
        target: &Target,
        live: &LiveState,
        console: Console,
    ) -> anyhow::Result<Exit> {
        let declared = workspace.declared(target);
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
        files: &[File],
        known: usize,
        refused: &[(String, String)],
        console: Console,
    ) -> anyhow::Result<Exit> {
        let folder = self.folder(target);
        for (what, why) in refused {
            console.warn(&format!(
                "not imported: {}: {}",
                neutral(what),
                neutral(why)
            ));
        }
        let in_the_way: Vec<_> = files.iter().filter(|file| file.path.exists()).collect();
        if !self.force && !in_the_way.is_empty() {
            for file in in_the_way {
                console.warn(&format!("`{}` exists", neutral(file.path.as_str())));
            }
            console.warn("Nothing was written. Move these files away, choose another folder with --out, or add --force to overwrite them.");
            return Ok(Exit::Error);
        }
        if !files.is_empty() {
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create `{folder}`"))?;
        }
        for File {
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
        Ok(Exit::Done)
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
) -> (Vec<File>, Vec<(String, String)>) {
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
                files.push(File {
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
