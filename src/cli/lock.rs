//! `polwarden lock`: what the things are that names and tags stand for.

use std::path::Path;

use anyhow::Context as _;
use camino::Utf8Path;
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::exit::Exit;
use super::fmt::replace;
use super::planning;
use super::reporter::unique;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, WorkingDirectory, Workspace};
use crate::render::text::{count_of, neutral};
use crate::service::diagnostics::is_error;
use crate::service::registry::{
    self, PinMode, PinnedTarget, Pins, ReferenceRewrite, RewrittenFile,
};
use git::{Source as _, WorkTree};
use manifest::config::Target;
use manifest::lock::{LOCK_FILE, LockFile, MAX_BYTES, TargetLock};

/// Record the sources of packs and the versions of references.
///
/// Writes a digest of the source of each policy pack version, which detects a changed source under an old tag. For
/// Chainloop, asks the server for the versions of the policies that manifests refer to, and records them.
#[derive(Debug, Args)]
#[command(after_long_help = registry::LOCK_EXAMPLES)]
pub(super) struct LockArgs {
    /// Fail if the lock file is stale; write nothing.
    ///
    /// Exits with 8 if a pinned version was deleted or is older than the latest version.
    #[arg(long, conflicts_with_all = ["update", "rewrite"])]
    check: bool,
    /// Update changed entries and remove unused ones.
    ///
    /// Moves pins to the latest version and removes packs, pins and targets that no manifest declares.
    #[arg(long)]
    update: bool,
    /// Record the policies of each pack with their levels and schemas.
    ///
    /// They are read from `polwarden-metadata.json`, which the build of the pack writes into its source. `validate`
    /// compares the manifests with them.
    #[arg(long)]
    from_pack: bool,
    /// Write the pinned versions into the manifests (Chainloop).
    ///
    /// Comments and everything else stay the same.
    #[arg(long)]
    rewrite: bool,
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    connect: Connect,
}

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
        let wrong = unique(pins.check_arguments(workspace.manifests(), &documents));
        if wrong.iter().any(is_error) {
            workspace.report(wrong, console)?;
        }
        told.extend(pins.told.iter().cloned());
        let mut rewrite = ReferenceRewrite::default();
        if self.rewrite {
            for pinned in &documents {
                rewrite
                    .take(workspace.sources(), pinned, &pins, &mut lock)
                    .map_err(CommandError::error)?;
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
        let rewritten = rewrite.files(workspace.sources());
        for line in write_files(rewritten.map_err(CommandError::error)?)? {
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
    ) -> CommandResult<Vec<PinnedTarget<'w>>> {
        let mut findings = Vec::new();
        let mut documents = Vec::new();
        let manifests = workspace.manifests();
        for target in targets_of(workspace, registry::locks_packs) {
            let mode = registry::PackLockMode {
                update: self.update,
                from_pack: self.from_pack,
            };
            let wrong = registry::lock_packs(manifests, target, mode, lock, told);
            findings.extend(wrong);
        }
        for target in targets_of(workspace, registry::pins_references) {
            let (pinned, wrong) = registry::check_pinned(manifests, target);
            findings.extend(wrong);
            documents.push(pinned);
        }
        workspace.report(unique(findings), console)?;
        Ok(documents)
    }

    /// Asks the servers for the versions behind references, if there are any.
    fn pins(
        &self,
        documents: &[PinnedTarget<'_>],
        lock: &mut LockFile,
        console: Console,
    ) -> anyhow::Result<Pins> {
        let mut pins = Pins::default();
        let aim = PinMode {
            update: self.update,
            rewrite: self.rewrite,
        };
        for pinned in documents {
            pins.forget(pinned, lock, aim);
        }
        let asked: Vec<&PinnedTarget<'_>> = documents
            .iter()
            .filter(|pinned| pinned.has_references())
            .collect();
        if asked.is_empty() {
            return Ok(pins);
        }
        super::runtime()?.block_on(async {
            let targets: Vec<&Target> = asked.iter().map(|pinned| pinned.target).collect();
            let session = Session::open(&self.connect, &targets, console).await?;
            let mut outcome = Ok(());
            for pinned in asked {
                let connections = session.connections();
                let taken = registry::pin(connections, pinned, &mut pins, lock, aim).await;
                outcome = outcome.and(taken.with_context(|| planning::label(pinned.target)));
            }
            session.close().await;
            outcome.map(|()| pins)
        })
    }

    fn finish(&self, lock: &LockFile, told: &[String], console: Console) -> CommandResult {
        let path = Utf8Path::new(LOCK_FILE);
        let text = lock.text().context("the lock cannot be written as YAML")?;
        // As git stores it: a checkout may have converted its line endings.
        let tree = WorkTree::open(Path::new("."))?;
        let found = tree.read(path, MAX_BYTES).unwrap_or_default();
        // Nothing to lock, and nothing there: no file is wanted.
        if *found == *text || (found.is_empty() && *lock == LockFile::default()) {
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

/// Writes the files with rewritten references. Answers one line for each of them.
///
/// # Errors
/// A file has changed meanwhile or cannot be written; those before it are.
fn write_files(files: Vec<RewrittenFile>) -> anyhow::Result<Vec<String>> {
    let tree = WorkTree::open(Path::new("."))?;
    let mut told = Vec::new();
    for file in files {
        let RewrittenFile {
            name,
            before,
            after,
            references: count,
        } = file;
        replace(&tree, name.as_str().into(), &before, &after)
            .with_context(|| format!("cannot write `{name}`"))?;
        told.push(format!(
            "updated {} in {name}",
            count_of(count, "reference")
        ));
    }
    Ok(told)
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
