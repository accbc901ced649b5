//! `polwarden lock`: what the sources of policy packs are, version by version.

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::console::Console;
use super::exit::Exit;
use super::workspace::{Selection, Workspace, unique};
use crate::diag::Code;
use crate::manifest::config::{Provider, Target};
use crate::manifest::lock::{LOCK_FILE, Lock as LockFile, TargetLock, VersionLock};
use crate::model::pulumi::DesiredPack;
use crate::render::text::neutral;

/// Write down what the sources of policy packs are, so that a changed source under an old tag is noticed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden lock
  polwarden lock --check
  polwarden lock --update      for versions that were never published")]
pub(super) struct Lock {
    /// The directory of `polwarden.yaml`; the same as -C DIR.
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Write nothing; fail if the file is not what would be written.
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Lock anew what is locked as something else, and forget packs and targets that no manifest declares any more.
    #[arg(long)]
    update: bool,
}

impl Lock {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no configuration, or the file cannot be read or written.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        if let Some(path) = &self.path {
            super::enter(path)?;
        }
        let workspace = match Workspace::open(&self.selection, console)? {
            Ok(workspace) => workspace,
            Err(exit) => return Ok(exit),
        };
        let targets: Vec<&Target> =
            workspace.targets().into_iter().filter(|target| target.provider() == Provider::Pulumi).collect();
        let (mut lock, mut findings, mut told) = (workspace.lock().clone(), Vec::new(), Vec::new());
        for target in &targets {
            // A tag that means something else now is what this command is for.
            let lock_of_target = if self.update { LockFile::default() } else { workspace.lock().clone() };
            let checked = workspace.check_packs(target, &lock_of_target);
            findings.extend(checked.diagnostics.into_iter().filter(|finding| finding.code != Code::PackUnlocked));
            self.take(target, &checked.packs, &mut lock, &mut told);
        }
        if workspace.report(unique(findings), console) {
            return Ok(Exit::Invalid);
        }
        if self.update {
            let declared = workspace.config().0.targets.iter().map(|target| target.name.as_str());
            let declared: Vec<&str> = declared.collect();
            lock.targets.retain(|name, _| declared.contains(&name.as_str()));
        }
        self.finish(&lock, &told, console)
    }

    /// Locks the packs of one target.
    fn take(&self, target: &Target, packs: &[DesiredPack], lock: &mut LockFile, told: &mut Vec<String>) {
        let entry = lock.targets.entry(target.name.clone()).or_default();
        if self.update {
            let declared = |name: &_| packs.iter().any(|pack| pack.name() == name);
            let gone: Vec<_> = entry.policy_packs.keys().filter(|name| !declared(name)).cloned().collect();
            for name in gone {
                entry.policy_packs.remove(&name);
                told.push(format!("forgot {name} of {}", target.name));
            }
        }
        for pack in packs {
            let wanted = VersionLock { source: pack.source.digest.clone(), files: pack.source.files.clone() };
            let versions = entry.policy_packs.entry(pack.name().clone()).or_default();
            let before = versions.insert(pack.tag().clone(), wanted.clone());
            let what = format!("{} {} of {}, which is {}", pack.name(), pack.tag(), target.name, wanted.source.short());
            match before {
                Some(before) if before == wanted => {}
                Some(_) => told.push(format!("locked anew {what}")),
                None => told.push(format!("locked {what}")),
            }
        }
        if *entry == TargetLock::default() {
            lock.targets.remove(&target.name);
        }
    }

    fn finish(&self, lock: &LockFile, told: &[String], console: Console) -> anyhow::Result<Exit> {
        let path = Utf8Path::new(LOCK_FILE);
        let text = lock.text().context("the lock cannot be written as YAML")?;
        let found = std::fs::read_to_string(path).unwrap_or_default();
        // Nothing to lock, and nothing there: no file is wanted.
        if found == text || (found.is_empty() && *lock == LockFile::default()) {
            console.say("The lock is up to date.");
            return Ok(Exit::Done);
        }
        if self.check {
            for line in told {
                console.warn(&format!("not {}", neutral(line)));
            }
            if told.is_empty() {
                console.warn(&format!("{LOCK_FILE} is not written as `polwarden lock` writes it"));
            }
            console.warn("Run `polwarden lock` and commit the file.");
            return Ok(Exit::Error);
        }
        std::fs::write(path, text).with_context(|| format!("cannot write `{path}`"))?;
        for line in told {
            console.say(&neutral(line));
        }
        console.say(&format!("wrote {LOCK_FILE}"));
        Ok(Exit::Done)
    }
}
