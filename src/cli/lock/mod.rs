//! `polwarden lock`: what the things are that names and tags stand for.

mod rewrite;

use anyhow::Context as _;
use camino::Utf8Path;
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::exit::Exit;
use super::planning;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, WorkingDirectory, Workspace, is_error, unique};
use crate::render::text::neutral;
use crate::service::chainloop::check::InputsSchemas;
use crate::service::chainloop::lock::{PinMode, Pins};
use crate::service::registry;
use manifest::config::Target;
use manifest::lock::{LOCK_FILE, LockFile, TargetLock};
use model::chainloop::DesiredDocument;
use model::diag::{Code, Diagnostic};
use rewrite::ReferenceRewrite;

/// Write down what the sources of policy packs are, so that a changed source under an old tag is noticed; and which
/// versions the policies of Chainloop have that manifests refer to, for which their server is asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden lock
  polwarden lock --check
  polwarden lock --update      for versions that were never published, and to move pins to the latest version
  polwarden lock --rewrite     write name@sha256:… wherever a manifest refers to a policy of Chainloop")]
pub(super) struct LockArgs {
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
    /// Write nothing; fail if the file is not what would be written, and with 8 if a pinned version vanished or is
    /// behind the latest one.
    #[arg(long, conflicts_with_all = ["update", "rewrite"])]
    check: bool,
    /// Lock anew what is locked as something else, move pins to the latest version, and forget packs, pins and targets
    /// that no manifest declares any more.
    #[arg(long)]
    update: bool,
    /// Write the version behind each reference to a policy of Chainloop into the manifests. Comments and all else stay.
    #[arg(long)]
    rewrite: bool,
}

/// The checked documents of a target.
type TargetDocuments<'a> = (&'a Target, Vec<DesiredDocument>);

impl LockArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no configuration, a server cannot be read, or a file cannot be read or written.
    pub(super) fn run(self, console: Console) -> CommandResult {
        self.directory.enter()?;
        let workspace = Workspace::open(&self.selection, &RevisionArgs::default())?;
        let mut lock = workspace.lock().clone();
        let mut told = Vec::new();
        let documents = self.offline(&workspace, &mut lock, &mut told, console)?;
        let pins = self.pins(&documents, &mut lock, console)?;
        let wrong = arguments(&workspace, &documents, &pins);
        if wrong.iter().any(is_error) {
            workspace.report(wrong, console)?;
        }
        told.extend(pins.told.iter().cloned());
        let mut rewrite = ReferenceRewrite::default();
        if self.rewrite {
            for (target, documents) in &documents {
                rewrite.take(&workspace, target, documents, &pins, &mut lock)?;
            }
        }
        if self.update {
            let declared = workspace
                .config()
                .0
                .targets
                .iter()
                .map(|target| target.name.as_str());
            let declared: Vec<&str> = declared.collect();
            lock.targets
                .retain(|name, _| declared.contains(&name.as_str()));
        }
        lock.targets.retain(|name, entry| {
            *entry != TargetLock::default()
                || !workspace
                    .targets()
                    .iter()
                    .any(|target| target.name == *name)
        });
        for line in rewrite.write(&workspace)? {
            console.status(&neutral(&line));
        }
        let exit = self.finish(&lock, &told, console)?;
        Ok(verdict(exit, &pins, console))
    }

    /// What needs no server: locks packs, and checks documents.
    ///
    /// # Errors
    /// A manifest is invalid, which is shown.
    fn offline<'w>(
        &self,
        workspace: &'w Workspace,
        lock: &mut LockFile,
        told: &mut Vec<String>,
        console: Console,
    ) -> CommandResult<Vec<TargetDocuments<'w>>> {
        let mut findings = Vec::new();
        let mut documents = Vec::new();
        for target in targets_of(workspace, registry::locks_packs) {
            // A tag that means something else now is what this command is for.
            let lock_of_target = if self.update {
                LockFile::default()
            } else {
                workspace.lock().clone()
            };
            let checked = workspace.check_packs(target, &lock_of_target);
            findings.extend(
                checked
                    .diagnostics
                    .into_iter()
                    .filter(|finding| finding.code != Code::PackUnlocked),
            );
            crate::service::pulumi::lock::lock_packs(
                target,
                &checked.packs,
                self.update,
                lock,
                told,
            );
        }
        for target in targets_of(workspace, registry::pins_references) {
            // Kinds of other services are told there.
            findings.extend(workspace.check_packs(target, workspace.lock()).diagnostics);
            let checked = workspace.check_documents(target, &InputsSchemas::new());
            findings.extend(
                checked
                    .diagnostics
                    .into_iter()
                    .filter(|finding| finding.code != Code::LocalReference),
            );
            documents.push((target, checked.documents));
        }
        workspace.report(unique(findings), console)?;
        Ok(documents)
    }

    /// Asks the servers of Chainloop, if there is anything to ask for.
    fn pins(
        &self,
        documents: &[TargetDocuments<'_>],
        lock: &mut LockFile,
        console: Console,
    ) -> anyhow::Result<Pins> {
        let mut pins = Pins::default();
        let aim = PinMode {
            update: self.update,
            rewrite: self.rewrite,
        };
        for (target, documents) in documents {
            pins.forget(target, documents, lock, aim);
        }
        let asked: Vec<&TargetDocuments<'_>> = documents
            .iter()
            .filter(|(_, documents)| {
                !crate::service::chainloop::references::all(documents).is_empty()
            })
            .collect();
        if asked.is_empty() {
            return Ok(pins);
        }
        super::runtime()?.block_on(async {
            let targets: Vec<&Target> = asked.iter().map(|(target, _)| *target).collect();
            let session = Session::open(&self.connect, &targets, console).await?;
            let mut outcome = Ok(());
            for (target, documents) in asked {
                let connections = session.connections();
                let taken =
                    registry::pin(connections, target, documents, &mut pins, lock, aim).await;
                outcome = outcome.and(taken.with_context(|| planning::label(target)));
            }
            session.close().await;
            outcome.map(|()| pins)
        })
    }

    fn finish(&self, lock: &LockFile, told: &[String], console: Console) -> CommandResult {
        let path = Utf8Path::new(LOCK_FILE);
        let text = lock.text().context("the lock cannot be written as YAML")?;
        let found = std::fs::read_to_string(path).unwrap_or_default();
        // Nothing to lock, and nothing there: no file is wanted.
        if found == text || (found.is_empty() && *lock == LockFile::default()) {
            console.status("The lock is up to date.");
            return Ok(Exit::Done);
        }
        if self.check {
            for line in told {
                console.warn(&format!("not {}", neutral(line)));
            }
            if told.is_empty() {
                console.warn(&format!(
                    "{LOCK_FILE} is not written as `polwarden lock` writes it"
                ));
            }
            console.warn("Run `polwarden lock` and commit the file.");
            return Ok(Exit::Error);
        }
        // Reading it as a link to nothing finds no lock; to write it would make a file wherever the link leads.
        if path.is_symlink() && !path.exists() {
            return Err(CommandError::error(format!(
                "`{path}` is a link to nothing: remove it, and run the command again"
            )));
        }
        std::fs::write(path, text).with_context(|| format!("cannot write `{path}`"))?;
        for line in told {
            console.status(&neutral(line));
        }
        console.status(&format!("wrote {LOCK_FILE}"));
        Ok(Exit::Done)
    }
}

/// The chosen targets of which something is locked.
fn targets_of(workspace: &Workspace, is_locked: fn(&Target) -> bool) -> Vec<&Target> {
    workspace
        .targets()
        .into_iter()
        .filter(|target| is_locked(target))
        .collect()
}

/// What the server says to be wrong with arguments.
fn arguments(
    workspace: &Workspace,
    documents: &[TargetDocuments<'_>],
    pins: &Pins,
) -> Vec<Diagnostic> {
    let told = documents
        .iter()
        .filter_map(|(target, _)| Some((target, pins.schemas.get(&target.name)?)));
    unique(
        told.flat_map(|(target, schemas)| workspace.check_documents(target, schemas).diagnostics)
            .collect(),
    )
}

/// What the pins come to: something that drifted weighs more than what could not be written down.
fn verdict(exit: Exit, pins: &Pins, console: Console) -> Exit {
    for line in &pins.notes {
        console.warn(&format!("Note: {}", neutral(line)));
    }
    for line in pins.unpinned.iter().chain(&pins.drifted) {
        console.warn(&neutral(line));
    }
    if !pins.drifted.is_empty() {
        console.warn("Run `polwarden lock --update` to move pins, with `--rewrite` those that manifests name.");
        return Exit::Drift;
    }
    if pins.unpinned.is_empty() {
        exit
    } else {
        Exit::Error
    }
}
